package io.maniple.cluster.hosting;

/** A cluster cannot host the workers; the message says why and what to do. */
public final class HostingException extends Exception {
    private static final long serialVersionUID = 1L;

    public HostingException(String message) {
        super(message);
    }
}
