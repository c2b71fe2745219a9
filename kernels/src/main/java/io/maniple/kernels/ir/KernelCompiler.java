package io.maniple.kernels.ir;

import java.util.List;
import java.util.Optional;

/** Turns a kernel into something that runs: machine code, or the portable interpreter. */
public interface KernelCompiler {
    /** A kernel ready to run; safe to call from several threads at once. */
    interface Executable {
        /**
         * Runs one box.
         *
         * @param arguments address of the argument block ({@link Kernel.Arguments}), 8-byte aligned native memory
         * @return the floating-point exceptions some element raised, as a sum of {@link FloatingPointFlags}: at least
         *     those of the primitives' own arithmetic, possibly more where functions are called, or comparisons,
         *     extremes and casts meet a NaN
         */
        int run(long arguments);
    }

    /**
     * Compiles for one access per operand.
     *
     * @param streaming whether contiguous stores should bypass the cache (outputs larger than it)
     * @return empty where this compiler has no form for the kernel; the portable one has one for every kernel
     */
    Optional<Executable> compile(Kernel kernel, List<Kernel.Access> accesses, boolean streaming);

    /** Code for products of matrices of a type; empty where this compiler has none. */
    default Optional<ProductCode> products(ElementType type) {
        return Optional.empty();
    }

    /** Code for sorting; empty where this compiler has none. */
    default Optional<SortCode> sorts() {
        return Optional.empty();
    }

    /** Bytes of the widest move that {@link #gather} has forms for; 0 where this compiler has none. */
    default int moveBytes() {
        return 0;
    }

    /** Code that copies rows by index; empty where this compiler has none. */
    default Optional<Executable> gather(GatherForm form) {
        return Optional.empty();
    }

    /**
     * Code that looks up bytes by bytes: as {@link #gather} with indices of UINT8 and rows of one byte, of which there are 256
     * or more. Empty where this compiler has none.
     */
    default Optional<Executable> lookUp() {
        return Optional.empty();
    }

    /** For people: "x86-64 AVX2", "portable". */
    String name();
}
