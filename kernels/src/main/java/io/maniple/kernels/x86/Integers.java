package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.Conversions.size;
import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.ElementType.Kind;
import java.util.List;

/** Integer arithmetic on lanes of 1, 2, 4 and 8 bytes. */
final class Integers {
    static final VectorOp[] ADD = {PADDB, PADDW, PADDD, PADDQ};
    static final VectorOp[] SUBTRACT = {PSUBB, PSUBW, PSUBD, PSUBQ};
    private static final VectorOp[] MINIMUM_SIGNED = {PMINSB, PMINSW, PMINSD, PMINSQ};
    private static final VectorOp[] MINIMUM_UNSIGNED = {PMINUB, PMINUW, PMINUD, PMINUQ};
    private static final VectorOp[] MAXIMUM_SIGNED = {PMAXSB, PMAXSW, PMAXSD, PMAXSQ};
    private static final VectorOp[] MAXIMUM_UNSIGNED = {PMAXUB, PMAXUW, PMAXUD, PMAXUQ};
    private static final VectorOp[] ABSOLUTE = {PABSB, PABSW, PABSD, PABSQ};

    private static final int TRUNCATE = 11;
    private static final long TWO_TO_31 = Double.doubleToRawLongBits(0x1p31);

    /** An operation on two values that is made once the values are lanes of a wider type. */
    private interface Binary {
        int make(ElementType type, int x, int y, int lanes);
    }

    private final InstructionSet set;
    private final Steps steps;
    private final Masks masks;
    private final LaneWidths widths;
    private final Conversions conversions;

    Integers(InstructionSet set, Steps steps, Masks masks, LaneWidths widths, Conversions conversions) {
        this.set = set;
        this.steps = steps;
        this.masks = masks;
        this.widths = widths;
        this.conversions = conversions;
    }

    static int log2(int bytes) {
        return Integer.numberOfTrailingZeros(bytes);
    }

    /** Whether an operation on signed and unsigned numbers exists for lanes of so many bytes. */
    private boolean has(int bytes) {
        return bytes < 8 || set == InstructionSet.AVX512;
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
        return steps.vector(pick(ADD, type), size(type.bytes(), lanes), 0, x, y);
    }

    int subtract(ElementType type, int x, int y, int lanes) {
        return steps.vector(pick(SUBTRACT, type), size(type.bytes(), lanes), 0, x, y);
    }

    int negate(ElementType type, int x, int lanes) {
        return subtract(type, zero(), x, lanes);
    }

    int absolute(ElementType type, int x, int lanes) {
        int size = size(type.bytes(), lanes);
        if (!isSigned(type)) {
            return x;
        }
        if (has(type.bytes())) {
            return steps.vector(pick(ABSOLUTE, type), size, 0, x);
        }
        int sign = steps.vector(PCMPGTQ, size, 0, zero(), x);
        return steps.vector(PSUBQ, size, 0, steps.vector(PXOR, size, 0, x, sign), sign);
    }

    int multiply(ElementType type, int x, int y, int lanes) {
        int size = size(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 1 -> {
                int low = steps.literal(0x00FF, 2);
                int even = steps.vector(PAND, size, 0, steps.vector(PMULLW, size, 0, x, y), low);
                // y with its even bytes cleared: the product's even bytes come out clear, too
                int odd = steps.vector(
                        PMULLW, size, 0, steps.vector(PSRLW, size, 8, x), steps.vector(PANDN, size, 0, low, y));
                yield steps.vector(POR, size, 0, even, odd);
            }
            case 2 -> steps.vector(PMULLW, size, 0, x, y);
            case 4 -> steps.vector(PMULLD, size, 0, x, y);
            default -> {
                if (has(8)) {
                    yield steps.vector(PMULLQ, size, 0, x, y);
                }
                int crossed = steps.vector(PMULLD, size, 0, x, steps.vector(PSHUFD, size, 0xB1, y));
                int upper = steps.vector(PADDD, size, 0, crossed, steps.vector(PSLLQ, size, 32, crossed));
                int cleared = steps.vector(PAND, size, 0, upper, steps.literal(0xFFFFFFFF00000000L, 8));
                yield steps.vector(PADDQ, size, 0, cleared, steps.vector(PMULUDQ, size, 0, x, y));
            }
        };
    }

