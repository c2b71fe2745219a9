package io.maniple.daemon;

import io.maniple.cluster.Cluster;
import io.maniple.daemon.bulk.BulkServer;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.flight.FlightDaemon;
import io.maniple.daemon.http.HttpEndpoints;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.daemon.tracing.OtlpTracing;
import io.maniple.daemon.watch.Observatory;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.Version;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.json.Json;
import io.maniple.server.session.LocalSessionFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/** The daemon from its start to its end, by a signal. */
final class DaemonProcess {
    private static final Logger LOGGER = LoggerFactory.getLogger(DaemonProcess.class);

    private final DaemonSettings settings;
    private final long started = System.currentTimeMillis();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final CountDownLatch stopped = new CountDownLatch(1);

    DaemonProcess(DaemonSettings settings) {
        this.settings = settings;
    }

    int run() throws IOException, InterruptedException {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        Users users = settings.tokenFile()
                .map(Users::ofToken)
                .orElseGet(() -> Users.ofFile(settings.usersFile().orElseThrow()));
        Optional<TlsContexts> tls = settings.tls().map(TlsContexts::new);
        Cluster cluster = null;
        if (settings.cluster().isPresent()) {
            cluster = ClusterStart.open(settings, settings.cluster().get());
        }
        Observatory observatory = new Observatory();
        Optional<OtlpTracing> tracing = settings.tracing().map(OtlpTracing::new);
        List<SessionObserver> observers = new ArrayList<>(List.of(observatory));
        tracing.ifPresent(observers::add);
        RemoteSessions sessions = new RemoteSessions(
                cluster == null ? new LocalSessionFactory(settings.engine()) : cluster,
                settings,
                SessionObserver.all(observers),
                observatory);
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, thrown) -> LOGGER.error("Uncaught in {}", thread.getName(), thrown));
        Runtime.getRuntime().addShutdownHook(new Thread(this::awaitEnd, "maniple-shutdown"));
        if (cluster != null && !awaitWorkers(cluster)) {
            return 1;
        }
        Optional<BulkServer> bulk = BulkServer.start(settings, settings.listen().port(), tls, users, sessions);
        int bulkPort = bulk.map(BulkServer::port).orElse(0);
        FlightDaemon flight = new FlightDaemon(
                settings, bulkPort, tls, users, sessions, Version.current(), user -> status(sessions, bulkPort, user));
        HttpEndpoints http = null;
        try {
            http = settings.http()
                    .map(address -> new HttpEndpoints(
                            address,
                            settings,
                            tls,
                            users,
                            sessions,
                            observatory,
                            () -> stopping.getCount() > 0,
                            user -> status(sessions, bulkPort, user),
                            started))
                    .orElse(null);
            String url = (tls.isPresent() ? "maniple://" : "maniple+insecure://")
                    + settings.listen().host() + ":" + flight.port();
            // Whoever has started it waits for this line.
            System.out.println("maniple server: ready at " + url);
            System.out.flush();
            LOGGER.atInfo()
                    .addKeyValue("event", "daemon.ready")
                    .log(
                            "Version {} ready at {} after {} ms, process {}",
                            Version.current(),
                            url,
                            System.currentTimeMillis()
                                    - ProcessHandle.current()
                                            .info()
                                            .startInstant()
                                            .map(java.time.Instant::toEpochMilli)
                                            .orElse(started),
                            ProcessHandle.current().pid());
            while (!stopping.await(1, TimeUnit.SECONDS)) {
                sessions.closeAbandoned();
                bulk.ifPresent(BulkServer::closeStale);
                users.refresh();
                sessions.change(users.all());
                tls.ifPresent(TlsContexts::refresh);
            }
        } finally {
            bulk.ifPresent(BulkServer::close);
            stop(flight, http, sessions, cluster, tracing);
        }
        return 0;
    }

    private boolean awaitWorkers(Cluster cluster) throws InterruptedException {
        try {
            cluster.awaitWorkers();
            return true;
        } catch (ManipleException e) {
            System.err.println("maniple server: " + e.getMessage());
            cluster.close();
            stopped.countDown();
            return false;
        }
    }

    private void stop(
            FlightDaemon flight,
            @Nullable HttpEndpoints http,
            RemoteSessions sessions,
            @Nullable Cluster cluster,
            Optional<OtlpTracing> tracing)
            throws InterruptedException {
        try {
            sessions.drain();
            if (http != null) {
                http.close();
            }
            flight.close();
            if (cluster != null) {
                cluster.close();
            }
            tracing.ifPresent(OtlpTracing::close);
            LOGGER.atInfo().addKeyValue("event", "daemon.stopped").log("Stopped");
        } finally {
            stopped.countDown();
        }
    }

    /** The process ends when this returns. */
    private void awaitEnd() {
        stopping.countDown();
        try {
            boolean ignored = stopped.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String status(RemoteSessions sessions, int bulkPort, Optional<User> only) {
        List<RemoteSession> shown = sessions.all().stream()
                .filter(session -> only.isEmpty()
                        || session.user().name().equals(only.get().name()))
                .toList();
        return new Json()
                .field("pid", ProcessHandle.current().pid())
                .field("version", Version.current())
                .field("uptime_seconds", (System.currentTimeMillis() - started) / 1000)
                .field("bulk_port", bulkPort)
                .field("engine", settings.engine().engine())
                .field("threads", settings.engine().threads())
                .field("memory_limit", settings.engine().memoryBytes())
                .field("memory_used", sessions.factory().memoryBytes())
                .field("spilled", sessions.factory().spilledBytes())
                .list(
                        "sessions",
                        shown,
                        (session, json) -> json.field("id", session.shortId())
                                .field("user", session.user().name())
                                .field("client", session.client())
                                .field("connected", session.isAttached() ? "yes" : "no")
                                .field("pending_batches", session.pending())
                                .field("memory_bytes", session.memoryBytes())
                                .field("memory_limit", session.quota())
                                .field("spilled_bytes", session.spilledBytes())
                                .field("calls", session.received())
                                .field("idle_seconds", session.idleNanoseconds() / 1_000_000_000L))
                .toString();
    }
}
