package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.ElementType.Kind;
import java.util.List;

/** Changes of lane width, and the casts between element types. Masks are lanes of 0 or -1. */
final class Conversions {
    private static final long TWO_TO_52 = Double.doubleToRawLongBits(0x1p52);
    private static final long TWO_TO_84 = Double.doubleToRawLongBits(0x1p84);
    private static final int NOT_EQUAL_UNORDERED = 4;

    private final Steps steps;

    Conversions(Steps steps) {
        this.steps = steps;
    }

    static boolean wide(int bytes, int lanes) {
        return bytes * lanes > 16;
    }

    // ---- lane widths

    int extend(int value, int from, int to, boolean signed, int lanes) {
        if (from == to) {
            return value;
        }
        VectorOp op =
                switch (from * 10 + to) {
                    case 12 -> signed ? PMOVSXBW : PMOVZXBW;
                    case 14 -> signed ? PMOVSXBD : PMOVZXBD;
                    case 18 -> signed ? PMOVSXBQ : PMOVZXBQ;
                    case 24 -> signed ? PMOVSXWD : PMOVZXWD;
                    case 28 -> signed ? PMOVSXWQ : PMOVZXWQ;
                    case 48 -> signed ? PMOVSXDQ : PMOVZXDQ;
                    default -> throw new IllegalArgumentException("extension of " + from + " bytes to " + to);
                };
        return steps.vector(op, wide(to, lanes), 0, value);
    }

    /** Keeps the low bytes of every lane. */
    int narrow(int value, int from, int to, int lanes) {
        if (from == to) {
            return value;
        }
        if (!wide(from, lanes)) {
            long[] picks = picks(from, to, 0, 16 / from);
            return steps.vector(PSHUFB, false, 0, value, steps.literal(picks[0], picks[1], picks[0], picks[1]));
        }
        if (from == 8 && to == 4) {
            int order = steps.literal(0x0000000200000000L, 0x0000000600000004L, 0x0000000200000000L, 0x0000000600000004L);
            return steps.vector(PERMD, true, 0, order, value);
        }
        // PSHUFB works within 128-bit halves: the upper half's lanes are put where they belong in the result, and the
        // halves are joined.
        int perHalf = 16 / from;
        long[] low = picks(from, to, 0, perHalf);
        long[] high = picks(from, to, perHalf * to, perHalf);
        int shuffled = steps.vector(PSHUFB, true, 0, value, steps.literal(low[0], low[1], high[0], high[1]));
        return steps.vector(POR, false, 0, shuffled, steps.vector(EXTRACT128, true, 1, shuffled));
    }

    private static long[] picks(int from, int to, int begin, int lanes) {
        long[] words = {-1L, -1L};
        for (int lane = 0; lane < lanes; lane++) {
            for (int k = 0; k < to; k++) {
                int at = begin + lane * to + k;
                int shift = 8 * (at % 8);
                words[at / 8] = words[at / 8] & ~(0xFFL << shift) | (long) (lane * from + k) << shift;
            }
        }
        return words;
    }

    /** A mask of lanes of {@code from} bytes as one of {@code to} bytes. 0 stands for a uniform mask, which fits all. */
    int mask(int value, int from, int to, int lanes) {
        if (from == 0 || from == to) {
            return value;
        }
        return from < to ? extend(value, from, to, true, lanes) : narrow(value, from, to, lanes);
    }

    // ---- casts

    /** A BOOL given as a mask of {@code type}'s width. */
    int maskToNumber(int mask, ElementType type, int lanes) {
        long one =
                switch (type) {
                    case FLOAT64 -> Double.doubleToRawLongBits(1.0);
                    case FLOAT32 -> Float.floatToRawIntBits(1.0f);
                    default -> 1L;
                };
        return steps.vector(PAND, wide(type.bytes(), lanes), 0, mask, steps.literal(one, type.bytes()));
    }

