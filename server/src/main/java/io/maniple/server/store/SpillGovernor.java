package io.maniple.server.store;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches how much of the arrays on disk is in memory, and gives it back in time. */
final class SpillGovernor {
    private static final Logger LOGGER = LoggerFactory.getLogger(SpillGovernor.class);
    private static final long BUSY_NANOSECONDS = 500_000;
    /** Whoever computes looks itself, that seldom. */
    private static final int ASKED_A_LOOK = 4;

    private static final long IDLE_NANOSECONDS = 20_000_000;

    private final Spill spill;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private @Nullable Thread thread;
    private int computing;
    private final AtomicInteger asked = new AtomicInteger();
    /** Mapped pages that are not of arrays on disk; negative: there are no such arrays. */
    private volatile long others = -1;

    private volatile boolean full;

    SpillGovernor(Spill spill) {
        this.spill = spill;
    }

    /** There is something to watch. */
    void begin() {
        lock.lock();
        try {
            if (others < 0) {
                others = PageMap.mapped();
            }
            if (thread == null) {
                thread = Thread.ofPlatform().daemon().name("maniple-spill").start(this::watch);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void busy() {
        lock.lock();
        try {
            computing++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void idle() {
        lock.lock();
        try {
            computing--;
        } finally {
            lock.unlock();
        }
    }

    /** Waits while there is too much in memory. */
    void pause() {
        if (others < 0) {
            return;
        }
        if (!full && (asked.incrementAndGet() % ASKED_A_LOOK != 0 || excess() <= spill.window())) {
            return;
        }
        lock.lock();
        try {
            if (excess() > spill.window()) {
                full = true;
                changed.signalAll();
            }
            while (full) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private long excess() {
        return PageMap.mapped() - others;
    }

    private void full(boolean now) {
        lock.lock();
        try {
            full = now;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void watch() {
        Libc.hurry();
        try {
            while (true) {
                if (awaitWork()) {
                    lookAgain();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whatever goes wrong, nobody waits for ever. */
    private void lookAgain() {
        try {
            look();
        } catch (RuntimeException e) {
            LOGGER.error("Memory could not be given back", e);
            full(false);
        }
    }

    private void look() {
        relieve();
        for (Extent extent : spill.extents()) {
            int chunk = 0;
            while (chunk >= 0) {
                chunk = extent.makeNextSum(chunk);
                relieve();
            }
        }
    }

    private void relieve() {
        long window = spill.window();
        long mapped = PageMap.mapped();
        int tries = 0;
        while (mapped - others > window / 2) {
            if (mapped - others > window) {
                full(true);
            }
            spill.extents().forEach(Extent::drop);
            long after = PageMap.mapped();
            spill.left(Math.max(0, mapped - after));
            others = Math.min(others, after);
            if (++tries > 2 && after - others > window / 2) {
                // Nothing helps: it is not of arrays on disk.
                others = Math.max(0, after - present());
            }
            mapped = after;
        }
        if (full) {
            full(false);
        }
    }

    private long present() {
        return spill.extents().stream()
                .mapToLong(extent -> PageMap.presentBytes(extent.address(), extent.bytes()))
                .sum();
    }

    /** @return whether there is something to look at */
    private boolean awaitWork() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (spill.used() == 0) {
                others = -1;
                full = false;
                changed.signalAll();
                while (spill.used() == 0) {
                    changed.await();
                }
                return false;
            }
            long rest = computing > 0 ? BUSY_NANOSECONDS : IDLE_NANOSECONDS;
            // Whoever begins to compute wakes it up, and whoever waits.
            while (rest > 0 && !full && (computing == 0 || rest <= BUSY_NANOSECONDS)) {
                rest = changed.awaitNanos(rest);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }
}
