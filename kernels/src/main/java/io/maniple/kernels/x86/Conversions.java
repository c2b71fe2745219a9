package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.ElementType.Kind;
import java.util.List;

/** The casts between element types. */
final class Conversions {
    private static final long TWO_TO_52 = Double.doubleToRawLongBits(0x1p52);
    private static final long TWO_TO_63 = Double.doubleToRawLongBits(0x1p63);
    private static final long TWO_TO_84 = Double.doubleToRawLongBits(0x1p84);
    private static final int EQUAL_ORDERED = 0;
    private static final int NOT_LESS_ORDERED = 0x1D;

    private final InstructionSet set;
    private final Steps steps;
    private final Masks masks;
    private final LaneWidths widths;

    Conversions(InstructionSet set, Steps steps, Masks masks, LaneWidths widths) {
        this.set = set;
        this.steps = steps;
        this.masks = masks;
        this.widths = widths;
    }

    /** Bytes of the vectors that hold so many lanes. */
    static int size(int bytes, int lanes) {
        return Math.max(16, bytes * lanes);
    }

    /** A BOOL given as a mask of {@code type}'s width; an inverted one costs nothing more. */
    int maskToNumber(int mask, boolean inverted, ElementType type, int lanes) {
        long one = switch (type) {
            case FLOAT64 -> Double.doubleToRawLongBits(1.0);
            case FLOAT32 -> Float.floatToRawIntBits(1.0f);
            default -> 1L;
        };
        int ones = steps.literal(one, type.bytes());
        return inverted
                ? masks.whereNot(mask, ones, type.bytes(), lanes)
                : masks.where(mask, ones, type.bytes(), lanes);
    }

    /** x == 0, as a mask of the value's width. */
    int isZero(int value, ElementType type, int lanes) {
        int zero = steps.literal(0, 8);
        return type.isFloating()
                ? masks.compare(type == ElementType.FLOAT64, EQUAL_ORDERED, value, zero, lanes)
                : masks.equal(type.bytes(), value, zero, lanes);
    }

    /** Between any two types other than BOOL. */
    int cast(int value, ElementType from, ElementType to, int lanes) {
        if (from == to) {
            return value;
        }
        if (from.isInteger()) {
            return to.isFloating() ? toFloating(value, from, to, lanes) : toInteger(value, from, to, lanes);
        }
        if (to == ElementType.FLOAT64) {
            return steps.vector(CVTPS2PD, size(8, lanes), 0, value);
        }
        if (to == ElementType.FLOAT32) {
            return steps.vector(CVTPD2PS, size(8, lanes), 0, value);
        }
        return truncate(value, from, to, lanes);
    }

    private int toInteger(int value, ElementType from, ElementType to, int lanes) {
        return from.bytes() < to.bytes()
                ? widths.extend(value, from.bytes(), to.bytes(), from.kind() == Kind.SIGNED, lanes)
                : widths.narrow(value, from.bytes(), to.bytes(), lanes);
    }

    private int toFloating(int value, ElementType from, ElementType to, int lanes) {
        boolean isDouble = to == ElementType.FLOAT64;
        int size = size(to.bytes(), lanes);
        if (from.bytes() <= 4 && from != ElementType.UINT32) {
            int word = widths.extend(value, from.bytes(), 4, from.kind() == Kind.SIGNED, lanes);
            return steps.vector(isDouble ? CVTDQ2PD : CVTDQ2PS, size, 0, word);
        }
        if (from == ElementType.UINT32) {
            return isDouble ? unsignedWordToDouble(value, lanes) : unsignedWordToFloat(value, size);
        }
        boolean signed = from == ElementType.INT64;
        if (set == InstructionSet.AVX512) {
            VectorOp op = isDouble ? signed ? CVTQQ2PD : CVTUQQ2PD : signed ? CVTQQ2PS : CVTUQQ2PS;
            return steps.vector(op, size(8, lanes), 0, value);
        }
        if (isDouble) {
            return longToDouble(value, signed);
        }
        return steps.lanes(
                signed ? LaneOperation.SIGNED_TO_FLOAT : LaneOperation.UNSIGNED_TO_FLOAT, lanes, List.of(value));
    }

    /** The bits of x under those of 2^52 are the number 2^52 + x. */
    int unsignedWordToDouble(int value, int lanes) {
        if (set == InstructionSet.AVX512) {
            return steps.vector(CVTUDQ2PD, size(8, lanes), 0, value);
        }
        int magic = steps.literal(TWO_TO_52, 8);
        int bits = steps.vector(POR, 32, 0, steps.vector(PMOVZXDQ, 32, 0, value), magic);
        return steps.vector(SUBPD, 32, 0, bits, magic);
    }

