package io.maniple.server.engine;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of computing threads that share loops: chunks are taken from a counter, so an unequal thread costs no
 * waiting; which thread takes which chunk must not matter to the result. The calling thread computes too, and waits only
 * for threads that have begun: those still waking up when nothing is left to take are not missed.
 */
public final class Workers implements AutoCloseable {
    /** A part of a loop. */
    @FunctionalInterface
    public interface Body {
        /** Does the items from {@code begin} to before {@code end}; {@code worker} is below {@link #threads()}. */
        void run(int worker, long begin, long end);
    }

    /** The turn of whoever asked for a loop, at the machine that several share. */
    public interface Turn {
        /** Whether others should go first; asked often, by any of the threads. */
        boolean isOver();

        /**
         * Lets them go first; returns when it goes on.
         *
         * @throws CancellationException if that is no longer wanted
         */
        void pass();
    }

    /** Where a loop has many items it is left between two of them when the turn is over, and goes on later. */
    public static final ScopedValue<Turn> TURN = ScopedValue.newInstance();

    /** Whether whoever asked for the loop wants it no more; loops end early then, by CancellationException. */
    public static final ScopedValue<BooleanSupplier> CANCELLED = ScopedValue.newInstance();

    static final BooleanSupplier NEVER = () -> false;

    private static final Turn ALWAYS = new Turn() {
        @Override
        public boolean isOver() {
            return false;
        }

        @Override
        public void pass() {}
    };

    /** Alone, a thread asks that seldom whether it is to stop. */
    private static final long GRAINS_A_TURN = 16;

    /** Spinning this often before sleeping lets loops that follow on each other start at once. */
    private static final int SPINS = 4_000;

    private static final class Loop {
        private final Body body;
        private final long items;
        private final long grain;
        private final AtomicLong next;
        /** Threads that may be at an item. Counted before it is taken: so whoever finds none left sees them all. */
        private final AtomicInteger busy = new AtomicInteger();

        private final BooleanSupplier cancelled;
        private final Turn turn;
        private volatile @Nullable Throwable failure;
        /** Nobody takes any more. Once set it stays: whoever comes late must not go on with it. */
        private volatile boolean left;

        Loop(Body body, long first, long items, long grain, BooleanSupplier cancelled, Turn turn) {
            this.body = body;
            this.next = new AtomicLong(first);
            this.items = items;
            this.grain = grain;
            this.cancelled = cancelled;
            this.turn = turn;
        }

        boolean isLeft() {
            if (!left && turn.isOver()) {
                left = true;
            }
            return left;
        }
    }

    private final Thread[] threads;
    private final ReentrantLock busy = new ReentrantLock();
    private volatile @Nullable Loop current;
    private volatile boolean closed;

    /** @param threads how many compute, the caller included; at least 1 */
    public Workers(int threads) {
        this.threads = new Thread[Math.max(1, threads) - 1];
        for (int index = 0; index < this.threads.length; index++) {
            int worker = index + 1;
            Thread thread = new Thread(() -> work(worker), "maniple-compute-" + worker);
            thread.setDaemon(true);
            this.threads[index] = thread;
            thread.start();
        }
    }

    public int threads() {
        return threads.length + 1;
    }

    /** Runs a loop to its end, others' between if it is long; the first exception of any thread is thrown. */
    public void run(long items, long grain, Body body) {
        run(items, grain, body, TURN.orElse(ALWAYS));
    }

    /** Like {@link #run}, but with nothing of others between: for what changes what they have in common. */
    void runWhole(long items, long grain, Body body) {
        run(items, grain, body, ALWAYS);
    }

    private void run(long items, long grain, Body body, Turn given) {
        if (items <= 0) {
            return;
        }
        BooleanSupplier cancelled = CANCELLED.orElse(NEVER);
        busy.lock();
        // A loop within another one's item is part of that.
        Turn turn = busy.getHoldCount() == 1 ? given : ALWAYS;
        try {
            if (items <= grain) {
                body.run(0, 0, items);
                return;
            }
            if (threads.length == 0) {
                long several = grain * GRAINS_A_TURN;
                for (long begin = 0; begin < items; begin += several) {
                    stopIf(cancelled);
                    if (turn.isOver()) {
                        pass(turn);
                    }
                    body.run(0, begin, Math.min(items, begin + several));
                }
                return;
            }
            long first = 0;
            while (true) {
                first = share(new Loop(body, first, items, grain, cancelled, turn));
                if (first >= items) {
                    return;
                }
                pass(turn);
            }
        } finally {
            busy.unlock();
        }
    }

    /** Called and returns with the lock held. */
    private void pass(Turn turn) {
        busy.unlock();
        try {
            turn.pass();
        } finally {
            busy.lock();
        }
    }

    /** All threads take items until there are none, or the turn is over; the first one that is left. */
    private long share(Loop loop) {
        current = loop;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        take(loop, 0);
        while (loop.busy.get() > 0) {
            Thread.onSpinWait();
        }
        current = null;
        Throwable cause = loop.failure;
        if (cause instanceof RuntimeException exception) {
            throw exception;
        }
        if (cause != null) {
            throw new IllegalStateException("a computing thread failed", cause);
        }
        return loop.next.get();
    }

    private static void take(Loop loop, int worker) {
        loop.busy.incrementAndGet();
        try {
            while (loop.failure == null && !loop.isLeft()) {
                long begin = loop.next.getAndAdd(loop.grain);
                if (begin >= loop.items) {
                    return;
                }
                stopIf(loop.cancelled);
                loop.body.run(worker, begin, Math.min(loop.items, begin + loop.grain));
            }
        } catch (Throwable cause) {
            loop.failure = cause;
        } finally {
            loop.busy.decrementAndGet();
        }
    }

    static void stopIf(BooleanSupplier cancelled) {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException();
        }
    }

    private void work(int worker) {
        Loop done = null;
        while (!closed) {
            Loop loop = current;
            int spins = 0;
            while ((loop == null || loop == done) && !closed) {
                if (++spins > SPINS) {
                    LockSupport.park(this);
                } else {
                    Thread.onSpinWait();
                }
                loop = current;
            }
            if (loop != null && loop != done) {
                take(loop, worker);
                done = loop;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
    }
}
