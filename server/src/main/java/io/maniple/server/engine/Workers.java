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

    /** Whether whoever asked for the loop wants it no more; loops end early then, by CancellationException. */
    public static final ScopedValue<BooleanSupplier> CANCELLED = ScopedValue.newInstance();

    private static final BooleanSupplier NEVER = () -> false;

    /** Alone, a thread asks that seldom whether it is to stop. */
    private static final long GRAINS_A_TURN = 16;

    /** Spinning this often before sleeping lets loops that follow on each other start at once. */
    private static final int SPINS = 4_000;

    private static final class Loop {
        private final Body body;
        private final long items;
        private final long grain;
        private final AtomicLong next = new AtomicLong();
        /** Threads that may be at an item. Counted before it is taken: so whoever finds none left sees them all. */
        private final AtomicInteger busy = new AtomicInteger();

        private final BooleanSupplier cancelled;
        private volatile @Nullable Throwable failure;

        Loop(Body body, long items, long grain, BooleanSupplier cancelled) {
            this.body = body;
            this.items = items;
            this.grain = grain;
            this.cancelled = cancelled;
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

    /** Runs a loop to its end; the first exception of any thread is thrown. */
    public void run(long items, long grain, Body body) {
        if (items <= 0) {
            return;
        }
        BooleanSupplier cancelled = CANCELLED.orElse(NEVER);
        busy.lock();
        try {
            if (items <= grain) {
                body.run(0, 0, items);
                return;
            }
            if (threads.length == 0) {
                long turn = grain * GRAINS_A_TURN;
                for (long begin = 0; begin < items; begin += turn) {
                    stopIf(cancelled);
                    body.run(0, begin, Math.min(items, begin + turn));
                }
                return;
            }
            Loop loop = new Loop(body, items, grain, cancelled);
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
        } finally {
            busy.unlock();
        }
    }

    private static void take(Loop loop, int worker) {
        loop.busy.incrementAndGet();
        try {
            while (loop.failure == null) {
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

    private static void stopIf(BooleanSupplier cancelled) {
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
