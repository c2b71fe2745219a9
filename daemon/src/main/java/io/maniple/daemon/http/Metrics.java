package io.maniple.daemon.http;

import io.maniple.cluster.Cluster;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.daemon.watch.MachineBandwidth;
import io.maniple.daemon.watch.Observatory;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Optional;

/** What Prometheus collects. */
final class Metrics {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    Metrics(
            RemoteSessions sessions,
            DaemonSettings settings,
            Optional<TlsContexts> tls,
            Observatory observatory,
            MachineBandwidth bandwidth) {
        limits(settings, tls);
        if (sessions.factory() instanceof Cluster cluster) {
            workers(cluster);
        }
        Gauge.builder("maniple.sessions", sessions, all -> all.all().size())
                .description("Sessions that are open")
                .register(registry);
        Gauge.builder(
                        "maniple.sessions.connected",
                        sessions,
                        all -> all.all().stream()
                                .filter(RemoteSession::isAttached)
                                .count())
                .description("Sessions whose client is connected")
                .register(registry);
        Gauge.builder(
                        "maniple.batches.pending",
                        sessions,
                        all -> all.all().stream()
                                .mapToInt(RemoteSession::pending)
                                .sum())
                .description("Batches that are queued or run")
                .register(registry);
        Gauge.builder("maniple.memory.used", sessions, all -> all.factory().memoryBytes())
                .description("Memory that sessions hold")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("maniple.spilled", sessions, all -> all.factory().spilledBytes())
                .description("Arrays on disk for want of memory")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("maniple.spilled.limit", sessions, all -> all.factory().spillLimit())
                .description("What there is of disk for them; 0: they are refused")
                .baseUnit("bytes")
                .register(registry);
        FunctionCounter.builder("maniple.sessions.opened", sessions, RemoteSessions::openedTotal)
                .description("Sessions opened since the start")
                .register(registry);
        FunctionCounter.builder("maniple.sessions.refused", sessions, RemoteSessions::refusedTotal)
                .description("Sessions refused for want of room since the start")
                .register(registry);
        work(observatory);
        Gauge.builder("maniple.machine.bandwidth", bandwidth, MachineBandwidth::bytesPerSecond)
                .description("What the memory gives while all threads copy, read and written; measured once")
                .baseUnit("bytes_per_second")
                .register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        @SuppressWarnings("resource") // for as long as the process
        JvmGcMetrics collections = new JvmGcMetrics();
        collections.bindTo(registry);
    }

    private void limits(DaemonSettings settings, Optional<TlsContexts> tls) {
        Gauge.builder("maniple.memory.limit", settings, known -> known.engine().memoryBytes())
                .description("Memory that sessions may hold")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("maniple.sessions.limit", settings, DaemonSettings::sessions)
                .description("Sessions that may be open")
                .register(registry);
        tls.ifPresent(contexts -> Gauge.builder(
                        "maniple.certificate.expires",
                        contexts,
                        known -> known.expires().getEpochSecond())
                .description("When the certificate in use ends, since 1970")
                .baseUnit("seconds")
                .register(registry));
    }

    private void workers(Cluster cluster) {
        Gauge.builder("maniple.workers", cluster, Cluster::workers)
                .description("Workers that the cluster should have")
                .register(registry);
        Gauge.builder("maniple.workers.present", cluster, Cluster::present)
                .description("Workers that are there")
                .register(registry);
        FunctionCounter.builder("maniple.workers.lost", cluster, Cluster::lost)
                .description("Workers lost since the start")
                .register(registry);
    }

    private void work(Observatory observatory) {
        FunctionCounter.builder("maniple.batches", observatory, Observatory::batches)
                .description("Batches executed since the start")
                .register(registry);
        FunctionCounter.builder("maniple.plans", observatory, Observatory::plans)
                .description("Plans made since the start; for the other batches one was known")
                .register(registry);
        FunctionCounter.builder("maniple.kernels", observatory, Observatory::kernels)
                .description("Kernels, cascades of kernels and routines run since the start")
                .register(registry);
        FunctionCounter.builder("maniple.kernels.data", observatory, Observatory::bytes)
                .description("Bytes of arrays that they read and wrote")
                .baseUnit("bytes")
                .register(registry);
        FunctionCounter.builder("maniple.kernels.time", observatory, all -> all.nanoseconds() / 1e9)
                .description("How long they ran")
                .baseUnit("seconds")
                .register(registry);
        FunctionCounter.builder(
                        "maniple.errors", observatory, all -> all.errors().total())
                .description("Failures that clients were told of since the start")
                .register(registry);
        FunctionCounter.builder(
                        "maniple.fallbacks", observatory, all -> all.fallbacks().calls())
                .description("Calls on large arrays that clients left to NumPy")
                .register(registry);
        FunctionCounter.builder("maniple.logins.refused", observatory, Observatory::refusedLogins)
                .description("Logins at the dashboard with a wrong token")
                .register(registry);
    }

    String text() {
        return registry.scrape();
    }
}
