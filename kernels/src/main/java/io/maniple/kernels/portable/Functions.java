package io.maniple.kernels.portable;

import io.maniple.kernels.ir.Primitive;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** The mathematical functions in double precision, with C's special values. */
final class Functions {
    private Functions() {}

    static DoubleUnaryOperator unary(Primitive primitive) {
        return switch (primitive) {
            case EXP -> Math::exp;
            case EXP2 -> CLibrary::exp2;
            case EXPM1 -> Math::expm1;
            case LOG -> Math::log;
            case LOG2 -> CLibrary::log2;
            case LOG10 -> Math::log10;
            case LOG1P -> Math::log1p;
            case SIN -> Math::sin;
            case COS -> Math::cos;
            case TAN -> Math::tan;
            case ASIN -> Math::asin;
            case ACOS -> Math::acos;
            case ATAN -> Math::atan;
            case SINH -> Math::sinh;
            case COSH -> Math::cosh;
            case TANH -> Math::tanh;
            case ASINH -> CLibrary::asinh;
            case ACOSH -> CLibrary::acosh;
            case ATANH -> CLibrary::atanh;
            case CBRT -> Math::cbrt;
            default -> throw new IllegalArgumentException(primitive + " is no function of one argument");
        };
    }

    static DoubleBinaryOperator binary(Primitive primitive) {
        return switch (primitive) {
            case POW -> Functions::pow;
            case ATAN2 -> Math::atan2;
            case HYPOT -> Math::hypot;
            default -> throw new IllegalArgumentException(primitive + " is no function of two arguments");
        };
    }

    /** Java gives NaN where C says that 1 to any power, and -1 to an infinite one, is 1. */
    private static double pow(double base, double exponent) {
        if (base == 1 || (base == -1 && Double.isInfinite(exponent))) {
            return 1;
        }
        return Math.pow(base, exponent);
    }
}
