package io.maniple.server.session;

import io.maniple.server.engine.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whose step runs next where several sessions compute on the same threads: one at a time, and of those that wait the
 * session that has used the machine least. A long step is left between two of its blocks when somebody waits who has had
 * less, and goes on later. One that comes back after a pause has a claim on little of the time it did not use, so that it
 * cannot keep the others waiting for long (start-time fair queueing: P. Goyal, H. Vin, H. Cheng, "Start-time fair queueing",
 * IEEE/ACM Transactions on Networking 5 (1997)).
 */
public final class Turns {
    /** Whoever waits looks that often whether it is still wanted. */
    private static final long LOOK_MILLISECONDS = 50;
    /** So much more than somebody who waits a session may have had before its step is left: changes cost time, too. */
    private static final long AHEAD_NANOSECONDS = 2_000_000;

    /**
     * So much of the time that it did not use a session has a claim on when it comes back: without any, one of short
     * steps would lose its part in the moments between them.
     */
    private static final long CLAIM_NANOSECONDS = 10_000_000;

    private static final long NOBODY = Long.MAX_VALUE;

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Seat> waiting = new ArrayList<>();
    private @Nullable Seat running;
    /** What the session that ran last had used when it began. */
    private long floor;
    /** What that one of those who wait has used that has used least. Written with the lock held. */
    private volatile long least = NOBODY;

    /** A session's place. */
    public final class Seat implements Workers.Turn {
        private final Condition called = lock.newCondition();
        /** Nanoseconds of the machine that it has had, and those it has lost its claim on. */
        private long used;

        private long begin;
        /** When it would have begun, had it had the machine all the time that it has used. */
        private volatile long origin;
        /** Of the session's own thread. */
        private boolean running;

        private long passed;
        private BooleanSupplier cancelled = () -> false;

        private Seat() {}

        /**
         * Runs a step when it is its turn.
         *
         * @return nanoseconds for which it let others go first, after it had begun
         * @throws CancellationException if it is no longer wanted before its turn comes
         */
        long run(BooleanSupplier unwanted, Runnable step) {
            cancelled = unwanted;
            passed = 0;
            enter();
            try {
                ScopedValue.where(Workers.TURN, this).run(step);
            } finally {
                if (running) {
                    leave();
                }
            }
            return passed;
        }

        private void enter() {
            Turns.this.enter(this, cancelled);
            begin = System.nanoTime();
            // Its own while it is not waiting.
            origin = begin - used;
            running = true;
        }

        private void leave() {
            running = false;
            Turns.this.leave(this, System.nanoTime() - begin);
        }

        @Override
        public boolean isOver() {
            long others = least;
            return others != NOBODY && System.nanoTime() - origin - others > AHEAD_NANOSECONDS;
        }

        @Override
        public void pass() {
            long left = System.nanoTime();
            leave();
            enter();
            passed += System.nanoTime() - left;
        }
    }

    public Seat seat() {
        return new Seat();
    }

    private void enter(Seat seat, BooleanSupplier cancelled) {
        lock.lock();
        try {
            seat.used = Math.max(seat.used, floor - CLAIM_NANOSECONDS);
            waiting.add(seat);
            noteLeast();
            while (running != null || next() != seat) {
                if (cancelled.getAsBoolean()) {
                    remove(seat);
                    callNext();
                    throw new CancellationException();
                }
                try {
                    boolean ignored = seat.called.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    remove(seat);
                    callNext();
                    Thread.currentThread().interrupt();
                    throw new CancellationException();
                }
            }
            remove(seat);
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

    private void remove(Seat seat) {
        waiting.remove(seat);
        noteLeast();
    }

    private void noteLeast() {
        Seat next = next();
        least = next == null ? NOBODY : next.used;
    }

    private void callNext() {
        Seat next = running == null ? next() : null;
        if (next != null) {
            next.called.signal();
        }
    }

    private @Nullable Seat next() {
        Seat found = null;
        for (Seat seat : waiting) {
            if (found == null || seat.used < found.used) {
                found = seat;
            }
        }
        return found;
    }
}
