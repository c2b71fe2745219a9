package io.maniple.server.gateway;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.json.Json;
import io.maniple.server.logging.Log;
import io.maniple.server.session.Session;
import io.maniple.server.session.SessionFactory;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The sessions there are. One ends when its client says so, disconnects or dies. */
public final class SessionRegistry {
    private static final Log LOG = Log.of(SessionRegistry.class);
    private static final int ID_BYTES = 24;

    private final SessionFactory factory;
    private final SegmentSource segments;
    private final SecureRandom random = new SecureRandom();

    // All guarded by this.
    private final Map<String, OpenSession> sessions = new HashMap<>();
    private int changing;
    private boolean draining;
    private long idleSince = System.nanoTime();

    public SessionRegistry(SessionFactory factory, SegmentSource segments) {
        this.factory = factory;
        this.segments = segments;
    }

    SessionFactory factory() {
        return factory;
    }

    SegmentSource segments() {
        return segments;
    }

    OpenSession open(HelloRequest request, Object control) {
        synchronized (this) {
            if (draining) {
                throw new ManipleException(Status.SHUTTING_DOWN, "the server is shutting down");
            }
            if (sessions.size() + changing >= GatewayLimits.SESSIONS) {
                throw new ManipleException(
                        Status.LIMIT_EXCEEDED,
                        String.format(Locale.ROOT, "the server has %d sessions already", GatewayLimits.SESSIONS));
            }
            changing++;
        }
        OpenSession opened = null;
        try {
            opened = create(request, control);
        } finally {
            synchronized (this) {
                changing--;
                idleSince = System.nanoTime();
                if (opened != null) {
                    sessions.put(opened.id(), opened);
                }
            }
        }
        LOG.info("Session of process {} opened", Integer.toUnsignedLong(request.getClientPid()));
        return opened;
    }

    synchronized Optional<OpenSession> find(String id) {
        return Optional.ofNullable(sessions.get(id));
    }

    /** Closes it if it is still open; returns when everything is freed. */
    void close(OpenSession session, String reason) {
        synchronized (this) {
            if (sessions.remove(session.id()) == null) {
                return;
            }
            changing++;
        }
        try {
            session.close();
            LOG.info("Session closed: {}", reason);
        } catch (RuntimeException e) {
            LOG.error("Session not closed cleanly", e);
        } finally {
            synchronized (this) {
                changing--;
                idleSince = System.nanoTime();
            }
        }
    }

    void connectionClosed(Object connection) {
        for (OpenSession session : snapshot()) {
            if (session.isControlledBy(connection)) {
                close(session, "its client disconnected");
            }
        }
    }

    /** To be called every second or so: a dead client's connection may live on in a child it forked. */
    public void closeOrphans() {
        for (OpenSession session : snapshot()) {
            if (session.clientIsGone()) {
                Thread.ofPlatform().daemon().name("maniple-close").start(() -> close(session, "its client died"));
            }
        }
    }

    /** True, and no session is opened any more, if there has been none for so long. */
    public synchronized boolean drainIfIdle(Duration idle) {
        if (sessions.isEmpty() && changing == 0 && System.nanoTime() - idleSince >= idle.toNanos()) {
            draining = true;
        }
        return draining;
    }

    /** Opens no session any more and closes those there are, waiting at most so long. */
    public void drain(Duration patience) throws InterruptedException {
        synchronized (this) {
            draining = true;
        }
        List<Thread> closers = new ArrayList<>();
        for (OpenSession session : snapshot()) {
            closers.add(Thread.ofPlatform()
                    .daemon()
                    .name("maniple-close")
                    .start(() -> close(session, "the server shuts down")));
        }
        long deadline = System.nanoTime() + patience.toNanos();
        for (Thread closer : closers) {
            closer.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
        }
    }

    /** Adds what there is to say about sessions and their memory. */
    public void status(Json json) {
        json.field("shared_memory_bytes", segments.usedBytes())
                .field("shared_memory_limit", segments.settings().limitBytes())
                .list("sessions", snapshot(), OpenSession::status);
    }

    private synchronized List<OpenSession> snapshot() {
        return List.copyOf(sessions.values());
    }

    private OpenSession create(HelloRequest request, Object control) {
        byte[] id = new byte[ID_BYTES];
        random.nextBytes(id);
        long pid = Integer.toUnsignedLong(request.getClientPid());
        SharedMemory memory = new SharedMemory(segments);
        try {
            Session session = factory.open(request.getOptions(), memory, request.getClientVersion());
            return new OpenSession(HexFormat.of().formatHex(id), control, pid, ProcessHandle.of(pid), session, memory);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }
}
