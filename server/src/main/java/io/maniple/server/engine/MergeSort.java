package io.maniple.server.engine;

/** A stable sort of a short row of keys that takes a payload along. */
final class MergeSort {
    private static final int RUN = 16;

    private MergeSort() {}

    /** Sorts the first {@code count} keys; the spare arrays are at least as long. */
    static void sort(long[] keys, long[] payload, long[] spareKeys, long[] sparePayload, int count) {
        for (int begin = 0; begin < count; begin += RUN) {
            insert(keys, payload, begin, Math.min(count, begin + RUN));
        }
        long[] fromKeys = keys;
        long[] from = payload;
        long[] toKeys = spareKeys;
        long[] to = sparePayload;
        boolean inSpare = false;
        for (long width = RUN; width < count; width *= 2) {
            for (long begin = 0; begin < count; begin += 2 * width) {
                int middle = (int) Math.min(count, begin + width);
                int end = (int) Math.min(count, begin + 2 * width);
                merge(fromKeys, from, toKeys, to, (int) begin, middle, end);
            }
            long[] swappedKeys = fromKeys;
            long[] swapped = from;
            fromKeys = toKeys;
            from = to;
            toKeys = swappedKeys;
            to = swapped;
            inSpare = !inSpare;
        }
        if (inSpare) {
            System.arraycopy(spareKeys, 0, keys, 0, count);
            System.arraycopy(sparePayload, 0, payload, 0, count);
        }
    }

    private static void insert(long[] keys, long[] payload, int begin, int end) {
        for (int index = begin + 1; index < end; index++) {
            long key = keys[index];
            long carried = payload[index];
            int at = index;
            while (at > begin && keys[at - 1] > key) {
                keys[at] = keys[at - 1];
                payload[at] = payload[at - 1];
                at--;
            }
            keys[at] = key;
            payload[at] = carried;
        }
    }

    private static void merge(long[] fromKeys, long[] from, long[] toKeys, long[] to, int begin, int middle, int end) {
        int left = begin;
        int right = middle;
        for (int at = begin; at < end; at++) {
            if (left < middle && (right >= end || fromKeys[left] <= fromKeys[right])) {
                toKeys[at] = fromKeys[left];
                to[at] = from[left++];
            } else {
                toKeys[at] = fromKeys[right];
                to[at] = from[right++];
            }
        }
    }
}
