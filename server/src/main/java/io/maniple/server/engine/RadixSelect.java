package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Partitions one long row of 64-bit keys in native memory: the key of a rank is found digit by digit, most significant
 * first, then the row is split by it. All threads take blocks of the row.
 */
final class RadixSelect {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int DIGIT = 11;
    private static final int BINS = 1 << DIGIT;
    private static final long BLOCK = 65_536;
    /** So few candidates are sorted. */
    private static final long FEW = 16_384;

    private final Workers workers;
    private final long keys;
    private final long spare;

    /** @param spare room for all keys */
    RadixSelect(Workers workers, long keys, long spare) {
        this.workers = workers;
        this.keys = keys;
        this.spare = spare;
    }

    /** @param positions ascending */
    void partition(long count, long[] positions) {
        long from = 0;
        for (long position : positions) {
            if (position >= from) {
                // Quantiles ask for the first and the last one, and for neighbours: then one look is enough.
                if (position == from) {
                    swap(from, extreme(from, count, false));
                } else if (position == count - 1) {
                    swap(position, extreme(from, count, true));
                } else {
                    split(from, count, keyOfRank(from, count, position - from));
                }
                from = position + 1;
            }
        }
    }

    private void swap(long left, long right) {
        long key = key(left);
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, keys + 8 * left, key(right));
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, keys + 8 * right, key);
    }

    /** The index of the first of the least or the greatest keys. */
    private long extreme(long from, long to, boolean greatest) {
        int blocks = Math.toIntExact((to - from + BLOCK - 1) / BLOCK);
        long[] best = new long[blocks];
        // Of keys with all bits changed the least is the greatest.
        long turned = greatest ? -1L : 0;
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long first = from + block * BLOCK;
                long at = first;
                long least = key(first) ^ turned;
                for (long index = first + 1; index < Math.min(to, first + BLOCK); index++) {
                    long key = key(index) ^ turned;
                    if (key < least) {
                        least = key;
                        at = index;
                    }
                }
                best[(int) block] = at;
            }
        });
        long found = best[0];
        for (long at : best) {
            if ((key(at) ^ turned) < (key(found) ^ turned)) {
                found = at;
            }
        }
        return found;
    }

    private long key(long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, keys + 8 * index);
    }

    private long keyOfRank(long from, long to, long rank) {
        long left = rank;
        long known = 0;
        long prefix = 0;
        int shift = Long.SIZE - DIGIT;
        while (true) {
            long[] counts = counts(from, to, known, prefix, shift);
            int bin = 0;
            while (left >= counts[bin]) {
                left -= counts[bin++];
            }
            prefix |= (long) bin << shift;
            known = -1L << shift;
            if (counts[bin] <= FEW) {
                return candidates(from, to, known, prefix, (int) counts[bin])[(int) left];
            }
            if (shift == 0) {
                return prefix ^ Long.MIN_VALUE;
            }
            shift = Math.max(0, shift - DIGIT);
        }
    }

    private long[] counts(long from, long to, long known, long prefix, int shift) {
        int blocks = Math.toIntExact((to - from + BLOCK - 1) / BLOCK);
        long[][] counts = new long[workers.threads()][BINS];
        workers.run(blocks, 1, (worker, begin, end) -> {
            long[] own = counts[worker];
            for (long index = from + begin * BLOCK; index < Math.min(to, from + end * BLOCK); index++) {
                long key = key(index) ^ Long.MIN_VALUE;
                if ((key & known) == prefix) {
                    own[(int) (key >>> shift) & (BINS - 1)]++;
                }
            }
        });
        long[] sum = counts[0];
        for (int worker = 1; worker < counts.length; worker++) {
            for (int bin = 0; bin < BINS; bin++) {
                sum[bin] += counts[worker][bin];
            }
        }
        return sum;
    }

    private long[] candidates(long from, long to, long known, long prefix, int count) {
        long[] found = new long[count];
        AtomicInteger next = new AtomicInteger();
        int blocks = Math.toIntExact((to - from + BLOCK - 1) / BLOCK);
        // They are sorted afterwards, so it does not matter who finds which.
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long index = from + begin * BLOCK; index < Math.min(to, from + end * BLOCK); index++) {
                long key = key(index);
                if (((key ^ Long.MIN_VALUE) & known) == prefix) {
                    found[next.getAndIncrement()] = key;
                }
            }
        });
        Arrays.sort(found);
        return found;
    }

    /** Moves what is less than the pivot to the front and what is greater to the end, each in its order. */
    private void split(long from, long to, long pivot) {
        int blocks = Math.toIntExact((to - from + BLOCK - 1) / BLOCK);
        long[] less = new long[blocks];
        long[] same = new long[blocks];
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long stop = Math.min(to, from + (block + 1) * BLOCK);
                long below = 0;
                long equal = 0;
                for (long index = from + block * BLOCK; index < stop; index++) {
                    long key = key(index);
                    below += key < pivot ? 1 : 0;
                    equal += key == pivot ? 1 : 0;
                }
                less[(int) block] = below;
                same[(int) block] = equal;
            }
        });
        long allLess = Arrays.stream(less).sum();
        long allSame = Arrays.stream(same).sum();
        long[][] places = new long[blocks][];
        long nextLess = from;
        long nextSame = from + allLess;
        long nextMore = from + allLess + allSame;
        for (int block = 0; block < blocks; block++) {
            places[block] = new long[] {nextLess, nextSame, nextMore};
            nextLess += less[block];
            nextSame += same[block];
            nextMore += Math.min(to, from + (block + 1) * BLOCK) - (from + block * BLOCK) - less[block] - same[block];
        }
        workers.run(blocks, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long[] place = places[(int) block];
                long stop = Math.min(to, from + (block + 1) * BLOCK);
                for (long index = from + block * BLOCK; index < stop; index++) {
                    long key = key(index);
                    int side = key < pivot ? 0 : key == pivot ? 1 : 2;
                    MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, spare + 8 * place[side]++, key);
                }
            }
        });
        workers.run(
                to - from,
                BLOCK,
                (worker, begin, end) -> MemorySegment.copy(
                        MEMORY, spare + 8 * (from + begin), MEMORY, keys + 8 * (from + begin), 8 * (end - begin)));
    }
}
