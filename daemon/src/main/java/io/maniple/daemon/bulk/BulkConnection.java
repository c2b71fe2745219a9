package io.maniple.daemon.bulk;

import com.google.protobuf.MessageLite;
import io.maniple.bridge.proto.BulkReply;
import io.maniple.bridge.proto.BulkRequest;
import io.maniple.bridge.proto.Codec;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.Transfer;
import io.maniple.daemon.flight.Messages;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.Replies;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The transfers of one client, one after another; a request each, which carries the token. */
final class BulkConnection {
    private static final int MOST_REQUEST_BYTES = 8 << 10;
    /** What is looked at or sent in one piece; buffers of Java's have at most 2 GiB. */
    private static final long PIECE = 256L << 20;

    private static final long LET_IN_NANOSECONDS = 10_000_000_000L;
    private static final long STALLED_NANOSECONDS = 60_000_000_000L;
    private static final long IDLE_NANOSECONDS = 300_000_000_000L;

    private final Line line;
    private final Users users;
    private final RemoteSessions sessions;
    private final boolean compression;
    private final Arena arena;
    private @Nullable Pieces pieces;

    private volatile long since = System.nanoTime();
    private volatile boolean letIn;
    private volatile boolean busy;
    private volatile @Nullable RemoteSession session;

    /**
     * @param compression whether contents may be compressed
     * @param arena lives as long as this
     */
    BulkConnection(Line line, Users users, RemoteSessions sessions, boolean compression, Arena arena) {
        this.line = line;
        this.users = users;
        this.sessions = sessions;
        this.compression = compression;
        this.arena = arena;
    }

    /** Serves until the client goes away or breaks the rules. */
    void serve() throws IOException {
        if (line instanceof TlsLine encrypted) {
            encrypted.handshake();
        }
        while (true) {
            BulkRequest request = Messages.decode(BulkRequest.parser(), request());
            busy = true;
            try {
                carryOut(request);
            } catch (ManipleException refused) {
                send(BulkReply.newBuilder()
                        .setStatus(refused.status())
                        .setMessage(Replies.shortened(refused.getMessage()))
                        .build());
                if (refused.status() == Status.UNAUTHENTICATED) {
                    return;
                }
            } finally {
                busy = false;
                touch();
            }
        }
    }

    /** Nothing moves any more, or its session is closed: it is to be ended. */
    boolean isStale(long now) {
        RemoteSession served = session;
        if (served != null && served.isClosed()) {
            return true;
        }
        long most = !letIn ? LET_IN_NANOSECONDS : busy ? STALLED_NANOSECONDS : IDLE_NANOSECONDS;
        return now - since > most;
    }

    void end() {
        line.close();
    }

    private void touch() {
        since = System.nanoTime();
    }

    private byte[] request() throws IOException {
        int length = ByteBuffer.wrap(exactly(Integer.BYTES)).getInt();
        if (length < 0 || length > MOST_REQUEST_BYTES) {
            throw new IOException("a request of " + Integer.toUnsignedLong(length) + " bytes");
        }
        return exactly(length);
    }

    private byte[] exactly(int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        line.take(bytes);
        while (bytes.hasRemaining()) {
            line.await();
            line.take(bytes);
        }
        return bytes.array();
    }

    private void send(MessageLite message) throws IOException {
        byte[] bytes = message.toByteArray();
        line.send(ByteBuffer.allocate(Integer.BYTES + bytes.length)
                .putInt(bytes.length)
                .put(bytes)
                .flip());
        touch();
    }

    private void carryOut(BulkRequest request) throws IOException {
        User user = users.find(request.getToken())
                .orElseThrow(() -> new ManipleException(Status.UNAUTHENTICATED, "the token is not valid here"));
        letIn = true;
        touch();
        switch (request.getWhatCase()) {
            case UPLOAD -> upload(session(user, request.getUpload()), request.getUpload(), pieces(request.getCodec()));
            case DOWNLOAD ->
                download(session(user, request.getDownload()), request.getDownload(), pieces(request.getCodec()));
            case WHAT_NOT_SET -> throw new ManipleException(Status.INVALID_PROGRAM, "an unknown kind of request");
        }
    }

    /** What packs and unpacks; null: contents travel as they are. */
    private @Nullable Pieces pieces(Codec codec) {
        if (codec == Codec.PLAIN) {
            return null;
        }
        if (!compression || codec == Codec.UNRECOGNIZED) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM,
                    "this daemon takes no contents compressed by " + codec + " (--compression)");
        }
        Pieces known = pieces;
        if (known == null || known.codec() != codec) {
            known = new Pieces(line, codec, arena);
            pieces = known;
        }
        known.begin();
        return known;
    }

    private RemoteSession session(User user, Transfer transfer) {
        RemoteSession found = sessions.find(user, transfer.getSession())
                .orElseThrow(() -> new ManipleException(
                        Status.UNKNOWN_SESSION, "the session is not known (any more): it was closed"));
        session = found;
        return found;
    }

    private void upload(RemoteSession served, Transfer transfer, @Nullable Pieces packed) throws IOException {
        RemoteSession.Incoming upload = served.upload(transfer.getUpload(), transfer.getBytes());
        long done = upload.received();
        send(BulkReply.newBuilder().setOffset(done).build());
        try {
            while (done < transfer.getBytes()) {
                if (packed != null) {
                    packed.receive(transfer.getBytes() - done);
                    done += upload.fill(done, rest -> unpack(packed, rest));
                } else {
                    long before = done;
                    done += upload.fill(done, this::take);
                    if (done == before) {
                        line.await();
                    }
                }
                touch();
            }
        } catch (ManipleException givenUp) {
            // What comes now is content and no request.
            throw new IOException(givenUp.getMessage(), givenUp);
        }
        served.complete(transfer.getUpload());
        send(BulkReply.newBuilder().setOffset(done).setNumber(upload.number()).build());
    }

    private static long unpack(Pieces packed, MemorySegment rest) {
        try {
            return packed.unpack(rest);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long take(MemorySegment rest) {
        ByteBuffer target = rest.asSlice(0, Math.min(PIECE, rest.byteSize())).asByteBuffer();
        try {
            line.take(target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return target.position();
    }

    private void download(RemoteSession served, Transfer transfer, @Nullable Pieces packed) throws IOException {
        try {
            served.read(transfer.getHandle(), content -> send(content, transfer.getOffset(), packed));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void send(MemorySegment content, long offset, @Nullable Pieces packed) {
        long bytes = content.byteSize();
        if (offset < 0 || offset > bytes) {
            throw new ManipleException(Status.INVALID_PROGRAM, "byte " + offset + " of a buffer of " + bytes);
        }
        try {
            send(BulkReply.newBuilder().setBytes(bytes - offset).build());
            long piece = 4L << 20;
            for (long done = offset; done < bytes; ) {
                if (packed != null) {
                    done += packed.send(content.asSlice(done));
                } else {
                    long count = Math.min(piece, bytes - done);
                    line.send(content.asSlice(done, count).asByteBuffer());
                    done += count;
                }
                touch();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
