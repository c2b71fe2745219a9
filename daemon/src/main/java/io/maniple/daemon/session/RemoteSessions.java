package io.maniple.daemon.session;

import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.Status;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.User;
import io.maniple.daemon.watch.Observatory;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import io.maniple.server.session.DetachedSessionFactory;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.SessionWorker;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The sessions there are. One ends when its client says so, does not come back, or does nothing for long. */
public final class RemoteSessions {
    private static final Logger LOGGER = LoggerFactory.getLogger(RemoteSessions.class);
    private static final int ID_BYTES = 24;
    private static final int RETRY_SECONDS = 5;
    private static final int NAME_CHARACTERS = 64;

    private final DetachedSessionFactory factory;
    private final DaemonSettings settings;
    private final DataFiles files;
    private final SessionObserver observer;
    private final Observatory observatory;
    private final Journals journals;
    /** Held while a session is made again that another daemon had. */
    private final ReentrantLock restoring = new ReentrantLock();

    private final SecureRandom random = new SecureRandom();
    private final AtomicLong openedTotal = new AtomicLong();
    private final AtomicLong refusedTotal = new AtomicLong();

    // Guarded by this.
    private final Map<String, RemoteSession> sessions = new HashMap<>();
    private final Map<String, UserQuotas> quotas = new HashMap<>();
    private boolean draining;

    /**
     * @param observer is told of every session
     * @param observatory of those, too, that are not opened
     */
    public RemoteSessions(
            DetachedSessionFactory factory,
            DaemonSettings settings,
            SessionObserver observer,
            Observatory observatory) {
        this.factory = factory;
        this.settings = settings;
        this.files = new DataFiles(settings.data());
        this.journals = new Journals(settings.journals(), settings.reconnect());
        this.observer = observer;
        this.observatory = observatory;
    }

    public DetachedSessionFactory factory() {
        return factory;
    }

    public long openedTotal() {
        return openedTotal.get();
    }

    public long refusedTotal() {
        return refusedTotal.get();
    }

