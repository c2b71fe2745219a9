package io.maniple.server.gateway;

import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import org.jspecify.annotations.Nullable;

/** The transport's own answers. */
final class Replies {
    static final Reply OK = Reply.getDefaultInstance();

    private Replies() {}

    static Reply failure(Status status, @Nullable String message) {
        return failure(status, message, "");
    }

    static Reply failure(Status status, @Nullable String message, String source) {
        return Reply.newBuilder()
                .setStatus(status)
                .setMessage(shortened(message))
                .setSource(shortened(source))
                .build();
    }

    private static String shortened(@Nullable String text) {
        if (text == null) {
            return "";
        }
        int most = GatewayLimits.ERROR_CHARACTERS;
        return text.length() <= most ? text : text.substring(0, most - 1) + "…";
    }
}
