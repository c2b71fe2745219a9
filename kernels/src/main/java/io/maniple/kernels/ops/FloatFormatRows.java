package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.real;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.util.List;

/** Operations on the parts of a floating-point number: sign, exponent, fraction, neighbours. */
final class FloatFormatRows {
    /** Bits of the fraction and bias of the exponent. */
    private record Format(ElementType bits, int fraction, int bias) {
        static Format of(Term x) {
            return x.type() == ElementType.FLOAT64
                    ? new Format(ElementType.INT64, 52, 1023)
                    : new Format(ElementType.INT32, 23, 127);
        }
    }

    private FloatFormatRows() {}

    static void add(TableBuilder table) {
        table.exact("copysign", FLOATS, "TT->T", binary(Term::copySign))
                .exact("nextafter", "fd", "TT->T", binary((x, y) -> x.apply(Primitive.NEXTAFTER, y)))
                .exact("nextafter", "e", "TT->T", binary(FloatFormatRows::nextAfterHalf))
                .exact("spacing", "fd", "T->T", unary(FloatFormatRows::spacing))
                .exact("spacing", "e", "T->T", unary(FloatFormatRows::spacingOfHalf))
                .exact("modf", FLOATS, "T->TT", FloatFormatRows::modf)
                .exact("frexp", FLOATS, "T->Ti", FloatFormatRows::frexp)
                .exact("ldexp", "ef", "Ti->T", binary(FloatFormatRows::ldexpSingle))
                .exact("ldexp", "ef", "Tl->T", binary(FloatFormatRows::ldexpSingle))
                .exact("ldexp", "d", "Ti->T", binary(FloatFormatRows::ldexp))
                .exact("ldexp", "d", "Tl->T", binary(FloatFormatRows::ldexp));
    }

    /** The distance to the neighbour of larger magnitude, with the sign of x; for zeros of either sign upwards. */
    private static Term spacing(Term x) {
        Term towards = x.isZero()
                .select(x.number(1), x.number(Double.POSITIVE_INFINITY).copySign(x));
        Term distance = x.apply(Primitive.NEXTAFTER, towards).minus(x);
        return x.isInfinite().select(x.number(Double.NaN), distance);
    }

    /** The next float16: one step of its own grid, which is finer below a power of two. */
    private static Term nextAfterHalf(Term x, Term y) {
        Term away = x.isNegative().select(y.less(x), x.less(y)).or(x.isZero());
        Term step = stepOfHalf(x, away.not());
        Term moved = x.absolute()
                .plus(away.select(step, step.negate()))
                .copySign(x.isZero().select(y, x));
        Term finite = x.isInfinite().select(x.number(65504).copySign(x), moved);
        return x.isNan().or(y.isNan()).select(x.plus(y), x.equal(y).select(x, finite));
    }

    /** The distance to the next larger float16, also for negative numbers, other than for the wider types. */
    private static Term spacingOfHalf(Term x) {
        Term step = stepOfHalf(x, x.isNegative());
        Term finite = x.equal(x.number(65504)).select(x.number(Double.POSITIVE_INFINITY), step);
        return x.isFinite().select(finite, x.number(Double.NaN));
    }

    /** The distance from |x| to its float16 neighbour, which is half as wide from a power of two towards zero. */
    private static Term stepOfHalf(Term x, Term towardsZero) {
        Term magnitude = x.absolute().reinterpret(ElementType.INT32);
        Term isPower = magnitude.and(magnitude.number((1 << 23) - 1)).isZero();
        Term narrower = towardsZero.and(isPower).cast(ElementType.INT32);
        Term exponent = magnitude.shiftRight(23).minus(magnitude.number(10)).minus(narrower);
        Term smallest = exponent.number(127 - 24);
        return exponent.apply(Primitive.MAXIMUM, smallest).shiftLeft(23).reinterpret(ElementType.FLOAT32);
    }

    private static List<Value> modf(KernelBuilder builder, List<Value> inputs) {
        Term x = real(builder, inputs, 0);
        Term whole = x.apply(Primitive.TRUNC);
        Term fraction = x.isInfinite().select(x.number(0), x.minus(whole));
        return List.of(fraction.copySign(x).value(), whole.value());
    }

    /** x = fraction * 2^exponent with 0.5 <= |fraction| < 1; zeros, infinities and NaN as they are, exponent 0. */
    private static List<Value> frexp(KernelBuilder builder, List<Value> inputs) {
        Term x = real(builder, inputs, 0);
        Format format = Format.of(x);
        double scale = Math.scalb(1.0, format.fraction() + 2);
        Term isTiny = x.absolute().less(x.number(Math.scalb(1.0, 1 - format.bias())));
        Term normal = isTiny.select(x.times(x.number(scale)), x);
        Term bits = normal.absolute().reinterpret(format.bits());
        Term offset = isTiny.select(bits.number(format.bias() + 1 + format.fraction()), bits.number(format.bias() - 1));
        Term exponent = bits.shiftRight(format.fraction()).minus(offset);
        Term half = bits.number(format.bias() - 1).shiftLeft(format.fraction());
        Term fractionBits = bits.and(bits.bits((1L << format.fraction()) - 1)).or(half);
        Term fraction = fractionBits.reinterpret(x.type()).copySign(x);
        Term plain = x.isZero().or(x.isFinite().not());
        return List.of(
                plain.select(x, fraction).value(),
                plain.select(exponent.number(0), exponent)
                        .cast(ElementType.INT32)
                        .value());
    }

    private static Term clamp(Term exponent, int limit) {
        return exponent.apply(Primitive.MAXIMUM, exponent.number(-limit))
                .apply(Primitive.MINIMUM, exponent.number(limit))
                .cast(ElementType.INT64);
    }

    private static Term powerOfTwo(Term exponent) {
        return exponent.plus(exponent.number(1023)).shiftLeft(52).reinterpret(ElementType.FLOAT64);
    }

    /** In double precision the scaling of any float is exact, and only the cast rounds. */
    private static Term ldexpSingle(Term x, Term exponent) {
        Term wide = x.cast(ElementType.FLOAT64);
        return wide.times(powerOfTwo(clamp(exponent, 400))).cast(ElementType.FLOAT32);
    }

    /** Three factors, of which only the last can make the result subnormal, so that it is rounded once. */
    private static Term ldexp(Term x, Term exponent) {
        Term rest = clamp(exponent, 2200);
        Term result = x;
        for (int i = 0; i < 2; i++) {
            // 2^-969 keeps 53 bits above the subnormals, as the C library's scalbn does.
            Term tooLarge = rest.greater(rest.number(1023));
            Term tooSmall = rest.less(rest.number(-1022));
            Term part = tooLarge.select(rest.number(1023), tooSmall.select(rest.number(-969), rest.number(0)));
            result = result.times(powerOfTwo(part));
            rest = rest.minus(part);
        }
        Term last = rest.apply(Primitive.MAXIMUM, rest.number(-1022)).apply(Primitive.MINIMUM, rest.number(1023));
        return result.times(powerOfTwo(last));
    }
}
