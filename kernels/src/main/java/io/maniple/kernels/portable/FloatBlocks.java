package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** Primitives on blocks of FLOAT32; functions are computed in double precision and rounded. */
final class FloatBlocks {
    private FloatBlocks() {}

    static void apply(Primitive primitive, ElementType type, float[] out, float[] x, float[] y, int count) {
        switch (primitive) {
            case ADD -> add(out, x, y, count);
            case SUBTRACT -> subtract(out, x, y, count);
            case MULTIPLY -> multiply(out, x, y, count);
            case DIVIDE -> divide(out, x, y, count);
            case MINIMUM -> minimum(out, x, y, count);
            case MAXIMUM -> maximum(out, x, y, count);
            case NEGATE -> negate(out, x, count);
            case ABSOLUTE -> absolute(out, x, count);
            case SQRT -> sqrt(out, x, count);
            case FLOOR -> floor(out, x, count);
            case CEIL -> ceil(out, x, count);
            case TRUNC -> trunc(out, x, count);
            case RINT -> rint(out, x, count);
            case ROUND_TO_HALF -> roundToHalf(out, x, count);
            case FMOD -> fmod(out, x, y, count);
            case NEXTAFTER -> nextAfter(out, x, y, count);
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
                    CBRT -> function(Functions.unary(primitive), out, x, count);
            case POW, ATAN2, HYPOT -> function(Functions.binary(primitive), out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " has no meaning for " + type);
        }
    }

    /** Comparisons, whose result is BOOL. */
    static void compare(Primitive primitive, byte[] out, float[] x, float[] y, int count) {
        switch (primitive) {
            case LESS -> less(out, x, y, count);
            case LESS_EQUAL -> lessEqual(out, x, y, count);
            case EQUAL -> equal(out, x, y, count);
            case NOT_EQUAL -> notEqual(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " is no comparison");
        }
    }

    static void fused(float[] out, float[] x, float[] y, float[] z, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.fma(x[i], y[i], z[i]);
        }
    }

    static void select(float[] out, byte[] condition, float[] yes, float[] no, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = condition[i] != 0 ? yes[i] : no[i];
        }
    }

    private static void add(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] + y[i];
        }
    }

    private static void subtract(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] - y[i];
        }
    }

    private static void multiply(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] * y[i];
        }
    }

    private static void divide(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] / y[i];
        }
    }

    private static void minimum(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] <= y[i] || Float.isNaN(x[i]) ? x[i] : y[i];
        }
    }

    private static void maximum(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] >= y[i] || Float.isNaN(x[i]) ? x[i] : y[i];
        }
    }

    private static void negate(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = -x[i];
        }
    }

    private static void absolute(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.abs(x[i]);
        }
    }

    private static void sqrt(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) Math.sqrt(x[i]);
        }
    }

    private static void floor(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) Math.floor(x[i]);
        }
    }

    private static void ceil(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) Math.ceil(x[i]);
        }
    }

    private static void trunc(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) (x[i] < 0 ? Math.ceil(x[i]) : Math.floor(x[i]));
        }
    }

    private static void rint(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) Math.rint(x[i]);
        }
    }

    private static void roundToHalf(float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
        }
    }

    private static void fmod(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] % y[i];
        }
    }

    private static void nextAfter(float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.nextAfter(x[i], y[i]);
        }
    }

    private static void function(DoubleUnaryOperator function, float[] out, float[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) function.applyAsDouble(x[i]);
        }
    }

    private static void function(DoubleBinaryOperator function, float[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (float) function.applyAsDouble(x[i], y[i]);
        }
    }

    private static void less(byte[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] < y[i] ? 1 : 0);
        }
    }

    private static void lessEqual(byte[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] <= y[i] ? 1 : 0);
        }
    }

    private static void equal(byte[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] == y[i] ? 1 : 0);
        }
    }

    private static void notEqual(byte[] out, float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] != y[i] ? 1 : 0);
        }
    }
}
