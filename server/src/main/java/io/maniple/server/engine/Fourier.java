package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Discrete Fourier transforms of rows, computed in double precision whatever the type. Many rows are shared out among
 * the threads, few long ones are cut; the result is the same.
 */
final class Fourier {
    /** Rows of at least this length are worth cutting. */
    private static final long LONG_ROW = 1 << 15;
    /** Items of a cut row, or elements of whole rows, that a thread takes at a time. */
    private static final long TURN = 8_192;

    private final Workers workers;
    private final Compilers compilers;
    private final Map<Integer, Executable> butterflies = new ConcurrentHashMap<>();

    Fourier(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    Map<String, RoutineCode> routines() {
        Map<String, RoutineCode> codes = new HashMap<>();
        codes.put("fft.complex", call -> run(call, call.integer(3) != 0, length(call, 0)));
        codes.put(
                "fft.from_real",
                call -> run(call, false, Math.max(1, 2 * (length(call, 0) - 1) + (call.integer(3) != 0 ? 1 : 0))));
        codes.put("fft.to_real", call -> run(call, true, length(call, 0)));
        return codes;
    }

    private static long length(RoutineCall call, int operand) {
        Layout layout = call.layout(operand);
        return layout.size(layout.rank() - 1);
    }

    /** Operands: out, in, factor, and a scalar; the last dimension is transformed. */
    private void run(RoutineCall call, boolean backward, long length) {
        long outLength = length(call, 0);
        long rows = call.layout(0).elements() / outLength;
        double factor = call.layout(2).type() == DType.FLOAT32
                ? Scalars.MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, call.address(2))
                : FourierPasses.get(call.address(2));
        Ends ends = new Ends(call, length, backward, factor);
        boolean cut = length >= LONG_ROW && rows < workers.threads();
        FourierPlan.Runner alone = (items, body) -> body.run(0, items);
        FourierPlan.Runner together =
                (items, body) -> workers.run(items, TURN, (worker, begin, end) -> body.run(begin, end));
        long rowBytes = 16 * FourierPlan.rowPairs(length);
        int copies = cut ? 1 : (int) Math.min(rows, workers.threads());
        try (Memory.Scratch tables = call.memory().scratch(16 * FourierPlan.tablePairs(length));
                Memory.Scratch scratch = call.memory().scratch(rowBytes * copies)) {
            FourierPlan plan = new FourierPlan(length, tables.address(), scratch.address(), together);
            if (FourierBatch.suits(plan, rows)) {
                batches(new FourierBatch(plan, this::butterfly), ends, rows, call.memory());
                return;
            }
            if (cut) {
                for (long row = 0; row < rows; row++) {
                    row(plan, ends, row, scratch.address(), together);
                }
                return;
            }
            // A worker's number may be above the number of copies where there are fewer rows than threads.
            long grain = Math.max(Math.max(1, TURN / length), rows <= copies ? 1 : 0);
            workers.run(rows, grain, (worker, begin, end) -> {
                for (long row = begin; row < end; row++) {
                    long slot = rows <= copies ? row : worker;
                    row(plan, ends, row, scratch.address() + slot * rowBytes, alone);
                }
            });
        }
    }

    private Executable butterfly(int radix) {
        return butterflies.computeIfAbsent(radix, missing -> FourierBatch.butterfly(missing, compilers));
    }

    private void batches(FourierBatch batch, Ends ends, long rows, Memory memory) {
        long count = (rows + FourierBatch.LANES - 1) / FourierBatch.LANES;
        int copies = (int) Math.min(count, workers.threads());
        long bytes = FourierBatch.bytes(ends.length);
        try (Memory.Scratch scratch = memory.scratch(bytes * copies)) {
            workers.run(
                    count,
                    count <= copies ? 1 : Math.max(1, TURN / ends.length / FourierBatch.LANES),
                    (worker, begin, end) -> {
                        for (long number = begin; number < end; number++) {
                            long slot = count <= copies ? number : worker;
                            batch(batch, ends, number * FourierBatch.LANES, rows, scratch.address() + slot * bytes);
                        }
                    });
        }
    }

    private static void batch(FourierBatch batch, Ends ends, long first, long rows, long work) {
        int lanes = (int) Math.min(FourierBatch.LANES, rows - first);
        long plane = FourierBatch.plane(ends.length);
        if (lanes < FourierBatch.LANES) {
            Matrices.clear(work, 2 * plane);
        }
        for (int lane = 0; lane < lanes; lane++) {
            ends.load(first + lane, Row.ofLane(work, plane, lane), 0, ends.length);
        }
        long result = batch.transform(work);
        for (int lane = 0; lane < lanes; lane++) {
            ends.store(first + lane, Row.ofLane(result, plane, lane), 0, ends.outLength);
        }
    }

    /** Where a row's real and imaginary parts lie, and how far apart the elements are. */
    private record Row(long real, long imaginary, long step) {
        static Row ofPairs(long address) {
            return new Row(address, address + 8, 16);
        }

