package io.maniple.daemon.flight;

import com.google.protobuf.MessageLite;
import io.maniple.bridge.proto.Answer;
import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.Codec;
import io.maniple.bridge.proto.HelloReply;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.Opened;
import io.maniple.bridge.proto.Opening;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.Transfer;
import io.maniple.bridge.proto.Uploaded;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.gateway.EntryPoint;
import io.maniple.server.session.Replies;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.apache.arrow.flight.Action;
import org.apache.arrow.flight.ActionType;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightRuntimeException;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.NoOpFlightProducer;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.Result;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.UInt1Vector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients call: a stream of calls for each session, contents of buffers, and a few actions. */
final class SessionProducer extends NoOpFlightProducer {
    private static final Logger LOGGER = LoggerFactory.getLogger(SessionProducer.class);
    private static final List<ActionType> ACTIONS = List.of(
            new ActionType("version", "The server's version and program format, as JSON."),
            new ActionType("interrupt", "Cancels what a session computes. Body: Transfer with the session."),
            new ActionType("discard", "Gives up an upload that is not complete. Body: Transfer."),
            new ActionType("uploaded", "How far an upload came. Body: Transfer; result: Uploaded."),
            new ActionType("status", "Sessions and memory, as JSON; all for operators, else the caller's own."),
            new ActionType("close", "Ends a session. Body: Transfer; operators may give the beginning of any id."));

    private static final long MOST_CALL_BYTES = 8L << 20;

    private final BufferAllocator allocator;
    private final RemoteSessions sessions;
    private final Users users;
    private final DaemonSettings settings;
    private final int bulkPort;
    private final String version;
    private final Function<Optional<User>, String> status;
    private final Executor executor;

    /** @param status the state as JSON: everybody's sessions, or one user's */
    SessionProducer(
            BufferAllocator allocator,
            RemoteSessions sessions,
            Users users,
            DaemonSettings settings,
            int bulkPort,
            String version,
            Function<Optional<User>, String> status,
            Executor executor) {
        this.allocator = allocator;
        this.sessions = sessions;
        this.users = users;
        this.settings = settings;
        this.bulkPort = bulkPort;
        this.version = version;
        this.status = status;
        this.executor = executor;
    }

    private User user(CallContext context) {
        return users.named(context.peerIdentity())
                .orElseThrow(() -> CallStatus.UNAUTHENTICATED
                        .withDescription("the token is not valid here any more")
                        .toRuntimeException());
    }

    private RemoteSession session(User user, String id) {
        return sessions.find(user, id)
                .orElseThrow(() -> new ManipleException(
                        Status.UNKNOWN_SESSION, "the session is not known (any more): it was closed"));
    }

    // -- the stream of calls
    // -----------------------------------------------------------------------------------------------

    @Override
    public void doExchange(CallContext context, FlightStream reader, ServerStreamListener writer) {
        User user = user(context);
        RemoteSession session = null;
        // Ends a stream in whose place there is another one, or whose session is closed.
        Runnable end = () -> cancel(reader);
        try {
            Opening opening = Messages.decode(Opening.parser(), next(reader));
            HelloReply.Builder hello =
                    HelloReply.newBuilder().setServerVersion(version).setFormat(EntryPoint.FORMAT);
            Opened.Builder opened = Opened.newBuilder()
                    .setReconnectSeconds((int) settings.reconnect().toSeconds())
                    .setChunkBytes(Bytes.CHUNK)
                    .setBulkPort(bulkPort);
            if (settings.bulk().compression()) {
                opened.addCodecs(Codec.LZ4).addCodecs(Codec.ZSTD);
            }
            try {
                session = opening.getSession().isEmpty() ? open(user, opening) : session(user, opening.getSession());
                hello.setSession(session.id());
                if (opening.getSession().isEmpty()) {
                    hello.setLimits(sessions.factory().limits().toBuilder().setSessionMemoryBytes(session.quota()))
                            .addAllOperations(sessions.factory().operations());
                }
                opened.setReceived(session.received());
            } catch (ManipleException refused) {
                hello.setStatus(refused.status()).setMessage(refused.getMessage());
            }
            if (session != null) {
                session.attach(end);
            }
            send(writer, opened.setHello(hello).build());
            while (session != null && reader.next()) {
                Answer answer = session.answer(Messages.decode(Call.parser(), metadata(reader)));
                send(writer, answer);
                if (session.ended()) {
                    break;
                }
            }
            writer.completed();
        } catch (ManipleException e) {
            writer.error(Failures.status(e));
        } catch (FlightRuntimeException e) {
            // The client has gone; it may come back.
            LOGGER.debug("A stream ended: {}", e.getMessage());
        } catch (RuntimeException | Error e) {
            if (writer.isCancelled()) {
                // Arrow closes a cancelled stream under its reader, which then finds buffers that are gone.
                LOGGER.debug("A stream was cancelled: {}", e.getMessage());
                return;
            }
            // An error that nobody answers with would leave the client waiting for ever.
            LOGGER.error("A stream failed", e);
            writer.error(CallStatus.INTERNAL.withDescription("internal error").toRuntimeException());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            writer.error(CallStatus.UNAVAILABLE
                    .withDescription("the server is shutting down")
                    .toRuntimeException());
        } finally {
            if (session != null) {
                session.detach(end);
                if (session.ended()) {
                    sessions.close(session, "its client is done");
                }
            }
        }
    }

