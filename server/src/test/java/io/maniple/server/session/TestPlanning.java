package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TestPlanning {
    private static final int INSTRUCTIONS = 1000;

    private final Planning planning = new LocalSessionFactory(new ServerSettings(1L << 30, 2, Optional.empty(), "auto"))
            .planning(SessionOptions.getDefaultInstance());

    /** Long runs of cumulative sums, none of which is fused with another. */
    private static Batch batch() {
        BatchWriter writer = new BatchWriter();
        BatchWriter.View one = writer.fresh(DType.FLOAT64, 100);
        BatchWriter.View other = writer.fresh(DType.FLOAT64, 100);
        for (int k = 0; k < INSTRUCTIONS; k++) {
            writer.add("add.accumulate", "d->d", k % 2 == 0 ? one : other, k % 2 == 0 ? other : one, writer.integer(0));
        }
        return writer.build();
    }

    @Test
    void isGivenUpOnTheWay() {
        Batch batch = batch();
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> planning.plan(batch, handle -> -1, () -> asked.incrementAndGet() == 3))
                .isInstanceOf(ManipleException.class)
                .hasMessage(LocalSession.INTERRUPTED)
                .extracting(failure -> ((ManipleException) failure).status())
                .isEqualTo(Status.CANCELLED);
        assertThat(asked).hasValue(3);
        // Nothing of it is kept.
        Planning.Planned planned = planning.plan(batch, handle -> -1, () -> false);
        assertThat(planned.reused()).isFalse();
        assertThat(planned.plan().plan().steps()).hasSizeGreaterThanOrEqualTo(INSTRUCTIONS);
        assertThat(planning.plan(batch, handle -> -1, () -> true).reused()).isTrue();
    }
}
