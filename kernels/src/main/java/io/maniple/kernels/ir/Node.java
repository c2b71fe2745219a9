package io.maniple.kernels.ir;

import java.util.List;

/**
 * One step of a kernel's body, executed for every element of the iteration space. Values are numbered by the position
 * of the node that makes them; arguments come before their users.
 */
public sealed interface Node {
    /** The element of an operand at the current position, as {@code storage.computed()}. */
    record Load(int operand, ElementType storage) implements Node {}

    /** A value handed over at launch, the same for all elements: raw bits in scalar slot {@code slot}. */
    record Scalar(int slot, ElementType type) implements Node {}

    /** A value fixed in the kernel: raw bits, sign- or zero-extended to 64. */
    record Literal(ElementType type, long bits) implements Node {}

    /** The linear index of the element, INT64: base + i0 * step0 + i1 * step1 of the argument block. */
    record Index() implements Node {}

    record Apply(Primitive primitive, ElementType type, List<Integer> arguments) implements Node {
        public Apply {
            arguments = List.copyOf(arguments);
        }
    }

    /**
     * Conversion as C and NumPy do it on x86-64: float to integer truncates (out of range: what cvttsd2si and the
     * compilers' sequence for unsigned types give), integer to narrower integer keeps the low bits, anything to BOOL is
     * x != 0, BOOL to a number is 0 or 1.
     */
    record Cast(int value, ElementType from, ElementType type) implements Node {}

    /** The same bits as another type of the same width. */
    record Reinterpret(int value, ElementType from, ElementType type) implements Node {}

    /** Writes to an operand, rounding FLOAT32 to a FLOAT16 storage. {@code mask} is a BOOL value or -1: where false nothing is written. */
    record Store(int operand, ElementType storage, int value, int mask) implements Node {}

    /**
     * Folds the value over the inner loop into one element of the operand for every outer iteration, overwriting it
     * (see {@link Kernel}). The accumulator has the value's type, which is the operand's storage type.
     */
    record Reduce(int operand, Reduction reduction, ElementType type, int value) implements Node {}
}
