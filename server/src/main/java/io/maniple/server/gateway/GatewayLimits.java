package io.maniple.server.gateway;

/** What a client may send, and how much of it at once. */
final class GatewayLimits {
    /** A token is 64 characters. */
    static final int UNAUTHENTICATED_LINE_BYTES = 256;

    static final int AUTHENTICATION_MILLISECONDS = 10_000;
    static final int CONTROL_MESSAGE_BYTES = 4 << 20;
    /** A control message in base64, and its type character. */
    static final int LINE_BYTES = CONTROL_MESSAGE_BYTES / 3 * 4 + 64;

    static final int ARGUMENTS = 4;
    static final int NAME_CHARACTERS = 128;
    static final int CONNECTIONS = 256;
    static final int SESSIONS = 64;

    private GatewayLimits() {}
}
