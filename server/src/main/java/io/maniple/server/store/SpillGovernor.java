package io.maniple.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches how much of the arrays on disk is in memory, and gives it back in time. */
final class SpillGovernor {
    private static final Logger LOGGER = LoggerFactory.getLogger(SpillGovernor.class);
    private static final long BUSY_NANOSECONDS = 500_000;
    private static final long IDLE_NANOSECONDS = 20_000_000;

    private final Spill spill;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private @Nullable Thread thread;
    private int computing;
    /** Mapped pages that are not of arrays on disk. */
    private long others = -1;

    private volatile boolean full;

    SpillGovernor(Spill spill) {
        this.spill = spill;
    }

    /** There is something to watch. */
    void begin() {
        lock.lock();
        try {
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

    void pause() {
        if (!full) {
            return;
        }
        lock.lock();
        try {
            while (full) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
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
        ByteBuffer buffer = ByteBuffer.allocateDirect(256);
        try (FileChannel statm = FileChannel.open(Path.of("/proc/self/statm"), StandardOpenOption.READ)) {
            while (true) {
                look(statm, buffer);
                sleep();
            }
        } catch (IOException e) {
            LOGGER.error("Memory cannot be watched", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            full(false);
        }
    }

    private void look(FileChannel statm, ByteBuffer buffer) throws IOException {
        long mapped = PageMap.mapped(statm, buffer);
        if (others < 0) {
            others = mapped;
        }
        long window = spill.window();
        while (mapped - others > window / 2) {
            if (mapped - others > window) {
                full(true);
            }
            long dropped = 0;
            try {
                for (Extent extent : spill.extents()) {
                    dropped += extent.drop();
                    if (!full && PageMap.mapped(statm, buffer) - others > window) {
                        full(true);
                    }
                }
            } catch (RuntimeException e) {
                LOGGER.error("Memory could not be given back", e);
            }
            long after = PageMap.mapped(statm, buffer);
            // What is still there has come meanwhile, or belongs to others: these are known when nothing was dropped.
            others = dropped == 0 ? after : Math.clamp(mapped - dropped, 0, after);
            mapped = after;
            if (mapped - others <= window) {
                full(false);
            }
        }
        full(false);
    }

    private void sleep() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (spill.used() == 0) {
                others = -1;
                while (spill.used() == 0) {
                    changed.await();
                }
            }
            long rest = computing > 0 ? BUSY_NANOSECONDS : IDLE_NANOSECONDS;
            // Whoever begins to compute wakes it up.
            while (rest > 0 && (computing == 0 || rest <= BUSY_NANOSECONDS)) {
                rest = changed.awaitNanos(rest);
            }
        } finally {
            lock.unlock();
        }
    }
}
