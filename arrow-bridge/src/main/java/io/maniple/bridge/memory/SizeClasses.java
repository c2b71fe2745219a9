package io.maniple.bridge.memory;

/** Sizes are rounded up to m·2ᵏ with m in 4…7, so that at most a quarter is wasted and freed regions fit again. */
final class SizeClasses {
    static final long ALIGNMENT = 64;

    private SizeClasses() {}

    static long roundUp(long bytes) {
        if (bytes <= 4 * ALIGNMENT) {
            return Math.max(ALIGNMENT, align(bytes));
        }
        int exponent = 63 - Long.numberOfLeadingZeros(bytes - 1);
        long step = 1L << (exponent - 2);
        return align(Math.addExact(bytes, step - 1) & -step);
    }

    private static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
