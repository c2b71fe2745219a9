package io.maniple.server;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.server.gateway.EntryPoint;
import io.maniple.server.gateway.Json;
import io.maniple.server.gateway.LockedGatewayServer;
import io.maniple.server.gateway.SessionRegistry;
import io.maniple.server.gateway.Token;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.session.SessionFactory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server from its start to its end: told to, idle for long enough, or by a signal. */
final class ServerProcess {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long TICK_MILLISECONDS = 1000;
    /** So that the answer to `stop` gets out. */
    private static final long FAREWELL_MILLISECONDS = 50;

    private final Path discoveryPath;
    private final Path log;
    private final Duration idle;
    private final SharedMemorySettings memory;
    private final ServerSettings settings;
    private final Function<ServerSettings, SessionFactory> factory;
    private final CountDownLatch stopRequested = new CountDownLatch(1);
    private boolean stopped;

    ServerProcess(
            Path discoveryPath,
            Path log,
            Duration idle,
            SharedMemorySettings memory,
            ServerSettings settings,
            Function<ServerSettings, SessionFactory> factory) {
        this.discoveryPath = discoveryPath;
        this.log = log;
        this.idle = idle;
        this.memory = memory;
        this.settings = settings;
        this.factory = factory;
    }

    int run() throws IOException, InterruptedException {
        Token token = Token.random();
        SegmentSource segments = new SegmentSource(memory);
        SessionRegistry sessions = new SessionRegistry(factory.apply(settings), segments);
        EntryPoint entryPoint =
                new EntryPoint(sessions, Version.current(), () -> status(sessions), stopRequested::countDown);
        LockedGatewayServer gateway = new LockedGatewayServer(token, entryPoint);
        gateway.start();
        DiscoveryFile discovery = DiscoveryFile.write(discoveryPath, gateway.getListeningPort(), token, log);

        // From here on clients connect; what follows is no part of the time they wait.
        Logger logger = LoggerFactory.getLogger(ServerProcess.class);
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, thrown) -> logger.error("Uncaught in {}", thread.getName(), thrown));
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> stop(discovery, gateway, sessions, logger), "maniple-shutdown"));
        logger.info(
                "Version {} ready on port {} after {} ms, process {}",
                Version.current(),
                gateway.getListeningPort(),
                ManagementFactory.getRuntimeMXBean().getUptime(),
                ProcessHandle.current().pid());
        segments.removeAbandonedFiles();

        long tick = Math.clamp(idle.toMillis() / 4, 10, TICK_MILLISECONDS);
        while (!stopRequested.await(tick, TimeUnit.MILLISECONDS)) {
            sessions.closeOrphans();
            if (sessions.drainIfIdle(idle)) {
                logger.info("Idle for {} s", idle.toSeconds());
                break;
            }
        }
        Thread.sleep(FAREWELL_MILLISECONDS);
        stop(discovery, gateway, sessions, logger);
        return 0;
    }

    private String status(SessionRegistry sessions) {
        Runtime runtime = Runtime.getRuntime();
        Json json = new Json()
                .field("pid", ProcessHandle.current().pid())
                .field("version", Version.current())
                .field("uptime_seconds", ManagementFactory.getRuntimeMXBean().getUptime() / 1000)
                .field("engine", settings.engine())
                .field("threads", settings.threads())
                .field("memory_limit", settings.memoryBytes())
                .field("heap_bytes", runtime.totalMemory() - runtime.freeMemory())
                .field("log", log.toAbsolutePath().toString());
        sessions.status(json);
        return json.toString();
    }

    private synchronized void stop(
            DiscoveryFile discovery, LockedGatewayServer gateway, SessionRegistry sessions, Logger logger) {
        if (stopped) {
            return;
        }
        stopped = true;
        try {
            discovery.remove();
        } catch (IOException e) {
            logger.warn("The discovery file stays: {}", e.getMessage());
        }
        try {
            sessions.drain(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        gateway.shutdown();
        logger.info("Stopped");
    }
}