    private static void cancel(FlightStream reader) {
        try {
            reader.cancel("the session goes on elsewhere, or is closed", null);
        } catch (RuntimeException e) {
            // It has ended by itself meanwhile.
            LOGGER.debug("A stream could not be cancelled: {}", e.getMessage());
        }
    }

    private RemoteSession open(User user, Opening opening) {
        HelloRequest hello = opening.getHello();
        if (!hello.getFormatsList().contains(EntryPoint.FORMAT)) {
            throw new ManipleException(
                    Status.UNSUPPORTED_VERSION,
                    "the server (version " + version + ") speaks format " + EntryPoint.FORMAT + ", the client (version "
                            + hello.getClientVersion() + ") " + hello.getFormatsList());
        }
        return sessions.open(user, opening.getName(), hello);
    }

    private static ArrowBuf next(FlightStream reader) {
        if (!reader.next()) {
            throw new ManipleException(Status.INVALID_PROGRAM, "a stream begins by opening a session");
        }
        return metadata(reader);
    }

    private static ArrowBuf metadata(FlightStream reader) {
        ArrowBuf metadata = reader.getLatestMetadata();
        if (metadata == null) {
            throw new ManipleException(Status.INVALID_PROGRAM, "a message without metadata");
        }
        // What is a little too long is decoded, and answered with what is allowed.
        if (metadata.readableBytes() > MOST_CALL_BYTES) {
            throw new ManipleException(
                    Status.LIMIT_EXCEEDED,
                    "a call of " + metadata.readableBytes() + " bytes; at most " + MOST_CALL_BYTES + " are allowed");
        }
        return metadata;
    }

    private void send(ServerStreamListener writer, MessageLite message) {
        writer.putMetadata(Messages.encode(allocator, message));
    }

    // -- contents
    // ----------------------------------------------------------------------------------------------------------

    @Override
    public Runnable acceptPut(CallContext context, FlightStream reader, StreamListener<PutResult> results) {
        User user = user(context);
        return () -> {
            Uploaded.Builder reply = Uploaded.newBuilder();
            try {
                Transfer transfer = Messages.decode(
                        Transfer.parser(), reader.getDescriptor().getCommand());
                RemoteSession session = session(user, transfer.getSession());
                RemoteSession.Incoming upload = session.upload(transfer.getUpload(), transfer.getBytes());
                long offset = transfer.getOffset();
                while (reader.next()) {
                    offset += take(upload, offset, reader);
                }
                reply.setReceived(upload.received()).setNumber(upload.number());
                if (upload.received() == transfer.getBytes()) {
                    session.complete(transfer.getUpload());
                }
            } catch (ManipleException e) {
                reply.setStatus(e.status()).setMessage(Replies.shortened(e.getMessage()));
            } catch (IllegalArgumentException | IllegalStateException | UnsupportedOperationException e) {
                // Arrow does not take it: compressed buffers, or none that fit together.
                LOGGER.debug("A record batch was refused", e);
                reply.setStatus(Status.INVALID_PROGRAM).setMessage("contents are one column of bytes, not compressed");
            }
            try (ArrowBuf metadata = Messages.encode(allocator, reply.build())) {
                results.onNext(PutResult.metadata(metadata));
            }
            results.onCompleted();
        };
    }

