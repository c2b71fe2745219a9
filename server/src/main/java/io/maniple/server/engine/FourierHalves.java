package io.maniple.server.engine;

/**
 * Real rows of even length, or what becomes such: neighbours are the two parts of one complex number, which leaves
 * transforms of half the length. With z of half the length m, n = 2 m, w = exp(-2πi / n), Z its transform:
 * {@code X[k] = (Z[k] + conj Z[m - k]) / 2 - i w^k (Z[k] - conj Z[m - k]) / 2}, and X[m - k] is the conjugate of the same
 * with the other sign between; backward the same is undone first.
 */
final class FourierHalves extends FourierEnds {
    private final long half;
    private final boolean toReal;
    private final Rotations rotations;

    /** @param length even, of the real rows */
    FourierHalves(RoutineCall call, long length) {
        super(call);
        this.half = length / 2;
        this.toReal = !call.layout(0).type().isComplex();
        this.rotations = new Rotations(length);
    }

    @Override
    long length() {
        return half;
    }

    @Override
    long stores() {
        // From real rows, each asks for the frequencies k and m - k, which have the same terms.
        return toReal ? half : half / 2 + 1;
    }

    @Override
    boolean storesOneByOne() {
        return toReal;
    }

    @Override
    void load(long row, Row work, long begin, long end) {
        if (toReal) {
            undo(source(row), work, begin, end);
        } else {
            pairs(source(row), work, begin, end);
        }
    }

    private void pairs(long first, Row work, long begin, long end) {
        long step = sourceStep();
        long there = isSingle() ? begin : Math.clamp(inLength / 2, begin, end);
        for (long index = begin; index < there; index++) {
            long element = first + 2 * step * index;
            put(work.real() + work.step() * index, FourierPasses.get(element));
            put(work.imaginary() + work.step() * index, FourierPasses.get(element + step));
        }
        for (long index = there; index < end; index++) {
            long element = first + 2 * step * index;
            put(work.real() + work.step() * index, 2 * index < inLength ? get(element) : 0);
            put(work.imaginary() + work.step() * index, 2 * index + 1 < inLength ? get(element + step) : 0);
        }
    }

    /** Z[k] = X[k] + conj X[m - k] + i w^-k (X[k] - conj X[m - k]), its parts in each other's place: the way back. */
    private void undo(long first, Row work, long begin, long end) {
        long step = sourceStep();
        boolean simple = !isSingle() && inLength > half;
        for (long index = begin; index < end; index++) {
            if (simple && index > 0) {
                long left = first + step * index;
                long right = first + step * (half - index);
                undo(
                        work,
                        index,
                        FourierPasses.get(left),
                        FourierPasses.get(left + 8),
                        FourierPasses.get(right),
                        -FourierPasses.get(right + 8));
            } else {
                long mirrored = half - index;
                undo(
                        work,
                        index,
                        real(first, index),
                        imaginary(first, index),
                        real(first, mirrored),
                        -imaginary(first, mirrored));
            }
        }
    }

    private void undo(Row work, long index, double ar, double ai, double br, double bi) {
        double dr = ar - br;
        double di = ai - bi;
        double wr = rotations.real(index);
        double wi = -rotations.imaginary(index);
        put(work.imaginary() + work.step() * index, ar + br - (dr * wi + di * wr));
        put(work.real() + work.step() * index, ai + bi + (dr * wr - di * wi));
    }

    private double real(long first, long index) {
        return index < inLength ? get(first + sourceStep() * index) : 0;
    }

    /** Of the first and the last one it is taken to be zero. */
    private double imaginary(long first, long index) {
        return index < inLength && index != 0 && index != half ? get(first + sourceStep() * index + part) : 0;
    }

    @Override
    void store(long row, Row result, long begin, long end) {
        long first = target(row);
        if (toReal) {
            for (long index = begin; index < end; index++) {
                long element = first + 2 * targetStep() * index;
                write(element, FourierPasses.get(result.imaginary() + result.step() * index) * factor);
                write(element + targetStep(), FourierPasses.get(result.real() + result.step() * index) * factor);
            }
            return;
        }
        double scale = 0.5 * factor;
        for (long index = begin; index < end; index++) {
            long left = result.step() * index;
            long right = index == 0 ? 0 : result.step() * (half - index);
            double ar = FourierPasses.get(result.real() + left);
            double ai = FourierPasses.get(result.imaginary() + left);
            double br = FourierPasses.get(result.real() + right);
            double bi = -FourierPasses.get(result.imaginary() + right);
            double dr = ar - br;
            double di = ai - bi;
            double wr = rotations.real(index);
            double wi = rotations.imaginary(index);
            double oddReal = dr * wi + di * wr;
            double oddImaginary = dr * wr - di * wi;
            long low = first + targetStep() * index;
            long high = first + targetStep() * (half - index);
            write(high, (ar + br - oddReal) * scale);
            write(high + part, index == 0 ? 0 : -(ai + bi + oddImaginary) * scale);
            // In the middle both are one, and its imaginary part is that of the conjugate.
            write(low, (ar + br + oddReal) * scale);
            write(low + part, index == 0 ? 0 : (ai + bi - oddImaginary) * scale);
        }
    }
}
