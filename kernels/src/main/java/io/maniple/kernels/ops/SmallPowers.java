package io.maniple.kernels.ops;

import io.maniple.kernels.ir.ElementType;

/**
 * Powers with small whole exponents as products, rounded once: what rounding takes away from a product is carried along.
 *
 * <p>The error of a product is found without a fused multiplication, by splitting both factors into halves: T. J. Dekker,
 * "A floating-point technique for extending the available precision", Numerische Mathematik 18 (1971). Where that
 * overflows, so does the power.
 */
final class SmallPowers {
    /** 2^27 + 1: the halves of a product by it have 26 bits each. */
    private static final double SPLITTER = 0x1.0p27 + 1;

    private SmallPowers() {}

    static Term cube(Term x) {
        if (x.type() != ElementType.FLOAT64) {
            // A double holds a square of floats exactly.
            Term wide = x.cast(ElementType.FLOAT64);
            return wide.times(wide).times(wide).cast(x.type());
        }
        Halves halves = Halves.of(x);
        Term square = x.times(x);
        Term squareError = error(square, halves, halves);
        Term result = square.times(x);
        return corrected(result, error(result, Halves.of(square), halves).plus(squareError.times(x)));
    }

    static Term fourth(Term x) {
        if (x.type() != ElementType.FLOAT64) {
            Term wide = x.cast(ElementType.FLOAT64);
            Term square = wide.times(wide);
            return square.times(square).cast(x.type());
        }
        Halves halves = Halves.of(x);
        Term square = x.times(x);
        Term squareError = error(square, halves, halves);
        Term result = square.times(square);
        Halves ofSquare = Halves.of(square);
        Term twice = squareError.plus(squareError).times(square);
        return corrected(result, error(result, ofSquare, ofSquare).plus(twice));
    }

    private record Halves(Term high, Term low) {
        static Halves of(Term x) {
            Term scaled = x.times(x.number(SPLITTER));
            Term high = scaled.minus(scaled.minus(x));
            return new Halves(high, x.minus(high));
        }
    }

    /** What is missing from a rounded product of two numbers, exactly. */
    private static Term error(Term product, Halves left, Halves right) {
        return left.high()
                .times(right.high())
                .minus(product)
                .plus(left.high().times(right.low()))
                .plus(left.low().times(right.high()))
                .plus(left.low().times(right.low()));
    }

    /** A zero keeps its sign; an infinity has no error. */
    private static Term corrected(Term result, Term error) {
        Term counts = error.isFinite().and(error.isZero().not());
        return counts.select(result.plus(error), result);
    }
}
