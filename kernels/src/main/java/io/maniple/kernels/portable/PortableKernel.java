package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.List;

/**
 * Interprets a kernel block by block: each node is one counted loop over up to {@link #BLOCK} values, which the JIT
 * compiler turns into vector instructions. A block may span several rows of the box.
 */
final class PortableKernel implements KernelCompiler.Executable {
    /** So many values that a node's dispatch does not count, so few that a kernel's blocks stay in the cache. */
    static final int BLOCK = 1024;

    private final List<Node> nodes;
    private final ElementType[] types;
    private final int[] blocks;
    private final int firstScalar;
    private final int partials;
    /** A row may read what the row before it wrote, so no block may span two rows. */
    private final boolean rowByRow;

    PortableKernel(Kernel kernel) {
        nodes = kernel.nodes();
        types = new ElementType[nodes.size()];
        for (int i = 0; i < types.length; i++) {
            types[i] = switch (nodes.get(i)) {
                case Node.Store store -> store.storage().computed();
                case Node.Reduce reduce -> reduce.type();
                case Node.Load load -> kernel.typeOf(i);
                case Node.Scalar scalar -> kernel.typeOf(i);
                case Node.Literal literal -> kernel.typeOf(i);
                case Node.Index index -> kernel.typeOf(i);
                case Node.Apply apply -> kernel.typeOf(i);
                case Node.Cast cast -> kernel.typeOf(i);
                case Node.Reinterpret reinterpret -> kernel.typeOf(i);
            };
        }
        blocks = BlockAllocation.of(kernel);
        firstScalar = Kernel.Arguments.scalars(kernel.operands());
        partials = 64 / kernel.widestBytes();
        rowByRow = nodes.stream()
                .anyMatch(node -> node instanceof Node.Load load
                        && nodes.stream()
                                .anyMatch(other ->
                                        other instanceof Node.Store store && store.operand() == load.operand()));
    }

    @Override
    public int run(long arguments) {
        new Run(arguments).run();
        return FloatingPointFlags.ALL | FloatingPointFlags.UNKNOWN;
    }

    /** One launch. */
    private final class Run {
        private final long arguments;
        private final long n0;
        private final long n1;
        private final Object[] values = new Object[types.length];
        private final Staging staging;

        /** The linear position of the block's first element, and its length. */
        private long begin;

        private int count;

        Run(long arguments) {
            this.arguments = arguments;
            n0 = Memory.word(arguments, Kernel.Arguments.N0);
            n1 = Memory.word(arguments, Kernel.Arguments.N1);
            Scratch scratch = Scratch.ofThread();
            staging = scratch.staging();
            for (int i = 0; i < types.length; i++) {
                if (blocks[i] >= 0) {
                    values[i] = scratch.block(Lane.of(types[i]), blocks[i]);
                } else if (nodes.get(i) instanceof Node.Reduce) {
                    values[i] = Lane.of(types[i]).allocate(partials);
                }
            }
        }

        void run() {
            long total = n0 * n1;
            int filled = (int) Math.min(BLOCK, total);
            for (int i = 0; i < types.length; i++) {
                if (nodes.get(i) instanceof Node.Scalar scalar) {
                    long bits = Memory.word(arguments, firstScalar + scalar.slot());
                    Uniform.fill(types[i], bits, values[i], 0, filled);
                } else if (nodes.get(i) instanceof Node.Literal literal) {
                    Uniform.fill(types[i], literal.bits(), values[i], 0, filled);
                }
            }
            for (begin = 0; begin < total; begin += count) {
                count = (int) Math.min(BLOCK, rowByRow ? n0 - begin % n0 : total - begin);
                for (int i = 0; i < types.length; i++) {
                    step(i);
                }
            }
        }

        private void step(int i) {
            switch (nodes.get(i)) {
                case Node.Scalar scalar -> {}
                case Node.Literal literal -> {}
                case Node.Load load ->
                    eachRow(
                            load.operand(),
                            (row, i0, address, stride, first, length) ->
                                    Memory.load(load.storage(), address, stride, staging, values[i], first, length));
                case Node.Index index -> index((long[]) values[i]);
                case Node.Apply apply -> apply(apply, values[i]);
                case Node.Cast cast ->
                    Conversions.cast(cast.from(), values[cast.value()], cast.type(), values[i], count);
                case Node.Reinterpret reinterpret ->
                    Conversions.reinterpret(
                            reinterpret.from(), values[reinterpret.value()], reinterpret.type(), values[i], count);
                case Node.Store store -> store(store);
                case Node.Reduce reduce -> reduce(reduce, values[i]);
            }
        }

        private void index(long[] out) {
            long base = Memory.word(arguments, Kernel.Arguments.INDEX_BASE);
            long step0 = Memory.word(arguments, Kernel.Arguments.INDEX_STEP0);
            long step1 = Memory.word(arguments, Kernel.Arguments.INDEX_STEP1);
            eachRow(0, (row, i0, address, stride, first, length) -> {
                long start = base + row * step1 + i0 * step0;
                for (int k = 0; k < length; k++) {
                    out[first + k] = start + k * step0;
                }
            });
        }

