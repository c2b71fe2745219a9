package io.maniple.daemon.config;

/** What is wrong with the settings, for people. */
public final class SettingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public SettingException(String message) {
        super(message);
    }
}
