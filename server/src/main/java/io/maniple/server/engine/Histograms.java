package io.maniple.server.engine;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/**
 * Counts in bins of one width. Which bin a value falls into is computed as NumPy does (numpy/lib/_histograms_impl.py),
 * step by step, so that values at the edges are counted where NumPy counts them.
 */
final class Histograms {
    private static final long GRAIN = 65_536;
    /** Every thread has counts of its own. */
    private static final long MOST_BINS = 1 << 20;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;

    Histograms(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of("histogram", this::count);
    }

    /** Operands: counts, values, edges, of which there is one more. Values outside, and NaN, are not counted. */
    private void count(RoutineCall call) {
        long bins = call.layout(0).elements();
        if (bins > MOST_BINS) {
            throw new ManipleException(Status.INVALID_PROGRAM, bins + " bins are more than " + MOST_BINS, "");
        }
        double[] edges = new double[(int) bins + 1];
        MemorySegment.copy(MEMORY, ValueLayout.JAVA_DOUBLE_UNALIGNED, call.address(2), edges, 0, edges.length);
        long values = call.address(1);
        long[][] counts = new long[workers.threads()][];
        workers.run(call.layout(1).elements(), GRAIN, (worker, begin, end) -> {
            if (counts[worker] == null) {
                counts[worker] = new long[(int) bins];
            }
            count(values, begin, end, edges, counts[worker]);
        });
        for (int bin = 0; bin < bins; bin++) {
            long sum = 0;
            for (long[] own : counts) {
                sum += own == null ? 0 : own[bin];
            }
            MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, call.address(0) + 8L * bin, sum);
        }
    }

    private static void count(long values, long begin, long end, double[] edges, long[] counts) {
        int bins = counts.length;
        double first = edges[0];
        double last = edges[bins];
        double range = last - first;
        for (long index = begin; index < end; index++) {
            double value = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, values + 8 * index);
            if (value >= first && value <= last) {
                int bin = Math.min((int) ((value - first) / range * bins), bins - 1);
                // Rounding may have taken it beyond an edge.
                bin -= value < edges[bin] ? 1 : 0;
                bin += value >= edges[bin + 1] && bin != bins - 1 ? 1 : 0;
                counts[bin]++;
            }
        }
    }
}
