package io.maniple.daemon.http;

import io.maniple.daemon.session.RemoteSession;
import io.maniple.daemon.session.RemoteSessions;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** What Prometheus collects. */
final class Metrics {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    Metrics(RemoteSessions sessions) {
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
        FunctionCounter.builder("maniple.sessions.opened", sessions, RemoteSessions::openedTotal)
                .description("Sessions opened since the start")
                .register(registry);
        FunctionCounter.builder("maniple.sessions.refused", sessions, RemoteSessions::refusedTotal)
                .description("Sessions refused for want of room since the start")
                .register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        @SuppressWarnings("resource") // for as long as the process
        JvmGcMetrics collections = new JvmGcMetrics();
        collections.bindTo(registry);
    }

    String text() {
        return registry.scrape();
    }
}
