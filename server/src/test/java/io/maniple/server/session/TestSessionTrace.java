package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;
import io.maniple.server.trace.StepSummary;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestSessionTrace {
    private static final DType F64 = DType.FLOAT64;
    private static final String LINE = "program.py:7";

    private final List<BatchTrace> told = new ArrayList<>();
    private final LocalSessionFactory factory =
            new LocalSessionFactory(new ServerSettings(1L << 28, 2, Optional.empty(), "auto"));

    private DetachedSession open() {
        return factory.openDetached(SessionOptions.getDefaultInstance(), MemoryQuota.ofSession(1L << 27), told::add);
    }

    private static Batch at(String line, Batch batch) {
        return batch.toBuilder()
                .addSources(line)
                .clearSource()
                .addAllSource(Collections.nCopies(batch.getOperationCount(), 1))
                .build();
    }

    /** out = x * x + 1 with a temporary, and its sum. */
    private static Batch chain(int count) {
        BatchWriter writer = new BatchWriter();
        BatchWriter.View x = writer.view(writer.doubles(new double[count]), F64, count);
        BatchWriter.View square = writer.fresh(F64, count);
        BatchWriter.View out = writer.fresh(F64, count);
        BatchWriter.View sum = writer.fresh(F64, 1);
        writer.add("multiply", "dd->d", square, x, x);
        writer.add("add", "dd->d", out, square, writer.scalar(1));
        writer.add("add.reduce", "d->d", sum, out);
        writer.free(square.handle());
        writer.observe(sum, 8);
        return writer.build();
    }

    @Test
    void aFusedKernelIsToldWithItsLineAndWhatItMoves() {
        try (DetachedSession session = open()) {
            session.execute(at(LINE, chain(1_000)));
            session.execute(at("program.py:9", chain(1_000)));
            assertThat(told).hasSize(2);
            BatchTrace first = told.getFirst();
            assertThat(first.planned()).isTrue();
            assertThat(told.getLast().planned())
                    .as("a plan of the same structure is known")
                    .isFalse();
            assertThat(first.failure()).isEmpty();
            assertThat(first.instructions()).isEqualTo(4);
            StepTrace step = first.steps().getFirst();
            assertThat(step.sources()).containsExactly(LINE);
            assertThat(told.getLast().steps().getFirst().sources()).containsExactly("program.py:9");
            assertThat(step.summary().kind()).isEqualTo(StepSummary.Kind.KERNEL);
            assertThat(step.summary().name()).isEqualTo("multiply, add, add.reduce");
            assertThat(step.summary().readBytes()).isEqualTo(8_000);
            assertThat(step.summary().writtenBytes()).as("the temporary is not").isEqualTo(8_008);
            assertThat(step.begin()).isBetween(first.planNanoseconds(), first.nanoseconds());
            assertThat(step.begin() + step.nanoseconds()).isLessThanOrEqualTo(first.nanoseconds());
        }
    }

    @Test
    void buffersSayWhatTheyHold() {
        try (DetachedSession session = open()) {
            session.execute(at(LINE, chain(1_000)));
            assertThat(session.largestBuffers(2))
                    .extracting(DetachedSession.BufferInfo::bytes, DetachedSession.BufferInfo::content)
                    .containsExactly(
                            org.assertj.core.groups.Tuple.tuple(8_000L, "float64 (1000,)"),
                            org.assertj.core.groups.Tuple.tuple(8_000L, "float64 (1000,)"));
            assertThat(session.largestBuffers(10))
                    .hasSize(3)
                    .allMatch(buffer -> buffer.source().equals(LINE));
        }
    }

    @Test
    void refusedBatchesAreTold() {
        try (DetachedSession session = open()) {
            Batch wrong = chain(10).toBuilder().setFormat(1).build();
            assertThatThrownBy(() -> session.execute(wrong)).isInstanceOf(ManipleException.class);
            BatchWriter writer = new BatchWriter();
            writer.view(writer.buffer(1L << 29), F64, 1L << 26);
            BatchWriter.View large = writer.fresh(F64, 1L << 26);
            writer.add("copyto", "d->d", large, writer.scalar(1));
            writer.observe(large, 8);
            session.execute(writer.build());
            assertThat(told)
                    .extracting(BatchTrace::failure)
                    .containsExactly(Status.UNSUPPORTED_VERSION.name(), Status.OUT_OF_MEMORY.name());
            assertThat(told.getLast().steps()).singleElement().matches(StepTrace::failed);
        }
    }

    @Test
    void theTimelineIsReadInParts() {
        try (DetachedSession session = open()) {
            session.execute(at(LINE, chain(100)));
            TimelineReply first = session.timeline(0);
            assertThat(first.getEvents()).contains(LINE).contains("\"cat\": \"kernel\"");
            assertThat(first.getLast()).isEqualTo(1);
            assertThat(first.getNow()).isGreaterThan(first.getOrigin());
            session.execute(at("other.py:3", chain(100)));
            TimelineReply second = session.timeline(first.getLast());
            assertThat(second.getEvents()).contains("other.py:3").doesNotContain(LINE);
            assertThat(second.getMore()).isFalse();
            assertThat(session.timelineFile()).contains(LINE).contains("other.py:3");
        }
    }

    @Test
    void theMemorysBandwidthIsMeasured() {
        assertThat(factory.measureBandwidth()).isBetween(1e8, 1e13);
    }
}
