package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Transforms several rows side by side, one in each lane of the vectors, by compiled kernels: a pass is one call. Real
 * and imaginary parts lie apart, and of each the rows' elements of one index are neighbours. The arithmetic is that of
 * {@link FourierPasses}, so that the results are the same to the bit.
 */
final class FourierBatch {
    /** Rows of a batch: as many as fill the widest vectors. */
    static final int LANES = 8;
    /** Larger prime factors would make long kernels, and are seldom. */
    private static final int LARGEST_RADIX = 7;
    /** Fewer rows leave most lanes empty. */
    static final long LEAST_ROWS = 4;

    private static final ElementType TYPE = ElementType.FLOAT64;

    /** A pass: its kernel, and the numbers {@link FourierPasses#run} takes. */
    private record Pass(Executable executable, int radix, long groups, long stride) {}

    private final long length;
    private final long roots;
    private final List<Pass> passes = new ArrayList<>();

    /**
     * @param plan one that {@link #suits}
     * @param butterflies the kernel of each radix
     */
    FourierBatch(FourierPlan plan, IntFunction<Executable> butterflies) {
        this.length = plan.length();
        this.roots = plan.roots();
        long stride = 1;
        for (int radix : plan.radices()) {
            passes.add(new Pass(butterflies.apply(radix), radix, length / stride / radix, stride));
            stride *= radix;
        }
    }

    static boolean suits(FourierPlan plan, long rows) {
        return plan.isDirect()
                && rows >= LEAST_ROWS
                && plan.radices().stream().allMatch(radix -> radix <= LARGEST_RADIX);
    }

    /** Whether all of a length's factors have a kernel. */
    static boolean takes(long length) {
        return FourierPlan.isDirect(length)
                && FourierPlan.radices(length).stream().allMatch(radix -> radix <= LARGEST_RADIX);
    }

    /** The kernel of a radix. */
    static Executable butterfly(int radix, Compilers compilers) {
        return new Butterfly(radix).compile(compilers);
    }

    /** How many bytes of memory a batch takes: the real and the imaginary parts, and as much again to go to. */
    static long bytes(long length) {
        return 4 * plane(length);
    }

    /** Bytes from the real parts to the imaginary ones. */
    static long plane(long length) {
        return 8 * LANES * length;
    }

    /**
     * Transforms the batch at {@code work}, of which the second half is free.
     *
     * @return where the real parts of the result are
     */
    long transform(long work) {
        long from = work;
        long to = work + 2 * plane(length);
        try (Arena arena = Arena.ofConfined()) {
            for (Pass pass : passes) {
                pass.executable.run(arguments(arena, pass, from, to));
                long free = from;
                from = to;
                to = free;
            }
        }
        return from;
    }

    private long arguments(Arena arena, Pass pass, long from, long to) {
        int radix = pass.radix;
        int operands = Butterfly.operands(radix);
        long run = 8 * LANES * pass.stride;
        Arguments arguments = new Arguments(
                arena.allocate(8L * Kernel.Arguments.scalars(operands), 64).address());
        arguments.add(LANES * pass.stride, pass.groups, 0, 0, 0);
        for (int part = 0; part < 2; part++) {
            for (int input = 0; input < radix; input++) {
                arguments.add(from + part * plane(length) + input * pass.groups * run, 8, run);
            }
        }
        for (int part = 0; part < 2; part++) {
            for (int output = 0; output < radix; output++) {
                arguments.add(to + part * plane(length) + output * run, 8, radix * run);
            }
        }
        for (int part = 0; part < 2; part++) {
            for (int output = 1; output < radix; output++) {
                arguments.add(roots + 8L * part, 0, 16L * output * pass.stride);
            }
        }
        return arguments.block;
    }

    /** Writes words one after the other. */
    private static final class Arguments {
        private final long block;
        private int next;

        Arguments(long block) {
            this.block = block;
        }

