package io.maniple.daemon.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.proto.Status;
import io.maniple.daemon.config.TracingSettings;
import io.maniple.daemon.security.User;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;
import io.maniple.server.trace.StepSummary;
import java.net.URI;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestOtlpTracing {
    private static final User ANN = new User("ann", true);
    private static final long BEGIN = 1_800_000_000_000_000_000L;
    private static final StepSummary SUMMARY =
            new StepSummary(StepSummary.Kind.KERNEL, "multiply, add", 2, 1_000, 8_000, 16_000, new int[] {1});

    private static TracingSettings settings(URI endpoint, double sampling) {
        return new TracingSettings(endpoint, sampling, Map.of("X-Key", "secret"), Optional.empty());
    }

    private static SessionObserver.Opened opened(String parent) {
        return new SessionObserver.Opened("0123abcd", ANN, "a client", parent, "");
    }

    private static BatchTrace batch(int steps, String failure) {
        StepTrace step = new StepTrace(SUMMARY, List.of("dir/program.py:12"), 30, 2_000, 5_000, !failure.isEmpty());
        return new BatchTrace(7, 3, BEGIN, 1_500, true, 9_000, Collections.nCopies(steps, step), 0, failure);
    }

    @Test
    void sessionsBatchesPlansAndKernelsNest() throws Exception {
        try (Collector collector = new Collector(false)) {
            try (OtlpTracing tracing = new OtlpTracing(settings(collector.address(), 1))) {
                SessionObserver.Watch watch = tracing.opened(opened(""));
                watch.executed(batch(1, ""));
                watch.failed(Status.OUT_OF_MEMORY, "too large", "");
                watch.closed("its client is done");
            }
            List<Collector.Span> spans = collector.spans();
            assertThat(spans).hasSize(4);
            Collector.Span session = named(spans, "maniple.session");
            Collector.Span batch = named(spans, "maniple.batch");
            Collector.Span plan = named(spans, "maniple.plan");
            Collector.Span kernel = named(spans, "maniple.kernel multiply, add");
            assertThat(session.parent()).isEmpty();
            assertThat(batch.parent()).isEqualTo(session.id());
            assertThat(plan.parent()).isEqualTo(batch.id());
            assertThat(kernel.parent()).isEqualTo(batch.id());
            assertThat(spans).extracting(Collector.Span::trace).containsOnly(session.trace());
            assertThat(batch.begin()).isEqualTo(BEGIN);
            assertThat(batch.end()).isEqualTo(BEGIN + 9_000);
            assertThat(plan.end()).isEqualTo(BEGIN + 1_500);
            assertThat(kernel.begin()).isEqualTo(BEGIN + 2_000);
            assertThat(kernel.end()).isEqualTo(BEGIN + 7_000);
            assertThat(kernel.attributes())
                    .containsEntry("code.file.path", "dir/program.py")
                    .containsEntry("code.line.number", "12")
                    .containsEntry("maniple.kernel.bytes_read", "8000")
                    .containsEntry("maniple.kernel.bytes_written", "16000")
                    .containsEntry("maniple.kernel.waited_ns", "30");
            assertThat(session.attributes())
                    .containsEntry("user.name", "ann")
                    .containsEntry("maniple.session", "0123abcd")
                    .containsEntry("maniple.session.end", "its client is done");
            assertThat(session.resource()).containsEntry("service.name", "maniple");
            assertThat(collector.headers()).allMatch(headers -> "secret".equals(headers.get("X-key")));
        }
    }

    private static Collector.Span named(List<Collector.Span> spans, String name) {
        return spans.stream()
                .filter(span -> span.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aProgramsTraceGoesOn() throws Exception {
        try (Collector collector = new Collector(false)) {
            try (OtlpTracing tracing = new OtlpTracing(settings(collector.address(), 0))) {
                // Nobody else's is sampled here; the first program asks for it, the second one asks not to be.
                tracing.opened(opened("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
                        .closed("done");
                tracing.opened(opened("00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
                        .closed("done");
                tracing.opened(opened("")).closed("done");
            }
            assertThat(collector.spans()).singleElement().satisfies(span -> {
                assertThat(span.trace()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
                assertThat(span.parent()).isEqualTo("b7ad6b7169203331");
            });
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "00-0-0-0",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
            })
    void whatIsNoTraceContextIsLeftOut(String wrong) throws Exception {
        try (Collector collector = new Collector(false)) {
            try (OtlpTracing tracing = new OtlpTracing(settings(collector.address(), 1))) {
                tracing.opened(opened(wrong)).closed("done");
            }
            assertThat(collector.spans())
                    .singleElement()
                    .matches(span -> span.parent().isEmpty());
        }
    }

    @Test
    void failuresAreErrorsAndLargeBatchesAreCut() throws Exception {
        try (Collector collector = new Collector(false)) {
            try (OtlpTracing tracing = new OtlpTracing(settings(collector.address(), 1))) {
                SessionObserver.Watch watch = tracing.opened(opened(""));
                watch.executed(batch(1_000, "OUT_OF_MEMORY"));
                watch.closed("done");
            }
            assertThat(collector.spans()).hasSize(256 + 3);
            Collector.Span batch = named(collector.spans(), "maniple.batch");
            assertThat(batch.status()).as("ERROR").isEqualTo(2);
            assertThat(batch.attributes())
                    .containsEntry("error.type", "OUT_OF_MEMORY")
                    .containsEntry("maniple.batch.steps", "1000")
                    .containsEntry("maniple.batch.steps_left_out", "744");
        }
    }

    /** Refused connections, and a collector that never answers: sessions do not notice, and the end does not wait. */
    @Test
    void aDeadCollectorHoldsNothingUp() throws Exception {
        try (Collector stuck = new Collector(true)) {
            for (URI endpoint : List.of(URI.create("http://127.0.0.1:1/v1/traces"), stuck.address())) {
                OtlpTracing tracing = new OtlpTracing(settings(endpoint, 1));
                SessionObserver.Watch watch = tracing.opened(opened(""));
                long begin = System.nanoTime();
                for (int round = 0; round < 20_000; round++) {
                    watch.executed(batch(2, ""));
                }
                assertThat((System.nanoTime() - begin) / 20_000)
                        .as("nanoseconds a batch")
                        .isLessThan(200_000);
                watch.closed("done");
                begin = System.nanoTime();
                tracing.close();
                assertThat((System.nanoTime() - begin) / 1e9).isLessThan(5);
            }
        }
    }
}
