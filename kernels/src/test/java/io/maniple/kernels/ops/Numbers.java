package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Elements of one type for comparison: integers and truths by value, floats by bits.
 *
 * @param imaginary of complex numbers; else empty
 */
record Numbers(DType type, long[] real, long[] imaginary) {
    static Numbers of(NumPyVectors.Array array) {
        MemorySegment memory = MemorySegment.ofArray(array.data());
        int part = array.type().isComplex() ? array.type().bytes() / 2 : 0;
        return new Numbers(
                array.type(),
                read(array.type(), memory, 0, array.type().bytes(), array.size()),
                part > 0 ? read(array.type(), memory, part, array.type().bytes(), array.size()) : new long[0]);
    }

    static Numbers of(DType type, MemorySegment real, MemorySegment imaginary, int count) {
        int bytes = Casts.storage(type).bytes();
        return new Numbers(
                type,
                read(type, real, 0, bytes, count),
                type.isComplex() ? read(type, imaginary, 0, bytes, count) : new long[0]);
    }

    int size() {
        return real.length;
    }

    /** FLOAT32 as FLOAT16, and whole numbers as what they are cast to. */
    Numbers rounded(DType target) {
        if (target != DType.FLOAT16) {
            throw new IllegalArgumentException(type + " is not rounded to " + target);
        }
        long[] halves = new long[real.length];
        for (int i = 0; i < halves.length; i++) {
            halves[i] = Float.floatToFloat16(Float.intBitsToFloat((int) real[i])) & 0xffffL;
        }
        return new Numbers(target, halves, new long[0]);
    }

    /** What is wrong with a result, or nothing; errors of complex numbers count in relation to the larger part. */
    String difference(Numbers result, int i, double ulp, boolean eitherZero) {
        boolean same = sameOrNear(real[i], result.real[i], ulp, scale(i), eitherZero);
        if (type.isComplex()) {
            same &= sameOrNear(imaginary[i], result.imaginary[i], ulp, scale(i), eitherZero);
        }
        return same ? "" : "got " + result.text(i) + ", NumPy has " + text(i);
    }

    String text(int i) {
        return type.isComplex() ? "(" + text(real[i]) + ", " + text(imaginary[i]) + ")" : text(real[i]);
    }

    private String text(long bits) {
        return floating() ? number(bits) + " [" + Long.toHexString(bits) + "]" : Long.toString(bits);
    }

    private boolean floating() {
        return Casts.storage(type).isFloating();
    }

    /** The distance of neighbours at the larger part of the expected number. */
    double scale(int i) {
        if (!floating()) {
            return 1;
        }
        double size = Math.abs(number(real[i]));
        if (type.isComplex()) {
            double other = Math.abs(number(imaginary[i]));
            size = Double.isFinite(other) && other > size ? other : size;
        }
        return switch (Casts.storage(type)) {
            case FLOAT16 -> Math.max(0x1p-24, Math.scalb(1.0, Math.getExponent(size) - 10));
            case FLOAT32 -> Math.ulp((float) size);
            default -> Math.ulp(size);
        };
    }

    private boolean sameOrNear(long expected, long got, double ulp, double scale, boolean eitherZero) {
        if (expected == got) {
            return true;
        }
        if (!floating()) {
            return false;
        }
        double x = number(expected);
        double y = number(got);
        if (Double.isNaN(x) || Double.isNaN(y)) {
            return Double.isNaN(x) && Double.isNaN(y);
        }
        if (x == 0 && y == 0) {
            return eitherZero;
        }
        // The expected number is itself rounded, which costs half a unit.
        return ulp > 0 && Double.isFinite(x) && Math.abs(x - y) <= Math.floor(ulp + 0.5) * scale;
    }

    private double number(long bits) {
        return switch (Casts.storage(type)) {
            case FLOAT16 -> Float.float16ToFloat((short) bits);
            case FLOAT32 -> Float.intBitsToFloat((int) bits);
            default -> Double.longBitsToDouble(bits);
        };
    }

    private static long[] read(DType type, MemorySegment memory, long offset, long step, int count) {
        ElementType storage = Casts.storage(type);
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
            long at = offset + i * step;
            values[i] = switch (storage.bytes()) {
                case 1 -> memory.get(ValueLayout.JAVA_BYTE, at);
                case 2 ->
                    memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) & (storage == ElementType.INT16 ? -1L : 0xffffL);
                case 4 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, at);
                default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            };
        }
        return values;
    }
}
