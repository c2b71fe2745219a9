package io.maniple.server.engine;

/**
 * Roots of unity exp(-2πi k / order), made of two tables whose sizes are about the root of the order: one for the high
 * bits of k, one for the low ones. A root is one product away from correctly computed ones.
 */
final class Rotations {
    private final int shift;
    private final double[] highReal;
    private final double[] highImaginary;
    private final double[] lowReal;
    private final double[] lowImaginary;

    Rotations(long order) {
        this.shift = (64 - Long.numberOfLeadingZeros(order)) / 2;
        int high = Math.toIntExact((order >> shift) + 1);
        int low = 1 << shift;
        this.highReal = new double[high];
        this.highImaginary = new double[high];
        this.lowReal = new double[low];
        this.lowImaginary = new double[low];
        for (int index = 0; index < high; index++) {
            long at = Math.min((long) index << shift, order) % order;
            highReal[index] = Roots.real(at, order);
            highImaginary[index] = Roots.imaginary(at, order);
        }
        for (int index = 0; index < low && index < order; index++) {
            lowReal[index] = Roots.real(index, order);
            lowImaginary[index] = Roots.imaginary(index, order);
        }
    }

    /** For 0 <= index < order. */
    double real(long index) {
        int high = (int) (index >> shift);
        int low = (int) index & (1 << shift) - 1;
        return highReal[high] * lowReal[low] - highImaginary[high] * lowImaginary[low];
    }

    /** For 0 <= index < order. */
    double imaginary(long index) {
        int high = (int) (index >> shift);
        int low = (int) index & (1 << shift) - 1;
        return highReal[high] * lowImaginary[low] + highImaginary[high] * lowReal[low];
    }
}
