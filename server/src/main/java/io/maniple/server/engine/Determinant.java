package io.maniple.server.engine;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A determinant as NumPy keeps it: a sign (a complex number of absolute value 1) and the logarithm of its absolute
 * value, by the C library's own functions, so that the sum is NumPy's.
 */
record Determinant(double real, double imaginary, double logarithm) {
    static final Determinant ZERO = new Determinant(0, 0, Double.NEGATIVE_INFINITY);

    private static final MethodHandle LOG = function("log", 1);
    private static final MethodHandle EXP = function("exp", 1);
    private static final MethodHandle HYPOT = function("hypot", 2);

    /** @param factors a triangular matrix in columns, as getrf leaves it, with its pivots */
    static Determinant ofFactors(long factors, long order, long pivots, int bytes) {
        boolean negative = false;
        for (long row = 0; row < order; row++) {
            negative ^= Matrices.integer(pivots + row * 8) != row + 1;
        }
        double real = negative ? -1 : 1;
        double imaginary = 0;
        double logarithm = 0;
        for (long row = 0; row < order; row++) {
            long element = factors + row * (order + 1) * bytes;
            double re = Matrices.number(element);
            if (bytes == 8) {
                real = re < 0 ? -real : real;
                logarithm += call(LOG, Math.abs(re));
            } else {
                double im = Matrices.number(element + 8);
                double absolute = call(HYPOT, re, im);
                re /= absolute;
                im /= absolute;
                double product = real * re - imaginary * im;
                imaginary = real * im + imaginary * re;
                real = product;
                logarithm += call(LOG, absolute);
            }
        }
        return new Determinant(real, imaginary, logarithm);
    }

    void storeSign(long address, int bytes) {
        Matrices.number(address, real);
        if (bytes == 16) {
            Matrices.number(address + 8, imaginary);
        }
    }

    void store(long address, int bytes) {
        double absolute = call(EXP, logarithm);
        if (bytes == 8) {
            Matrices.number(address, real * absolute);
        } else {
            // As a complex product with a real number: an infinity times its zero is NaN in NumPy, too.
            Matrices.number(address, real * absolute - imaginary * 0.0);
            Matrices.number(address + 8, real * 0.0 + imaginary * absolute);
        }
    }

    private static MethodHandle function(String name, int arguments) {
        ValueLayout.OfDouble type = ValueLayout.JAVA_DOUBLE;
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().find(name).orElseThrow(),
                arguments == 1 ? FunctionDescriptor.of(type, type) : FunctionDescriptor.of(type, type, type));
    }

    private static double call(MethodHandle function, double x) {
        try {
            return (double) function.invokeExact(x);
        } catch (Throwable impossible) {
            throw new IllegalStateException("a C function failed", impossible);
        }
    }

    private static double call(MethodHandle function, double x, double y) {
        try {
            return (double) function.invokeExact(x, y);
        } catch (Throwable impossible) {
            throw new IllegalStateException("a C function failed", impossible);
        }
    }
}
