package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import java.util.List;
import java.util.OptionalLong;

/** Floating-point arithmetic and functions; {@code isDouble} tells FLOAT64 from FLOAT32. */
final class Floats {
    private static final int LESS_ORDERED = 0x11;
    private static final int LESS_OR_EQUAL_ORDERED = 0x12;
    private static final int EQUAL_ORDERED = 0;
    private static final int UNORDERED = 3;
    private static final int NOT_EQUAL_UNORDERED = 4;

    /** Rounding modes of ROUNDPD, without the inexact exception. */
    private static final int NEAREST = 8;

    private static final int DOWN = 9;
    private static final int UP = 10;
    private static final int TOWARDS_ZERO = 11;

    private final InstructionSet set;
    private final Steps steps;
    private final Masks masks;
    private final int lanes;

    Floats(InstructionSet set, Steps steps, Masks masks, int lanes) {
        this.set = set;
        this.steps = steps;
        this.masks = masks;
        this.lanes = lanes;
    }

    private static int bytes(boolean isDouble) {
        return isDouble ? 8 : 4;
    }

    private int size(boolean isDouble) {
        return Conversions.size(bytes(isDouble), lanes);
    }

    int apply(Primitive primitive, ElementType type, List<Integer> arguments) {
        boolean isDouble = type == ElementType.FLOAT64;
        int x = arguments.get(0);
        int y = arguments.size() > 1 ? arguments.get(1) : -1;
        return switch (primitive) {
            case ADD -> two(isDouble ? ADDPD : ADDPS, isDouble, x, y, lanes);
            case SUBTRACT -> two(isDouble ? SUBPD : SUBPS, isDouble, x, y, lanes);
            case MULTIPLY -> two(isDouble ? MULPD : MULPS, isDouble, x, y, lanes);
            case DIVIDE -> two(isDouble ? DIVPD : DIVPS, isDouble, x, y, lanes);
            case MINIMUM -> extremum(isDouble ? MINPD : MINPS, isDouble, x, y, lanes);
            case MAXIMUM -> extremum(isDouble ? MAXPD : MAXPS, isDouble, x, y, lanes);
            case NEGATE -> two(XORPS, isDouble, x, sign(isDouble), lanes);
            case ABSOLUTE -> two(ANDPS, isDouble, x, notSign(isDouble), lanes);
            case SQRT -> steps.vector(isDouble ? SQRTPD : SQRTPS, size(isDouble), 0, x);
            case FLOOR -> round(isDouble, DOWN, x);
            case CEIL -> round(isDouble, UP, x);
            case TRUNC -> round(isDouble, TOWARDS_ZERO, x);
            case RINT -> round(isDouble, NEAREST, x);
            case ROUND_TO_HALF -> fromHalf(toHalf(x));
            case LESS -> compare(LESS_ORDERED, isDouble, x, y);
            case LESS_EQUAL -> compare(LESS_OR_EQUAL_ORDERED, isDouble, x, y);
            case EQUAL -> compare(EQUAL_ORDERED, isDouble, x, y);
            case NOT_EQUAL -> compare(NOT_EQUAL_UNORDERED, isDouble, x, y);
            case EXP,
                    EXP2,
                    EXPM1,
                    LOG,
                    LOG2,
                    LOG10,
                    LOG1P,
                    SIN,
                    COS,
                    TAN,
                    ASIN,
                    ACOS,
                    ATAN,
                    SINH,
                    COSH,
                    TANH,
                    ASINH,
                    ACOSH,
                    ATANH,
                    CBRT,
                    POW,
                    ATAN2,
                    HYPOT,
                    FMOD,
                    NEXTAFTER -> call(primitive, isDouble, arguments);
            case AND,
                    OR,
                    XOR,
                    NOT,
                    SHIFT_LEFT,
                    SHIFT_RIGHT,
                    SELECT,
                    FUSED_MULTIPLY_ADD,
                    QUOTIENT,
                    REMAINDER,
                    INTEGER_POWER -> throw new UnsupportedKernelException(primitive + " of " + type);
        };
    }

    /** What a reduction may combine with, on any number of lanes. */
    int combine(Primitive primitive, ElementType type, int x, int y, int count) {
        boolean isDouble = type == ElementType.FLOAT64;
        return switch (primitive) {
            case ADD -> two(isDouble ? ADDPD : ADDPS, isDouble, x, y, count);
            case MULTIPLY -> two(isDouble ? MULPD : MULPS, isDouble, x, y, count);
            case MINIMUM -> extremum(isDouble ? MINPD : MINPS, isDouble, x, y, count);
            case MAXIMUM -> extremum(isDouble ? MAXPD : MAXPS, isDouble, x, y, count);
            default -> throw new UnsupportedKernelException("reduction by " + primitive + " of " + type);
        };
    }

    private int two(VectorOp op, boolean isDouble, int x, int y, int count) {
        return steps.vector(op, Conversions.size(bytes(isDouble), count), 0, x, y);
    }

    /** x * y + z; {@code negated}: which of the product and the term are taken off instead. */
    int fused(ElementType type, List<Integer> arguments, boolean negatedProduct, boolean negatedTerm) {
        boolean isDouble = type == ElementType.FLOAT64;
        VectorOp op = negatedProduct
                ? isDouble ? FNMADD231PD : FNMADD231PS
                : negatedTerm ? isDouble ? FMSUB231PD : FMSUB231PS : isDouble ? FMADD231PD : FMADD231PS;
        return steps.vector(op, size(isDouble), 0, arguments.get(0), arguments.get(1), arguments.get(2));
    }