    /** x != 0, as a mask of the value's width. */
    int numberToMask(int value, ElementType type, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        int zero = steps.literal(0, 8);
        if (type.isFloating()) {
            return steps.vector(type == ElementType.FLOAT64 ? CMPPD : CMPPS, wide, NOT_EQUAL_UNORDERED, value, zero);
        }
        int isZero = steps.vector(Integers.EQUAL[Integers.log2(type.bytes())], wide, 0, value, zero);
        return steps.vector(PXOR, wide, 0, isZero, steps.literal(-1L, 8));
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
            return steps.vector(CVTPS2PD, true, 0, value);
        }
        if (to == ElementType.FLOAT32) {
            return steps.vector(CVTPD2PS, true, 0, value);
        }
        return truncate(value, from, to, lanes);
    }

    private int toInteger(int value, ElementType from, ElementType to, int lanes) {
        return from.bytes() < to.bytes()
                ? extend(value, from.bytes(), to.bytes(), from.kind() == Kind.SIGNED, lanes)
                : narrow(value, from.bytes(), to.bytes(), lanes);
    }

    private int toFloating(int value, ElementType from, ElementType to, int lanes) {
        boolean isDouble = to == ElementType.FLOAT64;
        boolean wide = wide(to.bytes(), lanes);
        if (from.bytes() <= 4 && from != ElementType.UINT32) {
            int word = extend(value, from.bytes(), 4, from.kind() == Kind.SIGNED, lanes);
            return steps.vector(isDouble ? CVTDQ2PD : CVTDQ2PS, wide, 0, word);
        }
        if (from == ElementType.UINT32) {
            return isDouble ? unsignedWordToDouble(value) : unsignedWordToFloat(value, wide);
        }
        boolean signed = from == ElementType.INT64;
        if (isDouble) {
            return longToDouble(value, signed);
        }
        return steps.lanes(
                signed ? LaneOperation.SIGNED_TO_FLOAT : LaneOperation.UNSIGNED_TO_FLOAT, lanes, List.of(value));
    }

    /** The bits of x under those of 2^52 are the number 2^52 + x. */
    int unsignedWordToDouble(int value) {
        int magic = steps.literal(TWO_TO_52, 8);
        int bits = steps.vector(POR, true, 0, steps.vector(PMOVZXDQ, true, 0, value), magic);
        return steps.vector(SUBPD, true, 0, bits, magic);
    }

    /** Upper and lower 16 bits are exact each, so the sum rounds once. */
    private int unsignedWordToFloat(int value, boolean wide) {
        int high = steps.vector(CVTDQ2PS, wide, 0, steps.vector(PSRLD, wide, 16, value));
        int low = steps.vector(
                CVTDQ2PS, wide, 0, steps.vector(PAND, wide, 0, value, steps.literal(0xFFFF, 4)));
        int scale = steps.literal(Float.floatToRawIntBits(0x1p16f), 4);
        return steps.vector(ADDPS, wide, 0, steps.vector(MULPS, wide, 0, high, scale), low);
    }

    /** Upper and lower 32 bits as the exact doubles 2^84 + high * 2^32 and 2^52 + low; the last addition rounds. */
    private int longToDouble(int value, boolean signed) {
        int low = steps.vector(PBLENDD, true, 0xAA, value, steps.literal(TWO_TO_52, 8));
        long highMagic = TWO_TO_84 | (signed ? 0x80000000L : 0);
        int high = steps.vector(
                PXOR, true, 0, steps.vector(PSRLQ, true, 32, value), steps.literal(highMagic, 8));
        double both = Double.longBitsToDouble(highMagic) + 0x1p52;
        int rest = steps.vector(SUBPD, true, 0, high, steps.literal(Double.doubleToRawLongBits(both), 8));
        return steps.vector(ADDPD, true, 0, rest, low);
    }

    /** As compiled C does it: to 8 and 16 bits by way of int32, to uint32 by way of int64. */
    private int truncate(int value, ElementType from, ElementType to, int lanes) {
        boolean isDouble = from == ElementType.FLOAT64;
        if (to.bytes() == 8) {
            boolean signed = to == ElementType.INT64;
            LaneOperation operation = isDouble
                    ? (signed ? LaneOperation.DOUBLE_TO_SIGNED : LaneOperation.DOUBLE_TO_UNSIGNED)
                    : (signed ? LaneOperation.FLOAT_TO_SIGNED : LaneOperation.FLOAT_TO_UNSIGNED);
            return steps.lanes(operation, lanes, List.of(value));
        }
        if (to == ElementType.UINT32) {
            if (lanes > 4) {
                int low = truncateToUnsignedWord(value, false);
                int high = truncateToUnsignedWord(steps.vector(EXTRACT128, true, 1, value), false);
                return steps.vector(INSERT128, true, 1, low, high);
            }
            return truncateToUnsignedWord(value, isDouble);
        }
        boolean wide = wide(from.bytes(), lanes);
        int word = steps.vector(isDouble ? CVTTPD2DQ : CVTTPS2DQ, wide, 0, value);
        return narrow(word, 4, to.bytes(), lanes);
    }

    private int truncateToUnsignedWord(int value, boolean isDouble) {
        LaneOperation operation = isDouble ? LaneOperation.DOUBLE_TO_SIGNED : LaneOperation.FLOAT_TO_SIGNED;
        return narrow(steps.lanes(operation, 4, List.of(value)), 8, 4, 4);
    }
}
