package io.maniple.server.gateway;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.HelloReply;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.gateway.Argument.Bytes;
import io.maniple.server.gateway.Argument.Text;
import io.maniple.server.gateway.Argument.Whole;
import io.maniple.server.session.Replies;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** Everything a client can call. Answers are strings: messages in base64 (Py4J's byte arrays are slow), or JSON. */
public final class EntryPoint {
    /** The version of the program format. */
    public static final int FORMAT = 2;

    private final SessionRegistry sessions;
    private final String version;
    private final Supplier<String> status;
    private final Runnable stop;

    /**
     * @param status the server's state as JSON
     * @param stop begins to stop the server, and returns at once
     */
    public EntryPoint(SessionRegistry sessions, String version, Supplier<String> status, Runnable stop) {
        this.sessions = sessions;
        this.version = version;
        this.status = status;
        this.stop = stop;
    }

    String call(Object connection, String method, List<Argument> arguments) throws RefusedException {
        return switch (method) {
            case "hello" -> encode(hello(connection, bytes(arguments, 0, 1)));
            case "submit" -> encode(submit(connection, text(arguments, 0, 2), bytes(arguments, 1, 2)));
            case "reserve" -> encode(reserve(connection, text(arguments, 0, 2), whole(arguments, 1, 2)));
            case "release" ->
                encode(release(connection, text(arguments, 0, 3), whole(arguments, 1, 3), whole(arguments, 2, 3)));
            case "profile" -> encode(profile(text(arguments, 0, 1)));
            case "timeline" -> encode(timeline(text(arguments, 0, 2), whole(arguments, 1, 2)));
            case "explain" -> known(text(arguments, 0, 1)).explain();
            case "interrupt" -> {
                known(text(arguments, 0, 1)).interrupt();
                yield "";
            }
            case "close" -> {
                Optional<OpenSession> session = sessions.find(text(arguments, 0, 1));
                session.ifPresent(open -> sessions.close(open, "its client is done"));
                yield "";
            }
            case "status" -> {
                none(arguments);
                yield status.get();
            }
            case "stop" -> {
                none(arguments);
                stop.run();
                yield "";
            }
            default -> throw new RefusedException("no such method");
        };
    }

    void connectionClosed(Object connection) {
        sessions.connectionClosed(connection);
    }

    private HelloReply hello(Object connection, byte[] message) {
        HelloReply.Builder reply =
                HelloReply.newBuilder().setServerVersion(version).setFormat(FORMAT);
        try {
            HelloRequest request = HelloRequest.parseFrom(message);
            if (!request.getFormatsList().contains(FORMAT)) {
                throw new ManipleException(
                        Status.UNSUPPORTED_VERSION,
                        String.format(
                                Locale.ROOT,
                                "the server speaks format %d, the client %s",
                                FORMAT,
                                request.getFormatsList()));
            }
            OpenSession session = sessions.open(request, connection);
            return reply.setSession(session.id())
                    .setLimits(limits())
                    .addAllOperations(sessions.factory().operations())
                    .build();
        } catch (InvalidProtocolBufferException e) {
            return reply.setStatus(Status.INVALID_PROGRAM)
                    .setMessage("malformed message")
                    .build();
        } catch (ManipleException e) {
            return reply.setStatus(e.status()).setMessage(e.getMessage()).build();
        }
    }

    /** The session's own, as far as a control message can carry. */
    private Limits limits() {
        Limits limits = sessions.factory().limits();
        long bytes = limits.getBatchBytes();
        long most = GatewayLimits.CONTROL_MESSAGE_BYTES;
        return limits.toBuilder()
                .setBatchBytes(bytes == 0 ? most : Math.min(bytes, most))
                .build();
    }

    private Reply submit(Object connection, String id, byte[] message) {
        Optional<OpenSession> session = sessions.find(id);
        if (session.isEmpty()) {
            return unknownSession();
        }
        session.get().heardFrom(connection);
        try {
            return session.get().submit(Batch.parseFrom(message));
        } catch (InvalidProtocolBufferException e) {
            return Replies.failure(Status.INVALID_PROGRAM, "malformed batch");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Replies.failure(Status.SHUTTING_DOWN, "the server is shutting down");
        }
    }

    private Reply reserve(Object connection, String id, long bytes) {
        Optional<OpenSession> session = sessions.find(id);
        session.ifPresent(open -> open.heardFrom(connection));
        return session.map(open -> open.reserve(bytes)).orElseGet(EntryPoint::unknownSession);
    }

    private Reply release(Object connection, String id, long segment, long offset) {
        Optional<OpenSession> session = sessions.find(id);
        session.ifPresent(open -> open.heardFrom(connection));
        return session.map(open -> open.release((int) segment, offset)).orElseGet(EntryPoint::unknownSession);
    }

    private ProfileReply profile(String id) {
        return sessions.find(id)
                .map(OpenSession::profile)
                .orElseGet(() -> ProfileReply.newBuilder()
                        .setStatus(Status.UNKNOWN_SESSION)
                        .setMessage("unknown session")
                        .build());
    }

    private TimelineReply timeline(String id, long after) {
        return sessions.find(id)
                .map(session -> session.timeline(after))
                .orElseGet(() -> TimelineReply.newBuilder()
                        .setStatus(Status.UNKNOWN_SESSION)
                        .setMessage("unknown session")
                        .build());
    }

    private OpenSession known(String id) throws RefusedException {
        return sessions.find(id).orElseThrow(() -> new RefusedException("unknown session"));
    }

    private static Reply unknownSession() {
        return Replies.failure(Status.UNKNOWN_SESSION, "unknown session");
    }

    private static String encode(MessageLite message) {
        return Base64.getEncoder().encodeToString(message.toByteArray());
    }

    private static void none(List<Argument> arguments) throws RefusedException {
        if (!arguments.isEmpty()) {
            throw wrong();
        }
    }

    private static String text(List<Argument> arguments, int position, int count) throws RefusedException {
        return argument(arguments, position, count) instanceof Text(String value) ? value : refuse();
    }

    private static byte[] bytes(List<Argument> arguments, int position, int count) throws RefusedException {
        return argument(arguments, position, count) instanceof Bytes(byte[] value) ? value : refuse();
    }

    private static long whole(List<Argument> arguments, int position, int count) throws RefusedException {
        return argument(arguments, position, count) instanceof Whole(long value) ? value : EntryPoint.<Long>refuse();
    }

    private static Argument argument(List<Argument> arguments, int position, int count) throws RefusedException {
        if (arguments.size() != count) {
            throw wrong();
        }
        return arguments.get(position);
    }

    private static <T> T refuse() throws RefusedException {
        throw wrong();
    }

    private static RefusedException wrong() {
        return new RefusedException("wrong arguments");
    }
}
