package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * What gathers elements by an index: counts, sums in the order of the indices, folds of segments. Rounded sums are made
 * in NumPy's order by one thread.
 */
final class Counting {
    private static final long GRAIN = 65_536;
    /** So many counts every thread may have for itself. */
    private static final long OWN_COUNTS = 65_536;
    /** Sums are halved down to so many terms, which bounds their error. */
    private static final long TERMS = 128;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;

    Counting(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        Map<String, RoutineCode> codes = new HashMap<>();
        codes.put("bincount", this::bincount);
        codes.put("subtract.at", call -> update(call, Reduction.SUM, true));
        Map<String, Reduction> reductions = Map.of(
                "add", Reduction.SUM,
                "multiply", Reduction.PRODUCT,
                "minimum", Reduction.MINIMUM,
                "maximum", Reduction.MAXIMUM);
        reductions.forEach((name, reduction) -> {
            codes.put(name + ".at", call -> update(call, reduction, false));
            codes.put(name + ".reduceat", call -> reduceat(call, reduction));
        });
        return codes;
    }

    /** One thread does it all, but stops when nobody wants the result any more. */
    private static void inOrder(long items, Workers.Body body) {
        for (long begin = 0; begin < items; begin += GRAIN) {
            if (Workers.CANCELLED.isBound() && Workers.CANCELLED.get().getAsBoolean()) {
                throw new CancellationException();
            }
            body.run(0, begin, Math.min(items, begin + GRAIN));
        }
    }

