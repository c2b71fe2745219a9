package io.maniple.server.engine;

import io.maniple.server.distribution.Spans;

/** What a step reads and writes with some worker's part; collected twice where the first try is too coarse. */
final class Touched {
    /** Ranges so close are treated as one. */
    static final long GAP = 4_096;

    final Parts reads;
    final Parts writes;
    private final long gap;

    Touched(int workers, long gap) {
        this.gap = gap;
        this.reads = new Parts(workers, GAP);
        // What lies between two views is no part of either.
        this.writes = new Parts(workers, 0);
    }

    void view(
            int worker,
            int buffer,
            boolean loaded,
            boolean stored,
            long offset,
            long[] shape,
            long[] strides,
            int itemBytes) {
        if (loaded) {
            reads.add(worker, buffer, Spans.ofView(offset, shape, strides, itemBytes, GAP));
        }
        if (stored) {
            write(worker, buffer, Spans.ofView(offset, shape, strides, itemBytes, gap), shape, itemBytes);
        }
    }

    /** What is between the elements written must be there before, if it counts as written. */
    private void write(int worker, int buffer, Spans spans, long[] shape, int itemBytes) {
        writes.add(worker, buffer, spans);
        long exact = itemBytes;
        for (long size : shape) {
            exact *= size;
        }
        if (spans.bytes() > exact) {
            reads.add(worker, buffer, spans);
        }
    }

    void written(int worker, int buffer, Spans spans) {
        writes.add(worker, buffer, spans);
    }
}
