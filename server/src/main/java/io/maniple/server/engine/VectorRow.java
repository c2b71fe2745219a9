package io.maniple.server.engine;

import io.maniple.kernels.ir.SortCode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Sorts one long row of 64-bit keys (of signed order) by all threads with vector code. The row is cut into blocks; each is
 * parted, in the cache, at keys that a sample has chosen. Then each thread collects a bucket from all blocks and sorts it.
 * The plan is {@link BucketSort}'s, which keys with something that moves along, and processors without AVX-512, have.
 */
final class VectorRow {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    /** Keys of a block. */
    private static final int BLOCK = 1 << 16;
    /** Keys that a bucket should have. */
    private static final long WANTED = 1 << 15;

    private static final int MOST_BUCKETS = 1024;
    /** Keys that are taken from the source, or given to the output, at a time. */
    private static final int CHUNK = 4096;

    private static final int SAMPLES_A_BUCKET = 32;
    private static final long[] NONE = {};

    private final Workers workers;
    private final SortCode code;
    private final Memory memory;
    private final BucketSort.Output output;

    VectorRow(Workers workers, SortCode code, Memory memory, BucketSort.Output output) {
        this.workers = workers;
        this.code = code;
        this.memory = memory;
        this.output = output;
    }

    /** Sorts. Nothing is written before all has been read, so the output may overwrite where the source reads. */
    void sort(BucketSort.Source source, long count) {
        int buckets = buckets(count);
        long[] borders = borders(source, count, buckets);
        int blocks = Math.toIntExact((count + BLOCK - 1) / BLOCK);
        int[][] starts = new int[blocks][buckets + 1];
        long each = roundUp(VectorSort.BYTES + 8L * BLOCK + VectorSort.SPARE_BYTES);
        try (Memory.Scratch keys = memory.scratch(8 * count)) {
            try (Memory.Scratch spare = memory.scratch(each * workers.threads())) {
                workers.run(blocks, 1, (worker, begin, end) -> {
                    long own = spare.address() + worker * each;
                    Parting parting = new Parting(new VectorSort(code, own), own + VectorSort.BYTES, borders);
                    long[] chunk = new long[CHUNK];
                    for (int block = (int) begin; block < end; block++) {
                        long first = (long) block * BLOCK;
                        int size = (int) Math.min(BLOCK, count - first);
                        long to = keys.address() + 8 * first;
                        for (int done = 0; done < size; done += CHUNK) {
                            int part = Math.min(CHUNK, size - done);
                            source.keys(first + done, part, chunk);
                            MemorySegment.copy(chunk, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, to + 8L * done, part);
                        }
                        parting.run(to, size, 0, buckets, 0, starts[block]);
                        starts[block][buckets] = size;
                    }
                });
            }
            sortBuckets(keys.address(), starts, buckets);
        }
    }

    static long roundUp(long bytes) {
        return (bytes + 63) & -64;
    }

    /** A power of two. */
    private static int buckets(long count) {
        int buckets = 1;
        while (buckets < MOST_BUCKETS && buckets * WANTED < count) {
            buckets *= 2;
        }
        return buckets;
    }

    /** The keys at which buckets begin, but for the first one. */
    private static long[] borders(BucketSort.Source source, long count, int buckets) {
        long[] sample = Buckets.sample(source, count, (int) Math.min(count, (long) SAMPLES_A_BUCKET * buckets));
        Arrays.sort(sample);
        long[] borders = new long[buckets - 1];
        for (int border = 0; border < borders.length; border++) {
            borders[border] = sample[(int) ((long) sample.length * (border + 1) / buckets)];
        }
        return borders;
    }

    /** Parts a block at the borders, the middle one first. */
    private record Parting(VectorSort sort, long spare, long[] borders) {
        void run(long keys, int count, int low, int high, int first, int[] starts) {
            if (high - low == 1) {
                starts[low] = first;
                return;
            }
            int middle = (low + high) >>> 1;
            int below = count == 0 ? 0 : (int) sort.partition(keys, count, borders[middle - 1], spare);
            run(keys, below, low, middle, first, starts);
            run(keys + 8L * below, count - below, middle, high, first + below, starts);
        }
    }

    private void sortBuckets(long keys, int[][] starts, int buckets) {
        long[] begins = new long[buckets + 1];
        long largest = 0;
        for (int bucket = 0; bucket < buckets; bucket++) {
            long size = 0;
            for (int[] block : starts) {
                size += block[bucket + 1] - block[bucket];
            }
            begins[bucket + 1] = begins[bucket] + size;
            largest = Math.max(largest, size);
        }
        // Many equal keys make a bucket as large as there are of them.
        long room = roundUp(8 * largest);
        long each = roundUp(VectorSort.BYTES) + 2 * room + roundUp(VectorSort.SPARE_BYTES);
        int threads = workers.threads();
        try (Memory.Scratch scratch = memory.scratch(each * threads)) {
            workers.run(
                    buckets,
                    (buckets + (long) workers.threads() * 16 - 1) / (workers.threads() * 16L),
                    (worker, begin, end) -> {
                        long own = scratch.address() + worker * each;
                        VectorSort sort = new VectorSort(code, own);
                        long gathered = own + roundUp(VectorSort.BYTES);
                        long[] chunk = new long[CHUNK];
                        for (int bucket = (int) begin; bucket < end; bucket++) {
                            long size = begins[bucket + 1] - begins[bucket];
                            collect(keys, starts, bucket, gathered);
                            sort.sort(gathered, size, gathered + room);
                            for (long done = 0; done < size; done += CHUNK) {
                                int part = (int) Math.min(CHUNK, size - done);
                                MemorySegment.copy(
                                        MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, gathered + 8 * done, chunk, 0, part);
                                output.write(chunk, NONE, part, begins[bucket] + done);
                            }
                        }
                    });
        }
    }

    private static void collect(long keys, int[][] starts, int bucket, long into) {
        long to = into;
        for (int block = 0; block < starts.length; block++) {
            long from = keys + 8L * ((long) block * BLOCK + starts[block][bucket]);
            long bytes = 8L * (starts[block][bucket + 1] - starts[block][bucket]);
            MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
            to += bytes;
        }
    }
}