    /**
     * A new session, or the one that the same user has opened under this name and that has got no call yet: the answer
     * was lost on its way then.
     *
     * @param name the client's own, with which it may ask again; empty: it does not
     * @throws ManipleException what the client is told: there is no room, or it asks for an engine there is not
     */
    public synchronized RemoteSession open(User user, String name, HelloRequest hello) {
        if (draining) {
            throw new ManipleException(Status.SHUTTING_DOWN, "the server is shutting down");
        }
        if (name.length() > NAME_CHARACTERS) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM, "a session's name has at most " + NAME_CHARACTERS + " characters");
        }
        Optional<RemoteSession> asked = sessions.values().stream()
                .filter(session -> !name.isEmpty()
                        && session.name().equals(name)
                        && session.user().name().equals(user.name())
                        && session.received() == 0)
                .findFirst();
        if (asked.isPresent()) {
            return asked.get();
        }
        long open = sessions.values().stream()
                .filter(session -> session.user().name().equals(user.name()))
                .count();
        if (sessions.size() >= settings.sessions()) {
            throw refused(
                    user,
                    "the server has " + sessions.size() + " sessions, as many as it may have: try again in "
                            + RETRY_SECONDS + " s");
        }
        if (user.quotas().sessions().isPresent()
                && open >= user.quotas().sessions().getAsInt()) {
            throw refused(user, "the user " + user.name() + " has " + open + " sessions, as many as allowed");
        }
        byte[] bits = new byte[ID_BYTES];
        random.nextBytes(bits);
        RemoteSession opened = make(user, HexFormat.of().formatHex(bits), name, hello);
        journals.begin(opened, new Journal.Opened(user.name(), name, hello));
        sessions.put(opened.id(), opened);
        openedTotal.incrementAndGet();
        LOGGER.atInfo()
                .addKeyValue("event", "session.opened")
                .addKeyValue("session", opened.shortId())
                .addKeyValue("user", user.name())
                .log("Session {} of {} opened ({})", opened.shortId(), user.name(), opened.client());
        return opened;
    }

    private RemoteSession make(User user, String id, String name, HelloRequest hello) {
        UserQuotas own;
        synchronized (this) {
            own = quotas.computeIfAbsent(user.name(), key -> new UserQuotas(user, settings));
            own.change(user.quotas());
        }
        MemoryQuota memory = own.sessionMemory();
        String client = "version " + shortened(hello.getClientVersion()) + ", process "
                + Integer.toUnsignedLong(hello.getClientPid());
        SessionObserver.Watch watch = observer.opened(new SessionObserver.Opened(
                RemoteSession.shortened(id), user, client, hello.getTraceParent(), hello.getTraceState()));
        DetachedSession session;
        try {
            session = factory.openDetached(hello.getOptions(), memory, watch);
        } catch (IllegalArgumentException e) {
            watch.failed(Status.INVALID_PROGRAM, String.valueOf(e.getMessage()), "");
            watch.closed("not opened");
            throw new ManipleException(Status.INVALID_PROGRAM, String.valueOf(e.getMessage()));
        }
        SessionWorker worker = new SessionWorker(
                session,
                "maniple-session-" + RemoteSession.shortened(id),
                settings.queued(),
                own.queue(),
                () -> RemoteSession.logAs(RemoteSession.shortened(id), user));
        return new RemoteSession(id, name, user, memory, client, session, worker, factory.limits(), files, watch);
    }

    private ManipleException refused(User user, String message) {
        observatory.refused(user.name(), Status.LIMIT_EXCEEDED, message);
        LOGGER.atWarn()
                .addKeyValue("event", "session.refused")
                .addKeyValue("user", user.name())
                .log("A session of {} was refused: {}", user.name(), message);
        refusedTotal.incrementAndGet();
        return new ManipleException(Status.LIMIT_EXCEEDED, message);
    }

    private static String shortened(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40);
    }

    /**
     * A session of this user, perhaps one that a daemon before this one had; those of others are not there for it.
     */
    public Optional<RemoteSession> find(User user, String id) {
        Optional<RemoteSession> known = known(user, id);
        return known.isPresent() ? known : restore(user, id);
    }

    private synchronized Optional<RemoteSession> known(User user, String id) {
        return Optional.ofNullable(sessions.get(id))
                .filter(session -> session.user().name().equals(user.name()));
    }

    private Optional<RemoteSession> restore(User user, String id) {
        restoring.lock();
        try {
            synchronized (this) {
                if (draining || sessions.containsKey(id)) {
                    return known(user, id);
                }
            }
            Optional<Journal.Opened> before =
                    journals.find(id).filter(opened -> opened.user().equals(user.name()));
            if (before.isEmpty()) {
                return Optional.empty();
            }
            RemoteSession session =
                    make(user, id, before.get().name(), before.get().hello());
            try {
                journals.restore(session);
            } catch (IOException e) {
                LOGGER.warn("Session {} cannot be made again: {}", session.shortId(), e.getMessage());
                session.close("it cannot be made again");
                return Optional.empty();
            }
            synchronized (this) {
                sessions.put(id, session);
            }
            return Optional.of(session);
        } finally {
            restoring.unlock();
        }
    }

    public synchronized List<RemoteSession> all() {
        return List.copyOf(sessions.values());
    }

    public void close(RemoteSession session, String reason) {
        synchronized (this) {
            if (sessions.remove(session.id()) == null) {
                return;
            }
        }
        try {
            session.close(reason);
            LOGGER.atInfo()
                    .addKeyValue("event", "session.closed")
                    .addKeyValue("session", session.shortId())
                    .addKeyValue("user", session.user().name())
                    .log("Session {} closed: {}", session.shortId(), reason);
        } catch (RuntimeException e) {
            LOGGER.error("Session {} not closed cleanly", session.shortId(), e);
        }
    }

    /** Closes those whose client has not come back, or has done nothing for long; to be called every second or so. */
    public void closeAbandoned() {
        if (restoring.tryLock()) {
            try {
                journals.sweep(
                        id -> all().stream().anyMatch(session -> session.id().equals(id)));
            } finally {
                restoring.unlock();
            }
        }
        for (RemoteSession session : all()) {
            long idle = session.idleNanoseconds();
            if (!session.isAttached() && idle > settings.reconnect().toNanos()) {
                closeApart(session, "its client did not come back");
            } else if (idle > idle(session.user()).toNanos()) {
                closeApart(session, "idle for " + idle(session.user()).toSeconds() + " s");
            }
        }
    }

    private synchronized Duration idle(User user) {
        UserQuotas own = quotas.get(user.name());
        return own == null ? settings.idle() : own.idle();
    }

    /** Takes up quotas that have changed; to be called every second or so. */
    public synchronized void change(List<User> users) {
        for (User user : users) {
            UserQuotas own = quotas.get(user.name());
            if (own != null) {
                own.change(user.quotas());
                sessions.values().stream()
                        .filter(session -> session.user().name().equals(user.name()))
                        .forEach(session -> session.memoryLimit(own.sessionMemoryBytes()));
            }
        }
    }

    /** Most memory of one session of a user. */
    public long sessionMemoryBytes(User user) {
        return UserQuotas.sessionMemoryBytes(user.quotas(), settings);
    }

    private void closeApart(RemoteSession session, String reason) {
        Thread.ofPlatform().daemon().name("maniple-close").start(() -> close(session, reason));
    }

    /** Opens no session any more and closes those there are. */
    public void drain() throws InterruptedException {
        List<RemoteSession> open;
        synchronized (this) {
            draining = true;
            open = List.copyOf(sessions.values());
        }
        List<Thread> closers = new ArrayList<>();
        for (RemoteSession session : open) {
            closers.add(Thread.ofPlatform()
                    .daemon()
                    .name("maniple-close")
                    .start(() -> close(session, "the server shuts down")));
        }
        for (Thread closer : closers) {
            closer.join(5000);
        }
    }
}