    /** Upper and lower 16 bits are exact each, so the sum rounds once. */
    private int unsignedWordToFloat(int value, int size) {
        if (set == InstructionSet.AVX512) {
            return steps.vector(CVTUDQ2PS, size, 0, value);
        }
        int high = steps.vector(CVTDQ2PS, size, 0, steps.vector(PSRLD, size, 16, value));
        int low = steps.vector(CVTDQ2PS, size, 0, steps.vector(PAND, size, 0, value, steps.literal(0xFFFF, 4)));
        int scale = steps.literal(Float.floatToRawIntBits(0x1p16f), 4);
        return steps.vector(ADDPS, size, 0, steps.vector(MULPS, size, 0, high, scale), low);
    }

    /** Upper and lower 32 bits as the exact doubles 2^84 + high * 2^32 and 2^52 + low; the last addition rounds. */
    private int longToDouble(int value, boolean signed) {
        int low = steps.vector(PBLENDD, 32, 0xAA, value, steps.literal(TWO_TO_52, 8));
        long highMagic = TWO_TO_84 | (signed ? 0x80000000L : 0);
        int high = steps.vector(PXOR, 32, 0, steps.vector(PSRLQ, 32, 32, value), steps.literal(highMagic, 8));
        double both = Double.longBitsToDouble(highMagic) + 0x1p52;
        int rest = steps.vector(SUBPD, 32, 0, high, steps.literal(Double.doubleToRawLongBits(both), 8));
        return steps.vector(ADDPD, 32, 0, rest, low);
    }

    /** As compiled C does it: to 8 and 16 bits by way of int32, to uint32 by way of int64. */
    private int truncate(int value, ElementType from, ElementType to, int lanes) {
        boolean isDouble = from == ElementType.FLOAT64;
        if (to.bytes() == 8) {
            return toLong(value, isDouble, to == ElementType.INT64, lanes);
        }
        if (to == ElementType.UINT32) {
            int size = size(4, lanes);
            if (2 * size > set.vectorBytes() && !isDouble) {
                int half = lanes / 2;
                int low = widths.narrow(toLong(value, false, true, half), 8, 4, half);
                int high = widths.narrow(toLong(widths.upperHalf(value, size), false, true, half), 8, 4, half);
                return widths.join(low, high, size);
            }
            return widths.narrow(toLong(value, isDouble, true, lanes), 8, 4, lanes);
        }
        int word = steps.vector(isDouble ? CVTTPD2DQ : CVTTPS2DQ, size(from.bytes(), lanes), 0, value);
        return widths.narrow(word, 4, to.bytes(), lanes);
    }

    private int toLong(int value, boolean isDouble, boolean signed, int lanes) {
        if (set == InstructionSet.AVX512) {
            return signed ? toSignedLong(value, isDouble, lanes) : toUnsignedLong(value, isDouble, lanes);
        }
        LaneOperation operation = isDouble
                ? (signed ? LaneOperation.DOUBLE_TO_SIGNED : LaneOperation.DOUBLE_TO_UNSIGNED)
                : (signed ? LaneOperation.FLOAT_TO_SIGNED : LaneOperation.FLOAT_TO_UNSIGNED);
        return steps.lanes(operation, lanes, List.of(value));
    }

    private int toSignedLong(int value, boolean isDouble, int lanes) {
        return steps.vector(isDouble ? CVTTPD2QQ : CVTTPS2QQ, size(8, lanes), 0, value);
    }

    /** From 2^63 on, the excess is converted and the top bit put back; a NaN takes the ordinary way. */
    private int toUnsignedLong(int value, boolean isDouble, int lanes) {
        int limit = isDouble ? steps.literal(TWO_TO_63, 8) : steps.literal(Float.floatToRawIntBits(0x1p63f), 4);
        int bytes = isDouble ? 8 : 4;
        int big = masks.compare(isDouble, NOT_LESS_ORDERED, value, limit, lanes);
        int excess = masks.where(big, limit, bytes, lanes);
        int rest = steps.vector(isDouble ? SUBPD : SUBPS, size(bytes, lanes), 0, value, excess);
        int top = masks.where(big, steps.literal(Long.MIN_VALUE, 8), 8, lanes);
        return steps.vector(PXOR, size(8, lanes), 0, toSignedLong(rest, isDouble, lanes), top);
    }
}
