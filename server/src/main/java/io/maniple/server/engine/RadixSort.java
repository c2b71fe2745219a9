package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Sorts one long row of 64-bit keys (of signed order) in native memory, least significant digit first: all threads move
 * blocks of the row by one digit at a time. Bits that are the same in all keys cost nothing. Stable.
 */
final class RadixSort {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int DIGIT = 11;
    private static final int BINS = 1 << DIGIT;
    private static final long LEAST_BLOCK = 32_768;
    private static final long MOST_BLOCKS = 64;

    private final Workers workers;
    private final long count;
    private final long block;
    private final int blocks;
    private long keys;
    private long spareKeys;
    private long payload;
    private long sparePayload;

    /** @param payload what moves along with the keys, as much of it, and room for that; or 0 and 0 */
    RadixSort(Workers workers, long count, long keys, long spareKeys, long payload, long sparePayload) {
        this.workers = workers;
        this.count = count;
        this.keys = keys;
        this.spareKeys = spareKeys;
        this.payload = payload;
        this.sparePayload = sparePayload;
        this.block = Math.max(LEAST_BLOCK, (count + MOST_BLOCKS - 1) / MOST_BLOCKS);
        this.blocks = Math.toIntExact((count + block - 1) / block);
    }

    /** Where the keys are now. */
    long keys() {
        return keys;
    }

    /** Where the payload is now. */
    long payload() {
        return payload;
    }

    /** @param significant the bits by which is sorted */
    void sort(long significant) {
        long left = varying() & significant;
        while (left != 0) {
            int shift = Long.numberOfTrailingZeros(left);
            move(shift);
            left = shift + DIGIT >= Long.SIZE ? 0 : left >>> (shift + DIGIT) << (shift + DIGIT);
        }
    }

    private static long key(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    private long end(long number) {
        return Math.min(count, (number + 1) * block);
    }

    private long varying() {
        long[] ones = new long[blocks];
        long[] zeros = new long[blocks];
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long number = begin; number < end; number++) {
                long any = 0;
                long all = -1;
                for (long index = number * block; index < end(number); index++) {
                    long key = key(keys, index);
                    any |= key;
                    all &= key;
                }
                ones[(int) number] = any;
                zeros[(int) number] = all;
            }
        });
        long any = 0;
        long all = -1;
        for (int number = 0; number < blocks; number++) {
            any |= ones[number];
            all &= zeros[number];
        }
        return any ^ all;
    }

    private static int digit(long key, int shift) {
        return (int) ((key ^ Long.MIN_VALUE) >>> shift) & (BINS - 1);
    }

    private void move(int shift) {
        long[][] places = new long[blocks][];
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long number = begin; number < end; number++) {
                long[] counts = new long[BINS];
                for (long index = number * block; index < end(number); index++) {
                    counts[digit(key(keys, index), shift)]++;
                }
                places[(int) number] = counts;
            }
        });
        long next = 0;
        for (int bin = 0; bin < BINS; bin++) {
            for (long[] counts : places) {
                long here = counts[bin];
                counts[bin] = next;
                next += here;
            }
        }
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long number = begin; number < end; number++) {
                if (payload == 0) {
                    moveKeys(places[(int) number], shift, number * block, end(number));
                } else {
                    moveBoth(places[(int) number], shift, number * block, end(number));
                }
            }
        });
        long moved = keys;
        keys = spareKeys;
        spareKeys = moved;
        moved = payload;
        payload = sparePayload;
        sparePayload = moved;
    }

    private void moveKeys(long[] places, int shift, long from, long to) {
        for (long index = from; index < to; index++) {
            long key = key(keys, index);
            long place = places[digit(key, shift)]++;
            MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, spareKeys + 8 * place, key);
        }
    }

    private void moveBoth(long[] places, int shift, long from, long to) {
        for (long index = from; index < to; index++) {
            long key = key(keys, index);
            long place = places[digit(key, shift)]++;
            MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, spareKeys + 8 * place, key);
            MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, sparePayload + 8 * place, key(payload, index));
        }
    }
}
