package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ops.FloatingPointRules;
import java.util.concurrent.atomic.AtomicInteger;

/** Floating-point errors of sums and products that are made outside kernels, told by their values. Thread-safe. */
final class ErrorFlags {
    private final AtomicInteger kinds = new AtomicInteger();

    /** The kinds found so far, as {@link FloatingPointRules} numbers them. */
    int kinds() {
        return kinds.get();
    }

    void add(int kind) {
        if ((kinds.get() & kind) != kind) {
            kinds.getAndUpdate(before -> before | kind);
        }
    }

    /** What a kernel that only adds or multiplies has returned. */
    void addFlags(int flags) {
        if ((flags & FloatingPointFlags.UNKNOWN) == 0) {
            add(((flags & FloatingPointFlags.INVALID) != 0 ? FloatingPointRules.INVALID : 0)
                    | ((flags & FloatingPointFlags.OVERFLOW) != 0 ? FloatingPointRules.OVERFLOW : 0));
        }
    }

    /** A result and the two numbers it was made of. */
    void note(double left, double right, double result) {
        if (Double.isNaN(result)) {
            if (!Double.isNaN(left) && !Double.isNaN(right)) {
                add(FloatingPointRules.INVALID);
            }
        } else if (Double.isInfinite(result) && Double.isFinite(left) && Double.isFinite(right)) {
            add(FloatingPointRules.OVERFLOW);
        }
    }

    /** As {@link #note(double, double, double)}, of the bits that {@link Scalars} reads. */
    void note(ElementType type, long left, long right, long result) {
        if (type.isFloating() && !Double.isFinite(real(type, result))) {
            note(real(type, left), real(type, right), real(type, result));
        }
    }

    static double real(ElementType type, long bits) {
        return type == ElementType.FLOAT64 ? Double.longBitsToDouble(bits) : Float.intBitsToFloat((int) bits);
    }
}
