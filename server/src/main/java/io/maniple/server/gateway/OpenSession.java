package io.maniple.server.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemoryException;
import io.maniple.bridge.memory.SharedRegion;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Segment;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.json.Json;
import io.maniple.server.session.Replies;
import io.maniple.server.session.Session;
import io.maniple.server.session.SessionWorker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** A session with what the transport keeps of it: its shared memory, its worker, and whose it is. */
final class OpenSession {
    private final String id;
    private final Object control;
    private final long clientPid;
    private final Optional<ProcessHandle> client;
    private final Session session;
    private final SharedMemory memory;
    private final SessionWorker worker;
    private final AtomicBoolean warned = new AtomicBoolean();
    private boolean freed;

    /**
     * @param control the connection whose end is the session's end
     * @param client empty if its process cannot be seen from here (another process namespace)
     */
    OpenSession(
            String id,
            Object control,
            long clientPid,
            Optional<ProcessHandle> client,
            Session session,
            SharedMemory memory) {
        this.id = id;
        this.control = control;
        this.clientPid = clientPid;
        this.client = client;
        this.session = session;
        this.memory = memory;
        this.worker = new SessionWorker(session, "maniple-session-" + clientPid);
    }

    String id() {
        return id;
    }

    /** Connections are told apart by identity: two are never equal. */
    @SuppressWarnings("ReferenceEquality")
    boolean isControlledBy(Object connection) {
        return control == connection;
    }

    boolean clientIsGone() {
        return client.isPresent() && (!client.get().isAlive() || isZombie());
    }

    /** Dead, but its parent has not taken note of it. */
    private boolean isZombie() {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(clientPid), "stat"), ISO_8859_1);
            return stat.startsWith(" Z", stat.lastIndexOf(')') + 1);
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    /** A call on the control connection: its answers so far have arrived. */
    void heardFrom(Object connection) {
        if (isControlledBy(connection)) {
            memory.announcementsReceived();
        }
    }

    Reply submit(Batch batch) throws InterruptedException {
        return withNews(worker.submit(batch));
    }

    Reply reserve(long bytes) {
        try {
            SharedRegion region = memory.reserve(bytes);
            return withNews(
                    Reply.newBuilder().addPlacements(region.placement(0)).build());
        } catch (SharedMemoryException e) {
            return withNews(Replies.failure(Status.SHARED_MEMORY_UNAVAILABLE, e.getMessage()));
        }
    }

    Reply release(int segment, long offset) {
        return withNews(
                memory.cancel(segment, offset)
                        ? Replies.OK
                        : Replies.failure(Status.UNKNOWN_BUFFER, "no such reservation"));
    }

    ProfileReply profile() {
        return session.profile();
    }

    TimelineReply timeline(long after) {
        return session.timeline(after);
    }

    String explain() {
        return session.explain();
    }

    void interrupt() {
        worker.interrupt();
    }

    void status(Json json) {
        json.field("client_pid", clientPid)
                .field("pending_batches", worker.pending())
                .field("shared_bytes", memory.usedBytes())
                .field("cached_bytes", memory.cachedBytes());
    }

    /** Cancels what runs, waits for its end and frees everything. */
    synchronized void close() {
        if (freed) {
            return;
        }
        freed = true;
        worker.close();
        try (memory) {
            session.close();
        }
    }

    private Reply withNews(Reply reply) {
        List<Segment> segments = memory.takeAnnouncements();
        List<Integer> dropped = memory.takeDropped();
        Optional<String> warning = memory.warning().filter(text -> !warned.getAndSet(true));
        if (segments.isEmpty() && dropped.isEmpty() && warning.isEmpty()) {
            return reply;
        }
        return reply.toBuilder()
                .addAllSegments(segments)
                .addAllDroppedSegments(dropped)
                .setWarning(warning.orElse(reply.getWarning()))
                .build();
    }
}
