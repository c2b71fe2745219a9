package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Binary search in a sorted vector, for many values at once. */
final class Searching {
    private static final long GRAIN = 4_096;

    private final Workers workers;

    Searching(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of("searchsorted", this::search);
    }

    /** Operands: out, sorted vector, values, whether to the right of equal elements. */
    private void search(RoutineCall call) {
        DType type = call.layout(1).type();
        long length = call.layout(1).elements();
        long sorted = call.address(1);
        long values = call.address(2);
        long out = call.address(0);
        boolean right = call.integer(3) != 0;
        workers.run(call.layout(2).elements(), GRAIN, (worker, begin, end) -> {
            if (type != DType.COMPLEX128) {
                new Descent(type, sorted, length, right).search(values, begin, end, out);
                return;
            }
            for (long index = begin; index < end; index++) {
                long place = placeOfPair(sorted, length, values + index * type.bytes(), right);
                Scalars.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, out + 8 * index, place);
            }
        });
    }

    /** Many searches side by side, without branches: the memory is asked for all of a level's elements at once. */
    private static final class Descent {
        private static final int LANES = 32;

        private final DType type;
        private final long sorted;
        private final long length;
        private final boolean right;
        private final long[] wanted = new long[LANES];
        private final long[] places = new long[LANES];
        private final long[] ends = new long[LANES];

        Descent(DType type, long sorted, long length, boolean right) {
            this.type = type;
            this.sorted = sorted;
            this.length = length;
            this.right = right;
        }

        void search(long values, long begin, long end, long out) {
            for (long first = begin; first < end; first += LANES) {
                int count = (int) Math.min(LANES, end - first);
                for (int lane = 0; lane < count; lane++) {
                    long key = key(values, first + lane);
                    // To the right of what is equal is to the left of the next key.
                    wanted[lane] = right && key != Long.MAX_VALUE ? key + 1 : key;
                    places[lane] = 0;
                    ends[lane] = length;
                }
                descend(count);
                for (int lane = 0; lane < count; lane++) {
                    boolean beyondAll = right && key(values, first + lane) == Long.MAX_VALUE;
                    Scalars.MEMORY.set(
                            ValueLayout.JAVA_LONG_UNALIGNED,
                            out + 8 * (first + lane),
                            beyondAll ? length : places[lane]);
                }
            }
        }

        private long key(long vector, long index) {
            return SortKeys.equal(type, vector + index * type.bytes());
        }

        /** The middles are NumPy's, so that even in a vector that is not sorted the places are. */
        private void descend(int count) {
            if (length == 0) {
                return;
            }
            for (int step = Long.SIZE - Long.numberOfLeadingZeros(length); step > 0; step--) {
                switch (type) {
                    case FLOAT64 -> {
                        for (int lane = 0; lane < count; lane++) {
                            long middle = middle(lane);
                            narrow(lane, middle, SortKeys.equal(DType.FLOAT64, sorted + 8 * middle));
                        }
                    }
                    case INT64 -> {
                        for (int lane = 0; lane < count; lane++) {
                            long middle = middle(lane);
                            narrow(lane, middle, SortKeys.equal(DType.INT64, sorted + 8 * middle));
                        }
                    }
                    default -> {
                        for (int lane = 0; lane < count; lane++) {
                            long middle = middle(lane);
                            narrow(lane, middle, key(sorted, middle));
                        }
                    }
                }
            }
        }

        /** Where a lane has found its place already, any element will do. */
        private long middle(int lane) {
            return (places[lane] + ends[lane]) >>> 1 & open(lane);
        }

        private long open(int lane) {
            return places[lane] - ends[lane] >> 63;
        }

        private void narrow(int lane, long middle, long key) {
            long open = open(lane);
            long less = isLess(key, wanted[lane]) & open;
            places[lane] += less & middle + 1 - places[lane];
            ends[lane] -= ~less & open & ends[lane] - middle;
        }

        /** All ones where the left one is less, else 0: the sign of the difference where there is no overflow. */
        private static long isLess(long left, long right) {
            long difference = left - right;
            return (difference ^ (left ^ right) & (difference ^ left)) >> 63;
        }
    }

    private static long placeOfPair(long sorted, long length, long value, boolean right) {
        int bytes = DType.COMPLEX128.bytes();
        long first = SortKeys.equal(DType.COMPLEX128, value);
        long second = SortKeys.second(value);
        long low = 0;
        long high = length;
        while (low < high) {
            long middle = (low + high) >>> 1;
            int order = Long.compare(SortKeys.equal(DType.COMPLEX128, sorted + middle * bytes), first);
            if (order == 0) {
                order = Long.compare(SortKeys.second(sorted + middle * bytes), second);
            }
            if (order < 0 || (right && order == 0)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
