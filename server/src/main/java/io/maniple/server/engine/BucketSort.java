package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Sorts one long row of 64-bit keys (of signed order). The row is cut into blocks that fit a cache; each is dealt out, by
 * itself, to the buckets that {@link Buckets} finds by a sample. Then each thread collects whole buckets from all blocks
 * and sorts them in its cache. Buckets that are too large for that are sorted in the same way. Stable.
 */
final class BucketSort {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    /** Keys of a block. */
    private static final int BLOCK = 1 << 16;
    /** Keys of a bucket that one thread sorts. */
    private static final int IN_CACHE = 1 << 17;
    /** Buckets are handed out by about so many keys. */
    private static final long GRAIN = 32_768;

    /** Where the keys come from. Some are asked for twice. */
    @FunctionalInterface
    interface Source {
        /** Fills the first places with keys {@code first} to before {@code first + count}. */
        void keys(long first, int count, long[] into);

        /** The same for what moves along with the keys; not called where nothing does. */
        default void payload(long first, int count, long[] into) {
            throw new IllegalStateException("nothing moves along with the keys");
        }
    }

    /** Takes a sorted piece of the row. */
    @FunctionalInterface
    interface Output {
        /**
         * @param payload what moved along with the keys; empty if nothing does
         * @param first the place of the piece's first key in the row
         */
        void write(long[] keys, long[] payload, int count, long first);
    }

    private final Workers workers;
    private final int lowest;
    private final boolean withPayload;
    private final Memory memory;
    private final Output output;
    private final HeapSort[] heaps;

    /**
     * @param lowest the lowest bit that counts; keys that differ in lower ones only must be given in order
     * @param withPayload whether the source has something that moves along with the keys
     * @param memory for the buckets
     */
    BucketSort(Workers workers, int lowest, boolean withPayload, Memory memory, Output output) {
        this.workers = workers;
        this.lowest = lowest;
        this.withPayload = withPayload;
        this.memory = memory;
        this.output = output;
        this.heaps = new HeapSort[workers.threads()];
    }

    /** Sorts. Nothing is written before all has been read, so the output may overwrite where the source reads. */
    void sort(Source source, long count) {
        sort(source, count, 0);
    }

    /** @param first the place of the source's first key in the row */
    private void sort(Source source, long count, long first) {
        try (Memory.Scratch keys = memory.scratch(8 * count);
                Memory.Scratch payload = memory.scratch(withPayload ? 8 * count : 1)) {
            Buckets buckets = Buckets.sampled(source, count, lowest);
            Dealt dealt = deal(source, count, buckets, keys.address(), payload.address());
            for (int bin : inCache(dealt, first)) {
                large(dealt, bin, buckets.isUniform(bin), first + dealt.starts[bin]);
            }
        }
    }

    /**
     * The row's blocks, each of them in the order of the buckets.
     *
     * @param starts where each bucket begins in the row when it is in order, and where the last one ends
     * @param within the same for each block, from the block's first key on
     */
    @SuppressWarnings("ArrayRecordComponent")
    private record Dealt(long keys, long payload, long[] starts, int[][] within) {
        long size(int bin) {
            return starts[bin + 1] - starts[bin];
        }