    private static long take(RemoteSession.Incoming upload, long offset, FlightStream reader) {
        if (!reader.hasRoot()) {
            return 0;
        }
        List<FieldVector> vectors = reader.getRoot().getFieldVectors();
        if (vectors.size() != 1 || !(vectors.getFirst() instanceof UInt1Vector vector)) {
            throw new ManipleException(Status.INVALID_PROGRAM, "contents are one column of bytes");
        }
        int rows = reader.getRoot().getRowCount();
        ArrowBuf data = vector.getDataBuffer();
        if (rows > data.capacity()) {
            throw new ManipleException(Status.INVALID_PROGRAM, "a record batch is shorter than it says");
        }
        upload.take(offset, MemorySegment.ofAddress(data.memoryAddress()).reinterpret(rows));
        return rows;
    }

    @Override
    public void getStream(CallContext context, Ticket ticket, ServerStreamListener listener) {
        User user = user(context);
        Download download = new Download(allocator, listener);
        // This thread belongs to the network: waiting here would keep the client's own messages from arriving.
        executor.execute(() -> {
            try {
                Transfer transfer = Messages.decode(Transfer.parser(), ticket.getBytes());
                download.run(session(user, transfer.getSession()), transfer, Bytes.CHUNK);
            } catch (ManipleException e) {
                listener.error(Failures.status(e));
            } catch (RuntimeException e) {
                LOGGER.error("A download failed", e);
                listener.error(
                        CallStatus.INTERNAL.withDescription("internal error").toRuntimeException());
            }
        });
    }

    // -- actions
    // -----------------------------------------------------------------------------------------------------------

    @Override
    public void listActions(CallContext context, StreamListener<ActionType> listener) {
        user(context);
        ACTIONS.forEach(listener::onNext);
        listener.onCompleted();
    }

    @Override
    public void doAction(CallContext context, Action action, StreamListener<Result> listener) {
        User user = user(context);
        try {
            listener.onNext(new Result(act(user, action)));
            listener.onCompleted();
        } catch (ManipleException e) {
            listener.onError(Failures.status(e));
        }
    }

    private byte[] act(User user, Action action) {
        switch (action.getType()) {
            case "version" -> {
                return ("{\"version\":\"" + version + "\",\"format\":" + EntryPoint.FORMAT + "}")
                        .getBytes(StandardCharsets.UTF_8);
            }
            case "status" -> {
                return status.apply(user.operator() ? Optional.empty() : Optional.of(user))
                        .getBytes(StandardCharsets.UTF_8);
            }
            case "interrupt" -> {
                session(user, transfer(action).getSession()).interrupt();
                return new byte[0];
            }
            case "discard" -> {
                Transfer transfer = transfer(action);
                session(user, transfer.getSession()).discard(transfer.getUpload());
                return new byte[0];
            }
            case "uploaded" -> {
                Transfer transfer = transfer(action);
                long received = session(user, transfer.getSession()).uploaded(transfer.getUpload());
                return Uploaded.newBuilder().setReceived(received).build().toByteArray();
            }
            case "close" -> {
                String id = transfer(action).getSession();
                RemoteSession session = user.operator() && id.length() >= 8
                        ? sessions.all().stream()
                                .filter(one -> one.id().startsWith(id))
                                .findFirst()
                                .orElseThrow(() -> new ManipleException(Status.UNKNOWN_SESSION, "no such session"))
                        : session(user, id);
                sessions.close(session, "closed by " + user.name());
                return new byte[0];
            }
            default -> throw new ManipleException(Status.INVALID_PROGRAM, "there is no such action");
        }
    }

    private static Transfer transfer(Action action) {
        return Messages.decode(Transfer.parser(), action.getBody());
    }
}
