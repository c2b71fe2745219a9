package io.maniple.server;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.server.gateway.EntryPoint;
import io.maniple.server.gateway.LockedGatewayServer;
import io.maniple.server.gateway.SessionRegistry;
import io.maniple.server.gateway.Token;
import io.maniple.server.json.Json;
import io.maniple.server.logging.Log;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.session.SessionFactory;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The server from its start to its end: told to, idle for long enough, or by a signal. */
final class ServerProcess {
    private static final Log LOG = Log.of(ServerProcess.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long TICK_MILLISECONDS = 1000;
    private static final long WARM_UP_DELAY_MILLISECONDS = 2000;
    /** So that the answer to `stop` gets out. */
    private static final long FAREWELL_MILLISECONDS = 50;

    private final ServerOptions options;
    private final Function<ServerSettings, SessionFactory> factory;
    /** The process's, for want of a cheap way to the virtual machine's. */
    private final long started = ProcessHandle.current()
            .info()
            .startInstant()
            .orElseGet(Instant::now)
            .toEpochMilli();

    private final CountDownLatch stopRequested = new CountDownLatch(1);
    private volatile @Nullable DiscoveryFile discovery;
    private boolean stopped;

    ServerProcess(ServerOptions options, Function<ServerSettings, SessionFactory> factory) {
        this.options = options;
        this.factory = factory;
    }

    int run() throws IOException, InterruptedException {
        Token token = Token.random();
        SegmentSource segments = new SegmentSource(options.sharedMemory());
        SessionFactory sessionFactory = factory.apply(options.settings());
        SessionRegistry sessions = new SessionRegistry(sessionFactory, segments);
        EntryPoint entryPoint =
                new EntryPoint(sessions, Version.current(), () -> status(sessions), stopRequested::countDown);
        LockedGatewayServer gateway = new LockedGatewayServer(token, entryPoint);
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, thrown) -> LOG.error("Uncaught in {}", thread.getName(), thrown));
        // Before anybody can know of the server, and so stop it.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(gateway, sessions), "maniple-shutdown"));
        gateway.start();
        discovery = DiscoveryFile.write(options.discovery(), gateway.getListeningPort(), token, options.log());

        // From here on clients connect; they do not wait for what follows.
        long ready = System.currentTimeMillis();
        LOG.info(
                "Version {} ready on port {} after {} ms, process {}",
                Version.current(),
                gateway.getListeningPort(),
                ready - started,
                ProcessHandle.current().pid());
        Log.start();
        segments.removeAbandonedFiles();
        segments.warmUp();
        Thread.ofPlatform().daemon().name("maniple-warm-up").start(() -> warmUp(sessionFactory));

        long tick = Math.clamp(options.idle().toMillis() / 4, 10, TICK_MILLISECONDS);
        while (!stopRequested.await(tick, TimeUnit.MILLISECONDS)) {
            sessions.closeOrphans();
            if (sessions.drainIfIdle(options.idle())) {
                LOG.info("Idle for {} s", options.idle().toSeconds());
                break;
            }
        }
        Thread.sleep(FAREWELL_MILLISECONDS);
        stop(gateway, sessions);
        return 0;
    }

    /** Whoever started the server is about to use it; warming up must not compete with that. */
    private static void warmUp(SessionFactory factory) {
        try {
            Thread.sleep(WARM_UP_DELAY_MILLISECONDS);
        } catch (InterruptedException e) {
            return;
        }
        factory.warmUp();
    }

    private String status(SessionRegistry sessions) {
        Runtime runtime = Runtime.getRuntime();
        Json json = new Json()
                .field("pid", ProcessHandle.current().pid())
                .field("version", Version.current())
                .field("uptime_seconds", (System.currentTimeMillis() - started) / 1000)
                .field("engine", options.settings().engine())
                .field("threads", options.settings().threads())
                .field("memory_limit", options.settings().memoryBytes())
                .field("heap_bytes", runtime.totalMemory() - runtime.freeMemory())
                .field("log", options.log().toAbsolutePath().toString());
        sessions.status(json);
        return json.toString();
    }

    private synchronized void stop(LockedGatewayServer gateway, SessionRegistry sessions) {
        if (stopped) {
            return;
        }
        stopped = true;
        try {
            if (discovery != null) {
                discovery.remove();
            }
        } catch (IOException e) {
            LOG.warn("The discovery file stays: {}", e.getMessage());
        }
        try {
            sessions.drain(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        gateway.shutdown();
        LOG.info("Stopped");
        Log.start();
    }
}
