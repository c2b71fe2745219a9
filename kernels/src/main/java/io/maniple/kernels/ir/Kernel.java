package io.maniple.kernels.ir;

import java.util.List;

/**
 * A fused loop body over a box of n1 × n0 elements. All operands have the same iteration space; each has its own
 * strides, so a broadcast is a stride of 0 and a transposed view a large inner stride.
 *
 * <p>A kernel either has {@link Node.Store}s only, or {@link Node.Reduce}s and, beside them, any number of stores. A
 * reduction folds the inner loop of n0 elements; with S = 64 / {@link #widestBytes()} it keeps S partial results. Of
 * the full groups of S elements, element i0 goes to partial i0 mod S, in order. Then neighbours are combined: partial l
 * takes in partial l + 1 (l a multiple of 2), then l + 2 (of 4), then l + 4, … until partial 0 is left. That takes in
 * the n0 mod S elements after the last full group one after the other; without a full group it is the identity before.
 * Every engine gives just these results, to the bit. For up to 128 numbers of 8 bytes it is NumPy's order too.
 *
 * <p>A kernel may load from and store to the same operand (element i is read before it is written). The iterations of
 * the outer loop run one after the other, so a row reads what an earlier row stored to the same operand (a stride1 of 0
 * accumulates rows). Within a row no store touches an element that another iteration reads.
 *
 * @param nodes the body
 * @param operands number of operands; operand k is described in the argument block
 * @param scalars number of scalar slots
 */
public record Kernel(List<Node> nodes, int operands, int scalars) {
    public Kernel {
        nodes = List.copyOf(nodes);
    }

    /** How the inner loop walks over an operand; a compiled kernel is made for one access per operand. */
    public enum Access {
        /** The inner stride is the element size. */
        CONTIGUOUS,
        /** The inner stride is 0. */
        BROADCAST,
        /** Any inner stride, negative ones too. */
        STRIDED
    }

    /** The argument block of one launch: 64-bit words in native memory. */
    public static final class Arguments {
        /** Elements of the inner loop, at least 1. */
        public static final int N0 = 0;
        /** Iterations of the outer loop, at least 1. */
        public static final int N1 = 1;

        public static final int INDEX_BASE = 2;
        public static final int INDEX_STEP0 = 3;
        public static final int INDEX_STEP1 = 4;
        /** Three words an operand: address of its first element, inner stride, outer stride (bytes). */
        public static final int OPERANDS = 5;

        public static final int WORDS_PER_OPERAND = 3;

        private Arguments() {}

        /** The first word of the scalars, one word each. */
        public static int scalars(int operands) {
            return OPERANDS + WORDS_PER_OPERAND * operands;
        }
    }

    /** Size of the widest type of any value or storage in the body. */
    public int widestBytes() {
        int widest = 1;
        for (Node node : nodes) {
            widest = Math.max(
                    widest,
                    switch (node) {
                        case Node.Load load ->
                            Math.max(
                                    load.storage().bytes(),
                                    load.storage().computed().bytes());
                        case Node.Scalar scalar -> scalar.type().bytes();
                        case Node.Literal literal -> literal.type().bytes();
                        case Node.Index index -> Long.BYTES;
                        case Node.Apply apply -> apply.type().bytes();
                        case Node.Cast cast -> cast.type().bytes();
                        case Node.Reinterpret reinterpret -> reinterpret.type().bytes();
                        case Node.Store store -> store.storage().computed().bytes();
                        case Node.Reduce reduce -> reduce.type().bytes();
                    });
        }
        return widest;
    }

    public boolean reduces() {
        return nodes.stream().anyMatch(Node.Reduce.class::isInstance);
    }

    /** The type of the value that node {@code value} makes (a comparison's Apply is BOOL). */
    public ElementType typeOf(int value) {
        return switch (nodes.get(value)) {
            case Node.Load load -> load.storage().computed();
            case Node.Scalar scalar -> scalar.type();
            case Node.Literal literal -> literal.type();
            case Node.Index index -> ElementType.INT64;
            case Node.Apply apply -> apply.primitive().isComparison() ? ElementType.BOOL : apply.type();
            case Node.Cast cast -> cast.type();
            case Node.Reinterpret reinterpret -> reinterpret.type();
            case Node.Store store -> throw new IllegalArgumentException("node " + value + " makes no value");
            case Node.Reduce reduce -> throw new IllegalArgumentException("node " + value + " makes no value");
        };
    }
}
