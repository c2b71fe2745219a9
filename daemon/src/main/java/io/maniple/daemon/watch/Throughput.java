package io.maniple.daemon.watch;

import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;

/** Bytes that kernels moved and the time they took, second by second for the last minutes. Any thread. */
public final class Throughput {
    /** So many seconds are kept. */
    public static final int SECONDS = 300;

    private static final long SECOND = 1_000_000_000L;

    private final double[] bytes = new double[SECONDS];
    private final double[] busy = new double[SECONDS];
    /** Of which second, since 1970, an entry is. */
    private final long[] stamps = new long[SECONDS];

    /**
     * Entries of consecutive seconds.
     *
     * @param first the first second, since 1970
     * @param bytes read and written in each of them
     * @param busy which part of each of them something was computed, 0 to 1
     */
    public record Series(long first, double[] bytes, double[] busy) {}

    synchronized void add(BatchTrace batch) {
        for (StepTrace step : batch.steps()) {
            long begin = batch.epochNanoseconds() + step.begin();
            long end = begin + Math.max(1, step.nanoseconds());
            double rate = (double) step.summary().bytes() / (end - begin);
            // Of a step that took longer than anything is kept, the end.
            long from = Math.max(begin, end - SECONDS * SECOND);
            while (from < end) {
                long second = Math.floorDiv(from, SECOND);
                long to = Math.min(end, (second + 1) * SECOND);
                int index = index(second);
                bytes[index] += rate * (to - from);
                busy[index] += (double) (to - from) / SECOND;
                from = to;
            }
        }
    }

    private int index(long second) {
        int index = (int) Math.floorMod(second, (long) SECONDS);
        if (stamps[index] < second) {
            stamps[index] = second;
            bytes[index] = 0;
            busy[index] = 0;
        }
        return index;
    }

    /** The last seconds that are over. */
    public synchronized Series last(int seconds, long nowNanoseconds) {
        int count = Math.clamp(seconds, 1, SECONDS - 1);
        long first = Math.floorDiv(nowNanoseconds, SECOND) - count;
        double[] moved = new double[count];
        double[] computed = new double[count];
        for (int offset = 0; offset < count; offset++) {
            int index = (int) Math.floorMod(first + offset, (long) SECONDS);
            if (stamps[index] == first + offset) {
                moved[offset] = bytes[index];
                computed[offset] = Math.min(1, busy[index]);
            }
        }
        return new Series(first, moved, computed);
    }
}