        /** Collects a bucket's part of one block. */
        int collect(long from, int block, int bin, long[] into, int at) {
            int end = within[block][bin + 1];
            long base = from + 8L * block * BLOCK;
            int next = at;
            for (int index = within[block][bin]; index < end; index++) {
                into[next++] = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, base + 8L * index);
            }
            return next;
        }
    }

    /** Keys that lie one behind the other. */
    private record Row(long keys, long payload) implements Source {
        @Override
        public void keys(long first, int count, long[] into) {
            MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, keys + 8 * first, into, 0, count);
        }

        @Override
        public void payload(long first, int count, long[] into) {
            MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, payload + 8 * first, into, 0, count);
        }
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }

    private Dealt deal(Source source, long count, Buckets buckets, long keysTo, long payloadTo) {
        int blocks = Math.toIntExact((count + BLOCK - 1) / BLOCK);
        int[][] within = new int[blocks][];
        workers.run(blocks, 1, (worker, begin, end) -> {
            long[] values = new long[BLOCK];
            int[] bins = new int[BLOCK];
            int[] next = new int[buckets.count()];
            for (int block = (int) begin; block < end; block++) {
                long first = (long) block * BLOCK;
                int size = (int) Math.min(BLOCK, count - first);
                source.keys(first, size, values);
                buckets.find(values, size, bins);
                int[] starts = starts(bins, size, next);
                move(values, bins, size, next, keysTo + 8 * first);
                if (withPayload) {
                    System.arraycopy(starts, 0, next, 0, next.length);
                    source.payload(first, size, values);
                    move(values, bins, size, next, payloadTo + 8 * first);
                }
                within[block] = starts;
            }
        });
        long[] starts = new long[buckets.count() + 1];
        for (int[] ends : within) {
            for (int bin = 1; bin < starts.length; bin++) {
                starts[bin] += ends[bin];
            }
        }
        return new Dealt(keysTo, payloadTo, starts, within);
    }

    /** @param next becomes where each bucket begins, for whoever moves the keys there */
    private static int[] starts(int[] bins, int size, int[] next) {
        Arrays.fill(next, 0);
        for (int index = 0; index < size; index++) {
            next[bins[index]]++;
        }
        int[] starts = new int[next.length + 1];
        int sum = 0;
        for (int bin = 0; bin < next.length; bin++) {
            starts[bin] = sum;
            sum += next[bin];
            next[bin] = starts[bin];
        }
        starts[next.length] = sum;
        return starts;
    }

    private static void move(long[] values, int[] bins, int size, int[] next, long to) {
        for (int index = 0; index < size; index++) {
            put(to, next[bins[index]]++, values[index]);
        }
    }

    /** @return the buckets that are too large for one thread's cache, which nothing was done to */
    private List<Integer> inCache(Dealt dealt, long first) {
        ConcurrentLinkedQueue<Integer> large = new ConcurrentLinkedQueue<>();
        int bins = dealt.starts.length - 1;
        long grain = Math.max(1, bins * GRAIN / Math.max(1, dealt.starts[bins]));
        workers.run(bins, grain, (worker, begin, end) -> {
            for (int bin = (int) begin; bin < end; bin++) {
                int size = (int) Math.min(Integer.MAX_VALUE, dealt.size(bin));
                if (size > IN_CACHE) {
                    large.add(bin);
                } else if (size > 0) {
                    HeapSort heap = heap(worker);
                    collect(dealt, bin, heap);
                    heap.sort(size);
                    output.write(heap.keys(), heap.payload(), size, first + dealt.starts[bin]);
                }
            }
        });
        return new ArrayList<>(large);
    }

    private void collect(Dealt dealt, int bin, HeapSort heap) {
        int keys = 0;
        int payload = 0;
        for (int block = 0; block < dealt.within.length; block++) {
            keys = dealt.collect(dealt.keys, block, bin, heap.keys(), keys);
            if (withPayload) {
                payload = dealt.collect(dealt.payload, block, bin, heap.payload(), payload);
            }
        }
    }

    private HeapSort heap(int worker) {
        if (heaps[worker] == null) {
            heaps[worker] = new HeapSort(IN_CACHE, withPayload, lowest);
        }
        return heaps[worker];
    }

    /**
     * Sorts a large bucket.
     *
     * @param isUniform whether nothing is left to sort
     * @param first the place of its first key in the row
     */
    private void large(Dealt dealt, int bin, boolean isUniform, long first) {
        long size = dealt.size(bin);
        try (Memory.Scratch keys = memory.scratch(8 * size);
                Memory.Scratch payload = memory.scratch(withPayload ? 8 * size : 1)) {
            long next = 0;
            for (int block = 0; block < dealt.within.length; block++) {
                long begin = (long) block * BLOCK + dealt.within[block][bin];
                long length = (long) dealt.within[block][bin + 1] - dealt.within[block][bin];
                MemorySegment.copy(MEMORY, dealt.keys + 8 * begin, MEMORY, keys.address() + 8 * next, 8 * length);
                if (withPayload) {
                    MemorySegment.copy(
                            MEMORY, dealt.payload + 8 * begin, MEMORY, payload.address() + 8 * next, 8 * length);
                }
                next += length;
            }
            Row row = new Row(keys.address(), payload.address());
            if (isUniform) {
                equal(row, size, first);
            } else {
                sort(row, size, first);
            }
        }
    }

    /** Hands out a row in which nothing is left to sort. */
    private void equal(Source row, long count, long first) {
        long pieces = (count + IN_CACHE - 1) / IN_CACHE;
        workers.run(pieces, 1, (worker, begin, end) -> {
            HeapSort heap = heap(worker);
            for (long piece = begin; piece < end; piece++) {
                long from = piece * IN_CACHE;
                int size = (int) Math.min(IN_CACHE, count - from);
                row.keys(from, size, heap.keys());
                if (withPayload) {
                    row.payload(from, size, heap.payload());
                }
                output.write(heap.keys(), heap.payload(), size, first + from);
            }
        });
    }
}
