package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.Conversions.wide;
import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.ElementType.Kind;
import java.util.List;

/** Integer arithmetic on lanes of 1, 2, 4 and 8 bytes. */
final class Integers {
    static final VectorOp[] ADD = {PADDB, PADDW, PADDD, PADDQ};
    static final VectorOp[] SUBTRACT = {PSUBB, PSUBW, PSUBD, PSUBQ};
    static final VectorOp[] EQUAL = {PCMPEQB, PCMPEQW, PCMPEQD, PCMPEQQ};
    private static final VectorOp[] GREATER = {PCMPGTB, PCMPGTW, PCMPGTD, PCMPGTQ};
    private static final VectorOp[] MINIMUM_SIGNED = {PMINSB, PMINSW, PMINSD};
    private static final VectorOp[] MINIMUM_UNSIGNED = {PMINUB, PMINUW, PMINUD};
    private static final VectorOp[] MAXIMUM_SIGNED = {PMAXSB, PMAXSW, PMAXSD};
    private static final VectorOp[] MAXIMUM_UNSIGNED = {PMAXUB, PMAXUW, PMAXUD};
    private static final VectorOp[] ABSOLUTE = {PABSB, PABSW, PABSD};

    private static final int TRUNCATE = 11;
    private static final long TWO_TO_31 = Double.doubleToRawLongBits(0x1p31);

    /** An operation on two values that is made once the values are lanes of a wider type. */
    private interface Binary {
        int make(ElementType type, int x, int y, int lanes);
    }

    private final Steps steps;
    private final Conversions conversions;

    Integers(Steps steps, Conversions conversions) {
        this.steps = steps;
        this.conversions = conversions;
    }

    static int log2(int bytes) {
        return Integer.numberOfTrailingZeros(bytes);
    }

    private static VectorOp pick(VectorOp[] byWidth, ElementType type) {
        return byWidth[log2(type.bytes())];
    }

    private static boolean isSigned(ElementType type) {
        return type.kind() == Kind.SIGNED;
    }

    private int zero() {
        return steps.literal(0, 8);
    }

    private int ones() {
        return steps.literal(-1L, 8);
    }

    int add(ElementType type, int x, int y, int lanes) {
        return steps.vector(pick(ADD, type), wide(type.bytes(), lanes), 0, x, y);
    }

    int subtract(ElementType type, int x, int y, int lanes) {
        return steps.vector(pick(SUBTRACT, type), wide(type.bytes(), lanes), 0, x, y);
    }

    int negate(ElementType type, int x, int lanes) {
        return subtract(type, zero(), x, lanes);
    }

    int absolute(ElementType type, int x, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        if (!isSigned(type)) {
            return x;
        }
        if (type.bytes() < 8) {
            return steps.vector(pick(ABSOLUTE, type), wide, 0, x);
        }
        int sign = steps.vector(PCMPGTQ, wide, 0, zero(), x);
        return steps.vector(PSUBQ, wide, 0, steps.vector(PXOR, wide, 0, x, sign), sign);
    }

