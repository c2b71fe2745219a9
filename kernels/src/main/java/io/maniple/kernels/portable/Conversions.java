package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;

/** Casts and reinterpretations of blocks, with what x86-64 gives for floats out of range. */
final class Conversions {
    private Conversions() {}

    static void cast(ElementType from, Object values, ElementType to, Object out, int count) {
        switch (Lane.of(to)) {
            case BOOL -> toBool(from, values, (byte[]) out, count);
            case INT -> {
                toInt(from, values, (int[]) out, count);
                IntBlocks.normalise(to, (int[]) out, count);
            }
            case LONG -> {
                if (to == ElementType.UINT64 && from.isFloating()) {
                    floatsToUnsigned(from, values, (long[]) out, count);
                } else {
                    toLong(from, values, (long[]) out, count);
                    LongBlocks.normalise(to, (long[]) out, count);
                }
            }
            case FLOAT -> toFloat(from, values, (float[]) out, count);
            case DOUBLE -> toDouble(from, values, (double[]) out, count);
        }
    }

    /** The same bits as a type of the same width. */
    static void reinterpret(ElementType from, Object values, ElementType to, Object out, int count) {
        if (!from.isFloating() && !to.isFloating()) {
            cast(from, values, to, out, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            switch (out) {
                case int[] ints -> ints[i] = (int) bits(values, i);
                case long[] longs ->
                    longs[i] = to == ElementType.UINT32 ? bits(values, i) & 0xffffffffL : bits(values, i);
                case float[] floats -> floats[i] = Float.intBitsToFloat((int) bits(values, i));
                case double[] doubles -> doubles[i] = Double.longBitsToDouble(bits(values, i));
                default -> throw new IllegalArgumentException(to + " has no bits to reinterpret");
            }
        }
    }

    private static long bits(Object values, int i) {
        return switch (values) {
            case int[] ints -> ints[i];
            case long[] longs -> longs[i];
            case float[] floats -> Float.floatToRawIntBits(floats[i]);
            case double[] doubles -> Double.doubleToRawLongBits(doubles[i]);
            default -> throw new IllegalArgumentException("BOOL has no bits to reinterpret");
        };
    }

    private static void toBool(ElementType from, Object values, byte[] out, int count) {
        switch (Lane.of(from)) {
            case BOOL -> System.arraycopy(values, 0, out, 0, count);
            case INT -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (byte) (x[i] != 0 ? 1 : 0);
                }
            }
            case LONG -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (byte) (x[i] != 0 ? 1 : 0);
                }
            }
            case FLOAT -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (byte) (x[i] != 0 ? 1 : 0);
                }
            }
            case DOUBLE -> {
                double[] x = (double[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (byte) (x[i] != 0 ? 1 : 0);
                }
            }
        }
    }

    private static void toInt(ElementType from, Object values, int[] out, int count) {
        switch (Lane.of(from)) {
            case BOOL -> {
                byte[] x = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case INT -> System.arraycopy(values, 0, out, 0, count);
            case LONG -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (int) x[i];
                }
            }
            case FLOAT -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = truncateToInt(x[i]);
                }
            }
            case DOUBLE -> {
                double[] x = (double[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = truncateToInt(x[i]);
                }
            }
        }
    }

    private static void toLong(ElementType from, Object values, long[] out, int count) {
        switch (Lane.of(from)) {
            case BOOL -> {
                byte[] x = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case INT -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case LONG -> System.arraycopy(values, 0, out, 0, count);
            case FLOAT -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = truncateToLong(x[i]);
                }
            }
            case DOUBLE -> {
                double[] x = (double[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = truncateToLong(x[i]);
                }
            }
        }
    }

    private static void floatsToUnsigned(ElementType from, Object values, long[] out, int count) {
        for (int i = 0; i < count; i++) {
            double x = from == ElementType.FLOAT64 ? ((double[]) values)[i] : ((float[]) values)[i];
            // The compilers' sequence: the upper half of the range is shifted down, converted and shifted up.
            out[i] = x >= 0x1p63 ? truncateToLong(x - 0x1p63) ^ Long.MIN_VALUE : truncateToLong(x);
        }
    }

    private static void toFloat(ElementType from, Object values, float[] out, int count) {
        switch (Lane.of(from)) {
            case BOOL -> {
                byte[] x = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case INT -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case LONG -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    // Of an unsigned value beyond the signed range half is rounded; the lowest bit stays to break ties.
                    out[i] = from == ElementType.UINT64 && x[i] < 0 ? 2 * (float) (x[i] >>> 1 | x[i] & 1) : x[i];
                }
            }
            case FLOAT -> System.arraycopy(values, 0, out, 0, count);
            case DOUBLE -> {
                double[] x = (double[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = (float) x[i];
                }
            }
        }
    }

    private static void toDouble(ElementType from, Object values, double[] out, int count) {
        switch (Lane.of(from)) {
            case BOOL -> {
                byte[] x = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case INT -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case LONG -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = from == ElementType.UINT64 && x[i] < 0 ? 2 * (double) (x[i] >>> 1 | x[i] & 1) : x[i];
                }
            }
            case FLOAT -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[i] = x[i];
                }
            }
            case DOUBLE -> System.arraycopy(values, 0, out, 0, count);
        }
    }

    /** cvttsd2si with a 32-bit result: NaN and what is out of range give the smallest integer. */
    private static int truncateToInt(double x) {
        return x > -2147483649.0 && x < 2147483648.0 ? (int) x : Integer.MIN_VALUE;
    }

    private static long truncateToLong(double x) {
        return x >= -0x1p63 && x < 0x1p63 ? (long) x : Long.MIN_VALUE;
    }
}
