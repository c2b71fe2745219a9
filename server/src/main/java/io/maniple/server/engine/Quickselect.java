package io.maniple.server.engine;

import java.util.Arrays;

/** Partitions a short row around some of its positions. */
final class Quickselect {
    private static final int SMALL = 24;

    private Quickselect() {}

    /** @param positions ascending */
    static void partition(long[] keys, int count, long[] positions) {
        int from = 0;
        for (long position : positions) {
            if (position >= from) {
                place(keys, from, count, (int) position);
                from = (int) position + 1;
            }
        }
    }

    /** Puts the element of rank {@code position} there, nothing larger before and nothing smaller behind. */
    private static void place(long[] keys, int from, int to, int position) {
        int low = from;
        int high = to;
        // Beyond as many turns the pivots are bad, and sorting bounds the time.
        int turns = 2 * (Integer.SIZE - Integer.numberOfLeadingZeros(to - from));
        while (high - low > SMALL && turns-- > 0) {
            long pivot = median(keys[low], keys[(low + high) >>> 1], keys[high - 1]);
            int left = low;
            int right = high - 1;
            while (left <= right) {
                while (keys[left] < pivot) {
                    left++;
                }
                while (keys[right] > pivot) {
                    right--;
                }
                if (left <= right) {
                    long moved = keys[left];
                    keys[left++] = keys[right];
                    keys[right--] = moved;
                }
            }
            if (position <= right) {
                high = right + 1;
            } else if (position >= left) {
                low = left;
            } else {
                return;
            }
        }
        Arrays.sort(keys, low, high);
    }

    private static long median(long first, long second, long third) {
        return Math.max(Math.min(first, second), Math.min(Math.max(first, second), third));
    }
}
