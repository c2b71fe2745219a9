package io.maniple.server.failure;

import io.maniple.bridge.proto.Status;

/** A failure with a stable code that the client is told about. Its message is for people and names no path of the server. */
public final class ManipleException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;
    private final String source;

    public ManipleException(Status status, String message) {
        this(status, message, "");
    }

    /** @param source "file:line" of the user's program, or "" */
    public ManipleException(Status status, String message, String source) {
        super(message);
        this.status = status;
        this.source = source;
    }

    public ManipleException(Status status, String message, String source, Throwable cause) {
        super(message, cause);
        this.status = status;
        this.source = source;
    }

    public Status status() {
        return status;
    }

    public String source() {
        return source;
    }

    public ManipleException at(String newSource) {
        return source.isEmpty() && !newSource.isEmpty()
                ? new ManipleException(status, String.valueOf(getMessage()), newSource, this)
                : this;
    }
}
