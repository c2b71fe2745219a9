package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ir.SortCode;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * Sorts and partitions the rows of an array. Short rows are sorted in the Java heap, many at a time; a long row by all
 * threads together. Every sort is stable, so its result is one and the same whoever computes it.
 */
final class Sorting {
    /** From here on all threads work on one row. */
    private static final long LONG_ROW = 65_536;

    private static final long GRAIN = 16_384;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;

    private final Compilers compilers;

    Sorting(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of("sort", this::sort, "argsort", this::argsort, "partition", this::partition);
    }

    /** What one thread needs for short rows. */
    private static final class Heap {
        private final long[] keys;
        private final long[] payload;
        private final long[] spareKeys;
        private final long[] sparePayload;

        Heap(int length) {
            keys = new long[length];
            payload = new long[length];
            spareKeys = new long[length];
            sparePayload = new long[length];
        }
    }

    @FunctionalInterface
    private interface ShortRows {
        void run(long begin, long end);
    }

    private void eachShortRow(long rows, long length, ShortRows body) {
        workers.run(rows, Math.max(1, GRAIN / length), (worker, begin, end) -> body.run(begin, end));
    }

    /** Operands: out, in. */
    private void sort(RoutineCall call) {
        sort(call.layout(1), call.address(1), call.address(0), call.memory());
    }

    void sort(Layout layout, long source, long target, Memory memory) {
        DType type = layout.type();
        long length = layout.size(layout.rank() - 1);
        if (layout.elements() == 0) {
            return;
        }
        long rows = layout.elements() / length;
        long bytes = length * type.bytes();
        if (type.isComplex()) {
            try (Memory.Scratch order = memory.scratch(8 * layout.elements())) {
                order(type, source, order.address(), rows, length, memory);
                gather(type, source, order.address(), target, rows, length);
            }
        } else if (length < LONG_ROW) {
            sortShort(type, source, target, rows, (int) length, memory);
        } else {
            for (long row = 0; row < rows; row++) {
                if (type.bytes() <= 2) {
                    count(type, source + row * bytes, target + row * bytes, length);
                } else {
                    radix(type, source + row * bytes, target + row * bytes, length, memory);
                }
                orderZeros(type, source + row * bytes, target + row * bytes, length);
            }
        }
    }

