package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Scalar;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Reduction;
import io.maniple.server.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Single elements: reading, writing, converting and combining them outside kernels. */
final class Scalars {
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private Scalars() {}

    /** The raw bits of an element, sign- or zero-extended; float16 as the bits of its float32. */
    static long read(ElementType type, long address) {
        return switch (type) {
            case BOOL -> MEMORY.get(ValueLayout.JAVA_BYTE, address) != 0 ? 1 : 0;
            case INT8 -> MEMORY.get(ValueLayout.JAVA_BYTE, address);
            case UINT8 -> MEMORY.get(ValueLayout.JAVA_BYTE, address) & 0xffL;
            case INT16 -> MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
            case UINT16 -> MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address) & 0xffffL;
            case INT32 -> MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
            case UINT32, FLOAT32 -> MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address) & 0xffffffffL;
            case FLOAT16 ->
                Float.floatToRawIntBits(Float.float16ToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address)))
                        & 0xffffffffL;
            case INT64, UINT64, FLOAT64 -> MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
        };
    }

    static void write(ElementType type, long address, long bits) {
        switch (type) {
            case BOOL, INT8, UINT8 -> MEMORY.set(ValueLayout.JAVA_BYTE, address, (byte) bits);
            case INT16, UINT16 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) bits);
            case INT32, UINT32, FLOAT32 -> MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) bits);
            case FLOAT16 ->
                MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, Float.floatToFloat16(Float.intBitsToFloat((int)
                        bits)));
            case INT64, UINT64, FLOAT64 -> MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, bits);
        }
    }

    /** Converts the bits of a computed value to those of another type, as NumPy casts. */
    static long convert(ElementType from, ElementType to, long bits) {
        if (from.computed() == to.computed()) {
            return bits;
        }
        if (to == ElementType.BOOL) {
            return isNonZero(from, bits) ? 1 : 0;
        }
        if (from.isFloating()) {
            double value =
                    from == ElementType.FLOAT64 ? Double.longBitsToDouble(bits) : Float.intBitsToFloat((int) bits);
            return to.isFloating() ? ofDouble(to, value) : truncated(to, (long) value);
        }
        if (to.isFloating()) {
            double value = from == ElementType.UINT64 && bits < 0 ? ((bits >>> 1) | (bits & 1)) * 2.0 : (double) bits;
            return to == ElementType.FLOAT64 || from == ElementType.UINT64
                    ? ofDouble(to, value)
                    : Float.floatToRawIntBits((float) bits) & 0xffffffffL;
        }
        return truncated(to, bits);
    }

    private static boolean isNonZero(ElementType from, long bits) {
        return switch (from) {
            case FLOAT64 -> Double.longBitsToDouble(bits) != 0;
            case FLOAT32, FLOAT16 -> Float.intBitsToFloat((int) bits) != 0;
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> bits != 0;
        };
    }

    private static long ofDouble(ElementType type, double value) {
        return type == ElementType.FLOAT64
                ? Double.doubleToRawLongBits(value)
                : Float.floatToRawIntBits((float) value) & 0xffffffffL;
    }

    private static long truncated(ElementType type, long value) {
        return switch (type) {
            case BOOL -> value != 0 ? 1 : 0;
            case INT8 -> (byte) value;
            case UINT8 -> value & 0xffL;
            case INT16 -> (short) value;
            case UINT16 -> value & 0xffffL;
            case INT32 -> (int) value;
            case UINT32 -> value & 0xffffffffL;
            case INT64, UINT64, FLOAT16, FLOAT32, FLOAT64 -> value;
        };
    }

    /** Two partial results, the first one left: in the accumulator's own arithmetic. */
    static long combine(Reduction reduction, ElementType type, long left, long right) {
        return switch (type) {
            case FLOAT64 ->
                Double.doubleToRawLongBits(
                        combine(reduction, Double.longBitsToDouble(left), Double.longBitsToDouble(right)));
            case FLOAT32, FLOAT16 ->
                Float.floatToRawIntBits(
                                combine(reduction, Float.intBitsToFloat((int) left), Float.intBitsToFloat((int) right)))
                        & 0xffffffffL;
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 ->
                truncated(type, combineIntegers(reduction, type, left, right));
        };
    }

    private static double combine(Reduction reduction, double left, double right) {
        return switch (reduction) {
            case SUM -> left + right;
            case PRODUCT -> left * right;
            case MINIMUM -> Double.isNaN(left) || left <= right ? left : right;
            case MAXIMUM -> Double.isNaN(left) || left >= right ? left : right;
            case AND, OR, XOR -> throw new IllegalArgumentException(reduction + " of floating-point numbers");
        };
    }

    private static float combine(Reduction reduction, float left, float right) {
        return switch (reduction) {
            case SUM -> left + right;
            case PRODUCT -> left * right;
            case MINIMUM -> Float.isNaN(left) || left <= right ? left : right;
            case MAXIMUM -> Float.isNaN(left) || left >= right ? left : right;
            case AND, OR, XOR -> throw new IllegalArgumentException(reduction + " of floating-point numbers");
        };
    }

    private static long combineIntegers(Reduction reduction, ElementType type, long left, long right) {
        boolean leftSmaller = type == ElementType.UINT64 ? Long.compareUnsigned(left, right) <= 0 : left <= right;
        return switch (reduction) {
            case SUM -> type == ElementType.BOOL ? left | right : left + right;
            case PRODUCT -> type == ElementType.BOOL ? left & right : left * right;
            case MINIMUM -> leftSmaller ? left : right;
            case MAXIMUM -> leftSmaller ? right : left;
            case AND -> left & right;
            case OR -> left | right;
            case XOR -> left ^ right;
        };
    }

    /** The words of a kernel's scalar slots. */
    static long[] words(List<Plan.ScalarBinding> slots, List<Scalar> scalars) {
        return slots.stream()
                .mapToLong(slot -> word(scalars.get(slot.position()), slot.type(), slot.part()))
                .toArray();
    }

    /** Writes the scalars into the argument block of a kernel of so many operands. */
    static void put(long block, int operands, long[] words) {
        long first = block + 8L * Kernel.Arguments.scalars(operands);
        for (int slot = 0; slot < words.length; slot++) {
            MEMORY.set(ValueLayout.JAVA_LONG, first + 8L * slot, words[slot]);
        }
    }

    /** The word a kernel's scalar slot holds. */
    private static long word(Scalar scalar, DType type, int part) {
        return switch (type) {
            case COMPLEX128 -> part == 0 ? scalar.getLow() : scalar.getHigh();
            case COMPLEX64 -> part == 0 ? scalar.getLow() & 0xffffffffL : scalar.getLow() >>> 32;
            case FLOAT16 -> Float.floatToRawIntBits(Float.float16ToFloat((short) scalar.getLow())) & 0xffffffffL;
            case BOOL -> scalar.getLow() != 0 ? 1 : 0;
            case INT8 -> (byte) scalar.getLow();
            case INT16 -> (short) scalar.getLow();
            case INT32 -> (int) scalar.getLow();
            case UINT8 -> scalar.getLow() & 0xffL;
            case UINT16 -> scalar.getLow() & 0xffffL;
            case UINT32, FLOAT32 -> scalar.getLow() & 0xffffffffL;
            case INT64, UINT64, FLOAT64 -> scalar.getLow();
        };
    }

    /** A scalar that counts something. */
    static long integer(Scalar scalar) {
        return scalar.getLow();
    }
}
