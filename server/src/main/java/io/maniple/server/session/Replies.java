package io.maniple.server.session;

import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import org.jspecify.annotations.Nullable;

/** The transports' own answers. */
public final class Replies {
    /** An error's text is for people; nobody reads more. */
    private static final int ERROR_CHARACTERS = 4096;

    public static final Reply OK = Reply.getDefaultInstance();

    private Replies() {}

    public static Reply failure(Status status, @Nullable String message) {
        return failure(status, message, "");
    }

    public static Reply failure(Status status, @Nullable String message, String source) {
        return Reply.newBuilder()
                .setStatus(status)
                .setMessage(shortened(message))
                .setSource(shortened(source))
                .build();
    }

    /** What is told of a failure: not more than anybody reads. */
    public static String shortened(@Nullable String text) {
        if (text == null) {
            return "";
        }
        int most = ERROR_CHARACTERS;
        return text.length() <= most ? text : text.substring(0, most - 1) + "…";
    }
}