    /** Operands: out, values, perhaps weights. */
    private void bincount(RoutineCall call) {
        long out = call.address(0);
        long bins = call.layout(0).elements();
        long values = call.address(1);
        long count = call.layout(1).elements();
        ElementType type = Casts.storage(call.layout(1).type());
        if (call.operands() == 3) {
            fill(out, 8 * bins);
            check(type, values, count, bins);
            long weights = call.address(2);
            inOrder(count, (worker, begin, end) -> {
                for (long index = begin; index < end; index++) {
                    long bin = out + 8 * get(values, index);
                    double weight = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, weights + 8 * index);
                    double sum = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, bin) + weight;
                    MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, bin, sum);
                }
            });
        } else if (bins <= OWN_COUNTS) {
            Tally tally = new Tally(type, values, bins, workers.threads());
            workers.run(count, tally.grain(GRAIN), (worker, begin, end) -> {
                long reached = tally.count(worker, begin, end);
                if (reached < end) {
                    throw outside(number(type, values, reached), bins);
                }
            });
            tally.write(out);
        } else {
            fill(out, 8 * bins);
            check(type, values, count, bins);
            inOrder(count, (worker, begin, end) -> {
                for (long index = begin; index < end; index++) {
                    long bin = number(type, values, index);
                    put(out, bin, get(out, bin) + 1);
                }
            });
        }
    }

    private void fill(long address, long bytes) {
        workers.run(
                bytes,
                8 * GRAIN,
                (worker, begin, end) ->
                        MEMORY.asSlice(address + begin, end - begin).fill((byte) 0));
    }

    /** Whether all positions are below the size, and none negative. */
    private void check(ElementType type, long positions, long count, long size) {
        workers.run(count, GRAIN, (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                long position = number(type, positions, index);
                if (Long.compareUnsigned(position, size) >= 0) {
                    throw outside(position, size);
                }
            }
        });
    }

    /** A position, or one that counts from the end, as one from the start. */
    private static long within(long position, long size) {
        if (Long.compareUnsigned(position, size) < 0) {
            return position;
        }
        if (position < 0 && position + size >= 0) {
            return position + size;
        }
        throw outside(position, size);
    }

    private static ManipleException outside(long position, long size) {
        return new ManipleException(
                Status.INDEX_OUT_OF_RANGE, "index " + position + " is out of bounds for axis 0 with size " + size, "");
    }

    /** Operands: out, values, indices; in order, so that a later update finds what an earlier one left. */
    private void update(RoutineCall call, Reduction reduction, boolean negated) {
        DType type = call.layout(0).type();
        ElementType element = Casts.storage(type);
        long size = call.layout(0).elements();
        long out = call.address(0);
        long values = call.address(1);
        long indices = call.address(2);
        long count = call.layout(2).elements();
        ErrorFlags errors = arithmetic(reduction) ? call.errors() : null;
        int parts = type.isComplex() ? 2 : 1;
        int step = type.bytes() / parts;
        inOrder(count, (worker, begin, end) -> {
            long first = begin;
            if (type == DType.FLOAT64 && reduction == Reduction.SUM) {
                first = addDoubles(out, size, values, indices, begin, end, negated ? -1 : 1, errors != null);
            }
            for (long index = first; index < end; index++) {
                long target = out + within(get(indices, index), size) * type.bytes();
                long value = values + index * type.bytes();
                for (int part = 0; part < parts; part++) {
                    long old = Scalars.read(element, target + (long) part * step);
                    long term = Scalars.read(element, value + (long) part * step);
                    long result = Scalars.combine(reduction, element, old, negated ? negate(element, term) : term);
                    Scalars.write(element, target + (long) part * step, result);
                    if (errors != null) {
                        errors.note(element, old, term, Scalars.read(element, target + (long) part * step));
                    }
                }
            }
        });
    }

    /** Ends before the first sum that is not finite where {@code careful}; returns where. */
    private static long addDoubles(
            long out, long size, long values, long indices, long begin, long end, double sign, boolean careful) {
        for (long index = begin; index < end; index++) {
            long target = out + 8 * within(get(indices, index), size);
            double term = sign * MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, values + 8 * index);
            double sum = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, target) + term;
            if (careful && !(Math.abs(sum) <= Double.MAX_VALUE)) {
                return index;
            }
            MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, target, sum);
        }
        return end;
    }

    private static boolean arithmetic(Reduction reduction) {
        return reduction == Reduction.SUM || reduction == Reduction.PRODUCT;
    }

    private static long negate(ElementType type, long bits) {
        return switch (type) {
            case FLOAT64 -> bits ^ Long.MIN_VALUE;
            case FLOAT32, FLOAT16 -> bits ^ 0x8000_0000L;
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> -bits;
        };
    }

    /** Operands: out, in, starts of the segments: each goes to the next start, the last one to the end of the row. */
    private void reduceat(RoutineCall call, Reduction reduction) {
        Layout in = call.layout(1);
        ElementType type = Casts.storage(in.type());
        int bytes = in.type().bytes();
        long length = in.size(in.rank() - 1);
        long segments = call.layout(2).elements();
        long source = call.address(1);
        long target = call.address(0);
        long starts = call.address(2);
        check(ElementType.INT64, starts, segments, length);
        long results = call.layout(0).elements();
        long grain = Math.max(1, GRAIN / Math.max(1, length / Math.max(1, segments)));
        workers.run(results, grain, (worker, begin, end) -> {
            for (long item = begin; item < end; item++) {
                long segment = item % segments;
                long from = get(starts, segment);
                long to = segment + 1 < segments ? get(starts, segment + 1) : length;
                long row = source + item / segments * length * bytes;
                ErrorFlags errors = arithmetic(reduction) ? call.errors() : null;
                long result = fold(reduction, type, row, bytes, from, Math.max(to, from + 1), errors);
                Scalars.write(type, target + item * bytes, result);
                if (errors != null) {
                    errors.note(type, result, result, Scalars.read(type, target + item * bytes));
                }
            }
        });
    }

    private static long fold(
            Reduction reduction,
            ElementType type,
            long row,
            int bytes,
            long from,
            long to,
            @Nullable ErrorFlags errors) {
        if (to - from > TERMS && type.isFloating() && reduction == Reduction.SUM) {
            long middle = (from + to) >>> 1;
            long left = fold(reduction, type, row, bytes, from, middle, errors);
            long right = fold(reduction, type, row, bytes, middle, to, errors);
            return combine(reduction, type, left, right, errors);
        }
        long folded = Scalars.read(type, row + from * bytes);
        for (long index = from + 1; index < to; index++) {
            folded = combine(reduction, type, folded, Scalars.read(type, row + index * bytes), errors);
        }
        return folded;
    }

    private static long combine(
            Reduction reduction, ElementType type, long left, long right, @Nullable ErrorFlags errors) {
        long combined = Scalars.combine(reduction, type, left, right);
        if (errors != null) {
            errors.note(type, left, right, combined);
        }
        return combined;
    }

    private static long number(ElementType type, long address, long index) {
        return type == ElementType.INT64 ? get(address, index) : Scalars.read(type, address + type.bytes() * index);
    }

    private static long get(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }
}
