package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.BOOL;
import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.IDENTITY;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.REAL;
import static io.maniple.kernels.ops.TableBuilder.SIGNED;
import static io.maniple.kernels.ops.TableBuilder.UNSIGNED;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.util.List;

/** Sums, products, signs, extremes of real numbers. */
final class ArithmeticRows {
    private ArithmeticRows() {}

    static void add(TableBuilder table) {
        table.exact("add", BOOL, "TT->T", binary(Term::or))
                .exact("add", REAL, "TT->T", binary(Term::plus))
                .exact("subtract", REAL, "TT->T", binary(Term::minus))
                .exact("multiply", BOOL, "TT->T", binary(Term::and))
                .exact("multiply", REAL, "TT->T", binary(Term::times))
                .exact("negative", REAL, "T->T", unary(Term::negate))
                .exact("positive", REAL, "T->T", IDENTITY)
                .exact("conjugate", REAL, "T->T", IDENTITY)
                .exact("absolute", BOOL + UNSIGNED, "T->T", IDENTITY)
                .exact("absolute", SIGNED + FLOATS, "T->T", unary(Term::absolute))
                .exact("fabs", FLOATS, "T->T", unary(Term::absolute))
                .exact("square", REAL, "T->T", unary(x -> x.times(x)))
                .exact(
                        "sign",
                        UNSIGNED,
                        "T->T",
                        unary(x -> x.notEqual(x.number(0)).cast(x.type())))
                .exact("sign", SIGNED, "T->T", unary(ArithmeticRows::signOfInteger))
                .exact("sign", FLOATS, "T->T", unary(ArithmeticRows::signOfFloat))
                .exact("reciprocal", FLOATS, "T->T", unary(x -> x.number(1).over(x)))
                .exact("reciprocal", INTEGERS, "T->T", unary(ArithmeticRows::reciprocalOfInteger))
                .exact("maximum", BOOL, "TT->T", binary(Term::or))
                .exact("maximum", REAL, "TT->T", binary((x, y) -> x.apply(Primitive.MAXIMUM, y)))
                .exact("minimum", BOOL, "TT->T", binary(Term::and))
                .exact("minimum", REAL, "TT->T", binary((x, y) -> x.apply(Primitive.MINIMUM, y)))
                .exact("fmax", BOOL, "TT->T", binary(Term::or))
                .exact("fmax", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.MAXIMUM, y)))
                .exact(
                        "fmax",
                        FLOATS,
                        "TT->T",
                        binary((x, y) -> x.greaterEqual(y).or(y.isNan()).select(x, y)))
                .exact("fmin", BOOL, "TT->T", binary(Term::and))
                .exact("fmin", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.MINIMUM, y)))
                .exact(
                        "fmin",
                        FLOATS,
                        "TT->T",
                        binary((x, y) -> x.lessEqual(y).or(y.isNan()).select(x, y)))
                .exact("clip", BOOL, "TTT->T", ArithmeticRows::clipBool)
                .exact("clip", REAL, "TTT->T", ArithmeticRows::clip);
        for (String name : List.of("floor", "ceil", "trunc")) {
            table.exact(name, BOOL + INTEGERS, "T->T", IDENTITY);
        }
        table.exact("floor", FLOATS, "T->T", unary(x -> x.apply(Primitive.FLOOR)))
                .exact("ceil", FLOATS, "T->T", unary(x -> x.apply(Primitive.CEIL)))
                .exact("trunc", FLOATS, "T->T", unary(x -> x.apply(Primitive.TRUNC)))
                .exact("rint", FLOATS, "T->T", unary(x -> x.apply(Primitive.RINT)));
    }

    private static Term signOfInteger(Term x) {
        return x.greater(x.number(0)).cast(x.type()).minus(x.isNegative().cast(x.type()));
    }

    /** Zero of either sign gives +0, a NaN itself. */
    private static Term signOfFloat(Term x) {
        Term signOrZero = x.isZero().select(x.number(0), x.number(1).copySign(x));
        return x.isNan().select(x, signOrZero);
    }

    /** NumPy divides in double precision and casts, which decides what 1/0 is. */
    private static Term reciprocalOfInteger(Term x) {
        Term wide = x.cast(ElementType.FLOAT64);
        return wide.number(1).over(wide).cast(x.type());
    }

    /** min(max(x, low), high), where the primitives let a NaN in any of the three win. */
    private static List<Value> clip(KernelBuilder builder, List<Value> inputs) {
        int raised = builder.apply(
                Primitive.MAXIMUM, inputs.get(0).real(), inputs.get(1).real());
        return List.of(
                Value.of(builder.apply(Primitive.MINIMUM, raised, inputs.get(2).real())));
    }

    private static List<Value> clipBool(KernelBuilder builder, List<Value> inputs) {
        Term raised = TableBuilder.real(builder, inputs, 0).or(TableBuilder.real(builder, inputs, 1));
        return List.of(raised.and(TableBuilder.real(builder, inputs, 2)).value());
    }
}
