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
            for (long index = begin; index < end; index++) {
                long value = values + index * type.bytes();
                long place = type == DType.COMPLEX128
                        ? placeOfPair(sorted, length, value, right)
                        : place(type, sorted, length, SortKeys.equal(type, value), right);
                Scalars.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, out + 8 * index, place);
            }
        });
    }

    private static long place(DType type, long sorted, long length, long value, boolean right) {
        long low = 0;
        long high = length;
        while (low < high) {
            long middle = (low + high) >>> 1;
            long key = SortKeys.equal(type, sorted + middle * type.bytes());
            if (key < value || (right && key == value)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
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