    int minimum(ElementType type, int x, int y, int lanes) {
        int size = size(type.bytes(), lanes);
        if (has(type.bytes())) {
            return steps.vector(pick(isSigned(type) ? MINIMUM_SIGNED : MINIMUM_UNSIGNED, type), size, 0, x, y);
        }
        return masks.blend(greater(type, x, y, lanes), y, x, type, lanes);
    }

    int maximum(ElementType type, int x, int y, int lanes) {
        int size = size(type.bytes(), lanes);
        if (has(type.bytes())) {
            return steps.vector(pick(isSigned(type) ? MAXIMUM_SIGNED : MAXIMUM_UNSIGNED, type), size, 0, x, y);
        }
        return masks.blend(greater(type, x, y, lanes), x, y, type, lanes);
    }

    int not(int x, int size) {
        return steps.vector(PXOR, size, 0, x, ones());
    }

    // ---- comparisons, as masks of the type's width

    int equal(ElementType type, int x, int y, int lanes) {
        return masks.equal(type.bytes(), x, y, lanes);
    }

    /** There are signed comparisons only; unsigned numbers with the top bit flipped have the same order. */
    int greater(ElementType type, int x, int y, int lanes) {
        if (isSigned(type)) {
            return masks.greater(type.bytes(), x, y, lanes);
        }
        int size = size(type.bytes(), lanes);
        int top = steps.literal(1L << 8 * type.bytes() - 1, type.bytes());
        return masks.greater(
                type.bytes(), steps.vector(PXOR, size, 0, x, top), steps.vector(PXOR, size, 0, y, top), lanes);
    }

    // ---- shifts

    int shiftLeft(ElementType type, int x, int count, int lanes) {
        int size = size(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 4 -> steps.vector(PSLLVD, size, 0, x, count);
            case 8 -> steps.vector(PSLLVQ, size, 0, x, count);
            default -> shiftWider(type, x, count, lanes, this::shiftLeft);
        };
    }

    int shiftRight(ElementType type, int x, int count, int lanes) {
        int size = size(type.bytes(), lanes);
        return switch (type.bytes()) {
            case 4 -> steps.vector(isSigned(type) ? PSRAVD : PSRLVD, size, 0, x, count);
            case 8 -> {
                if (!isSigned(type)) {
                    yield steps.vector(PSRLVQ, size, 0, x, count);
                }
                if (has(8)) {
                    yield steps.vector(PSRAVQ, size, 0, x, count);
                }
                int sign = steps.vector(PCMPGTQ, size, 0, zero(), x);
                int flipped = steps.vector(PXOR, size, 0, x, sign);
                yield steps.vector(PXOR, size, 0, steps.vector(PSRLVQ, size, 0, flipped, count), sign);
            }
            default -> shiftWider(type, x, count, lanes, this::shiftRight);
        };
    }

    /** A shift by the same known number of bits in every lane; 8-bit lanes have no such instruction. */
    int shiftLeftBy(ElementType type, int x, long count, int lanes) {
        int size = size(type.bytes(), lanes);
        if (count < 0 || count >= 8L * type.bytes()) {
            return zero();
        }
        int bits = (int) count;
        return switch (type.bytes()) {
            case 1 -> steps.vector(PAND, size, 0, steps.vector(PSLLW, size, bits, x), steps.literal(0xFF << bits, 1));
            case 2 -> steps.vector(PSLLW, size, bits, x);
            case 4 -> steps.vector(PSLLD, size, bits, x);
            default -> steps.vector(PSLLQ, size, bits, x);
        };
    }