    int multiply(ElementType type, int x, int y, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 1 -> {
                int low = steps.literal(0x00FF, 2);
                int even = steps.vector(PAND, wide, 0, steps.vector(PMULLW, wide, 0, x, y), low);
                // y with its even bytes cleared: the product's even bytes come out clear, too
                int odd = steps.vector(
                        PMULLW, wide, 0, steps.vector(PSRLW, wide, 8, x), steps.vector(PANDN, wide, 0, low, y));
                yield steps.vector(POR, wide, 0, even, odd);
            }
            case 2 -> steps.vector(PMULLW, wide, 0, x, y);
            case 4 -> steps.vector(PMULLD, wide, 0, x, y);
            default -> {
                int crossed = steps.vector(PMULLD, wide, 0, x, steps.vector(PSHUFD, wide, 0xB1, y));
                int upper = steps.vector(PADDD, wide, 0, crossed, steps.vector(PSLLQ, wide, 32, crossed));
                int cleared = steps.vector(PAND, wide, 0, upper, steps.literal(0xFFFFFFFF00000000L, 8));
                yield steps.vector(PADDQ, wide, 0, cleared, steps.vector(PMULUDQ, wide, 0, x, y));
            }
        };
    }

    int minimum(ElementType type, int x, int y, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        if (type.bytes() < 8) {
            return steps.vector(pick(isSigned(type) ? MINIMUM_SIGNED : MINIMUM_UNSIGNED, type), wide, 0, x, y);
        }
        return steps.vector(PBLENDVB, wide, 0, x, y, greater(type, x, y, lanes));
    }

    int maximum(ElementType type, int x, int y, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        if (type.bytes() < 8) {
            return steps.vector(pick(isSigned(type) ? MAXIMUM_SIGNED : MAXIMUM_UNSIGNED, type), wide, 0, x, y);
        }
        return steps.vector(PBLENDVB, wide, 0, y, x, greater(type, x, y, lanes));
    }

    int not(int x, boolean wide) {
        return steps.vector(PXOR, wide, 0, x, ones());
    }

    // ---- comparisons, as masks of the type's width

    int equal(ElementType type, int x, int y, int lanes) {
        return steps.vector(pick(EQUAL, type), wide(type.bytes(), lanes), 0, x, y);
    }

    /** There are signed comparisons only; unsigned numbers with the top bit flipped have the same order. */
    int greater(ElementType type, int x, int y, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        if (isSigned(type)) {
            return steps.vector(pick(GREATER, type), wide, 0, x, y);
        }
        int top = steps.literal(1L << 8 * type.bytes() - 1, type.bytes());
        return steps.vector(
                pick(GREATER, type), wide, 0, steps.vector(PXOR, wide, 0, x, top), steps.vector(PXOR, wide, 0, y, top));
    }

    // ---- shifts

    int shiftLeft(ElementType type, int x, int count, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 4 -> steps.vector(PSLLVD, wide, 0, x, count);
            case 8 -> steps.vector(PSLLVQ, wide, 0, x, count);
            default -> shiftWider(type, x, count, lanes, this::shiftLeft);
        };
    }

    int shiftRight(ElementType type, int x, int count, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 4 -> steps.vector(isSigned(type) ? PSRAVD : PSRLVD, wide, 0, x, count);
            case 8 -> {
                if (!isSigned(type)) {
                    yield steps.vector(PSRLVQ, wide, 0, x, count);
                }
                int sign = steps.vector(PCMPGTQ, wide, 0, zero(), x);
                int flipped = steps.vector(PXOR, wide, 0, x, sign);
                yield steps.vector(PXOR, wide, 0, steps.vector(PSRLVQ, wide, 0, flipped, count), sign);
            }
            default -> shiftWider(type, x, count, lanes, this::shiftRight);
        };
    }

    /** A shift by the same known number of bits in every lane; 8-bit lanes have no such instruction. */
    int shiftLeftBy(ElementType type, int x, long count, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        if (count < 0 || count >= 8L * type.bytes()) {
            return zero();
        }
        int bits = (int) count;
        return switch (type.bytes()) {
            case 1 -> steps.vector(PAND, wide, 0, steps.vector(PSLLW, wide, bits, x), steps.literal(0xFF << bits, 1));
            case 2 -> steps.vector(PSLLW, wide, bits, x);
            case 4 -> steps.vector(PSLLD, wide, bits, x);
            default -> steps.vector(PSLLQ, wide, bits, x);
        };
    }

    int shiftRightBy(ElementType type, int x, long count, int lanes) {
        boolean wide = wide(type.bytes(), lanes);
        int width = 8 * type.bytes();
        boolean outside = count < 0 || count >= width;
        if (!isSigned(type)) {
            if (outside) {
                return zero();
            }
            int bits = (int) count;
            return switch (type.bytes()) {
                case 1 ->
                    steps.vector(PAND, wide, 0, steps.vector(PSRLW, wide, bits, x), steps.literal(0xFF >> bits, 1));
                case 2 -> steps.vector(PSRLW, wide, bits, x);
                case 4 -> steps.vector(PSRLD, wide, bits, x);
                default -> steps.vector(PSRLQ, wide, bits, x);
            };
        }
        int bits = outside ? width - 1 : (int) count;
        return switch (type.bytes()) {
            case 1 -> {
                // logical shift, then the moved sign bit is spread upwards: (x ^ m) - m
                int logical = shiftRightBy(ElementType.UINT8, x, bits, lanes);
                int sign = steps.literal(0x80 >> bits, 1);
                yield steps.vector(PSUBB, wide, 0, steps.vector(PXOR, wide, 0, logical, sign), sign);
            }
            case 2 -> steps.vector(PSRAW, wide, bits, x);
            case 4 -> steps.vector(PSRAD, wide, bits, x);
            default -> {
                int sign = steps.vector(PCMPGTQ, wide, 0, zero(), x);
                int flipped = steps.vector(PXOR, wide, 0, x, sign);
                yield steps.vector(PXOR, wide, 0, steps.vector(PSRLQ, wide, bits, flipped), sign);
            }
        };
    }

    /** Counts are zero-extended: one that was outside [0, width) stays so, or moves all bits out. */
    private int shiftWider(ElementType type, int x, int count, int lanes, Binary shift) {
        return wider(type, x, count, lanes, false, shift);
    }

    // ---- division

    int quotient(ElementType type, int x, int y, int lanes) {
        boolean signed = isSigned(type);
        if (type.bytes() == 8) {
            return steps.lanes(
                    signed ? LaneOperation.QUOTIENT_SIGNED : LaneOperation.QUOTIENT_UNSIGNED, lanes, List.of(x, y));
        }
        if (type.bytes() < 4) {
            return wider(type, x, y, lanes, signed, type.bytes() == 1 ? this::quotient : this::smallQuotient);
        }
        boolean wide = wide(4, lanes);
        int result;
        if (lanes > 4) {
            int low = wordQuotient(x, y, signed);
            int high = wordQuotient(steps.vector(EXTRACT128, true, 1, x), steps.vector(EXTRACT128, true, 1, y), signed);
            result = steps.vector(INSERT128, true, 1, low, high);
        } else {
            result = wordQuotient(x, y, signed);
        }
        return steps.vector(PANDN, wide, 0, equal(type, y, zero(), lanes), result);
    }

    /** 16-bit numbers in 32-bit lanes: a float quotient never rounds up to the next integer. */
    private int smallQuotient(ElementType type, int x, int y, int lanes) {
        boolean wide = wide(4, lanes);
        int quotient =
                steps.vector(DIVPS, wide, 0, steps.vector(CVTDQ2PS, wide, 0, x), steps.vector(CVTDQ2PS, wide, 0, y));
        int truncated = steps.vector(CVTTPS2DQ, wide, 0, quotient);
        return steps.vector(PANDN, wide, 0, steps.vector(PCMPEQD, wide, 0, y, zero()), truncated);
    }

    /** Four 32-bit numbers: a double quotient never rounds up to the next integer. */
    private int wordQuotient(int x, int y, boolean signed) {
        if (signed) {
            int quotient = steps.vector(
                    DIVPD, true, 0, steps.vector(CVTDQ2PD, true, 0, x), steps.vector(CVTDQ2PD, true, 0, y));
            return steps.vector(CVTTPD2DQ, true, 0, quotient);
        }
        int quotient =
                steps.vector(DIVPD, true, 0, conversions.unsignedWordToDouble(x), conversions.unsignedWordToDouble(y));
        // the conversion is signed: move [0, 2^32) to [-2^31, 2^31) and flip the top bit back
        int whole = steps.vector(ROUNDPD, true, TRUNCATE, quotient);
        int moved = steps.vector(SUBPD, true, 0, whole, steps.literal(TWO_TO_31, 8));
        return steps.vector(PXOR, false, 0, steps.vector(CVTTPD2DQ, true, 0, moved), steps.literal(0x80000000L, 4));
    }

    int remainder(ElementType type, int x, int y, int lanes) {
        if (type.bytes() == 8) {
            return steps.lanes(
                    isSigned(type) ? LaneOperation.REMAINDER_SIGNED : LaneOperation.REMAINDER_UNSIGNED,
                    lanes,
                    List.of(x, y));
        }
        boolean wide = wide(type.bytes(), lanes);
        int rest = subtract(type, x, multiply(type, y, quotient(type, x, y, lanes), lanes), lanes);
        return steps.vector(PANDN, wide, 0, equal(type, y, zero(), lanes), rest);
    }

    int power(ElementType type, int x, int y, int lanes) {
        return type.bytes() == 8
                ? steps.lanes(LaneOperation.POWER, lanes, List.of(x, y))
                : wider(type, x, y, lanes, isSigned(type), this::power);
    }

    /** Does an operation in lanes of twice the width, in two groups where one would be too wide. */
    private int wider(ElementType type, int x, int y, int lanes, boolean extendSecondSigned, Binary operation) {
        int bytes = type.bytes();
        boolean signed = isSigned(type);
        ElementType wider = switch (bytes) {
            case 1 -> signed ? ElementType.INT16 : ElementType.UINT16;
            case 2 -> signed ? ElementType.INT32 : ElementType.UINT32;
            case 4 -> signed ? ElementType.INT64 : ElementType.UINT64;
            default -> throw new IllegalArgumentException("no wider type than " + type);
        };
        if (2 * bytes * lanes <= 32) {
            int result = operation.make(
                    wider,
                    conversions.extend(x, bytes, 2 * bytes, signed, lanes),
                    conversions.extend(y, bytes, 2 * bytes, extendSecondSigned, lanes),
                    lanes);
            return conversions.narrow(result, 2 * bytes, bytes, lanes);
        }
        int half = lanes / 2;
        int low = wider(type, x, y, half, extendSecondSigned, operation);
        int high = wider(
                type,
                steps.vector(EXTRACT128, true, 1, x),
                steps.vector(EXTRACT128, true, 1, y),
                half,
                extendSecondSigned,
                operation);
        return steps.vector(INSERT128, true, 1, low, high);
    }
}