    private int sign(boolean isDouble) {
        return isDouble ? steps.literal(Long.MIN_VALUE, 8) : steps.literal(Integer.MIN_VALUE, 4);
    }

    private int notSign(boolean isDouble) {
        return isDouble ? steps.literal(Long.MAX_VALUE, 8) : steps.literal(Integer.MAX_VALUE, 4);
    }

    /**
     * MINPD gives its second source where either is NaN or both are zero. With x there, equal zeros and a NaN in x come
     * out right, and only a NaN in y is left to be put in.
     */
    private int extremum(VectorOp op, boolean isDouble, int x, int y, int count) {
        int result = two(op, isDouble, y, x, count);
        int isNan = masks.compare(isDouble, UNORDERED, y, y, count);
        return masks.blend(isNan, y, result, isDouble ? ElementType.FLOAT64 : ElementType.FLOAT32, count);
    }

    private int round(boolean isDouble, int mode, int x) {
        return steps.vector(isDouble ? ROUNDPD : ROUNDPS, size(isDouble), mode, x);
    }

    private int compare(int predicate, boolean isDouble, int x, int y) {
        return masks.compare(isDouble, predicate, x, y, lanes);
    }

    /** FLOAT32 lanes as float16 bits. */
    int toHalf(int value) {
        return steps.vector(CVTPS2PH, size(false), 0, value);
    }

    int fromHalf(int bits) {
        return steps.vector(CVTPH2PS, size(false), 0, bits);
    }

    private int call(Primitive function, boolean isDouble, List<Integer> arguments) {
        if (function == Primitive.TANH && isDouble && set == InstructionSet.AVX2) {
            return tanh(arguments.get(0));
        }
        int size = size(isDouble);
        OptionalLong vector = NativeFunctions.vector(set, function, isDouble, size);
        if (vector.isPresent()) {
            int result = steps.callVector(vector.getAsLong(), size, arguments);
            if (function == Primitive.EXP) {
                return raiseOverflow(isDouble, arguments.get(0), result);
            }
            return function == Primitive.POW
                    ? signUnderflow(isDouble, arguments.get(0), arguments.get(1), result)
                    : result;
        }
        long scalar = NativeFunctions.scalar(function, isDouble)
                .orElseThrow(() -> new UnsupportedKernelException("no C library function for " + function));
        return steps.callScalar(scalar, isDouble, lanes, size, arguments);
    }

    /** By expm1(2|x|) = e: e / (e + 2). SVML's own for AVX2 takes ten times as long; from 22 on the result is 1. */
    private int tanh(int x) {
        int absolute = two(ANDPS, true, x, notSign(true), lanes);
        int twice = two(ADDPD, true, absolute, absolute, lanes);
        // the second source is the one that comes through where there is a NaN
        int limited = two(MINPD, true, steps.literal(Double.doubleToRawLongBits(44), 8), twice, lanes);
        int e = call(Primitive.EXPM1, true, List.of(limited));
        int below = two(ADDPD, true, e, steps.literal(Double.doubleToRawLongBits(2), 8), lanes);
        int result = two(DIVPD, true, e, below, lanes);
        return two(POR, true, result, two(ANDPS, true, x, sign(true), lanes), lanes);
    }

    /** SVML's exp may overflow without the flag; a product of the argument raises it, of which nothing else is used. */
    private int raiseOverflow(boolean isDouble, int x, int result) {
        int scale = isDouble
                ? steps.literal(Double.doubleToRawLongBits(Double.MAX_VALUE / 709.782712893384), 8)
                : steps.literal(Float.floatToRawIntBits(Float.MAX_VALUE / 88.72284f), 4);
        int product = two(isDouble ? MULPD : MULPS, isDouble, x, scale, lanes);
        int nothing = two(ANDPS, isDouble, product, steps.literal(0, 8), lanes);
        return two(POR, isDouble, result, nothing, lanes);
    }

    /** SVML's pow loses the sign where an odd power of a negative number underflows to zero. */
    private int signUnderflow(boolean isDouble, int x, int y, int result) {
        int zero = steps.literal(0, 8);
        int half = isDouble
                ? steps.literal(Double.doubleToRawLongBits(0.5), 8)
                : steps.literal(Float.floatToRawIntBits(0.5f), 4);
        int halved = two(isDouble ? MULPD : MULPS, isDouble, y, half, lanes);
        int yIsInteger = compare(EQUAL_ORDERED, isDouble, round(isDouble, TOWARDS_ZERO, y), y);
        int yIsNotEven = compare(NOT_EQUAL_UNORDERED, isDouble, round(isDouble, TOWARDS_ZERO, halved), halved);
        int bytes = bytes(isDouble);
        int yIsOdd = masks.and(yIsInteger, yIsNotEven, bytes, lanes);
        int negative = masks.and(compare(LESS_ORDERED, isDouble, x, zero), yIsOdd, bytes, lanes);
        int vanished = masks.and(compare(EQUAL_ORDERED, isDouble, result, zero), negative, bytes, lanes);
        return two(POR, isDouble, result, masks.where(vanished, sign(isDouble), bytes, lanes), lanes);
    }
}
