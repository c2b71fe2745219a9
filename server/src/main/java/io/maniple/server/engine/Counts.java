package io.maniple.server.engine;

import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** How often each of some bins was met: tables of every thread's own, added up at the end. */
final class Counts {
    /** Values that are counted in turn: each has a table of its own where all of them stay in the nearest cache. */
    static final int LANES = 4;

    private static final int MOST_BINS = 1024;

    private final int bins;
    private final int step;
    private final long[] @Nullable [] tables;

    Counts(int threads, int bins) {
        this.bins = bins;
        this.step = bins <= MOST_BINS ? bins : 0;
        this.tables = new long[threads][];
    }

    /** From one value's table to the next one's; 0 where there is only one. */
    int step() {
        return step;
    }

    /** A thread's tables, one behind the other. */
    long[] of(int worker) {
        long[] own = tables[worker];
        if (own == null) {
            own = new long[bins + (LANES - 1) * step];
            tables[worker] = own;
        }
        return own;
    }

    /** The sums as 64-bit integers. */
    void write(long address) {
        long[] sums = new long[bins];
        for (long[] own : tables) {
            for (int place = 0; own != null && place < own.length; place += bins) {
                for (int bin = 0; bin < bins; bin++) {
                    sums[bin] += own[place + bin];
                }
            }
        }
        for (int bin = 0; bin < bins; bin++) {
            Scalars.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8L * bin, sums[bin]);
        }
    }
}
