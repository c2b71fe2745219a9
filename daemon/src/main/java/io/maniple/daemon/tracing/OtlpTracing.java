package io.maniple.daemon.tracing;

import io.maniple.daemon.config.TracingSettings;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.Version;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends spans of sessions, batches, plans and kernels to a collector (OpenTelemetry, OTLP over HTTP). They wait in a
 * bounded queue for a thread of its own: of what a slow or dead collector does not take, the newest are dropped, and no
 * session waits.
 */
public final class OtlpTracing implements SessionObserver, AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(OtlpTracing.class);
    private static final int QUEUED_SPANS = 8_192;
    private static final int SPANS_A_REQUEST = 512;
    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long FAREWELL_SECONDS = 3;

    private static final AttributeKey<String> SESSION = AttributeKey.stringKey("maniple.session");
    private static final AttributeKey<String> CLIENT = AttributeKey.stringKey("maniple.client");
    private static final AttributeKey<String> USER = AttributeKey.stringKey("user.name");

    /** Made by a thread of its own: the libraries take longer to load than the daemon may take to start. */
    private final CompletableFuture<SdkTracerProvider> provider = new CompletableFuture<>();

    /** Returns at once. */
    public OtlpTracing(TracingSettings settings) {
        Thread.ofPlatform().daemon().name("maniple-tracing").start(() -> {
            try {
                provider.complete(provider(settings));
                LOGGER.info("Spans are sent to {}", settings);
            } catch (IOException | RuntimeException | LinkageError e) {
                LOGGER.error("No spans are sent: {}", e.toString());
                provider.completeExceptionally(e);
            }
        });
    }

    private static SdkTracerProvider provider(TracingSettings settings) throws IOException {
        OtlpHttpSpanExporterBuilder exporter = OtlpHttpSpanExporter.builder()
                .setEndpoint(settings.endpoint().toString())
                .setCompression("gzip")
                .setConnectTimeout(PATIENCE)
                .setTimeout(PATIENCE);
        settings.headers().forEach(exporter::addHeader);
        if (settings.ca().isPresent()) {
            exporter.setTrustedCertificates(Files.readAllBytes(settings.ca().get()));
        }
        Resource resource = Resource.create(Attributes.of(
                AttributeKey.stringKey("service.name"),
                "maniple",
                AttributeKey.stringKey("service.version"),
                Version.current(),
                AttributeKey.longKey("process.pid"),
                ProcessHandle.current().pid()));
        return SdkTracerProvider.builder()
                .setResource(resource)
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(settings.sampling())))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter.build())
                        .setMaxQueueSize(QUEUED_SPANS)
                        .setMaxExportBatchSize(SPANS_A_REQUEST)
                        .setScheduleDelay(EVERY)
                        .setExporterTimeout(PATIENCE)
                        .build())
                .build();
    }

    @Override
    public Watch opened(Opened session) {
        Tracer tracer;
        try {
            tracer = provider.join().get("io.maniple.daemon", Version.current());
        } catch (CompletionException e) {
            // Said when it happened.
            return new SessionObserver.Watches(List.of());
        }
        Context parent = W3CTraceContextPropagator.getInstance().extract(Context.root(), session, new TraceContext());
        Span span = tracer.spanBuilder("maniple.session")
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .setAttribute(SESSION, session.id())
                .setAttribute(USER, session.user().name())
                .setAttribute(CLIENT, session.client())
                .startSpan();
        return span.getSpanContext().isSampled()
                ? new SessionSpans(tracer, span)
                : new SessionObserver.Watches(List.of());
    }

    /** Where the program's trace context is. */
    private static final class TraceContext implements TextMapGetter<Opened> {
        @Override
        public @Nullable String get(@Nullable Opened carrier, String key) {
            return switch (key) {
                case "traceparent" -> carrier == null ? null : carrier.traceParent();
                case "tracestate" -> carrier == null ? null : carrier.traceState();
                default -> null;
            };
        }
    }

    /** Sends what waits, for some seconds at most. */
    @Override
    public void close() {
        try {
            provider.get(FAREWELL_SECONDS, TimeUnit.SECONDS).shutdown().join(FAREWELL_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOGGER.debug("No spans to send: {}", e.toString());
        }
    }
}
