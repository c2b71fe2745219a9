package io.maniple.daemon.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.maniple.bridge.proto.Fallback;
import io.maniple.bridge.proto.Status;
import io.maniple.daemon.security.User;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;
import io.maniple.server.trace.StepSummary;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TestWatching {
    private static final long SECOND = 1_000_000_000L;
    private static final User ANN = new User("ann", true);
    private static final User BOB = new User("bob", false);

    private static SessionObserver.Opened opened(String id, User user) {
        return new SessionObserver.Opened(id, user, "a client", "", "");
    }

    /** A batch of one step that moved so many bytes in so long. */
    private static BatchTrace batch(long begin, long nanoseconds, long bytes) {
        StepSummary summary = new StepSummary(StepSummary.Kind.KERNEL, "add", 1, 1, bytes, 0, new int[0]);
        StepTrace step = new StepTrace(summary, List.of("program.py:1"), 0, 0, nanoseconds, false);
        return new BatchTrace(1, 1, begin, 0, true, nanoseconds, List.of(step), 0, "");
    }

    @Test
    void throughputIsSharedBetweenTheSecondsOfAStep() {
        Throughput throughput = new Throughput();
        long begin = 1_000 * SECOND + SECOND / 2;
        throughput.add(batch(begin, 2 * SECOND, 400));
        Throughput.Series series = throughput.last(5, 1_004 * SECOND);
        assertThat(series.first()).isEqualTo(999);
        assertThat(series.bytes()).containsExactly(new double[] {0, 100, 200, 100, 0}, within(1e-6));
        assertThat(series.busy()).containsExactly(new double[] {0, 0.5, 1, 0.5, 0}, within(1e-9));
    }

    @Test
    void throughputForgetsWhatIsOldAndTakesStepsOfAnyLength() {
        Throughput throughput = new Throughput();
        throughput.add(batch(1_000 * SECOND, SECOND, 100));
        throughput.add(batch(1_000 * SECOND, 100_000 * SECOND, 100_000_000));
        Throughput.Series series = throughput.last(1_000, 101_000 * SECOND);
        assertThat(series.bytes()).hasSize(Throughput.SECONDS - 1);
        assertThat(Arrays.stream(series.bytes()).skip(1)).allMatch(bytes -> Math.abs(bytes - 1_000) < 1e-3);
        assertThat(throughput.last(10, 200_000 * SECOND).bytes()).containsOnly(0);
    }

    @Test
    void usersAreToldApart() {
        Observatory observatory = new Observatory();
        SessionObserver.Watch ann = observatory.opened(opened("aaaaaaaa", ANN));
        SessionObserver.Watch bob = observatory.opened(opened("bbbbbbbb", BOB));
        long now = BatchTrace.now();
        ann.executed(batch(now - 3 * SECOND, 1_000, 8));
        bob.executed(batch(now - 3 * SECOND, 1_000, 16));
        bob.failed(Status.OUT_OF_MEMORY, "too large", "program.py:3");
        observatory.loginRefused("192.0.2.7");
        assertThat(observatory.batches()).isEqualTo(2);
        assertThat(observatory.bytes()).isEqualTo(24);
        assertThat(Arrays.stream(observatory.throughput("bob").last(5, now).bytes())
                        .sum())
                .isCloseTo(16, within(1e-6));
        assertThat(Arrays.stream(observatory.throughput("nobody").last(5, now).bytes())
                        .sum())
                .isZero();
        assertThat(observatory.work().since(0, 10, work -> work.user().equals("bob")))
                .extracting(RecentWork.Work::session)
                .containsExactly("bbbbbbbb");
        assertThat(observatory.work().since(now, 10, work -> true)).isEmpty();
        assertThat(observatory.errors().last(10, error -> true))
                .extracting(RecentErrors.Entry::status)
                .containsExactly("UNAUTHENTICATED", "OUT_OF_MEMORY");
        assertThat(observatory.errors().last(10, error -> error.user().equals("bob")))
                .hasSize(1);
    }

    @Test
    void nothingThatClientsSendFillsTheMemory() {
        Observatory observatory = new Observatory();
        SessionObserver.Watch watch = observatory.opened(opened("aaaaaaaa", ANN));
        for (int round = 0; round < 10_000; round++) {
            watch.executed(batch(round, 1, 1));
            watch.failed(Status.INTERNAL, "x".repeat(10_000), "y".repeat(10_000));
            watch.fallbacks(List.of(Fallback.newBuilder()
                    .setFunction("f" + round + "x".repeat(1_000))
                    .setSource("z".repeat(10_000))
                    .setCalls(1)
                    .build()));
        }
        assertThat(observatory.work().since(0, Integer.MAX_VALUE, work -> true)).hasSize(4_000);
        assertThat(observatory.errors().last(Integer.MAX_VALUE, error -> true))
                .hasSize(500)
                .allMatch(error ->
                        error.message().length() <= 500 && error.source().length() <= 500);
        assertThat(observatory.fallbacks().rows(Optional.empty(), Integer.MAX_VALUE))
                .hasSize(500)
                .allMatch(row -> row.function().length() <= 100 && row.source().length() <= 300);
        assertThat(observatory.fallbacks().calls()).isEqualTo(10_000);
    }

    @Test
    void fallbacksAddUpByFunctionAndReason() {
        Fallbacks fallbacks = new Fallbacks();
        Fallback gcd = Fallback.newBuilder()
                .setFunction("gcd")
                .setReason("not in the server's table")
                .setSource("program.py:4")
                .setCalls(2)
                .setElements(100)
                .setNanoseconds(50)
                .build();
        fallbacks.add(
                "ann",
                List.of(
                        gcd,
                        gcd.toBuilder().setFunction("lcm").setNanoseconds(900).build()));
        fallbacks.add("bob", List.of(gcd, gcd.toBuilder().setCalls(-5).build()));
        assertThat(fallbacks.rows(Optional.empty(), 10))
                .extracting(Fallbacks.Row::function, Fallbacks.Row::calls, Fallbacks.Row::nanoseconds)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("lcm", 2L, 900L),
                        org.assertj.core.groups.Tuple.tuple("gcd", 4L, 150L));
        assertThat(fallbacks.rows(Optional.of("bob"), 10)).hasSize(1);
        assertThat(fallbacks.rows(Optional.of("eve"), 10)).isEmpty();
    }

    @Test
    void theBandwidthIsMeasuredWhenSomebodyAsks() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        AtomicInteger measurements = new AtomicInteger();
        MachineBandwidth bandwidth = new MachineBandwidth(() -> {
            measurements.incrementAndGet();
            try {
                asked.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return 5e9;
        });
        assertThat(bandwidth.bytesPerSecond()).as("nobody waits for it").isNaN();
        asked.countDown();
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (Double.isNaN(bandwidth.bytesPerSecond()) && System.nanoTime() < end) {
            Thread.sleep(5);
        }
        assertThat(bandwidth.bytesPerSecond()).isEqualTo(5e9);
        assertThat(measurements).hasValue(1);
    }
}