        static Row ofLane(long batch, long plane, int lane) {
            return new Row(batch + 8L * lane, batch + plane + 8L * lane, 8L * FourierBatch.LANES);
        }
    }

    private static void row(FourierPlan plan, Ends ends, long row, long work, FourierPlan.Runner runner) {
        runner.run(ends.length, (begin, end) -> ends.load(row, Row.ofPairs(work), begin, end));
        Row result = Row.ofPairs(plan.transform(work, runner));
        runner.run(ends.outLength, (begin, end) -> ends.store(row, result, begin, end));
    }

    /** Reads and writes the rows' elements as pairs of doubles. */
    private static final class Ends {
        private final Lines input;
        private final Lines output;
        private final long inLength;
        private final long outLength;
        private final long length;
        private final boolean single;
        /** Bytes of a real or an imaginary part. */
        private final int part;

        private final boolean fromReal;
        private final boolean toReal;
        private final boolean backward;
        private final double factor;

        Ends(RoutineCall call, long length, boolean backward, double factor) {
            this.input = new Lines(call.address(1), call.layout(1));
            this.output = new Lines(call.address(0), call.layout(0));
            this.inLength = length(call, 1);
            this.outLength = length(call, 0);
            this.length = length;
            this.single = call.layout(2).type() == DType.FLOAT32;
            this.part = call.layout(2).type().bytes();
            this.fromReal = !call.layout(1).type().isComplex();
            this.toReal = !call.layout(0).type().isComplex();
            this.backward = backward;
            this.factor = factor;
        }

        /** Elements beyond the input are zeros; backward, the parts change places. */
        void load(long row, Row work, long begin, long end) {
            long realTo = backward ? work.imaginary : work.real;
            long imaginaryTo = backward ? work.real : work.imaginary;
            if (!toReal && !single && end <= inLength) {
                load(input.address(row), realTo, imaginaryTo, work.step, begin, end);
                return;
            }
            long first = input.address(row);
            for (long index = begin; index < end; index++) {
                // A transform to real numbers is given one half of its input; the other one is its mirror image.
                boolean mirrored = toReal && index > length / 2;
                long position = mirrored ? length - index : index;
                double real = 0;
                double imaginary = 0;
                if (position < inLength) {
                    long element = first + input.step * position;
                    real = get(element);
                    // What the mirror image would contradict is taken to be zero.
                    boolean own = !toReal || position != 0 && 2 * position != length;
                    imaginary = fromReal || !own ? 0 : get(element + part);
                    imaginary = mirrored ? -imaginary : imaginary;
                }
                put(realTo + work.step * index, real);
                put(imaginaryTo + work.step * index, imaginary);
            }
        }

        /** Double precision, all of it there: what is usual, in a loop of its own. */
        private void load(long first, long realTo, long imaginaryTo, long step, long begin, long end) {
            if (fromReal) {
                for (long index = begin; index < end; index++) {
                    put(realTo + step * index, FourierPasses.get(first + input.step * index));
                    put(imaginaryTo + step * index, 0);
                }
                return;
            }
            for (long index = begin; index < end; index++) {
                long element = first + input.step * index;
                put(realTo + step * index, FourierPasses.get(element));
                put(imaginaryTo + step * index, FourierPasses.get(element + 8));
            }
        }

        void store(long row, Row result, long begin, long end) {
            long realFrom = backward ? result.imaginary : result.real;
            long imaginaryFrom = backward ? result.real : result.imaginary;
            long first = output.address(row);
            if (!toReal && !single && !fromReal) {
                for (long index = begin; index < end; index++) {
                    long element = first + output.step * index;
                    put(element, FourierPasses.get(realFrom + result.step * index) * factor);
                    put(element + 8, FourierPasses.get(imaginaryFrom + result.step * index) * factor);
                }
                return;
            }
            for (long index = begin; index < end; index++) {
                double real = FourierPasses.get(realFrom + result.step * index) * factor;
                double imaginary = FourierPasses.get(imaginaryFrom + result.step * index) * factor;
                long element = first + output.step * index;
                write(element, real);
                if (!toReal) {
                    write(element + part, fromReal && (index == 0 || 2 * index == length) ? 0 : imaginary);
                }
            }
        }

        private static void put(long address, double value) {
            Scalars.MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, value);
        }

        private double get(long address) {
            return single ? Scalars.MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address) : FourierPasses.get(address);
        }

        private void write(long address, double value) {
            if (single) {
                Scalars.MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, (float) value);
            } else {
                put(address, value);
            }
        }
    }

    /** The rows of an array, in C order of the other dimensions. */
    private static final class Lines {
        private final long address;
        private final Layout layout;
        /** From one element of a row to the next, in bytes. */
        private final long step;

        Lines(long address, Layout layout) {
            this.address = address;
            this.layout = layout;
            this.step = layout.stride(layout.rank() - 1);
        }

        long address(long row) {
            long at = address;
            long rest = row;
            for (int dimension = layout.rank() - 2; dimension >= 0; dimension--) {
                at += rest % layout.size(dimension) * layout.stride(dimension);
                rest /= layout.size(dimension);
            }
            return at;
        }
    }
}
