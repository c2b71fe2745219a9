package io.maniple.server.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * How to transform rows of one length: passes of the length's factors, or, where a prime factor is too large for that, a
 * convolution with a chirp by transforms of a power of two (Bluestein). Its tables lie in memory given to it.
 */
final class FourierPlan {
    /** Runs the items of a loop, on one thread or on all. */
    @FunctionalInterface
    interface Runner {
        void run(long items, Range body);
    }

    /** The items from {@code begin} to before {@code end}. */
    @FunctionalInterface
    interface Range {
        void run(long begin, long end);
    }

    private final long length;
    /** Of the transforms that are made of passes: the length itself, or that of the convolution. */
    private final long inner;

    private final List<Integer> radices;
    private final long roots;
    private final long chirp;
    private final long kernel;

    /** Whether the length is a product of small primes. */
    static boolean isDirect(long length) {
        long rest = length;
        for (int prime = 2; prime <= FourierPasses.LARGEST_RADIX; prime++) {
            while (rest % prime == 0) {
                rest /= prime;
            }
        }
        return rest == 1;
    }

    private static long inner(long length) {
        return isDirect(length) ? length : Math.max(2, Long.highestOneBit(2 * length - 2) * 2);
    }

    /** How many pairs of doubles the tables take. */
    static long tablePairs(long length) {
        return isDirect(length) ? length : 2 * inner(length) + length;
    }

    /** How many pairs of doubles the arrays of one row take. */
    static long rowPairs(long length) {
        return 2 * inner(length);
    }

    /**
     * Fills the tables.
     *
     * @param tables memory for {@link #tablePairs} pairs
     * @param work memory for {@link #rowPairs} pairs
     */
    FourierPlan(long length, long tables, long work, Runner runner) {
        this.length = length;
        this.inner = inner(length);
        this.radices = radices(inner);
        this.roots = tables;
        this.chirp = tables + 16 * inner;
        this.kernel = chirp + 16 * length;
        runner.run(inner, (begin, end) -> {
            for (long index = begin; index < end; index++) {
                FourierPasses.put(roots + 16 * index, Roots.real(index, inner), Roots.imaginary(index, inner));
            }
        });
        if (inner != length) {
            fillChirp(work, runner);
        }
    }

    private void fillChirp(long work, Runner runner) {
        Matrices.clear(work, 16 * inner);
        runner.run(length, (begin, end) -> {
            for (long index = begin; index < end; index++) {
                long turn = index * index % (2 * length);
                double real = Roots.real(turn, 2 * length);
                double imaginary = Roots.imaginary(turn, 2 * length);
                FourierPasses.put(chirp + 16 * index, real, imaginary);
                FourierPasses.put(work + 16 * index, real / inner, -imaginary / inner);
                if (index > 0) {
                    FourierPasses.put(work + 16 * (inner - index), real / inner, -imaginary / inner);
                }
            }
        });
        long result = passes(work, work + 16 * inner, runner);
        Matrices.copy(result, kernel, 16 * inner);
    }

    long length() {
        return length;
    }

    /** Whether the transform is made of passes of its own length. */
    boolean isDirect() {
        return inner == length;
    }

    List<Integer> radices() {
        return radices;
    }

    /** The address of the pairs exp(-2πi k / length). */
    long roots() {
        return roots;
    }

    static List<Integer> radices(long length) {
        List<Integer> found = new ArrayList<>();
        long rest = length;
        while (rest % 4 == 0) {
            found.add(4);
            rest /= 4;
        }
        for (int prime = 2; rest > 1; prime++) {
            while (rest % prime == 0) {
                found.add(prime);
                rest /= prime;
            }
        }
        return found;
    }

    /** Transforms the row at {@code work}, of which the second half is free; returns where the result is. */
    long transform(long work, Runner runner) {
        if (inner == length) {
            return passes(work, work + 16 * inner, runner);
        }
        long other = work + 16 * inner;
        runner.run(length, (begin, end) -> times(work, chirp, work, false, begin, end));
        Matrices.clear(work + 16 * length, 16 * (inner - length));
        long spectrum = passes(work, other, runner);
        long free = spectrum == work ? other : work;
        // The way back is the way there with the parts changed places.
        runner.run(inner, (begin, end) -> times(spectrum, kernel, spectrum, true, begin, end));
        long result = passes(spectrum, free, runner);
        runner.run(length, (begin, end) -> {
            for (long index = begin; index < end; index++) {
                long at = result + 16 * index;
                FourierPasses.put(at, FourierPasses.get(at + 8), FourierPasses.get(at));
            }
            times(result, chirp, result, false, begin, end);
        });
        return result;
    }

    private static void times(long left, long right, long target, boolean swapped, long begin, long end) {
        for (long index = begin; index < end; index++) {
            double ar = FourierPasses.get(left + 16 * index);
            double ai = FourierPasses.get(left + 16 * index + 8);
            double br = FourierPasses.get(right + 16 * index);
            double bi = FourierPasses.get(right + 16 * index + 8);
            double real = ar * br - ai * bi;
            double imaginary = ar * bi + ai * br;
            FourierPasses.put(target + 16 * index, swapped ? imaginary : real, swapped ? real : imaginary);
        }
    }

    private long passes(long begin, long free, Runner runner) {
        long from = begin;
        long to = free;
        long stride = 1;
        for (int radix : radices) {
            long groups = inner / stride / radix;
            long source = from;
            long target = to;
            long step = stride;
            runner.run(
                    groups * stride,
                    (first, end) -> FourierPasses.run(source, target, radix, groups, step, roots, first, end));
            stride *= radix;
            from = target;
            to = source;
        }
        return from;
    }
}
