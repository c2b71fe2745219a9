package io.maniple.server.engine;

import io.maniple.kernels.ir.SortCode;
import io.maniple.kernels.ir.SortCode.Arguments;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Sorts signed 64-bit keys in native memory by one thread with vector code: quicksort, and networks for what is left. Equal
 * keys cannot be told apart, so it does not matter in which order they end.
 */
final class VectorSort {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int SAMPLE = 32;
    /** A pivot from a sample leaves a part with less than a tenth of the keys about once in a million times. */
    private static final int DEPTH_A_BIT = 4;

    private static final long MASK_BYTES = 8L * SortCode.MOST / SortCode.LANES;
    /** For each number of keys the lanes that a network loads and stores. */
    private static final long MASKS = masks();

    private final SortCode code;
    private final long arguments;
    private final long sample;

    /** @param memory 64 bytes for arguments and {@link #BYTES} in all, aligned to 64 bytes */
    VectorSort(SortCode code, long memory) {
        this.code = code;
        this.arguments = memory;
        this.sample = memory + Arguments.BYTES;
    }

    static final long BYTES = Arguments.BYTES + 8 * SAMPLE;
    /** What the spare area must have beyond as many keys as are sorted. */
    static final long SPARE_BYTES = 8 * SortCode.LANES;

    private static long masks() {
        long table =
                Arena.global().allocate(MASK_BYTES * (SortCode.MOST + 1), 64).address();
        for (int count = 0; count <= SortCode.MOST; count++) {
            for (int vector = 0; vector < SortCode.MOST / SortCode.LANES; vector++) {
                int lanes = Math.clamp(count - SortCode.LANES * vector, 0, SortCode.LANES);
                MEMORY.set(ValueLayout.JAVA_LONG, table + MASK_BYTES * count + 8L * vector, (1L << lanes) - 1);
            }
        }
        return table;
    }

    private void set(int place, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG, arguments + place, value);
    }

    private static long get(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    /**
     * Moves keys below a pivot to the front, the others behind them.
     *
     * @return how many are below
     */
    long partition(long keys, long count, long pivot, long spare) {
        set(Arguments.KEYS, keys);
        set(Arguments.SPARE, spare);
        set(Arguments.COUNT, count);
        set(Arguments.PIVOT, pivot);
        set(Arguments.MASK, (1L << count % SortCode.LANES) - 1);
        code.partition().run(arguments);
        long below = MEMORY.get(ValueLayout.JAVA_LONG, arguments + Arguments.BELOW);
        MemorySegment.copy(MEMORY, spare, MEMORY, keys + 8 * below, 8 * (count - below));
        return below;
    }

    /** @param spare room for as many keys and {@link #SPARE_BYTES} */
    void sort(long keys, long count, long spare) {
        int bits = Long.SIZE - Long.numberOfLeadingZeros(count);
        sort(keys, count, spare, DEPTH_A_BIT * bits);
    }

    private void sort(long first, long size, long spare, int depth) {
        long keys = first;
        long count = size;
        int left = depth;
        while (count > SortCode.MOST) {
            if (left-- == 0) {
                inHeap(keys, count);
                return;
            }
            long pivot = pivot(keys, count);
            long below = partition(keys, count, pivot, spare);
            if (below == 0) {
                // The pivot is the least key.
                if (pivot == Long.MAX_VALUE) {
                    return;
                }
                long equal = partition(keys, count, pivot + 1, spare);
                keys += 8 * equal;
                count -= equal;
            } else if (below <= count / 2) {
                sort(keys, below, spare, left);
                keys += 8 * below;
                count -= below;
            } else {
                sort(keys + 8 * below, count - below, spare, left);
                count = below;
            }
        }
        network(keys, count);
    }

    private void network(long keys, long count) {
        if (count <= 1) {
            return;
        }
        set(Arguments.KEYS, keys);
        set(Arguments.MASKS, MASKS + MASK_BYTES * count);
        int number = Long.SIZE - Long.numberOfLeadingZeros(count - 1 >> 4);
        code.networks().get(number).run(arguments);
    }

    private long pivot(long keys, long count) {
        for (int index = 0; index < SAMPLE; index++) {
            long place = Buckets.place(index + count, count);
            MEMORY.set(ValueLayout.JAVA_LONG, sample + 8L * index, get(keys, place));
        }
        network(sample, SAMPLE);
        return get(sample, SAMPLE / 2);
    }

    /** Keys that were made to be hard for the sample. */
    private static void inHeap(long keys, long count) {
        long[] copy = new long[Math.toIntExact(count)];
        MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, keys, copy, 0, copy.length);
        Arrays.sort(copy);
        MemorySegment.copy(copy, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, keys, copy.length);
    }
}
