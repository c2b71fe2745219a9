package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.SIGNED;
import static io.maniple.kernels.ops.TableBuilder.UNSIGNED;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.real;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.util.List;

/** Quotients, remainders and powers. */
final class DivisionRows {
    private DivisionRows() {}

    static void add(TableBuilder table) {
        table.exact("divide", FLOATS, "TT->T", binary(Term::over))
                .exact("floor_divide", UNSIGNED, "TT->T", binary((x, y) -> x.apply(Primitive.QUOTIENT, y)))
                .exact(
                        "floor_divide",
                        SIGNED,
                        "TT->T",
                        binary((x, y) -> floorDivide(x, y).quotient()))
                .exact("floor_divide", FLOATS, "TT->T", binary(DivisionRows::floorDivideFloats))
                .exact("remainder", UNSIGNED, "TT->T", binary((x, y) -> x.apply(Primitive.REMAINDER, y)))
                .exact(
                        "remainder",
                        SIGNED,
                        "TT->T",
                        binary((x, y) -> floorDivide(x, y).remainder()))
                .exact(
                        "remainder",
                        FLOATS,
                        "TT->T",
                        binary((x, y) -> divmod(x, y).remainder()))
                .exact("fmod", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.REMAINDER, y)))
                .exact("fmod", FLOATS, "TT->T", binary((x, y) -> x.apply(Primitive.FMOD, y)))
                .exact(
                        "divmod",
                        UNSIGNED,
                        "TT->TT",
                        both((x, y) -> new Division(x.apply(Primitive.QUOTIENT, y), x.apply(Primitive.REMAINDER, y))))
                .exact("divmod", SIGNED, "TT->TT", both(DivisionRows::floorDivide))
                .exact("divmod", FLOATS, "TT->TT", both(DivisionRows::divmod))
                .exact("power", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.INTEGER_POWER, y)))
                .elementwise("power", FLOATS, "TT->T", 1, binary((x, y) -> x.apply(Primitive.POW, y)))
                .elementwise("float_power", "d", "TT->T", 1, binary((x, y) -> x.apply(Primitive.POW, y)));
        SmallPowers.names()
                .forEach(name ->
                        table.elementwise(name, SmallPowers.family(name), "T->T", 1, unary(SmallPowers.formula(name))));
    }

    private record Division(Term quotient, Term remainder) {}

    @FunctionalInterface
    private interface DivisionFormula {
        Division apply(Term dividend, Term divisor);
    }

    private static Operation.Lowering both(DivisionFormula formula) {
        return (KernelBuilder builder, List<Value> inputs) -> {
            Division division = formula.apply(real(builder, inputs, 0), real(builder, inputs, 1));
            return List.of(division.quotient().value(), division.remainder().value());
        };
    }

    /** Rounds the quotient towards minus infinity; the remainder has the divisor's sign. */
    private static Division floorDivide(Term x, Term y) {
        Term quotient = x.apply(Primitive.QUOTIENT, y);
        Term remainder = x.apply(Primitive.REMAINDER, y);
        Term adjust = remainder.notEqual(x.number(0)).and(remainder.xor(y).isNegative());
        return new Division(quotient.minus(adjust.cast(x.type())), remainder.plus(adjust.select(y, x.number(0))));
    }

    /** The function npy_divmod of NumPy's math library, step by step. */
    private static Division divmod(Term x, Term y) {
        Term zero = x.number(0);
        Term truncated = x.apply(Primitive.FMOD, y);
        Term inexact = truncated.notEqual(zero);
        Term adjust = inexact.and(y.less(zero).xor(truncated.less(zero)));
        Term remainder = inexact.select(adjust.select(truncated.plus(y), truncated), zero.copySign(y));
        Term raw = x.minus(truncated).over(y);
        Term quotient = adjust.select(raw.minus(x.number(1)), raw);
        Term floor = quotient.apply(Primitive.FLOOR);
        Term nearest = quotient.minus(floor).greater(x.number(0.5)).select(floor.plus(x.number(1)), floor);
        Term snapped = quotient.notEqual(zero).select(nearest, zero.copySign(x.over(y)));
        Term byZero = y.isZero();
        return new Division(byZero.select(x.over(y), snapped), byZero.select(truncated, remainder));
    }

    private static Term floorDivideFloats(Term x, Term y) {
        return divmod(x, y).quotient();
    }
}
