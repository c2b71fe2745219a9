package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.server.engine.Workers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TestTurns {
    private final Turns turns = new Turns();

    private final CountDownLatch release = new CountDownLatch(1);

    /** Takes a turn and keeps it until the release. */
    private Thread hold() throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        Thread holding = Thread.ofPlatform()
                .start(() -> turns.seat().run(() -> false, () -> {
                    held.countDown();
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
        held.await();
        return holding;
    }

    private static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void runsOneStepAtATime() throws InterruptedException {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int session = 0; session < 8; session++) {
            Turns.Seat seat = turns.seat();
            threads.add(Thread.ofPlatform().start(() -> {
                for (int step = 0; step < 200; step++) {
                    seat.run(() -> false, () -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        running.decrementAndGet();
                        done.incrementAndGet();
                    });
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(most).hasValue(1);
        assertThat(done).hasValue(1600);
    }

    @Test
    void whoHasHadLeastIsNext() throws InterruptedException {
        Turns.Seat greedy = turns.seat();
        Turns.Seat modest = turns.seat();
        greedy.run(() -> false, () -> pause(50));
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        Thread holding = hold();
        Thread first = Thread.ofPlatform().start(() -> greedy.run(() -> false, () -> order.add("greedy")));
        pause(100);
        Thread second = Thread.ofPlatform().start(() -> modest.run(() -> false, () -> order.add("modest")));
        pause(100);
        release.countDown();
        for (Thread thread : List.of(holding, first, second)) {
            thread.join();
        }
        assertThat(order).containsExactly("modest", "greedy");
    }

    @Test
    void aLongStepIsLeftForAShortOne() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            Turns.Seat large = turns.seat();
            Turns.Seat small = turns.seat();
            CountDownLatch begun = new CountDownLatch(1);
            AtomicBoolean shortDone = new AtomicBoolean();
            AtomicInteger done = new AtomicInteger();
            long[] passed = new long[1];
            Thread longer = Thread.ofPlatform()
                    .start(() -> passed[0] = large.run(() -> false, () -> {
                        workers.run(100_000, 1, (worker, begin, end) -> {
                            begun.countDown();
                            // It would take a minute if the short step had to wait for it.
                            if (done.incrementAndGet() > 1_000 && !shortDone.get()) {
                                pause(1);
                            }
                        });
                    }));
            begun.await();
            small.run(() -> false, () -> {
                workers.run(100, 1, (worker, begin, end) -> {});
                assertThat(done.get()).isLessThan(100_000);
                shortDone.set(true);
            });
            longer.join();
            assertThat(done).hasValue(100_000);
            assertThat(passed[0]).isPositive();
        }
    }

    @Test
    void equalSessionsGetEqualParts() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            AtomicBoolean stop = new AtomicBoolean();
            List<AtomicInteger> done = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int session = 0; session < 4; session++) {
                Turns.Seat seat = turns.seat();
                AtomicInteger items = new AtomicInteger();
                // Steps of different lengths.
                int length = 200 << (2 * session);
                done.add(items);
                threads.add(Thread.ofPlatform().start(() -> {
                    while (!stop.get()) {
                        seat.run(
                                () -> false,
                                () -> workers.run(length, 1, (worker, begin, end) -> {
                                    long until = System.nanoTime() + 20_000;
                                    while (System.nanoTime() < until) {
                                        Thread.onSpinWait();
                                    }
                                    items.incrementAndGet();
                                }));
                    }
                }));
            }
            pause(1500);
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            int most = done.stream().mapToInt(AtomicInteger::get).max().orElseThrow();
            int least = done.stream().mapToInt(AtomicInteger::get).min().orElseThrow();
            assertThat((double) most / least).as(done.toString()).isLessThan(2);
        }
    }

    @Test
    void whoIsCancelledDoesNotWait() throws InterruptedException {
        Turns.Seat waiting = turns.seat();
        Thread holding = hold();
        AtomicBoolean cancelled = new AtomicBoolean();
        Thread.ofPlatform().start(() -> {
            pause(100);
            cancelled.set(true);
        });
        assertThatThrownBy(() -> waiting.run(cancelled::get, () -> {})).isInstanceOf(CancellationException.class);
        release.countDown();
        holding.join();
        AtomicInteger ran = new AtomicInteger();
        waiting.run(() -> false, ran::incrementAndGet);
        assertThat(ran).hasValue(1);
    }

    @Test
    void aFailureGivesTheTurnBack() {
        Turns.Seat seat = turns.seat();
        assertThatThrownBy(() -> seat.run(() -> false, () -> {
                    throw new IllegalStateException("no");
                }))
                .hasMessage("no");
        AtomicInteger ran = new AtomicInteger();
        turns.seat().run(() -> false, ran::incrementAndGet);
        assertThat(ran).hasValue(1);
    }
}
