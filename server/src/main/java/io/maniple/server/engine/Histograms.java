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
    /** Values whose bins are computed at once, by vector instructions. */
    private static final int BLOCK = 1024;

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
        Counts counts = new Counts(workers.threads(), (int) bins);
        workers.run(call.layout(1).elements(), GRAIN, (worker, begin, end) -> {
            double[] block = new double[BLOCK];
            int[] places = new int[BLOCK];
            for (long index = begin; index < end; index += BLOCK) {
                int length = (int) Math.min(BLOCK, end - index);
                MemorySegment.copy(MEMORY, ValueLayout.JAVA_DOUBLE_UNALIGNED, values + 8 * index, block, 0, length);
                places(block, length, edges, places);
                count(block, length, edges, places, counts.of(worker), counts.step());
            }
        });
        counts.write(call.address(0));
    }

    /** The bin of each value before the corrections at the edges; anything for what lies outside. */
    private static void places(double[] values, int length, double[] edges, int[] places) {
        int bins = edges.length - 1;
        double first = edges[0];
        double range = edges[bins] - first;
        for (int index = 0; index < length; index++) {
            places[index] = (int) ((values[index] - first) / range * bins);
        }
    }

    private static void count(double[] values, int length, double[] edges, int[] places, long[] counts, int step) {
        int bins = edges.length - 1;
        double first = edges[0];
        double last = edges[bins];
        for (int index = 0; index < length; index++) {
            double value = values[index];
            if (value >= first && value <= last) {
                int bin = Math.min(places[index], bins - 1);
                // Rounding may have taken it beyond an edge.
                bin -= value < edges[bin] ? 1 : 0;
                bin += value >= edges[bin + 1] && bin != bins - 1 ? 1 : 0;
                counts[(index & Counts.LANES - 1) * step + bin]++;
            }
        }
    }
}
