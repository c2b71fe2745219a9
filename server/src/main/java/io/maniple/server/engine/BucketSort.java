package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Sorts one long row of 64-bit keys (of signed order): all threads deal the row out to the buckets that {@link Buckets}
 * finds by a sample, then each thread sorts whole buckets in its cache. Buckets that are too large for that are dealt
 * out again. Stable.
 */
final class BucketSort {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final long LEAST_BLOCK = 32_768;
    private static final long MOST_BLOCKS = 32;
    /** Keys that are read at a time: as many as stay in the nearest cache. */
    private static final int CHUNK = 1024;
    /** Keys of a bucket that one thread sorts. */
    private static final int IN_CACHE = 1 << 17;
    /** Buckets are handed out by about so many keys. */
    private static final long GRAIN = 32_768;

    /** Where the keys come from; it is asked twice for each. */
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
            long[] starts = deal(source, count, buckets, keys.address(), payload.address());
            for (int bin : inCache(starts, keys.address(), payload.address(), first)) {
                Source bucket = new Dealt(
                        keys.address() + 8 * starts[bin], payload.address() + (withPayload ? 8 * starts[bin] : 0));
                long size = starts[bin + 1] - starts[bin];
                if (buckets.isUniform(bin)) {
                    equal(bucket, size, first + starts[bin]);
                } else {
                    sort(bucket, size, first + starts[bin]);
                }
            }
        }
    }

    /** A bucket. */
    private record Dealt(long keys, long payload) implements Source {
        @Override
        public void keys(long first, int count, long[] into) {
            copy(keys + 8 * first, into, count);
        }

        @Override
        public void payload(long first, int count, long[] into) {
            copy(payload + 8 * first, into, count);
        }
    }

    private static void copy(long from, long[] to, int count) {
        MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, from, to, 0, count);
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }

    @FunctionalInterface
    private interface Chunks {
        void each(long first, int count);
    }

    private static void eachChunk(long begin, long end, Chunks body) {
        for (long first = begin; first < end; first += CHUNK) {
            body.each(first, (int) Math.min(CHUNK, end - first));
        }
    }

    /** @return where each bucket begins, and where the last one ends */
    private long[] deal(Source source, long count, Buckets buckets, long keysTo, long payloadTo) {
        long block = Math.max(LEAST_BLOCK, (count + MOST_BLOCKS - 1) / MOST_BLOCKS);
        int blocks = (int) ((count + block - 1) / block);
        long[][] places = new long[blocks][];
        workers.run(blocks, 1, (worker, begin, end) -> {
            long[] keys = new long[CHUNK];
            int[] bins = new int[CHUNK];
            for (int number = (int) begin; number < end; number++) {
                long[] counts = new long[buckets.count()];
                eachChunk(number * block, Math.min(count, (number + 1) * block), (first, size) -> {
                    source.keys(first, size, keys);
                    buckets.find(keys, size, bins);
                    for (int index = 0; index < size; index++) {
                        counts[bins[index]]++;
                    }
                });
                places[number] = counts;
            }
        });
        long[] starts = starts(places, buckets.count());
        workers.run(blocks, 1, (worker, begin, end) -> {
            long[] keys = new long[CHUNK];
            int[] bins = new int[CHUNK];
            long[] payload = new long[withPayload ? CHUNK : 0];
            for (int number = (int) begin; number < end; number++) {
                long[] next = places[number];
                eachChunk(number * block, Math.min(count, (number + 1) * block), (first, size) -> {
                    source.keys(first, size, keys);
                    buckets.find(keys, size, bins);
                    if (withPayload) {
                        source.payload(first, size, payload);
                        move(bins, keys, payload, size, next, keysTo, payloadTo);
                    } else {
                        move(bins, keys, size, next, keysTo);
                    }
                });
            }
        });
        return starts;
    }

    /** Makes of each block's counts its places: bucket by bucket, in each one block by block. */
    private static long[] starts(long[][] places, int bins) {
        long[] starts = new long[bins + 1];
        long next = 0;
        for (int bin = 0; bin < bins; bin++) {
            starts[bin] = next;
            for (long[] counts : places) {
                long here = counts[bin];
                counts[bin] = next;
                next += here;
            }
        }
        starts[bins] = next;
        return starts;
    }

    private static void move(int[] bins, long[] keys, int count, long[] next, long keysTo) {
        for (int index = 0; index < count; index++) {
            put(keysTo, next[bins[index]]++, keys[index]);
        }
    }

    private static void move(
            int[] bins, long[] keys, long[] payload, int count, long[] next, long keysTo, long payloadTo) {
        for (int index = 0; index < count; index++) {
            long place = next[bins[index]]++;
            put(keysTo, place, keys[index]);
            put(payloadTo, place, payload[index]);
        }
    }

    /** @return the buckets that are too large for one thread's cache, which nothing was done to */
    private List<Integer> inCache(long[] starts, long keys, long payload, long first) {
        ConcurrentLinkedQueue<Integer> large = new ConcurrentLinkedQueue<>();
        int bins = starts.length - 1;
        long grain = Math.max(1, bins * GRAIN / Math.max(1, starts[bins]));
        workers.run(bins, grain, (worker, begin, end) -> {
            for (int bin = (int) begin; bin < end; bin++) {
                long start = starts[bin];
                long size = starts[bin + 1] - start;
                if (size > IN_CACHE) {
                    large.add(bin);
                } else if (size > 0) {
                    HeapSort heap = heap(worker);
                    copy(keys + 8 * start, heap.keys(), (int) size);
                    if (withPayload) {
                        copy(payload + 8 * start, heap.payload(), (int) size);
                    }
                    heap.sort((int) size);
                    output.write(heap.keys(), heap.payload(), (int) size, first + start);
                }
            }
        });
        return new ArrayList<>(large);
    }

    private HeapSort heap(int worker) {
        if (heaps[worker] == null) {
            heaps[worker] = new HeapSort(IN_CACHE, withPayload, lowest);
        }
        return heaps[worker];
    }

    /** Hands out a bucket in which nothing is left to sort. */
    private void equal(Source bucket, long count, long first) {
        long pieces = (count + IN_CACHE - 1) / IN_CACHE;
        workers.run(pieces, 1, (worker, begin, end) -> {
            HeapSort heap = heap(worker);
            for (long piece = begin; piece < end; piece++) {
                long from = piece * IN_CACHE;
                int size = (int) Math.min(IN_CACHE, count - from);
                bucket.keys(from, size, heap.keys());
                if (withPayload) {
                    bucket.payload(from, size, heap.payload());
                }
                output.write(heap.keys(), heap.payload(), size, first + from);
            }
        });
    }
}
