package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Passes of a transform of mixed radix that sorts itself (Stockham): each reads one array and writes another. Numbers
 * are pairs of doubles. A pass is a loop of butterflies that do not depend on each other, so any part of it can be done
 * by any thread.
 */
final class FourierPasses {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    /** Prime factors up to here have a pass of their own; its cost grows with the square. */
    static final int LARGEST_RADIX = 31;

    private static final double[][] COSINES = new double[LARGEST_RADIX + 1][];
    private static final double[][] SINES = new double[LARGEST_RADIX + 1][];

    static {
        for (int radix = 1; radix <= LARGEST_RADIX; radix++) {
            COSINES[radix] = new double[radix];
            SINES[radix] = new double[radix];
            for (int index = 0; index < radix; index++) {
                COSINES[radix][index] = Roots.real(index, radix);
                SINES[radix][index] = Roots.imaginary(index, radix);
            }
        }
    }

    private FourierPasses() {}

    /**
     * Butterflies {@code begin} to before {@code end} of a pass.
     *
     * @param from pairs; to: the other array
     * @param radix of this pass
     * @param groups how many butterflies have twiddle factors of their own: length / (radix * stride)
     * @param stride product of the radices of the passes before
     * @param roots pairs exp(-2πi k / length), k below the length of the whole transform
     */
    static void run(long from, long to, int radix, long groups, long stride, long roots, long begin, long end) {
        switch (radix) {
            case 2 -> two(from, to, groups, stride, roots, begin, end);
            case 4 -> four(from, to, groups, stride, roots, begin, end);
            default -> odd(from, to, radix, groups, stride, roots, begin, end);
        }
    }

    private static void two(long from, long to, long groups, long stride, long roots, long begin, long end) {
        long apart = 16 * groups * stride;
        for (long item = begin; item < end; ) {
            long group = item / stride;
            long first = item - group * stride;
            long last = Math.min(stride, first + end - item);
            double wr = get(roots + 16 * group * stride);
            double wi = get(roots + 16 * group * stride + 8);
            long x = from + 16 * item;
            long y = to + 16 * (2 * group * stride + first);
            long step = 16 * stride;
            for (long index = first; index < last; index++, x += 16, y += 16) {
                double ar = get(x);
                double ai = get(x + 8);
                double br = get(x + apart);
                double bi = get(x + apart + 8);
                put(y, ar + br, ai + bi);
                double dr = ar - br;
                double di = ai - bi;
                put(y + step, dr * wr - di * wi, dr * wi + di * wr);
            }
            item += last - first;
        }
    }

    private static void four(long from, long to, long groups, long stride, long roots, long begin, long end) {
        long apart = 16 * groups * stride;
        long step = 16 * stride;
        for (long item = begin; item < end; ) {
            long group = item / stride;
            long first = item - group * stride;
            long last = Math.min(stride, first + end - item);
            long root = 16 * group * stride;
            double wr1 = get(roots + root);
            double wi1 = get(roots + root + 8);
            double wr2 = get(roots + 2 * root);
            double wi2 = get(roots + 2 * root + 8);
            double wr3 = get(roots + 3 * root);
            double wi3 = get(roots + 3 * root + 8);
            long x = from + 16 * item;
            long y = to + 16 * (4 * group * stride + first);
            for (long index = first; index < last; index++, x += 16, y += 16) {
                double ar = get(x);
                double ai = get(x + 8);
                double br = get(x + apart);
                double bi = get(x + apart + 8);
                double cr = get(x + 2 * apart);
                double ci = get(x + 2 * apart + 8);
                double dr = get(x + 3 * apart);
                double di = get(x + 3 * apart + 8);
                double sr = ar + cr;
                double si = ai + ci;
                double tr = br + dr;
                double ti = bi + di;
                double ur = ar - cr;
                double ui = ai - ci;
                // -i (b - d)
                double vr = bi - di;
                double vi = dr - br;
                put(y, sr + tr, si + ti);
                double pr = ur + vr;
                double pi = ui + vi;
                put(y + step, pr * wr1 - pi * wi1, pr * wi1 + pi * wr1);
                double qr = sr - tr;
                double qi = si - ti;
                put(y + 2 * step, qr * wr2 - qi * wi2, qr * wi2 + qi * wr2);
                double rr = ur - vr;
                double ri = ui - vi;
                put(y + 3 * step, rr * wr3 - ri * wi3, rr * wi3 + ri * wr3);
            }
            item += last - first;
        }
    }

    private static void odd(long from, long to, int radix, long groups, long stride, long roots, long begin, long end) {
        int half = radix / 2;
        long apart = 16 * groups * stride;
        double[] cosines = COSINES[radix];
        double[] sines = SINES[radix];
        double[] sums = new double[2 * half + 2];
        double[] differences = new double[2 * half + 2];
        for (long item = begin; item < end; item++) {
            long group = item / stride;
            long x = from + 16 * item;
            long y = to + 16 * (radix * group * stride + item - group * stride);
            double ar = get(x);
            double ai = get(x + 8);
            double totalReal = ar;
            double totalImaginary = ai;
            for (int index = 1; index <= half; index++) {
                long left = x + index * apart;
                long right = x + (radix - index) * apart;
                sums[2 * index] = get(left) + get(right);
                sums[2 * index + 1] = get(left + 8) + get(right + 8);
                differences[2 * index] = get(left) - get(right);
                differences[2 * index + 1] = get(left + 8) - get(right + 8);
                totalReal += sums[2 * index];
                totalImaginary += sums[2 * index + 1];
            }
            put(y, totalReal, totalImaginary);
            for (int output = 1; output <= half; output++) {
                double er = ar;
                double ei = ai;
                double or = 0;
                double oi = 0;
                int turn = 0;
                for (int index = 1; index <= half; index++) {
                    turn += output;
                    turn -= turn >= radix ? radix : 0;
                    er += cosines[turn] * sums[2 * index];
                    ei += cosines[turn] * sums[2 * index + 1];
                    or += sines[turn] * differences[2 * index];
                    oi += sines[turn] * differences[2 * index + 1];
                }
                // i (or + i oi) = -oi + i or
                twiddled(y + 16L * output * stride, er - oi, ei + or, roots + 16 * (group * output * stride));
                twiddled(
                        y + 16L * (radix - output) * stride,
                        er + oi,
                        ei - or,
                        roots + 16 * (group * (radix - output) * stride));
            }
        }
    }

    private static void twiddled(long address, double real, double imaginary, long root) {
        double wr = get(root);
        double wi = get(root + 8);
        put(address, real * wr - imaginary * wi, real * wi + imaginary * wr);
    }

    static double get(long address) {
        return MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
    }

    static void put(long address, double real, double imaginary) {
        MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, real);
        MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address + 8, imaginary);
    }
}
