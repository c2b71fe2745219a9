package io.maniple.kernels.x86;

import java.util.List;

/**
 * One instruction, or one short sequence that is emitted as a whole, of a kernel's body in single-assignment form.
 * Values are numbers given out by {@link Steps}; {@code size} is the bytes of the vectors worked on.
 */
sealed interface Step {
    /** The value made, or -1. */
    int destination();

    List<Integer> sources();

    /** One vector instruction. */
    record Vector(VectorOp op, int size, int immediate, int destination, List<Integer> sources) implements Step {}

    /** The lanes of an operand at the current position, as they lie in memory. */
    record Load(int operand, int bytes, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** {@code sources}: the lanes as they shall lie in memory and, where the store has one, a mask of their width. */
    record Store(int operand, int bytes, boolean streaming, List<Integer> sources) implements Step {
        @Override
        public int destination() {
            return -1;
        }
    }

    /** An element of an operand with inner stride 0, in every lane. */
    record SplatOperand(int operand, int bytes, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** A word of the argument block (its low bytes), in every lane. */
    record SplatArgument(int word, int bytes, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** The linear index of the first lane, in every lane. */
    record IndexBase(int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** A vector function called with its arguments in registers 0 and 1. */
    record CallVector(long address, int size, int destination, List<Integer> sources) implements Step {}

    /** A scalar function called for each lane. */
    record CallScalar(long address, boolean isDouble, int lanes, int destination, List<Integer> sources)
            implements Step {}

    /** A calculation without a vector form, done lane by lane in general-purpose registers. */
    record Lanes(LaneOperation operation, int lanes, int destination, List<Integer> sources) implements Step {}

    /** The partial results of a reduction that belong to the current half step. */
    record ReadAccumulator(int accumulator, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /**
     * {@code sources}: the new partial results and, in the body, the former ones, which stay in lanes beyond the end of
     * a row.
     */
    record WriteAccumulator(int accumulator, int bytes, List<Integer> sources) implements Step {
        @Override
        public int destination() {
            return -1;
        }
    }

    /** Puts elements after the last full group of a row where {@link ReadRemainder} finds them. */
    record KeepRemainder(int accumulator, List<Integer> sources) implements Step {
        @Override
        public int destination() {
            return -1;
        }
    }

    /** One of the elements kept; the position counts them. */
    record ReadRemainder(int accumulator, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** Some of the partial results of a row's full groups, from these bytes on. */
    record ReadPartials(int accumulator, int offset, int destination) implements Step {
        @Override
        public List<Integer> sources() {
            return List.of();
        }
    }

    /** Writes the first lane to the first element of an operand. */
    record StoreFirst(int operand, int bytes, List<Integer> sources) implements Step {
        @Override
        public int destination() {
            return -1;
        }
    }
}
