package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import java.lang.reflect.Array;

/** Reductions with the partial results that {@link io.maniple.kernels.ir.Kernel} prescribes. */
final class Folds {
    private Folds() {}

    /** Sets every partial result to what changes nothing. */
    static void begin(Reduction reduction, ElementType type, Object partials) {
        Uniform.fill(type, reduction.identityBits(type), partials, 0, Array.getLength(partials));
    }

    /**
     * Element i of {@code values[first…]} goes to partial (phase + i) mod S.
     *
     * @param partials S values, S a power of two
     */
    static void fold(
            Reduction reduction, ElementType type, Object partials, Object values, int first, int count, int phase) {
        switch (Lane.of(type)) {
            case BOOL -> foldBools(reduction, (byte[]) partials, (byte[]) values, first, count);
            case INT -> foldInts(reduction, (int[]) partials, (int[]) values, first, count, phase);
            case LONG -> foldLongs(reduction, type, (long[]) partials, (long[]) values, first, count, phase);
            case FLOAT -> foldFloats(reduction, (float[]) partials, (float[]) values, first, count, phase);
            case DOUBLE -> foldDoubles(reduction, (double[]) partials, (double[]) values, first, count, phase);
        }
    }

    /** Partial l takes in partial l + 1 (l a multiple of 2), then l + 2 (of 4), …; the result is partial 0. */
    static void combine(Reduction reduction, ElementType type, Object partials) {
        int count = Array.getLength(partials);
        for (int distance = 1; distance < count; distance *= 2) {
            for (int i = 0; i < count; i += 2 * distance) {
                // One value, which by its phase goes to partial i.
                fold(reduction, type, partials, partials, i + distance, 1, i);
            }
        }
    }

    /** Partial 0 takes in values one after the other. */
    static void append(Reduction reduction, ElementType type, Object partials, Object values, int first, int count) {
        for (int i = 0; i < count; i++) {
            fold(reduction, type, partials, values, first + i, 1, 0);
        }
    }

    /** Whole numbers of one bit: all of them commute, so one partial result serves. */
    private static void foldBools(Reduction reduction, byte[] partials, byte[] values, int first, int count) {
        byte result = partials[0];
        for (int i = 0; i < count; i++) {
            byte y = values[first + i];
            result = switch (reduction) {
                case MINIMUM, AND, PRODUCT -> (byte) (result & y);
                case MAXIMUM, OR, SUM -> (byte) (result | y);
                case XOR -> (byte) (result ^ y);
            };
        }
        partials[0] = result;
    }

    private static void foldInts(Reduction reduction, int[] partials, int[] values, int first, int count, int phase) {
        switch (reduction) {
            case SUM -> sum(partials, values, first, count, phase);
            case PRODUCT -> product(partials, values, first, count, phase);
            case MINIMUM -> minimum(partials, values, first, count, phase);
            case MAXIMUM -> maximum(partials, values, first, count, phase);
            case AND -> and(partials, values, first, count, phase);
            case OR -> or(partials, values, first, count, phase);
            case XOR -> xor(partials, values, first, count, phase);
        }
    }

    private static void foldLongs(
            Reduction reduction, ElementType type, long[] partials, long[] values, int first, int count, int phase) {
        switch (reduction) {
            case SUM -> sum(partials, values, first, count, phase);
            case PRODUCT -> product(partials, values, first, count, phase);
            case MINIMUM -> {
                if (type == ElementType.UINT64) {
                    minimumUnsigned(partials, values, first, count, phase);
                } else {
                    minimum(partials, values, first, count, phase);
                }
            }
            case MAXIMUM -> {
                if (type == ElementType.UINT64) {
                    maximumUnsigned(partials, values, first, count, phase);
                } else {
                    maximum(partials, values, first, count, phase);
                }
            }
            case AND -> and(partials, values, first, count, phase);
            case OR -> or(partials, values, first, count, phase);
            case XOR -> xor(partials, values, first, count, phase);
        }
    }

    private static void foldFloats(
            Reduction reduction, float[] partials, float[] values, int first, int count, int phase) {
        switch (reduction) {
            case SUM -> sum(partials, values, first, count, phase);
            case PRODUCT -> product(partials, values, first, count, phase);
            case MINIMUM -> minimum(partials, values, first, count, phase);
            case MAXIMUM -> maximum(partials, values, first, count, phase);
            case AND, OR, XOR -> throw new IllegalArgumentException(reduction + " has no meaning for floats");
        }
    }

    private static void foldDoubles(
            Reduction reduction, double[] partials, double[] values, int first, int count, int phase) {
        switch (reduction) {
            case SUM -> sum(partials, values, first, count, phase);
            case PRODUCT -> product(partials, values, first, count, phase);
            case MINIMUM -> minimum(partials, values, first, count, phase);
            case MAXIMUM -> maximum(partials, values, first, count, phase);
            case AND, OR, XOR -> throw new IllegalArgumentException(reduction + " has no meaning for floats");
        }
    }

    private static void sum(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = x + y;
        }
    }

    private static void product(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = x * y;
        }
    }

    private static void minimum(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = Math.min(x, y);
        }
    }

    private static void maximum(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = Math.max(x, y);
        }
    }

    private static void and(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = x & y;
        }
    }

    private static void or(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = x | y;
        }
    }

    private static void xor(int[] partials, int[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            int x = partials[slot];
            int y = values[first + i];
            partials[slot] = x ^ y;
        }
    }

    private static void sum(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = x + y;
        }
    }

    private static void product(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = x * y;
        }
    }

    private static void minimumUnsigned(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = Long.compareUnsigned(x, y) <= 0 ? x : y;
        }
    }

    private static void minimum(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = Math.min(x, y);
        }
    }

    private static void maximumUnsigned(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = Long.compareUnsigned(x, y) >= 0 ? x : y;
        }
    }

    private static void maximum(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = Math.max(x, y);
        }
    }

    private static void and(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = x & y;
        }
    }

    private static void or(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = x | y;
        }
    }

    private static void xor(long[] partials, long[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            long x = partials[slot];
            long y = values[first + i];
            partials[slot] = x ^ y;
        }
    }

    private static void sum(float[] partials, float[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            float x = partials[slot];
            float y = values[first + i];
            partials[slot] = x + y;
        }
    }

    private static void product(float[] partials, float[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            float x = partials[slot];
            float y = values[first + i];
            partials[slot] = x * y;
        }
    }

    private static void minimum(float[] partials, float[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            float x = partials[slot];
            float y = values[first + i];
            partials[slot] = x <= y || Double.isNaN(x) ? x : y;
        }
    }

    private static void maximum(float[] partials, float[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            float x = partials[slot];
            float y = values[first + i];
            partials[slot] = x >= y || Double.isNaN(x) ? x : y;
        }
    }

    private static void sum(double[] partials, double[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            double x = partials[slot];
            double y = values[first + i];
            partials[slot] = x + y;
        }
    }

    private static void product(double[] partials, double[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            double x = partials[slot];
            double y = values[first + i];
            partials[slot] = x * y;
        }
    }

    private static void minimum(double[] partials, double[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            double x = partials[slot];
            double y = values[first + i];
            partials[slot] = x <= y || Double.isNaN(x) ? x : y;
        }
    }

    private static void maximum(double[] partials, double[] values, int first, int count, int phase) {
        int last = partials.length - 1;
        for (int i = 0; i < count; i++) {
            int slot = (phase + i) & last;
            double x = partials[slot];
            double y = values[first + i];
            partials[slot] = x >= y || Double.isNaN(x) ? x : y;
        }
    }
}
