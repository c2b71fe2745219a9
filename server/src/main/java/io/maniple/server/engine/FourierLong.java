package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.Primitive;
import io.maniple.server.engine.FourierEnds.Row;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Transforms a long row as a matrix, in four steps (D. H. Bailey, "FFTs in external or hierarchical memory", Journal of
 * Supercomputing 4 (1990)): with N = A B, element n = B a + b and frequency k = k' + A k'', the columns are transformed
 * (A elements each), multiplied by exp(-2πi b k' / N), and then the rows (B elements). Columns and rows are taken side by
 * side, as many as a {@link FourierBatch} has lanes; everything but one intermediate array stays in the cache.
 */
final class FourierLong {
    private static final int LANES = FourierBatch.LANES;
    /** Shorter columns are not worth it. */
    private static final long LEAST_SIDE = 8;

    private static final ElementType TYPE = ElementType.FLOAT64;
    private static final int MULTIPLY_OPERANDS = 8;
    private static final int GATHER_OPERANDS = 4;
    private static final int BLOCK_WORDS = 32;

    /** The kernels that a long transform needs beside the butterflies. */
    record Kernels(Executable multiply, Executable gather) {
        static Kernels of(Compilers compilers) {
            return new Kernels(multiplication(compilers), gathering(compilers));
        }

        /** Operands: results, inputs, factors of the lane, factors of the row; real and imaginary parts of each. */
        private static Executable multiplication(Compilers compilers) {
            KernelBuilder builder = new KernelBuilder();
            int[] operands = new int[MULTIPLY_OPERANDS];
            for (int operand = 0; operand < operands.length; operand++) {
                operands[operand] = builder.newOperand();
            }
            int xr = builder.load(operands[2], TYPE);
            int xi = builder.load(operands[3], TYPE);
            int tr = builder.load(operands[4], TYPE);
            int ti = builder.load(operands[5], TYPE);
            int sr = builder.load(operands[6], TYPE);
            int si = builder.load(operands[7], TYPE);
            int wr = real(builder, tr, ti, sr, si);
            int wi = imaginary(builder, tr, ti, sr, si);
            builder.store(operands[0], TYPE, real(builder, xr, xi, wr, wi), -1);
            builder.store(operands[1], TYPE, imaginary(builder, xr, xi, wr, wi), -1);
            Access lanes = Access.CONTIGUOUS;
            Access row = Access.BROADCAST;
            return compilers.compile(
                    builder.build(), List.of(lanes, lanes, lanes, lanes, lanes, lanes, row, row), false);
        }

        private static int real(KernelBuilder builder, int xr, int xi, int yr, int yi) {
            return builder.apply(
                    Primitive.SUBTRACT,
                    builder.apply(Primitive.MULTIPLY, xr, yr),
                    builder.apply(Primitive.MULTIPLY, xi, yi));
        }

        private static int imaginary(KernelBuilder builder, int xr, int xi, int yr, int yi) {
            return builder.apply(
                    Primitive.ADD,
                    builder.apply(Primitive.MULTIPLY, xr, yi),
                    builder.apply(Primitive.MULTIPLY, xi, yr));
        }

        /** Copies two parts, whose lanes lie apart, to where they are neighbours. */
        private static Executable gathering(Compilers compilers) {
            KernelBuilder builder = new KernelBuilder();
            int[] operands = new int[GATHER_OPERANDS];
            for (int operand = 0; operand < operands.length; operand++) {
                operands[operand] = builder.newOperand();
            }
            builder.store(operands[0], TYPE, builder.load(operands[2], TYPE), -1);
            builder.store(operands[1], TYPE, builder.load(operands[3], TYPE), -1);
            return compilers.compile(
                    builder.build(),
                    List.of(Access.CONTIGUOUS, Access.CONTIGUOUS, Access.STRIDED, Access.STRIDED),
                    false);
        }
    }

    private final long length;
    /** A: elements of a column. */
    private final long rows;
    /** B: elements of a row. */
    private final long columns;

    private final FourierBatch ofColumns;
    private final FourierBatch ofRows;
    private final Kernels kernels;
    private final Rotations rotations;
    /** For each row exp(-2πi k' l / N) of all lanes l: real parts, then imaginary ones. */
    private final long laneFactors;

    /** How many elements a column has, or 0 where the length does not part well. */
    static long split(long length) {
        long found = 0;
        for (long side = (long) Math.sqrt(length); side >= LEAST_SIDE; side--) {
            if (length % side == 0) {
                if (side % LANES == 0 && length / side % LANES == 0) {
                    return side;
                }
                // Full batches are worth a matrix that is not quite square.
                found = Math.max(found, side);
            }
            if (found > 0 && side < found / 8) {
                break;
            }
        }
        return found;
    }

    static long tableBytes(long length) {
        long side = split(length);
        return 16 * (FourierPlan.tablePairs(side) + FourierPlan.tablePairs(length / side)) + 16 * LANES * side;
    }

    /** Of the intermediate array of one row. */
    static long rowBytes(long length) {
        return 16 * length;
    }

    /** What a thread needs for itself. */
    static long threadBytes(long length) {
        long side = split(length);
        return FourierBatch.bytes(length / side) + (16 * side + 63) / 64 * 64 + 8 * BLOCK_WORDS;
    }

    static boolean suits(long length) {
        if (!FourierPlan.isDirect(length)) {
            return false;
        }
        long side = split(length);
        return side > 0 && FourierBatch.takes(side) && FourierBatch.takes(length / side);
    }

    /**
     * @param tables memory of {@link #tableBytes}
     * @param work memory of {@link #threadBytes}, free afterwards
     */
    FourierLong(long length, long tables, long work, IntFunction<Executable> butterflies, Kernels kernels) {
        this.length = length;
        this.rows = split(length);
        this.columns = length / rows;
        this.kernels = kernels;
        this.rotations = new Rotations(length);
        FourierPlan.Runner alone = (items, body) -> body.run(0, items);
        long second = tables + 16 * FourierPlan.tablePairs(rows);
        this.ofColumns = new FourierBatch(new FourierPlan(rows, tables, work, alone), butterflies);
        this.ofRows = new FourierBatch(new FourierPlan(columns, second, work, alone), butterflies);
        this.laneFactors = second + 16 * FourierPlan.tablePairs(columns);
        for (long row = 0; row < rows; row++) {
            for (int lane = 0; lane < LANES; lane++) {
                long at = laneFactors + 8 * (row * LANES + lane);
                FourierEnds.put(at, rotations.real(row * lane));
                FourierEnds.put(at + 8 * LANES * rows, rotations.imaginary(row * lane));
            }
        }
    }

    /** How many parts the first step has; any part can be done by any thread. */
    long columnBatches() {
        return (columns + LANES - 1) / LANES;
    }

    /** How many parts the second step has. */
    long rowBatches() {
        return (rows + LANES - 1) / LANES;
    }

    /**
     * Transforms some columns.
     *
     * @param middle the intermediate array
     * @param work a thread's memory
     */
    void columns(FourierEnds ends, long row, long middle, long work, long batch) {
        long first = batch * LANES;
        int lanes = (int) Math.min(LANES, columns - first);
        long plane = FourierBatch.plane(rows);
        if (lanes < LANES) {
            Matrices.clear(work, 2 * plane);
        }
        for (long index = 0; index < rows; index++) {
            long element = columns * index + first;
            long to = work + 8 * LANES * index - 8 * element;
            ends.load(row, new Row(to, to + plane, 8), element, element + lanes);
        }
        long result = ofColumns.transform(work);
        long factors = work + FourierBatch.bytes(columns);
        long turn = 0;
        for (long index = 0; index < rows; index++) {
            FourierEnds.put(factors + 8 * index, rotations.real(turn));
            FourierEnds.put(factors + 8 * (rows + index), rotations.imaginary(turn));
            turn += first;
            turn -= turn >= length ? length : 0;
        }
        long target = middle + 8 * first;
        long block = factors + 16 * rows;
        begin(block, lanes, rows);
        operand(block, 0, target, 8, 8 * columns);
        operand(block, 1, target + 8 * length, 8, 8 * columns);
        operand(block, 2, result, 8, 8 * LANES);
        operand(block, 3, result + plane, 8, 8 * LANES);
        operand(block, 4, laneFactors, 8, 8 * LANES);
        operand(block, 5, laneFactors + 8 * LANES * rows, 8, 8 * LANES);
        operand(block, 6, factors, 0, 8);
        operand(block, 7, factors + 8 * rows, 0, 8);
        int ignored = kernels.multiply.run(block);
    }

    /** Transforms some rows of what {@link #columns} made of all columns, and stores them. */
    void rows(Target target, long middle, long work, long batch) {
        long first = batch * LANES;
        int lanes = (int) Math.min(LANES, rows - first);
        long plane = FourierBatch.plane(columns);
        if (lanes < LANES) {
            Matrices.clear(work, 2 * plane);
        }
        long source = middle + 8 * first * columns;
        long block = work + FourierBatch.bytes(columns) + 16 * rows;
        begin(block, lanes, columns);
        operand(block, 0, work, 8, 8 * LANES);
        operand(block, 1, work + plane, 8, 8 * LANES);
        operand(block, 2, source, 8 * columns, 8);
        operand(block, 3, source + 8 * length, 8 * columns, 8);
        int ignored = kernels.gather.run(block);
        long result = ofRows.transform(work);
        for (long index = 0; index < columns; index++) {
            long element = first + rows * index;
            long from = result + 8 * LANES * index - 8 * element;
            target.store(new Row(from, from + plane, 8), element, element + lanes);
        }
    }

    /** Where results go. */
    @FunctionalInterface
    interface Target {
        void store(Row result, long begin, long end);
    }

    private static void begin(long block, long inner, long outer) {
        word(block, Kernel.Arguments.N0, inner);
        word(block, Kernel.Arguments.N1, outer);
        word(block, Kernel.Arguments.INDEX_BASE, 0);
        word(block, Kernel.Arguments.INDEX_STEP0, 0);
        word(block, Kernel.Arguments.INDEX_STEP1, 0);
    }

    private static void operand(long block, int operand, long address, long inner, long outer) {
        int word = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
        word(block, word, address);
        word(block, word + 1, inner);
        word(block, word + 2, outer);
    }

    private static void word(long block, int word, long value) {
        Scalars.MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, value);
    }
}