    int shiftRightBy(ElementType type, int x, long count, int lanes) {
        int size = size(type.bytes(), lanes);
        int width = 8 * type.bytes();
        boolean outside = count < 0 || count >= width;
        if (!isSigned(type)) {
            if (outside) {
                return zero();
            }
            int bits = (int) count;
            return switch (type.bytes()) {
                case 1 ->
                    steps.vector(PAND, size, 0, steps.vector(PSRLW, size, bits, x), steps.literal(0xFF >> bits, 1));
                case 2 -> steps.vector(PSRLW, size, bits, x);
                case 4 -> steps.vector(PSRLD, size, bits, x);
                default -> steps.vector(PSRLQ, size, bits, x);
            };
        }
        int bits = outside ? width - 1 : (int) count;
        return switch (type.bytes()) {
            case 1 -> {
                // logical shift, then the moved sign bit is spread upwards: (x ^ m) - m
                int logical = shiftRightBy(ElementType.UINT8, x, bits, lanes);
                int sign = steps.literal(0x80 >> bits, 1);
                yield steps.vector(PSUBB, size, 0, steps.vector(PXOR, size, 0, logical, sign), sign);
            }
            case 2 -> steps.vector(PSRAW, size, bits, x);
            case 4 -> steps.vector(PSRAD, size, bits, x);
            default -> {
                if (has(8)) {
                    yield steps.vector(PSRAQ, size, bits, x);
                }
                int sign = steps.vector(PCMPGTQ, size, 0, zero(), x);
                int flipped = steps.vector(PXOR, size, 0, x, sign);
                yield steps.vector(PXOR, size, 0, steps.vector(PSRLQ, size, bits, flipped), sign);
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
        int size = size(4, lanes);
        int result;
        if (2 * size > set.vectorBytes()) {
            int half = lanes / 2;
            int low = wordQuotient(x, y, signed, half);
            int high = wordQuotient(widths.upperHalf(x, size), widths.upperHalf(y, size), signed, half);
            result = widths.join(low, high, size);
        } else {
            result = wordQuotient(x, y, signed, lanes);
        }
        return masks.whereNot(equal(type, y, zero(), lanes), result, 4, lanes);
    }

    /** 16-bit numbers in 32-bit lanes: a float quotient never rounds up to the next integer. */
    private int smallQuotient(ElementType type, int x, int y, int lanes) {
        int size = size(4, lanes);
        int quotient =
                steps.vector(DIVPS, size, 0, steps.vector(CVTDQ2PS, size, 0, x), steps.vector(CVTDQ2PS, size, 0, y));
        int truncated = steps.vector(CVTTPS2DQ, size, 0, quotient);
        return masks.whereNot(masks.equal(4, y, zero(), lanes), truncated, 4, lanes);
    }

    /** 32-bit numbers, no more than fit as doubles: a double quotient never rounds up to the next integer. */
    private int wordQuotient(int x, int y, boolean signed, int lanes) {
        int size = size(8, lanes);
        if (signed) {
            int quotient = steps.vector(
                    DIVPD, size, 0, steps.vector(CVTDQ2PD, size, 0, x), steps.vector(CVTDQ2PD, size, 0, y));
            return steps.vector(CVTTPD2DQ, size, 0, quotient);
        }
        int quotient = steps.vector(
                DIVPD, size, 0, conversions.unsignedWordToDouble(x, lanes), conversions.unsignedWordToDouble(y, lanes));
        // the conversion is signed: move [0, 2^32) to [-2^31, 2^31) and flip the top bit back
        int whole = steps.vector(ROUNDPD, size, TRUNCATE, quotient);
        int moved = steps.vector(SUBPD, size, 0, whole, steps.literal(TWO_TO_31, 8));
        int words = steps.vector(CVTTPD2DQ, size, 0, moved);
        return steps.vector(PXOR, size(4, lanes), 0, words, steps.literal(0x80000000L, 4));
    }

    int remainder(ElementType type, int x, int y, int lanes) {
        if (type.bytes() == 8) {
            return steps.lanes(
                    isSigned(type) ? LaneOperation.REMAINDER_SIGNED : LaneOperation.REMAINDER_UNSIGNED,
                    lanes,
                    List.of(x, y));
        }
        int rest = subtract(type, x, multiply(type, y, quotient(type, x, y, lanes), lanes), lanes);
        return masks.whereNot(equal(type, y, zero(), lanes), rest, type.bytes(), lanes);
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
        if (2 * bytes * lanes <= set.vectorBytes()) {
            int result = operation.make(
                    wider,
                    widths.extend(x, bytes, 2 * bytes, signed, lanes),
                    widths.extend(y, bytes, 2 * bytes, extendSecondSigned, lanes),
                    lanes);
            return widths.narrow(result, 2 * bytes, bytes, lanes);
        }
        int size = size(bytes, lanes);
        int half = lanes / 2;
        int low = wider(type, x, y, half, extendSecondSigned, operation);
        int high =
                wider(type, widths.upperHalf(x, size), widths.upperHalf(y, size), half, extendSecondSigned, operation);
        return widths.join(low, high, size);
    }
}
