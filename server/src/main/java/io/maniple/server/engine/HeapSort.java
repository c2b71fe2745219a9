package io.maniple.server.engine;

import java.util.Arrays;

/**
 * Sorts keys of one thread in the Java heap. The uppermost varying bits deal them out to about as many bins as there are
 * keys; of the few that share a bin, insertion finds the order, in one pass over all bins. Stable.
 */
final class HeapSort {
    private static final int SHORT = 24;
    private static final int LEAST_DIGIT = 4;
    private static final int MOST_DIGIT = 13;

    private final long[] keys;
    private final long[] spareKeys;
    private final long[] payload;
    private final long[] sparePayload;
    /** The places of a level's bins; a level deeper than these is none, since each takes away 4 bits. */
    private final int[][] places = new int[Long.SIZE / LEAST_DIGIT + 1][];

    private final int lowest;

    /** @param lowest as in {@link BucketSort} */
    HeapSort(int capacity, boolean withPayload, int lowest) {
        this.lowest = lowest;
        keys = new long[capacity];
        spareKeys = new long[capacity];
        payload = new long[withPayload ? capacity : 0];
        sparePayload = new long[withPayload ? capacity : 0];
    }

    long[] keys() {
        return keys;
    }

    /** Empty where nothing moves along with the keys. */
    long[] payload() {
        return payload;
    }

    void sort(int count) {
        sort(0, count, 0);
    }

    private void sort(int from, int to, int level) {
        int count = to - from;
        if (count <= SHORT) {
            insert(from, to);
            return;
        }
        long any = 0;
        long all = -1;
        for (int index = from; index < to; index++) {
            any |= keys[index];
            all &= keys[index];
        }
        long varying = (any ^ all) >>> lowest << lowest;
        if (varying == 0) {
            return;
        }
        int top = Long.SIZE - Long.numberOfLeadingZeros(varying);
        int wanted = Math.clamp(Integer.SIZE - Integer.numberOfLeadingZeros(count), LEAST_DIGIT, MOST_DIGIT);
        int digit = Math.min(top - lowest, wanted);
        int shift = top - digit;
        int bins = 1 << digit;
        int[] ends = level(level, bins);
        int most = deal(from, to, shift, bins - 1, ends);
        if (shift == lowest) {
            return;
        }
        if (most > SHORT) {
            int begin = from;
            for (int bin = 0; bin < bins; bin++) {
                int end = ends[bin];
                if (end - begin > SHORT) {
                    sort(begin, end, level + 1);
                }
                begin = end;
            }
        }
        insert(from, to);
    }

    private int[] level(int level, int bins) {
        if (places[level] == null || places[level].length < bins) {
            places[level] = new int[bins];
        }
        return places[level];
    }

    /**
     * Behind it {@code ends} says where each bin ends.
     *
     * @return the keys of the largest bin
     */
    private int deal(int from, int to, int shift, int mask, int[] ends) {
        Arrays.fill(ends, 0, mask + 1, 0);
        for (int index = from; index < to; index++) {
            ends[(int) ((keys[index] ^ Long.MIN_VALUE) >>> shift) & mask]++;
        }
        int next = from;
        int most = 0;
        for (int bin = 0; bin <= mask; bin++) {
            int here = ends[bin];
            ends[bin] = next;
            next += here;
            most = Math.max(most, here);
        }
        if (payload.length == 0) {
            for (int index = from; index < to; index++) {
                long key = keys[index];
                spareKeys[ends[(int) ((key ^ Long.MIN_VALUE) >>> shift) & mask]++] = key;
            }
        } else {
            for (int index = from; index < to; index++) {
                long key = keys[index];
                int place = ends[(int) ((key ^ Long.MIN_VALUE) >>> shift) & mask]++;
                spareKeys[place] = key;
                sparePayload[place] = payload[index];
            }
            System.arraycopy(sparePayload, from, payload, from, to - from);
        }
        System.arraycopy(spareKeys, from, keys, from, to - from);
        return most;
    }

    private void insert(int from, int to) {
        if (payload.length > 0) {
            insertBoth(from, to);
            return;
        }
        for (int index = from + 1; index < to; index++) {
            long key = keys[index];
            int place = index;
            while (place > from && keys[place - 1] > key) {
                keys[place] = keys[place - 1];
                place--;
            }
            keys[place] = key;
        }
    }

    private void insertBoth(int from, int to) {
        for (int index = from + 1; index < to; index++) {
            long key = keys[index];
            long own = payload[index];
            int place = index;
            while (place > from && keys[place - 1] > key) {
                keys[place] = keys[place - 1];
                payload[place] = payload[place - 1];
                place--;
            }
            keys[place] = key;
            payload[place] = own;
        }
    }
}
