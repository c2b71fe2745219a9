package io.maniple.server.gateway;

/** A call that is none of ours. The message goes to the client. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(String message) {
        super(message, null, false, false);
    }
}
