package io.maniple.server.session;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whose step runs next where several sessions compute on the same threads: one step at a time, and of those that wait the
 * session that has used the machine least. One that comes back after a pause has no claim on the time it did not use, so
 * that it cannot keep the others waiting for long (start-time fair queueing: P. Goyal, H. Vin, H. Cheng, "Start-time fair
 * queueing", IEEE/ACM Transactions on Networking 5 (1997)).
 */
public final class Turns {
    /** Whoever waits looks that often whether it is still wanted. */
    private static final long LOOK_MILLISECONDS = 50;

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Seat> waiting = new ArrayList<>();
    private @Nullable Seat running;
    /** What the session that ran last had used when it began. */
    private long floor;

    /** A session's place. */
    public final class Seat {
        private final Condition called = lock.newCondition();
        /** Nanoseconds of the machine that it has had, and those it has lost its claim on. */
        private long used;

        private Seat() {}

        /**
         * Runs a step when it is its turn.
         *
         * @throws CancellationException if it is no longer wanted before its turn comes
         */
        void run(BooleanSupplier cancelled, Runnable step) {
            enter(this, cancelled);
            long begin = System.nanoTime();
            try {
                step.run();
            } finally {
                leave(this, System.nanoTime() - begin);
            }
        }
    }

    public Seat seat() {
        return new Seat();
    }

    private void enter(Seat seat, BooleanSupplier cancelled) {
        lock.lock();
        try {
            seat.used = Math.max(seat.used, floor);
            waiting.add(seat);
            while (running != null || next() != seat) {
                if (cancelled.getAsBoolean()) {
                    waiting.remove(seat);
                    callNext();
                    throw new CancellationException();
                }
                try {
                    boolean ignored = seat.called.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    waiting.remove(seat);
                    callNext();
                    Thread.currentThread().interrupt();
                    throw new CancellationException();
                }
            }
            waiting.remove(seat);
            running = seat;
            floor = seat.used;
        } finally {
            lock.unlock();
        }
    }

    private void leave(Seat seat, long nanoseconds) {
        lock.lock();
        try {
            seat.used += nanoseconds;
            running = null;
            callNext();
        } finally {
            lock.unlock();
        }
    }

    private void callNext() {
        Seat next = running == null ? next() : null;
        if (next != null) {
            next.called.signal();
        }
    }

    private @Nullable Seat next() {
        Seat least = null;
        for (Seat seat : waiting) {
            if (least == null || seat.used < least.used) {
                least = seat;
            }
        }
        return least;
    }
}
