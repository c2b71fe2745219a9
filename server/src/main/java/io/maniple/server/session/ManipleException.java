package io.maniple.server.session;

import io.maniple.bridge.proto.Status;

/** A failure the client is told about. Its message is for people and names no path of the server. */
public final class ManipleException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Status status;
    private final String source;

    public ManipleException(Status status, String message) {
        this(status, message, "");
    }

    /**
     * @param source the user's "file:line" whose instruction failed; empty if unknown
     */
    public ManipleException(Status status, String message, String source) {
        super(message);
        this.status = status;
        this.source = source;
    }

    public Status status() {
        return status;
    }

    public String source() {
        return source;
    }
}
