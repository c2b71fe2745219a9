package io.maniple.bridge.program;

import io.maniple.bridge.proto.Status;

/** A batch that is refused at the door; nothing of it has been executed. */
public final class ProgramException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;
    private final int source;

    public ProgramException(Status status, String message) {
        this(status, message, 0);
    }

    /** @param source as in {@link Instruction#source()} */
    public ProgramException(Status status, String message, int source) {
        super(message);
        this.status = status;
        this.source = source;
    }

    public Status status() {
        return status;
    }

    public int source() {
        return source;
    }
}