    private void sortShort(DType type, long source, long target, long rows, int length, Memory memory) {
        long bytes = (long) length * type.bytes();
        SortCode code = compilers.sorts().orElse(null);
        long room = VectorRow.roundUp(8L * length + VectorSort.SPARE_BYTES);
        long each = code == null ? 0 : VectorRow.roundUp(VectorSort.BYTES) + 2 * room;
        try (Memory.Scratch scratch = memory.scratch(Math.max(1, each * workers.threads()))) {
            workers.run(rows, Math.max(1, GRAIN / length), (worker, begin, end) -> {
                long[] keys = new long[length];
                long own = scratch.address() + worker * each;
                VectorSort sort = code == null ? null : new VectorSort(code, own);
                long from = own + each - 2 * room;
                for (long row = begin; row < end; row++) {
                    SortKeys.readReversible(type, source + row * bytes, 0, length, 0, keys);
                    if (sort == null) {
                        Arrays.sort(keys);
                    } else {
                        MemorySegment.copy(keys, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, from, length);
                        sort.sort(from, length, from + room);
                        MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, from, keys, 0, length);
                    }
                    SortKeys.write(type, target + row * bytes, keys, length, 0);
                    orderZeros(type, source + row * bytes, target + row * bytes, length);
                }
            });
        }
    }

    /** Small types: what stands how often is all there is to know. */
    private void count(DType type, long source, long target, long length) {
        int bins = 1 << (8 * type.bytes());
        int lowest = -(bins >> 1);
        long[][] counts = new long[workers.threads()][bins];
        workers.run(length, LONG_ROW, (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                counts[worker][(int) SortKeys.reversible(type, source + index * type.bytes()) - lowest]++;
            }
        });
        long[] starts = new long[bins + 1];
        for (int bin = 0; bin < bins; bin++) {
            long here = 0;
            for (long[] own : counts) {
                here += own[bin];
            }
            starts[bin + 1] = starts[bin] + here;
        }
        workers.run(length, LONG_ROW, (worker, begin, end) -> {
            int bin = Arrays.binarySearch(starts, begin);
            bin = bin >= 0 ? bin : -bin - 2;
            for (long index = begin; index < end; index++) {
                while (starts[bin + 1] <= index) {
                    bin++;
                }
                SortKeys.write(type, target + index * type.bytes(), bin + lowest);
            }
        });
    }

    private void radix(DType type, long source, long target, long length, Memory memory) {
        // The sign belongs into the uppermost bit.
        int shift = Long.SIZE - 8 * type.bytes();
        BucketSort.Output output = (sorted, none, count, first) ->
                SortKeys.write(type, target + first * type.bytes(), sorted, count, shift);
        BucketSort.Source input =
                (first, count, into) -> SortKeys.readReversible(type, source, first, count, shift, into);
        Optional<SortCode> code = compilers.sorts();
        if (code.isPresent()) {
            new VectorRow(workers, code.get(), memory, output).sort(input, length);
        } else {
            new BucketSort(workers, shift, false, memory, output).sort(input, length);
        }
    }

    /** Zeros of both signs are equal, and stay in the order in which they stood. */
    private static void orderZeros(DType type, long source, long target, long length) {
        if (type != DType.FLOAT16 && type != DType.FLOAT32 && type != DType.FLOAT64) {
            return;
        }
        int bytes = type.bytes();
        long zero = SortKeys.zero(type);
        long negative = firstNotBelow(type, target, length, zero - 1);
        long positive = firstNotBelow(type, target, length, zero);
        long behind = firstNotBelow(type, target, length, zero + 1);
        if (negative == positive || positive == behind) {
            return;
        }
        long next = target + negative * bytes;
        for (long index = 0; index < length; index++) {
            long key = SortKeys.reversible(type, source + index * bytes);
            if (key == zero || key == zero - 1) {
                SortKeys.write(type, next, key);
                next += bytes;
            }
        }
    }

    static long firstNotBelow(DType type, long sorted, long length, long key) {
        long low = 0;
        long high = length;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (SortKeys.reversible(type, sorted + middle * type.bytes()) < key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Operands: out, in. */
    private void argsort(RoutineCall call) {
        Layout layout = call.layout(1);
        if (layout.elements() == 0) {
            return;
        }
        long length = layout.size(layout.rank() - 1);
        long rows = layout.elements() / length;
        order(layout.type(), call.address(1), call.address(0), rows, length, call.memory());
    }

    private void order(DType type, long source, long target, long rows, long length, Memory memory) {
        long bytes = length * type.bytes();
        if (length < LONG_ROW) {
            eachShortRow(rows, length, (begin, end) -> {
                Heap heap = new Heap((int) length);
                for (long row = begin; row < end; row++) {
                    orderShort(type, source + row * bytes, target + 8 * row * length, heap);
                }
            });
            return;
        }
        for (long row = 0; row < rows; row++) {
            if (SortKeys.bits(type) <= Integer.SIZE && length < 1L << Integer.SIZE) {
                orderPacked(type, source + row * bytes, target + 8 * row * length, length, memory);
            } else {
                orderLong(type, source + row * bytes, target + 8 * row * length, length, memory);
            }
        }
    }

    private static void orderShort(DType type, long source, long target, Heap heap) {
        int length = heap.keys.length;
        boolean packed = SortKeys.bits(type) <= Integer.SIZE;
        for (int index = 0; index < length; index++) {
            long at = source + (long) index * type.bytes();
            if (packed) {
                heap.payload[index] = SortKeys.equal(type, at) << Integer.SIZE | index;
            } else {
                heap.keys[index] = type == DType.COMPLEX128 ? SortKeys.second(at) : SortKeys.equal(type, at);
                heap.payload[index] = index;
            }
        }
        if (packed) {
            Arrays.sort(heap.payload);
        } else {
            MergeSort.sort(heap.keys, heap.payload, heap.spareKeys, heap.sparePayload, length);
        }
        if (type == DType.COMPLEX128) {
            for (int index = 0; index < length; index++) {
                heap.keys[index] = SortKeys.equal(type, source + heap.payload[index] * type.bytes());
            }
            MergeSort.sort(heap.keys, heap.payload, heap.spareKeys, heap.sparePayload, length);
        }
        for (int index = 0; index < length; index++) {
            put(target, index, heap.payload[index] & 0xffff_ffffL);
        }
    }

    /** The index stands in the lower half of the key. */
    private void orderPacked(DType type, long source, long target, long length, Memory memory) {
        int shift = Long.SIZE - SortKeys.bits(type);
        BucketSort.Source packed = (first, count, into) -> {
            for (int index = 0; index < count; index++) {
                long place = first + index;
                into[index] = SortKeys.equal(type, source + place * type.bytes()) << shift | place;
            }
        };
        new BucketSort(workers, Integer.SIZE, false, memory, (sorted, none, count, first) -> {
                    for (int index = 0; index < count; index++) {
                        put(target, first + index, sorted[index] & 0xffff_ffffL);
                    }
                })
                .sort(packed, length);
    }

    /**
     * Complex numbers by their imaginary parts first: the stable sort by the real parts keeps that order among equal
     * ones.
     */
    private void orderLong(DType type, long source, long target, long length, Memory memory) {
        BucketSort sort = new BucketSort(
                workers,
                0,
                true,
                memory,
                (sorted, places, count, first) -> MemorySegment.copy(
                        places, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, target + 8 * first, count));
        sort.sort(new InPlace(type, source), length);
        if (type == DType.COMPLEX128) {
            sort.sort(new InOrder(source, target), length);
        }
    }

    /** The elements as they stand, and their places; of complex numbers the second keys. */
    private record InPlace(DType type, long source) implements BucketSort.Source {
        @Override
        public void keys(long first, int count, long[] into) {
            if (type != DType.COMPLEX128) {
                SortKeys.readEqual(type, source, first, count, into);
                return;
            }
            for (int index = 0; index < count; index++) {
                into[index] = SortKeys.second(source + (first + index) * type.bytes());
            }
        }

        @Override
        public void payload(long first, int count, long[] into) {
            for (int index = 0; index < count; index++) {
                into[index] = first + index;
            }
        }
    }

    /** Complex numbers, by their first keys, in an order that is found already. */
    private record InOrder(long source, long order) implements BucketSort.Source {
        @Override
        public void keys(long first, int count, long[] into) {
            for (int index = 0; index < count; index++) {
                long place = get(order, first + index);
                into[index] = SortKeys.equal(DType.COMPLEX128, source + place * DType.COMPLEX128.bytes());
            }
        }

        @Override
        public void payload(long first, int count, long[] into) {
            MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, order + 8 * first, into, 0, count);
        }
    }

    private void gather(DType type, long source, long order, long target, long rows, long length) {
        int bytes = type.bytes();
        workers.run(rows * length, GRAIN, (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                long first = index - index % length;
                Elements.copy(source + (first + get(order, index)) * bytes, target + index * bytes, bytes);
            }
        });
    }

    /** Operands: out, in, positions: what belongs there stands there, nothing larger before, nothing smaller behind. */
    private void partition(RoutineCall call) {
        Layout layout = call.layout(1);
        DType type = layout.type();
        if (layout.elements() == 0) {
            return;
        }
        long length = layout.size(layout.rank() - 1);
        long rows = layout.elements() / length;
        long bytes = length * type.bytes();
        long source = call.address(1);
        long target = call.address(0);
        long[] positions = positions(call, length);
        if (type.isComplex() || (type.bytes() <= 2 && length >= LONG_ROW)) {
            sort(layout, source, target, call.memory());
        } else if (length < LONG_ROW) {
            eachShortRow(rows, length, (begin, end) -> {
                long[] keys = new long[(int) length];
                for (long row = begin; row < end; row++) {
                    SortKeys.readReversible(type, source + row * bytes, 0, keys.length, 0, keys);
                    Quickselect.partition(keys, keys.length, positions);
                    SortKeys.write(type, target + row * bytes, keys, keys.length, 0);
                }
            });
        } else {
            try (Memory.Scratch keys = call.memory().scratch(8 * length);
                    Memory.Scratch spare = call.memory().scratch(8 * length)) {
                for (long row = 0; row < rows; row++) {
                    partitionLong(type, source + row * bytes, target + row * bytes, length, positions, keys, spare);
                }
            }
        }
    }

    private void partitionLong(
            DType type,
            long source,
            long target,
            long length,
            long[] positions,
            Memory.Scratch keys,
            Memory.Scratch spare) {
        int bytes = type.bytes();
        int shift = Long.SIZE - 8 * bytes;
        workers.run(length, GRAIN, (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                put(keys.address(), index, SortKeys.reversible(type, source + index * bytes) << shift);
            }
        });
        new RadixSelect(workers, keys.address(), spare.address()).partition(length, positions);
        workers.run(length, GRAIN, (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                SortKeys.write(type, target + index * bytes, get(keys.address(), index) >> shift);
            }
        });
    }

    private static long[] positions(RoutineCall call, long length) {
        long[] positions = new long[Math.toIntExact(call.layout(2).elements())];
        for (int index = 0; index < positions.length; index++) {
            positions[index] = get(call.address(2), index);
            if (positions[index] < 0 || positions[index] >= length) {
                throw new ManipleException(
                        Status.INDEX_OUT_OF_RANGE,
                        "position " + positions[index] + " is out of bounds for rows of length " + length,
                        "");
            }
        }
        Arrays.sort(positions);
        return positions;
    }

    private static long get(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }
}
