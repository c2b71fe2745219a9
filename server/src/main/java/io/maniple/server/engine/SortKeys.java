package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Elements as 64-bit integers in NumPy's order: NaN behind everything else, complex numbers by their real part first.
 *
 * <p>The <em>reversible</em> key of a real element keeps all its bits: -0.0 stands before 0.0, and NaN of either sign at
 * the end by their bits. The <em>equal</em> key is the same number for what NumPy's order takes for equal, zeros and all
 * NaN; a complex128 has two, the second one decides where the first ones are equal.
 */
final class SortKeys {
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    /** What the negative NaN are moved by, from before minus infinity around to the end. */
    private static final long NAN64 = 0x000f_ffff_ffff_ffffL;

    private static final int NAN32 = 0x007f_ffff;
    private static final int NAN16 = 0x03ff;

    /** Beyond the keys of all numbers: complex numbers with NaN, whose order the second key decides. */
    private static final long BEYOND64 = Long.MAX_VALUE - 2;

    private static final long BEYOND32 = Integer.MAX_VALUE - 2;

    private SortKeys() {}

    /** How many significant bits an equal key has; the upper ones repeat the sign. */
    static int bits(DType type) {
        return type == DType.COMPLEX128 ? 64 : 8 * type.bytes();
    }

    /** Of a real element. */
    static long reversible(DType type, long address) {
        return switch (type) {
            case BOOL, INT8 -> MEMORY.get(ValueLayout.JAVA_BYTE, address);
            case UINT8 -> (byte) (MEMORY.get(ValueLayout.JAVA_BYTE, address) ^ Byte.MIN_VALUE);
            case INT16 -> MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
            case UINT16 -> (short) (MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address) ^ Short.MIN_VALUE);
            case FLOAT16 -> {
                short bits = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
                yield (short) ((bits >= 0 ? bits : bits ^ Short.MAX_VALUE) - NAN16);
            }
            case INT32 -> MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
            case UINT32 -> MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address) ^ Integer.MIN_VALUE;
            case FLOAT32 -> ofFloat(MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address));
            case INT64 -> MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
            case UINT64 -> MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address) ^ Long.MIN_VALUE;
            case FLOAT64 -> ofDouble(MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address));
            case COMPLEX64, COMPLEX128 -> throw new IllegalArgumentException(type + " has no reversible key");
        };
    }

    /** Puts the reversible keys of elements {@code first} and so on, shifted upwards, into the first places. */
    static void readReversible(DType type, long source, long first, int count, int shift, long[] into) {
        long begin = source + first * type.bytes();
        // Loops of their own for the types of which there are many elements.
        switch (type) {
            case FLOAT64 -> {
                for (int index = 0; index < count; index++) {
                    into[index] = ofDouble(MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, begin + 8L * index));
                }
            }
            case INT64 -> MemorySegment.copy(MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, begin, into, 0, count);
            case FLOAT32 -> {
                for (int index = 0; index < count; index++) {
                    into[index] =
                            (long) ofFloat(MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, begin + 4L * index)) << shift;
                }
            }
            case INT32 -> {
                for (int index = 0; index < count; index++) {
                    into[index] = (long) MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, begin + 4L * index) << shift;
                }
            }
            default -> {
                for (int index = 0; index < count; index++) {
                    into[index] = reversible(type, begin + (long) index * type.bytes()) << shift;
                }
            }
        }
    }

    /** Puts the (first) equal keys of elements {@code first} and so on into the first places. */
    static void readEqual(DType type, long source, long first, int count, long[] into) {
        if (type == DType.FLOAT64) {
            long begin = source + 8 * first;
            for (int index = 0; index < count; index++) {
                into[index] = real(MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, begin + 8L * index));
            }
            return;
        }
        for (int index = 0; index < count; index++) {
            into[index] = equal(type, source + (first + index) * type.bytes());
        }
    }

    /** Writes the elements that have these reversible keys, which are shifted upwards. */
    static void write(DType type, long address, long[] keys, int count, int shift) {
        switch (type) {
            case FLOAT64 -> {
                for (int index = 0; index < count; index++) {
                    long bits = keys[index] + NAN64;
                    MEMORY.set(
                            ValueLayout.JAVA_LONG_UNALIGNED,
                            address + 8L * index,
                            bits >= 0 ? bits : bits ^ Long.MAX_VALUE);
                }
            }
            case INT64 -> MemorySegment.copy(keys, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, address, count);
            case FLOAT32 -> {
                for (int index = 0; index < count; index++) {
                    int bits = (int) (keys[index] >> shift) + NAN32;
                    MEMORY.set(
                            ValueLayout.JAVA_INT_UNALIGNED,
                            address + 4L * index,
                            bits >= 0 ? bits : bits ^ Integer.MAX_VALUE);
                }
            }
            case INT32 -> {
                for (int index = 0; index < count; index++) {
                    MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address + 4L * index, (int) (keys[index] >> shift));
                }
            }
            default -> {
                for (int index = 0; index < count; index++) {
                    write(type, address + (long) index * type.bytes(), keys[index] >> shift);
                }
            }
        }
    }

    /** Writes the element that has a reversible key. */
    static void write(DType type, long address, long key) {
        switch (type) {
            case BOOL, INT8 -> MEMORY.set(ValueLayout.JAVA_BYTE, address, (byte) key);
            case UINT8 -> MEMORY.set(ValueLayout.JAVA_BYTE, address, (byte) (key ^ Byte.MIN_VALUE));
            case INT16 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) key);
            case UINT16 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) (key ^ Short.MIN_VALUE));
            case FLOAT16 -> {
                short bits = (short) (key + NAN16);
                MEMORY.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED, address, bits >= 0 ? bits : (short) (bits ^ Short.MAX_VALUE));
            }
            case INT32 -> MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) key);
            case UINT32 -> MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) key ^ Integer.MIN_VALUE);
            case FLOAT32 -> {
                int bits = (int) key + NAN32;
                MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, bits >= 0 ? bits : bits ^ Integer.MAX_VALUE);
            }
            case INT64 -> MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, key);
            case UINT64 -> MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, key ^ Long.MIN_VALUE);
            case FLOAT64 -> {
                long bits = key + NAN64;
                MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, bits >= 0 ? bits : bits ^ Long.MAX_VALUE);
            }
            case COMPLEX64, COMPLEX128 -> throw new IllegalArgumentException(type + " has no reversible key");
        }
    }

    /** The reversible key of 0.0; that of -0.0 is the one before. */
    static long zero(DType type) {
        return switch (type) {
            case FLOAT16 -> -NAN16;
            case FLOAT32 -> -NAN32;
            case FLOAT64 -> -NAN64;
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, COMPLEX64, COMPLEX128 ->
                throw new IllegalArgumentException(type + " has no zeros of two signs");
        };
    }

    /** The (first) equal key; for complex64 it holds both parts. */
    static long equal(DType type, long address) {
        return switch (type) {
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> reversible(type, address);
            case FLOAT16 -> half(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address));
            case FLOAT32 -> single(MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address));
            case FLOAT64 -> real(MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address));
            case COMPLEX64 -> {
                float re = MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
                float im = MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address + 4);
                long first = first(Float.isNaN(re), Float.isNaN(im), single(re), BEYOND32);
                yield first << 32
                        | second(Float.isNaN(re), Float.isNaN(im), single(re), single(im)) - Integer.MIN_VALUE;
            }
            case COMPLEX128 -> {
                double re = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
                double im = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address + 8);
                yield first(Double.isNaN(re), Double.isNaN(im), real(re), BEYOND64);
            }
        };
    }

    /** The second equal key of a complex128. */
    static long second(long address) {
        double re = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
        double im = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address + 8);
        return second(Double.isNaN(re), Double.isNaN(im), real(re), real(im));
    }

    // NumPy's order of complex numbers, R standing for a number: R + Rj, R + nanj, nan + Rj, nan + nanj.

    private static long first(boolean realNaN, boolean imaginaryNaN, long real, long beyond) {
        return realNaN ? imaginaryNaN ? beyond + 2 : beyond + 1 : imaginaryNaN ? beyond : real;
    }

    private static long second(boolean realNaN, boolean imaginaryNaN, long real, long imaginary) {
        return realNaN ? imaginaryNaN ? 0 : imaginary : imaginaryNaN ? real : imaginary;
    }

    private static long ofDouble(long bits) {
        return (bits >= 0 ? bits : bits ^ Long.MAX_VALUE) - NAN64;
    }

    private static int ofFloat(int bits) {
        return (bits >= 0 ? bits : bits ^ Integer.MAX_VALUE) - NAN32;
    }

    private static long real(double value) {
        // Adding zero makes 0.0 of -0.0.
        return Double.isNaN(value) ? Long.MAX_VALUE : ofDouble(Double.doubleToRawLongBits(value + 0.0));
    }

    private static long single(float value) {
        return Float.isNaN(value) ? Integer.MAX_VALUE : ofFloat(Float.floatToRawIntBits(value + 0.0f));
    }

    private static long half(short bits) {
        int magnitude = bits & Short.MAX_VALUE;
        if (magnitude > 0x7c00) {
            return Short.MAX_VALUE;
        }
        short positive = magnitude == 0 ? 0 : bits;
        return (short) ((positive >= 0 ? positive : positive ^ Short.MAX_VALUE) - NAN16);
    }
}
