package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * Address space for whole arrays of which only a part is ever touched: pages come with their first use. What is touched is
 * counted by the caller, who knows; what is given back keeps its pages for the next array of its size.
 */
public final class SparseMemory implements AutoCloseable {
    private static final long PAGE = 4_096;
    private static final long HUGE_PAGE = 2L << 20;
    private static final int MOST_KEPT = 64;

    private final long limit;
    private final Map<Long, ArrayDeque<Long>> kept = new HashMap<>();
    private final Map<Long, Long> keptTouched = new HashMap<>();
    private int keptCount;
    private long touched;
    private long touchedKept;

    /** @param limit most bytes that may be touched at a time */
    public SparseMemory(long limit) {
        this.limit = limit;
    }

    public long limit() {
        return limit;
    }

    /** Bytes that arrays have touched. */
    public synchronized long touched() {
        return touched;
    }

    /** Address space, its content unspecified; touching it is to be announced by {@link #touch}. */
    public synchronized long reserve(long bytes) {
        long size = size(bytes);
        ArrayDeque<Long> known = kept.get(size);
        if (known != null && !known.isEmpty()) {
            long address = known.pop();
            keptCount--;
            Long pages = keptTouched.remove(address);
            touchedKept -= pages == null ? 0 : pages;
            return address;
        }
        long address = Libc.reserve(size);
        if (address == 0) {
            throw new ManipleException(
                    Status.OUT_OF_MEMORY, "the system has no address space for an array of " + bytes + " bytes");
        }
        if (size >= 2 * HUGE_PAGE) {
            Libc.adviseHugePages(address, size);
        }
        return address;
    }

    /**
     * Announces that bytes will be touched that were not before.
     *
     * @throws ManipleException OUT_OF_MEMORY, before anything is taken
     */
    public synchronized void touch(long bytes) {
        if (touched + bytes + touchedKept > limit) {
            drop();
        }
        if (touched + bytes > limit) {
            throw new ManipleException(
                    Status.OUT_OF_MEMORY,
                    bytes + " bytes more do not fit: the worker holds " + touched + " bytes and may hold " + limit);
        }
        touched += bytes;
    }

    /** @param touchedBytes of it, as announced */
    public synchronized void release(long address, long bytes, long touchedBytes) {
        touched -= touchedBytes;
        if (keptCount >= MOST_KEPT || touched + touchedKept + touchedBytes > limit) {
            Libc.unmap(address, size(bytes));
            return;
        }
        kept.computeIfAbsent(size(bytes), key -> new ArrayDeque<>()).push(address);
        keptTouched.put(address, touchedBytes);
        touchedKept += touchedBytes;
        keptCount++;
    }

    private void drop() {
        kept.forEach((size, addresses) -> addresses.forEach(address -> Libc.unmap(address, size)));
        kept.clear();
        keptTouched.clear();
        keptCount = 0;
        touchedKept = 0;
    }

    private static long size(long bytes) {
        return Math.max(1, (bytes + PAGE - 1) / PAGE) * PAGE;
    }

    /** Gives back what is kept; the arrays themselves have been released. */
    @Override
    public synchronized void close() {
        drop();
    }
}
