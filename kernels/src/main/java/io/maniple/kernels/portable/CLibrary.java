package io.maniple.kernels.portable;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Functions of the C library that Java lacks, with formulas in their place where there is no such library. */
final class CLibrary {
    private static final double LOG_2 = 0.6931471805599453;
    private static final double SQRT_2 = 1.4142135623730951;
    /** From here on x * x + 1 is x * x, and the logarithm of twice x is the result. */
    private static final double LARGE = 0x1p28;

    private static final MethodHandle EXP2 = find("exp2", "exp2Formula");
    private static final MethodHandle LOG2 = find("log2", "log2Formula");
    private static final MethodHandle ASINH = find("asinh", "asinhFormula");
    private static final MethodHandle ACOSH = find("acosh", "acoshFormula");
    private static final MethodHandle ATANH = find("atanh", "atanhFormula");

    private CLibrary() {}

    static double exp2(double x) {
        return call(EXP2, x);
    }

    static double log2(double x) {
        return call(LOG2, x);
    }

    static double asinh(double x) {
        return call(ASINH, x);
    }

    static double acosh(double x) {
        return call(ACOSH, x);
    }

    static double atanh(double x) {
        return call(ATANH, x);
    }

    static double exp2Formula(double x) {
        return Math.pow(2, x);
    }

    /** Exact for powers of two. */
    static double log2Formula(double x) {
        if (!(x > 0) || Double.isInfinite(x)) {
            return Math.log(x);
        }
        boolean isTiny = x < Double.MIN_NORMAL;
        double normal = isTiny ? x * 0x1p54 : x;
        int exponent = Math.getExponent(normal);
        double fraction = Math.scalb(normal, -exponent);
        if (fraction > SQRT_2) {
            // Near 1 from below, exponent and logarithm would cancel.
            fraction /= 2;
            exponent++;
        }
        return (isTiny ? exponent - 54 : exponent) + Math.log(fraction) / LOG_2;
    }

    static double asinhFormula(double x) {
        double size = Math.abs(x);
        double result;
        if (!(size <= LARGE)) {
            result = Math.log(size) + LOG_2;
        } else {
            double square = size * size;
            result = Math.log1p(size + square / (1 + Math.sqrt(1 + square)));
        }
        return Math.copySign(result, x);
    }

    static double acoshFormula(double x) {
        if (x > LARGE) {
            return Math.log(x) + LOG_2;
        }
        double beyond = x - 1;
        return Math.log1p(beyond + Math.sqrt(2 * beyond + beyond * beyond));
    }

    static double atanhFormula(double x) {
        double size = Math.abs(x);
        return Math.copySign(0.5 * Math.log1p(2 * size / (1 - size)), x);
    }

    private static double call(MethodHandle function, double x) {
        try {
            return (double) function.invokeExact(x);
        } catch (Throwable impossible) {
            throw new AssertionError("a C function of a number cannot throw", impossible);
        }
    }

    private static MethodHandle find(String name, String formula) {
        Linker linker = Linker.nativeLinker();
        FunctionDescriptor type = FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_DOUBLE);
        return linker.defaultLookup()
                .find(name)
                .map(address -> linker.downcallHandle(address, type, Linker.Option.critical(false)))
                .orElseGet(() -> inJava(formula));
    }

    private static MethodHandle inJava(String formula) {
        try {
            return MethodHandles.lookup()
                    .findStatic(CLibrary.class, formula, MethodType.methodType(double.class, double.class));
        } catch (ReflectiveOperationException impossible) {
            throw new AssertionError("no formula " + formula, impossible);
        }
    }
}
