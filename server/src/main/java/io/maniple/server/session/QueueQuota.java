package io.maniple.server.session;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** How many batches of a user's sessions together may wait for their turn; who has more to send waits. Any thread. */
public final class QueueQuota {
    /** Whoever waits looks that often whether it is still wanted. */
    private static final long LOOK_MILLISECONDS = 50;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private long most;
    private long taken;

    public QueueQuota(long most) {
        this.most = most;
    }

    /** Where there is none. */
    public static QueueQuota unlimited() {
        return new QueueQuota(Long.MAX_VALUE);
    }

    /** Waits for a place; returns without one where it is no longer wanted. */
    boolean enter(BooleanSupplier unwanted) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (taken >= most) {
                if (unwanted.getAsBoolean()) {
                    return false;
                }
                boolean ignored = changed.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
            }
            taken++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    void leave() {
        lock.lock();
        try {
            taken--;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** From now on so many; those that wait already stay. */
    public void limit(long batches) {
        lock.lock();
        try {
            most = batches;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