        void add(long... words) {
            for (long word : words) {
                Scalars.MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * next++, word);
            }
        }
    }

    /**
     * Writes the kernel of a radix. Operands: the real parts of the inputs, the imaginary ones, the same of the outputs,
     * the same of the factors of all outputs but the first.
     */
    private static final class Butterfly {
        private final KernelBuilder builder = new KernelBuilder();
        private final int radix;

        Butterfly(int radix) {
            this.radix = radix;
        }

        static int operands(int radix) {
            return 6 * radix - 2;
        }

        Executable compile(Compilers compilers) {
            List<Access> accesses = new ArrayList<>();
            for (int operand = 0; operand < operands(radix); operand++) {
                builder.newOperand();
                accesses.add(operand < 4 * radix ? Access.CONTIGUOUS : Access.BROADCAST);
            }
            switch (radix) {
                case 2 -> two();
                case 4 -> four();
                default -> odd();
            }
            return compilers.compile(builder.build(), accesses, false);
        }

        private int real(int input) {
            return builder.load(input, TYPE);
        }

        private int imaginary(int input) {
            return builder.load(radix + input, TYPE);
        }

        private int sum(int x, int y) {
            return builder.apply(Primitive.ADD, x, y);
        }

        private int difference(int x, int y) {
            return builder.apply(Primitive.SUBTRACT, x, y);
        }

        private int product(int x, int y) {
            return builder.apply(Primitive.MULTIPLY, x, y);
        }

        private void put(int output, int real, int imaginary) {
            builder.store(2 * radix + output, TYPE, real, -1);
            builder.store(3 * radix + output, TYPE, imaginary, -1);
        }

        private void twiddled(int output, int real, int imaginary) {
            int wr = builder.load(4 * radix + output - 1, TYPE);
            int wi = builder.load(5 * radix + output - 2, TYPE);
            put(
                    output,
                    difference(product(real, wr), product(imaginary, wi)),
                    sum(product(real, wi), product(imaginary, wr)));
        }

        private void two() {
            put(0, sum(real(0), real(1)), sum(imaginary(0), imaginary(1)));
            twiddled(1, difference(real(0), real(1)), difference(imaginary(0), imaginary(1)));
        }

        private void four() {
            int sr = sum(real(0), real(2));
            int si = sum(imaginary(0), imaginary(2));
            int tr = sum(real(1), real(3));
            int ti = sum(imaginary(1), imaginary(3));
            int ur = difference(real(0), real(2));
            int ui = difference(imaginary(0), imaginary(2));
            int vr = difference(imaginary(1), imaginary(3));
            int vi = difference(real(3), real(1));
            put(0, sum(sr, tr), sum(si, ti));
            twiddled(1, sum(ur, vr), sum(ui, vi));
            twiddled(2, difference(sr, tr), difference(si, ti));
            twiddled(3, difference(ur, vr), difference(ui, vi));
        }

        private void odd() {
            int half = radix / 2;
            int[] sumsReal = new int[half + 1];
            int[] sumsImaginary = new int[half + 1];
            int[] differencesReal = new int[half + 1];
            int[] differencesImaginary = new int[half + 1];
            int totalReal = real(0);
            int totalImaginary = imaginary(0);
            for (int index = 1; index <= half; index++) {
                sumsReal[index] = sum(real(index), real(radix - index));
                sumsImaginary[index] = sum(imaginary(index), imaginary(radix - index));
                differencesReal[index] = difference(real(index), real(radix - index));
                differencesImaginary[index] = difference(imaginary(index), imaginary(radix - index));
                totalReal = sum(totalReal, sumsReal[index]);
                totalImaginary = sum(totalImaginary, sumsImaginary[index]);
            }
            put(0, totalReal, totalImaginary);
            for (int output = 1; output <= half; output++) {
                int er = real(0);
                int ei = imaginary(0);
                int or = builder.number(TYPE, 0);
                int oi = or;
                for (int index = 1; index <= half; index++) {
                    int turn = output * index % radix;
                    int cosine = builder.number(TYPE, Roots.real(turn, radix));
                    int sine = builder.number(TYPE, Roots.imaginary(turn, radix));
                    er = sum(er, product(cosine, sumsReal[index]));
                    ei = sum(ei, product(cosine, sumsImaginary[index]));
                    or = sum(or, product(sine, differencesReal[index]));
                    oi = sum(oi, product(sine, differencesImaginary[index]));
                }
                twiddled(output, difference(er, oi), sum(ei, or));
                twiddled(radix - output, sum(er, oi), difference(ei, or));
            }
        }
    }
}
