package io.maniple.server.engine;

import java.util.Arrays;

/**
 * Deals 64-bit keys (of signed order) out to buckets of about equal size, in order. The uppermost bits that vary in a
 * sample choose a cell; a cell with much of the sample is cut evenly by the bits that follow. Floating-point numbers
 * need that: their uppermost bits are exponents, and half of the numbers between 0 and 1 share one.
 */
final class Buckets {
    private static final int CELL_BITS = 12;
    private static final int LEAST_SAMPLE = 1024;
    private static final int MOST_SAMPLE = 16_384;
    /** Keys that a bucket should have, if that makes not too many buckets: what one thread sorts in its nearest caches. */
    private static final long WANTED = 8192;

    private static final long MANY = 16_384;

    /** A multiplier of pseudo-random places: 2^64 divided by the golden ratio. */
    private static final long SPREAD = 0x9e37_79b9_7f4a_7c15L;

    private final long least;
    private final long most;
    private final int shift;
    private final long firstCell;
    /** Of each cell: its first bucket in the upper half, a mask of 24 bits, and the shift that leaves the bits for it. */
    private final long[] cells;

    private final int count;
    private final boolean onlyThree;

    private Buckets(long least, long most, int shift, long[] cells, int count, boolean onlyThree) {
        this.least = least;
        this.most = most;
        this.shift = shift;
        this.firstCell = shifted(least, shift);
        this.cells = cells;
        this.count = count;
        this.onlyThree = onlyThree;
    }

    /** @param lowest the lowest bit that counts */
    static Buckets sampled(BucketSort.Source source, long count, int lowest) {
        long[] sample = sample(source, count);
        for (int index = 0; index < sample.length; index++) {
            sample[index] = sample[index] >> lowest << lowest;
        }
        Arrays.sort(sample);
        long least = sample[0];
        // What differs in bits that do not count only stands in one bucket, the last one, too.
        long most = sample[sample.length - 1] | (1L << lowest) - 1;
        if (least == sample[sample.length - 1]) {
            return new Buckets(least, most, 0, new long[0], 3, true);
        }
        int top = Long.SIZE - Long.numberOfLeadingZeros(least ^ most);
        int shift = Math.max(lowest, top - CELL_BITS);
        long firstCell = shifted(least, shift);
        int[] weights = new int[(int) (shifted(most, shift) - firstCell) + 1];
        for (long key : sample) {
            weights[(int) (shifted(key, shift) - firstCell)]++;
        }
        long[] cells = new long[weights.length];
        long wanted = Math.max(WANTED, count / MANY);
        int next = 0;
        for (int cell = 0; cell < cells.length; cell++) {
            long expected = (long) ((double) count * weights[cell] / sample.length) / wanted;
            int bits = Math.min(shift - lowest, Long.SIZE - Long.numberOfLeadingZeros(expected));
            cells[cell] = (long) next << Integer.SIZE | (1L << bits) - 1 << Byte.SIZE | shift - bits;
            next += 1 << bits;
        }
        return new Buckets(least, most, shift, cells, next, false);
    }

    private static long[] sample(BucketSort.Source source, long count) {
        return sample(source, count, Math.clamp(count / 64, LEAST_SAMPLE, MOST_SAMPLE));
    }

    /** Some keys of a row, from all over it. */
    static long[] sample(BucketSort.Source source, long count, int size) {
        long[] sample = new long[size];
        long[] one = new long[1];
        for (int index = 0; index < size; index++) {
            source.keys(place(index, count), 1, one);
            sample[index] = one[0];
        }
        return sample;
    }

    /** A pseudo-random place below a count, for each number another one. */
    static long place(long number, long count) {
        return Math.unsignedMultiplyHigh(number * SPREAD, count);
    }

    private static long shifted(long key, int shift) {
        return (key ^ Long.MIN_VALUE) >>> shift;
    }

    /** How many buckets there are. */
    int count() {
        return count;
    }

    /** Whether all keys of a bucket are known to be equal, whatever they are. */
    boolean isUniform(int bucket) {
        return onlyThree && bucket == 1;
    }

    /** Finds the buckets of the first keys. */
    void find(long[] keys, int size, int[] found) {
        if (onlyThree) {
            for (int index = 0; index < size; index++) {
                found[index] = keys[index] < least ? 0 : keys[index] <= most ? 1 : 2;
            }
            return;
        }
        // The compiler cannot know that the fields stay the same.
        long low = least;
        long high = most;
        int down = shift;
        long first = firstCell;
        long[] table = cells;
        for (int index = 0; index < size; index++) {
            long within = Math.min(Math.max(keys[index], low), high);
            long cell = table[(int) (shifted(within, down) - first)];
            found[index] = (int) (cell >>> Integer.SIZE) + (int) (within >>> cell & cell >>> Byte.SIZE & 0xff_ffff);
        }
    }
}
