package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** Primitives on blocks of FLOAT64. */
final class DoubleBlocks {
    private DoubleBlocks() {}

    static void apply(Primitive primitive, ElementType type, double[] out, double[] x, double[] y, int count) {
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
    static void compare(Primitive primitive, byte[] out, double[] x, double[] y, int count) {
        switch (primitive) {
            case LESS -> less(out, x, y, count);
            case LESS_EQUAL -> lessEqual(out, x, y, count);
            case EQUAL -> equal(out, x, y, count);
            case NOT_EQUAL -> notEqual(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " is no comparison");
        }
    }

    static void fused(double[] out, double[] x, double[] y, double[] z, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.fma(x[i], y[i], z[i]);
        }
    }

    static void select(double[] out, byte[] condition, double[] yes, double[] no, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = condition[i] != 0 ? yes[i] : no[i];
        }
    }

    private static void add(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] + y[i];
        }
    }

    private static void subtract(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] - y[i];
        }
    }

    private static void multiply(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] * y[i];
        }
    }

    private static void divide(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] / y[i];
        }
    }

    private static void minimum(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] <= y[i] || Double.isNaN(x[i]) ? x[i] : y[i];
        }
    }

    private static void maximum(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] >= y[i] || Double.isNaN(x[i]) ? x[i] : y[i];
        }
    }

    private static void negate(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = -x[i];
        }
    }

    private static void absolute(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.abs(x[i]);
        }
    }

    private static void sqrt(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.sqrt(x[i]);
        }
    }

    private static void floor(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.floor(x[i]);
        }
    }

    private static void ceil(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.ceil(x[i]);
        }
    }

    private static void trunc(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (x[i] < 0 ? Math.ceil(x[i]) : Math.floor(x[i]));
        }
    }

    private static void rint(double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.rint(x[i]);
        }
    }

    private static void fmod(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] % y[i];
        }
    }

    private static void nextAfter(double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.nextAfter(x[i], y[i]);
        }
    }

    private static void function(DoubleUnaryOperator function, double[] out, double[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = function.applyAsDouble(x[i]);
        }
    }

    private static void function(DoubleBinaryOperator function, double[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = function.applyAsDouble(x[i], y[i]);
        }
    }

    private static void less(byte[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] < y[i] ? 1 : 0);
        }
    }

    private static void lessEqual(byte[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] <= y[i] ? 1 : 0);
        }
    }

    private static void equal(byte[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] == y[i] ? 1 : 0);
        }
    }

    private static void notEqual(byte[] out, double[] x, double[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] != y[i] ? 1 : 0);
        }
    }
}
