package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Arrays on disk that look like memory: pieces of one file, mapped. What is touched of them comes into memory page by page,
 * and a thread gives it back before it is too much.
 *
 * <p>The file has no name: whatever ends this process, its blocks are free. Its space is taken when a piece is, so that a
 * full disk is an error of that moment, and never a signal while somebody computes.
 */
public final class Spill {
    private static final Logger LOGGER = LoggerFactory.getLogger(Spill.class);
    /** What is smaller stays in memory. */
    public static final long SMALLEST = 1L << 20;

    private static final String PREFIX = "maniple-spill-";
    private static final long PAGE = 4_096;
    private static final int PERCENTS = 100;
    /** With less room a scatter's first few hundred stores would fill it: each maps a page. */
    private static final long HUGE_PAGES_FROM = 2L << 30;

    private final SpillSettings settings;
    private final long memoryBytes;
    private final AtomicLong used = new AtomicLong();
    private final AtomicLong written = new AtomicLong();
    private final SpillGovernor governor;
    /** Of those that use this now. */
    private volatile long smallestQuota = Long.MAX_VALUE;

    // Guarded by this.
    private final Map<Long, ArrayDeque<Long>> holes = new HashMap<>();
    private final Set<Extent> extents = new LinkedHashSet<>();
    private int descriptor = -1;
    private long end;
    private long limit = -1;

    /** @param memoryBytes the memory that this belongs to */
    public Spill(SpillSettings settings, long memoryBytes) {
        this.settings = settings;
        this.memoryBytes = memoryBytes;
        this.governor = new SpillGovernor(this);
    }

    public boolean isOn() {
        return settings.isOn();
    }

    /** Bytes on disk, whether or not memory has them too. */
    public long used() {
        return used.get();
    }

    /** Bytes that have left memory so far. */
    public long written() {
        return written.get();
    }

    /** What of some memory may be filled before arrays go to disk. */
    public long spillMark(long quota) {
        return isOn() ? quota / PERCENTS * settings.spillAt() : quota;
    }

    /** What of some memory may be filled by what cannot go to disk. */
    public long refuseMark(long quota) {
        return isOn() ? quota / PERCENTS * settings.refuseAt() : quota;
    }

    /** Most bytes on disk. */
    public synchronized long limit() {
        if (limit < 0) {
            limit = settings.limit(memoryBytes);
        }
        return limit;
    }

    /** Most bytes on disk of one who may have a part of the memory: the same part. */
    public long limit(long quota) {
        return quota >= memoryBytes ? limit() : (long) ((double) limit() / memoryBytes * quota);
    }

    /** Mapped pages there may be at a time. */
    long window() {
        return Math.min(memoryBytes, smallestQuota) / PERCENTS * (settings.pauseAt() - settings.spillAt());
    }

    /** Somebody with little memory of its own uses this, too. */
    public synchronized void consider(long quota) {
        smallestQuota = Math.min(smallestQuota, Math.max(quota, SMALLEST));
    }

    /**
     * Memory that is a piece of the file; zeros.
     *
     * @param address where it is to be, 0: anywhere
     * @param checked whether what comes back from the disk is compared with what went there
     * @throws ManipleException OUT_OF_MEMORY: there is no room, and nothing was taken
     */
    public Extent map(long address, long bytes, boolean checked) {
        long size = (bytes + PAGE - 1) / PAGE * PAGE;
        synchronized (this) {
            if (size > limit() - used.get()) {
                throw new ManipleException(
                        Status.OUT_OF_MEMORY,
                        bytes + " bytes more do not fit on disk: " + used.get() + " bytes are there and " + limit()
                                + " may be (--spill, MANIPLE_SPILL)");
            }
            open();
            long offset = place(size);
            int error = Libc.allocate(descriptor, offset, size);
            if (error != 0) {
                free(offset, size);
                throw new ManipleException(
                        Status.OUT_OF_MEMORY,
                        bytes + " bytes more do not fit on disk: " + settings.directory() + " has no room for them ("
                                + Libc.describe(error) + "; --spill-dir, MANIPLE_SPILL_DIR)");
            }
            long mapped = Libc.mapFile(address, size, descriptor, offset);
            if (mapped == 0) {
                free(offset, size);
                throw new ManipleException(
                        Status.OUT_OF_MEMORY, "the system has no address space for an array of " + bytes + " bytes");
            }
            if (window() < HUGE_PAGES_FROM) {
                Libc.adviseSmallPages(mapped, size, !checked);
            }
            Extent extent = new Extent(mapped, size, offset, descriptor, checked);
            used.addAndGet(size);
            extents.add(extent);
            governor.begin();
            return extent;
        }
    }

    /** Gives a piece back; its memory must not be touched any more. */
    public void release(Extent extent) {
        extent.unmap();
        free(extent);
    }

    /** Gives a piece back whose address space belongs to somebody else, who does the same with it next. */
    void forget(Extent extent) {
        extent.leave();
        free(extent);
    }

    private synchronized void free(Extent extent) {
        extents.remove(extent);
        used.addAndGet(-extent.bytes());
        free(extent.offset(), extent.bytes());
        if (extents.isEmpty()) {
            holes.clear();
            end = 0;
            smallestQuota = Long.MAX_VALUE;
        }
    }

    synchronized List<Extent> extents() {
        return List.copyOf(extents);
    }

    void left(long bytes) {
        written.addAndGet(bytes);
    }

    private long place(long size) {
        ArrayDeque<Long> fitting = holes.get(size);
        if (fitting != null && !fitting.isEmpty()) {
            return fitting.pop();
        }
        long offset = end;
        end += size;
        return offset;
    }

    private void free(long offset, long size) {
        Libc.punch(descriptor, offset, size);
        holes.computeIfAbsent(size, key -> new ArrayDeque<>()).push(offset);
    }

    private void open() {
        if (descriptor >= 0) {
            return;
        }
        removeAbandoned();
        Path file =
                settings.directory().resolve(PREFIX + ProcessHandle.current().pid());
        try {
            Files.deleteIfExists(file);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try {
                descriptor = Libc.open(file.toString());
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new ManipleException(
                    Status.OUT_OF_MEMORY,
                    "no file can be made in " + settings.directory() + " for arrays that do not fit into memory: " + e
                            + " (--spill-dir, MANIPLE_SPILL_DIR)");
        }
        if (descriptor < 0) {
            throw new ManipleException(Status.OUT_OF_MEMORY, "the file for arrays that do not fit cannot be opened");
        }
        LOGGER.info("Arrays beyond memory go to {}, at most {} bytes", settings.directory(), limit());
    }

    /** Removes the files of processes that ended between making one and taking its name away. */
    private void removeAbandoned() {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(settings.directory(), PREFIX + "*")) {
            for (Path file : found) {
                String process = file.getFileName().toString().substring(PREFIX.length());
                if (process.matches("\\d{1,9}")
                        && ProcessHandle.of(Long.parseLong(process)).isEmpty()) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOGGER.debug("Not looked for files of others: {}", e.getMessage());
        }
    }

    // -- whoever computes ---------------------------------------------------------------------------------------------

    /** Somebody is about to touch much. */
    public void busy() {
        governor.busy();
    }

    /** It is done. */
    public void idle() {
        governor.idle();
    }

    /** Waits while there is too much in memory; to be called often by whoever touches much. */
    public void pause() {
        governor.pause();
    }

    /** A buffer without extents has nothing to be told. */
    public static void verifyRead(@Nullable Extent extent) {
        if (extent != null) {
            extent.verifyRead();
        }
    }
}
