package io.maniple.server.engine;

/** Cuts a range of the linear order of a grid into boxes. */
final class Rectangles {
    /** What is done with a box: from {@code low} to before {@code high} along each dimension. */
    @FunctionalInterface
    interface Visitor {
        void visit(long[] low, long[] high);
    }

    private final long[] sizes;
    private final Visitor visitor;

    private Rectangles(long[] sizes, Visitor visitor) {
        this.sizes = sizes;
        this.visitor = visitor;
    }

    /** @param sizes of the grid, outermost first */
    static void visit(long[] sizes, long begin, long end, Visitor visitor) {
        if (begin < end) {
            new Rectangles(sizes, visitor).descend(0, begin, end, new long[sizes.length], new long[sizes.length]);
        }
    }

    private void descend(int dimension, long begin, long end, long[] low, long[] high) {
        if (dimension == sizes.length - 1) {
            low[dimension] = begin;
            high[dimension] = end;
            visitor.visit(low.clone(), high.clone());
            return;
        }
        long inner = 1;
        for (int below = dimension + 1; below < sizes.length; below++) {
            inner *= sizes[below];
        }
        long first = begin / inner;
        long last = (end - 1) / inner;
        if (first == last) {
            at(dimension, first, begin - first * inner, end - first * inner, low, high);
            return;
        }
        if (begin % inner != 0) {
            at(dimension, first, begin - first * inner, inner, low, high);
            first++;
        }
        long full = end / inner;
        if (first < full) {
            low[dimension] = first;
            high[dimension] = full;
            for (int below = dimension + 1; below < sizes.length; below++) {
                low[below] = 0;
                high[below] = sizes[below];
            }
            visitor.visit(low.clone(), high.clone());
        }
        if (end % inner != 0) {
            at(dimension, full, 0, end - full * inner, low, high);
        }
    }

    private void at(int dimension, long index, long begin, long end, long[] low, long[] high) {
        low[dimension] = index;
        high[dimension] = index + 1;
        descend(dimension + 1, begin, end, low, high);
    }
}