        private void store(Node.Store store) {
            Object source = values[store.value()];
            eachRow(store.operand(), (row, i0, address, stride, first, length) -> {
                if (store.mask() < 0) {
                    Memory.store(store.storage(), address, stride, staging, source, first, length);
                } else {
                    byte[] mask = (byte[]) values[store.mask()];
                    Memory.storeMasked(store.storage(), address, stride, staging, source, mask, first, length);
                }
            });
        }

        private void reduce(Node.Reduce reduce, Object accumulators) {
            Reduction reduction = reduce.reduction();
            ElementType type = reduce.type();
            Object source = values[reduce.value()];
            long grouped = n0 & -partials;
            eachRow(reduce.operand(), (row, i0, address, stride, first, length) -> {
                if (i0 == 0) {
                    Folds.begin(reduction, type, accumulators);
                }
                int toPartials = Math.clamp(grouped - i0, 0, length);
                if (toPartials > 0) {
                    int phase = (int) (i0 & (partials - 1));
                    Folds.fold(reduction, type, accumulators, source, first, toPartials, phase);
                    if (i0 + toPartials == grouped) {
                        Folds.combine(reduction, type, accumulators);
                    }
                }
                Folds.append(reduction, type, accumulators, source, first + toPartials, length - toPartials);
                if (i0 + length == n0) {
                    Memory.store(type, address - i0 * stride, 0, staging, accumulators, 0, 1);
                }
            });
        }

        /** Cuts the block into runs within one row. */
        private void eachRow(int operand, RowPart part) {
            int words = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
            long address = Memory.word(arguments, words);
            long stride0 = Memory.word(arguments, words + 1);
            long stride1 = Memory.word(arguments, words + 2);
            long row = begin / n0;
            long i0 = begin - row * n0;
            int first = 0;
            while (first < count) {
                int length = (int) Math.min(count - first, n0 - i0);
                part.run(row, i0, address + row * stride1 + i0 * stride0, stride0, first, length);
                first += length;
                i0 = 0;
                row++;
            }
        }

        private void apply(Node.Apply apply, Object out) {
            Primitive primitive = apply.primitive();
            ElementType type = apply.type();
            List<Integer> arguments = apply.arguments();
            Object x = values[arguments.getFirst()];
            Object y = values[arguments.get(arguments.size() > 1 ? 1 : 0)];
            if (primitive == Primitive.FUSED_MULTIPLY_ADD) {
                fused(type, out, x, y, values[arguments.get(2)]);
            } else if (primitive == Primitive.SELECT) {
                select(type, out, (byte[]) x, y, values[arguments.get(2)]);
            } else if (primitive.isComparison()) {
                compare(primitive, type, (byte[]) out, x, y);
            } else {
                switch (Lane.of(type)) {
                    case BOOL -> BoolBlocks.apply(primitive, (byte[]) out, (byte[]) x, (byte[]) y, count);
                    case INT -> IntBlocks.apply(primitive, type, (int[]) out, (int[]) x, (int[]) y, count);
                    case LONG -> LongBlocks.apply(primitive, type, (long[]) out, (long[]) x, (long[]) y, count);
                    case FLOAT -> FloatBlocks.apply(primitive, type, (float[]) out, (float[]) x, (float[]) y, count);
                    case DOUBLE ->
                        DoubleBlocks.apply(primitive, type, (double[]) out, (double[]) x, (double[]) y, count);
                }
            }
        }

        private void fused(ElementType type, Object out, Object x, Object y, Object z) {
            switch (Lane.of(type)) {
                case FLOAT -> FloatBlocks.fused((float[]) out, (float[]) x, (float[]) y, (float[]) z, count);
                case DOUBLE -> DoubleBlocks.fused((double[]) out, (double[]) x, (double[]) y, (double[]) z, count);
                case BOOL, INT, LONG ->
                    throw new IllegalArgumentException(Primitive.FUSED_MULTIPLY_ADD + " has no meaning for " + type);
            }
        }

        private void select(ElementType type, Object out, byte[] condition, Object yes, Object no) {
            switch (Lane.of(type)) {
                case BOOL -> BoolBlocks.select((byte[]) out, condition, (byte[]) yes, (byte[]) no, count);
                case INT -> IntBlocks.select((int[]) out, condition, (int[]) yes, (int[]) no, count);
                case LONG -> LongBlocks.select((long[]) out, condition, (long[]) yes, (long[]) no, count);
                case FLOAT -> FloatBlocks.select((float[]) out, condition, (float[]) yes, (float[]) no, count);
                case DOUBLE -> DoubleBlocks.select((double[]) out, condition, (double[]) yes, (double[]) no, count);
            }
        }

        private void compare(Primitive primitive, ElementType type, byte[] out, Object x, Object y) {
            switch (Lane.of(type)) {
                case BOOL -> BoolBlocks.apply(primitive, out, (byte[]) x, (byte[]) y, count);
                case INT -> IntBlocks.compare(primitive, type, out, (int[]) x, (int[]) y, count);
                case LONG -> LongBlocks.compare(primitive, type, out, (long[]) x, (long[]) y, count);
                case FLOAT -> FloatBlocks.compare(primitive, out, (float[]) x, (float[]) y, count);
                case DOUBLE -> DoubleBlocks.compare(primitive, out, (double[]) x, (double[]) y, count);
            }
        }
    }

    /** What is done with elements first…first+length of a block, which are i0…i0+length of a row. */
    @FunctionalInterface
    private interface RowPart {
        void run(long row, long i0, long address, long stride, int first, int length);
    }
}
