package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TestWorkers {
    /** Over again and again; what is run between uses the same threads. */
    private static final class Restless implements Workers.Turn {
        private final Workers workers;
        private final int every;
        private final AtomicInteger asked = new AtomicInteger();
        private int passes;
        private long between;

        Restless(Workers workers, int every) {
            this.workers = workers;
            this.every = every;
        }

        @Override
        public boolean isOver() {
            return asked.incrementAndGet() % every == 0;
        }

        @Override
        public void pass() {
            passes++;
            long[] sums = new long[64];
            ScopedValue.where(Workers.TURN, new Workers.Turn() {
                        @Override
                        public boolean isOver() {
                            return false;
                        }

                        @Override
                        public void pass() {}
                    })
                    .run(() -> workers.run(64, 1, (worker, begin, end) -> {
                        for (long item = begin; item < end; item++) {
                            sums[(int) item] = item;
                        }
                    }));
            for (long sum : sums) {
                between += sum;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aLoopThatIsLeftDoesEveryItemOnce(int threads) {
        try (Workers workers = new Workers(threads)) {
            for (int grain : new int[] {1, 3, 7}) {
                for (int every : new int[] {1_000_000, 50, 3, 2}) {
                    Restless turn = new Restless(workers, every);
                    AtomicIntegerArray done = new AtomicIntegerArray(5_000);
                    ScopedValue.where(Workers.TURN, turn)
                            .run(() -> workers.run(done.length(), grain, (worker, begin, end) -> {
                                assertThat(begin % grain).isZero();
                                for (long item = begin; item < end; item++) {
                                    done.incrementAndGet((int) item);
                                }
                            }));
                    for (int item = 0; item < done.length(); item++) {
                        assertThat(done.get(item)).isEqualTo(1);
                    }
                    assertThat(turn.between).isEqualTo(2016L * turn.passes);
                    if (every < 10) {
                        assertThat(turn.passes).isPositive();
                    }
                }
            }
        }
    }

    @Test
    void aLoopThatMustBeWholeIsNotLeft() {
        try (Workers workers = new Workers(2)) {
            Restless turn = new Restless(workers, 2);
            AtomicInteger done = new AtomicInteger();
            ScopedValue.where(Workers.TURN, turn)
                    .run(() -> workers.runWhole(1_000, 1, (worker, begin, end) -> done.incrementAndGet()));
            assertThat(done).hasValue(1_000);
            assertThat(turn.passes).isZero();
        }
    }

    @Test
    void whoIsNotWantedAfterwardsStops() {
        try (Workers workers = new Workers(2)) {
            Workers.Turn turn = new Workers.Turn() {
                @Override
                public boolean isOver() {
                    return true;
                }

                @Override
                public void pass() {
                    throw new CancellationException();
                }
            };
            assertThatThrownBy(() -> ScopedValue.where(Workers.TURN, turn)
                            .run(() -> workers.run(1_000, 1, (worker, begin, end) -> {})))
                    .isInstanceOf(CancellationException.class);
            AtomicInteger done = new AtomicInteger();
            workers.run(100, 1, (worker, begin, end) -> done.incrementAndGet());
            assertThat(done).hasValue(100);
        }
    }
}
