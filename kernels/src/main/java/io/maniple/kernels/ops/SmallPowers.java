package io.maniple.kernels.ops;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Powers with small whole and half exponents as products, roots and quotients. What rounding takes away is carried along
 * as a second number, so that the result is the correctly rounded one but for about one in 2^48; below 2^-1020, where
 * what is carried along itself underflows, it may be off by two units.
 *
 * <p>Whole exponents of one sign are multiplied from x or 1 / x, so that nothing on the way overflows or vanishes before
 * the result does.
 */
final class SmallPowers {
    private static final String PREFIX = "power";
    private static final int MOST = 8;
    private static final int LEAST = -4;

    /** By name; asked of each instruction that is planned. */
    private static final Map<String, Integer> ERRORS =
            names().collect(Collectors.toUnmodifiableMap(Function.identity(), SmallPowers::kinds));

    private SmallPowers() {}

    /** Twice the exponents that there is a product for: those from -4 to 4 by halves, and 5, 6, 7 and 8. */
    private static IntStream doubled() {
        return IntStream.rangeClosed(2 * LEAST, 2 * MOST)
                .filter(twice -> twice != 0 && twice != 2 && (twice <= 8 || twice % 2 == 0));
    }

    /** What the client records instead of `power` with these exponents. */
    static Stream<String> names() {
        return doubled().mapToObj(SmallPowers::name);
    }

    private static String name(int twice) {
        return twice % 2 == 0 ? PREFIX + twice / 2 : PREFIX + String.format(Locale.ROOT, "%.1f", twice / 2.0);
    }

    private static int twice(String name) {
        return (int) (2 * Double.parseDouble(name.substring(PREFIX.length())));
    }

    /** NumPy's power of floats and doubles with the exponent 1/2 is the root, but not that of half precision. */
    static String family(String name) {
        return twice(name) == 1 ? "fd" : TableBuilder.FLOATS;
    }

    static UnaryOperator<Term> formula(String name) {
        int twice = twice(name);
        return x -> {
            if (x.type() == ElementType.FLOAT64) {
                return power(x, twice);
            }
            // Four doublings of a float's digits are room enough without carrying anything along.
            return plain(x.cast(ElementType.FLOAT64), twice).cast(x.type());
        };
    }

    /** The kinds of errors of an operation by its name; empty if it is not one of these. */
    static Optional<Integer> errors(String name) {
        return Optional.ofNullable(ERRORS.get(name));
    }

    private static int kinds(String name) {
        int twice = twice(name);
        return FloatingPointRules.OVERFLOW
                | (twice < 0 ? FloatingPointRules.DIVIDE : 0)
                | (twice % 2 != 0 ? FloatingPointRules.INVALID : 0);
    }

    private static Term plain(Term x, int twice) {
        if (twice % 2 == 0) {
            Term whole = plainWhole(x, Math.abs(twice / 2));
            return twice < 0 ? x.number(1).over(whole) : whole;
        }
        if (twice == 1) {
            return x.apply(Primitive.SQRT);
        }
        Term base = rootable(x);
        Term root = base.apply(Primitive.SQRT);
        Term power = twice == -1 ? root : root.times(plainWhole(base, Math.abs(twice) / 2));
        return twice < 0 ? x.number(1).over(power) : power;
    }

    private static Term plainWhole(Term x, int exponent) {
        if (exponent == 1) {
            return x;
        }
        Term half = plainWhole(x, exponent / 2);
        Term square = half.times(half);
        return exponent % 2 == 0 ? square : square.times(x);
    }

    private static Term power(Term x, int twice) {
        if (twice % 2 == 0) {
            Pair base = twice < 0 ? Pair.reciprocal(x) : Pair.exactly(x);
            return base.power(Math.abs(twice / 2)).rounded();
        }
        if (twice == 1) {
            return x.apply(Primitive.SQRT);
        }
        Term base = rootable(x);
        if (twice < 0) {
            return Pair.reciprocalRoot(base).power(-twice).rounded();
        }
        Pair threeHalves = Pair.timesRoot(base);
        int rest = (twice - 3) / 2;
        return (rest == 0 ? threeHalves : threeHalves.times(Pair.exactly(base).power(rest))).rounded();
    }

    /** C's pow takes a negative zero for zero and negative infinity for infinity where the exponent is not whole. */
    private static Term rootable(Term x) {
        Term infinity = x.number(Double.POSITIVE_INFINITY);
        Term unsigned = x.plus(x.number(0));
        return unsigned.equal(infinity.negate()).select(infinity, unsigned);
    }

    /** A number and what is missing from it; {@code exact}: nothing is. */
    private record Pair(Term high, Term low, boolean exact) {
        static Pair exactly(Term x) {
            return new Pair(x, x, true);
        }

        private static Pair of(Term high, Term low) {
            return new Pair(high, low, false);
        }

        static Pair reciprocal(Term x) {
            Term quotient = x.number(1).over(x);
            return of(quotient, x.negate().fused(quotient, x.number(1)).times(quotient));
        }

        /** x^-1/2: one step of Newton's from the rounded one, whose product with x is between x and 1. */
        static Pair reciprocalRoot(Term x) {
            Term near = x.number(1).over(x.apply(Primitive.SQRT));
            Term product = x.times(near);
            Term missing = x.fused(near, product.negate());
            Term residue = product.negate().fused(near, x.number(1));
            Term rest = missing.negate().fused(near, residue);
            return of(near, rest.times(near.times(x.number(0.5))));
        }

        /** x^3/2: what is missing from the root is its residue over twice the root, and x over the root is the root. */
        static Pair timesRoot(Term x) {
            Term root = x.apply(Primitive.SQRT);
            Term product = x.times(root);
            Term residue = root.negate().fused(root, x);
            return of(product, residue.fused(root.times(x.number(0.5)), x.fused(root, product.negate())));
        }

        Pair times(Pair other) {
            Term product = high.times(other.high);
            Term missing = high.fused(other.high, product.negate());
            if (!other.exact) {
                missing = high.fused(other.low, missing);
            }
            if (!exact) {
                missing = low.fused(other.high, missing);
            }
            return of(product, missing);
        }

        Pair power(int exponent) {
            if (exponent == 1) {
                return this;
            }
            Pair half = power(exponent / 2);
            Pair square = half.times(half);
            return exponent % 2 == 0 ? square : square.times(this);
        }

        /** A zero keeps its sign; what belongs to an infinity is no number. */
        Term rounded() {
            if (exact) {
                return high;
            }
            Term counts = low.isFinite().and(low.isZero().not());
            return counts.select(high.plus(low), high);
        }
    }
}
