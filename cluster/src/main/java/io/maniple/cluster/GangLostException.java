package io.maniple.cluster;

/** A worker of the gang is gone, and with it what the session had there. */
final class GangLostException extends Exception {
    private static final long serialVersionUID = 1L;

    GangLostException(String message) {
        super(message);
    }
}
