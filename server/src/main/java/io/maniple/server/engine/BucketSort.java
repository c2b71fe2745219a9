package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Sorts one long row of 64-bit keys (of signed order) in native memory, most significant digit first: all threads deal
 * the row out to buckets by its highest varying bits, then each thread sorts whole buckets in its cache. Buckets that
 * are too large for that are dealt out again. Stable.
 */
final class BucketSort {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int DIGIT = 11;
    private static final long LEAST_BLOCK = 32_768;
    private static final long MOST_BLOCKS = 64;
    /** Keys of a bucket that one thread sorts. */
    private static final int IN_CACHE = 1 << 17;
    /** Buckets are handed out by about so many keys. */
    private static final long GRAIN = 32_768;

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
    private final Output output;
    private final HeapSort[] heaps;

    /**
     * @param lowest the lowest bit that counts; keys that differ in lower ones only must be given in order
     */
    BucketSort(Workers workers, int lowest, Output output) {
        this.workers = workers;
        this.lowest = lowest;
        this.output = output;
        this.heaps = new HeapSort[workers.threads()];
    }

    /**
     * A part of the row.
     *
     * @param first the place of its first key in the row
     */
    private record Part(long keys, long spareKeys, long payload, long sparePayload, long first, long count) {
        boolean hasPayload() {
            return payload != 0;
        }

        /** A bucket, after this part was dealt out to its spare memory. */
        Part bucket(long start, long size) {
            return new Part(
                    spareKeys + 8 * start,
                    keys + 8 * start,
                    hasPayload() ? sparePayload + 8 * start : 0,
                    hasPayload() ? payload + 8 * start : 0,
                    first + start,
                    size);
        }
    }

    /**
     * Sorts. A piece is read before the output is given it, so the output may write to where the piece's keys or payload
     * began.
     *
     * @param payload what moves along with the keys, as much of it, and room for that; or 0 and 0
     */
    void sort(long keys, long spareKeys, long payload, long sparePayload, long count) {
        List<Part> open = new ArrayList<>();
        open.add(new Part(keys, spareKeys, payload, sparePayload, 0, count));
        while (!open.isEmpty()) {
            open.addAll(deal(open.removeLast()));
        }
    }

    /** @return the buckets that are still too large for one thread's cache */
    private List<Part> deal(Part part) {
        long varying = varying(part);
        if (varying == 0) {
            equal(part);
            return List.of();
        }
        int top = Long.SIZE - Long.numberOfLeadingZeros(varying);
        int digit = Math.min(DIGIT, top - lowest);
        long[] starts = scatter(part, top - digit, digit);
        ConcurrentLinkedQueue<Part> large = new ConcurrentLinkedQueue<>();
        int bins = starts.length - 1;
        long grain = Math.max(1, bins * GRAIN / Math.max(1, part.count()));
        workers.run(bins, grain, (worker, begin, end) -> {
            for (int bin = (int) begin; bin < end; bin++) {
                long start = starts[bin];
                long size = starts[bin + 1] - start;
                if (size == 0) {
                    continue;
                }
                Part bucket = part.bucket(start, size);
                if (size > IN_CACHE) {
                    large.add(bucket);
                } else {
                    inCache(worker, bucket);
                }
            }
        });
        return List.copyOf(large);
    }

    private static long get(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }

    private static long block(long count) {
        return Math.max(LEAST_BLOCK, (count + MOST_BLOCKS - 1) / MOST_BLOCKS);
    }

    private long varying(Part part) {
        long block = block(part.count());
        int blocks = (int) ((part.count() + block - 1) / block);
        long[] ones = new long[blocks];
        long[] zeros = new long[blocks];
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (int number = (int) begin; number < end; number++) {
                long any = 0;
                long all = -1;
                long last = Math.min(part.count(), (number + 1) * block);
                for (long index = number * block; index < last; index++) {
                    long key = get(part.keys(), index);
                    any |= key;
                    all &= key;
                }
                ones[number] = any;
                zeros[number] = all;
            }
        });
        long any = 0;
        long all = -1;
        for (int number = 0; number < blocks; number++) {
            any |= ones[number];
            all &= zeros[number];
        }
        return (any ^ all) >>> lowest << lowest;
    }

    /** Deals a part out to its spare memory. */
    private long[] scatter(Part part, int shift, int digit) {
        int bins = 1 << digit;
        long mask = bins - 1L;
        long block = block(part.count());
        int blocks = (int) ((part.count() + block - 1) / block);
        long[][] places = new long[blocks][];
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (int number = (int) begin; number < end; number++) {
                long[] counts = new long[bins];
                long last = Math.min(part.count(), (number + 1) * block);
                for (long index = number * block; index < last; index++) {
                    counts[(int) ((get(part.keys(), index) ^ Long.MIN_VALUE) >>> shift & mask)]++;
                }
                places[number] = counts;
            }
        });
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
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (int number = (int) begin; number < end; number++) {
                long last = Math.min(part.count(), (number + 1) * block);
                if (part.hasPayload()) {
                    moveBoth(part, places[number], shift, mask, number * block, last);
                } else {
                    moveKeys(part, places[number], shift, mask, number * block, last);
                }
            }
        });
        return starts;
    }

    private static void moveKeys(Part part, long[] places, int shift, long mask, long from, long to) {
        for (long index = from; index < to; index++) {
            long key = get(part.keys(), index);
            put(part.spareKeys(), places[(int) ((key ^ Long.MIN_VALUE) >>> shift & mask)]++, key);
        }
    }

    private static void moveBoth(Part part, long[] places, int shift, long mask, long from, long to) {
        for (long index = from; index < to; index++) {
            long key = get(part.keys(), index);
            long place = places[(int) ((key ^ Long.MIN_VALUE) >>> shift & mask)]++;
            put(part.spareKeys(), place, key);
            put(part.sparePayload(), place, get(part.payload(), index));
        }
    }

    /** Reads some keys of a part, and what moves along with them, into the thread's heap. */
    private HeapSort read(int worker, Part part, long from, int count) {
        if (heaps[worker] == null) {
            heaps[worker] = new HeapSort(IN_CACHE, part.hasPayload(), lowest);
        }
        HeapSort heap = heaps[worker];
        copy(part.keys() + 8 * from, heap.keys(), count);
        if (part.hasPayload()) {
            copy(part.payload() + 8 * from, heap.payload(), count);
        }
        return heap;
    }

    private static void copy(long from, long[] to, int count) {
        MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, from, to, 0, count);
    }

    private void inCache(int worker, Part bucket) {
        int count = (int) bucket.count();
        HeapSort heap = read(worker, bucket, 0, count);
        heap.sort(count);
        output.write(heap.keys(), heap.payload(), count, bucket.first());
    }

    /** Nothing is left to sort. */
    private void equal(Part part) {
        long pieces = (part.count() + IN_CACHE - 1) / IN_CACHE;
        workers.run(pieces, 1, (worker, begin, end) -> {
            for (long piece = begin; piece < end; piece++) {
                long from = piece * IN_CACHE;
                int count = (int) Math.min(IN_CACHE, part.count() - from);
                HeapSort heap = read(worker, part, from, count);
                output.write(heap.keys(), heap.payload(), count, part.first() + from);
            }
        });
    }
}
