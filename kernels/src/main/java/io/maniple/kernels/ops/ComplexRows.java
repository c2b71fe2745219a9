package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.COMPLEX;

import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Operations on complex numbers. The error of a product or quotient is bounded in relation to the whole number, not to
 * each part: a part that cancels may have no correct digit, in NumPy neither.
 */
final class ComplexRows {
    private ComplexRows() {}

    static void add(TableBuilder table) {
        table.exact("add", COMPLEX, "TT->T", binary(ComplexTerm::plus))
                .exact("subtract", COMPLEX, "TT->T", binary(ComplexTerm::minus))
                .elementwise("multiply", COMPLEX, "TT->T", 2, binary(ComplexTerm::times))
                .elementwise("divide", COMPLEX, "TT->T", 8, binary(ComplexTerm::over))
                .exact("negative", COMPLEX, "T->T", unary(ComplexTerm::negate))
                .exact("positive", COMPLEX, "T->T", TableBuilder.IDENTITY)
                .exact("conjugate", COMPLEX, "T->T", unary(ComplexTerm::conjugate))
                .elementwise("square", COMPLEX, "T->T", 2, unary(x -> x.times(x)))
                .elementwise("reciprocal", COMPLEX, "T->T", 8, unary(ComplexTerm::reciprocal))
                .exact(
                        "rint",
                        COMPLEX,
                        "T->T",
                        unary(x -> new ComplexTerm(
                                x.real().apply(Primitive.RINT), x.imaginary().apply(Primitive.RINT))))
                .elementwise("sign", COMPLEX, "T->T", 2, unary(ComplexRows::sign))
                .elementwise("absolute", "F", "T->f", 1, unaryReal(ComplexRows::absolute))
                .elementwise("absolute", "D", "T->d", 1, unaryReal(ComplexRows::absolute))
                .exact("equal", COMPLEX, "TT->?", binaryReal(ComplexTerm::equal))
                .exact("not_equal", COMPLEX, "TT->?", binaryReal(ComplexTerm::notEqual))
                .exact("less", COMPLEX, "TT->?", binaryReal(ComplexTerm::less))
                .exact("less_equal", COMPLEX, "TT->?", binaryReal(ComplexTerm::lessEqual))
                .exact("greater", COMPLEX, "TT->?", binaryReal((x, y) -> y.less(x)))
                .exact("greater_equal", COMPLEX, "TT->?", binaryReal((x, y) -> y.lessEqual(x)))
                .exact(
                        "logical_and",
                        COMPLEX,
                        "TT->?",
                        binaryReal((x, y) -> x.truth().and(y.truth())))
                .exact(
                        "logical_or",
                        COMPLEX,
                        "TT->?",
                        binaryReal((x, y) -> x.truth().or(y.truth())))
                .exact(
                        "logical_xor",
                        COMPLEX,
                        "TT->?",
                        binaryReal((x, y) -> x.truth().xor(y.truth())))
                .exact("logical_not", COMPLEX, "T->?", unaryReal(x -> x.truth().not()))
                .exact("isnan", COMPLEX, "T->?", unaryReal(ComplexTerm::isNan))
                .exact(
                        "isinf",
                        COMPLEX,
                        "T->?",
                        unaryReal(x -> x.real().isInfinite().or(x.imaginary().isInfinite())))
                .exact(
                        "isfinite",
                        COMPLEX,
                        "T->?",
                        unaryReal(x -> x.real().isFinite().and(x.imaginary().isFinite())))
                .exact("maximum", COMPLEX, "TT->T", binary(ComplexRows::maximum))
                .exact("minimum", COMPLEX, "TT->T", binary(ComplexRows::minimum))
                .exact(
                        "fmax",
                        COMPLEX,
                        "TT->T",
                        binary((x, y) -> ComplexTerm.select(y.isNan().or(y.lessEqual(x)), x, y)))
                .exact(
                        "fmin",
                        COMPLEX,
                        "TT->T",
                        binary((x, y) -> ComplexTerm.select(y.isNan().or(x.lessEqual(y)), x, y)))
                .exact("clip", COMPLEX, "TTT->T", ComplexRows::clip);
    }

    private static List<Value> clip(KernelBuilder builder, List<Value> inputs) {
        ComplexTerm x = complex(builder, inputs, 0);
        ComplexTerm low = complex(builder, inputs, 1);
        ComplexTerm high = complex(builder, inputs, 2);
        ComplexTerm raised = ComplexTerm.select(x.isNan().or(low.lessForClip(x)), x, low);
        return List.of(ComplexTerm.select(raised.isNan().or(raised.lessForClip(high)), raised, high)
                .value());
    }

    private static Term absolute(ComplexTerm x) {
        return x.real().apply(Primitive.HYPOT, x.imaginary());
    }

    /** x / |x|; of one infinite part its sign, of two infinite ones nothing known. */
    private static ComplexTerm sign(ComplexTerm x) {
        Term size = absolute(x);
        Term zero = size.number(0);
        Term one = size.number(1);
        Term wideReal = x.real().isInfinite();
        Term wideImaginary = x.imaginary().isInfinite();
        ComplexTerm unit = new ComplexTerm(x.real().over(size), x.imaginary().over(size));
        ComplexTerm infinite = new ComplexTerm(
                wideReal.select(one.copySign(x.real()), zero), wideImaginary.select(one.copySign(x.imaginary()), zero));
        ComplexTerm known = ComplexTerm.select(size.isInfinite(), infinite, unit);
        ComplexTerm unknown = new ComplexTerm(size.number(Double.NaN), size.number(Double.NaN));
        ComplexTerm finiteOrZero = ComplexTerm.select(size.isZero(), new ComplexTerm(zero, zero), known);
        return ComplexTerm.select(size.isNan().or(wideReal.and(wideImaginary)), unknown, finiteOrZero);
    }

    private static ComplexTerm maximum(ComplexTerm x, ComplexTerm y) {
        return ComplexTerm.select(x.isNan().or(y.lessEqual(x)), x, y);
    }

    private static ComplexTerm minimum(ComplexTerm x, ComplexTerm y) {
        return ComplexTerm.select(x.isNan().or(x.lessEqual(y)), x, y);
    }

    private static Operation.Lowering unary(UnaryOperator<ComplexTerm> formula) {
        return (builder, inputs) ->
                List.of(formula.apply(complex(builder, inputs, 0)).value());
    }

    private static Operation.Lowering binary(BinaryOperator<ComplexTerm> formula) {
        return (builder, inputs) -> List.of(formula.apply(complex(builder, inputs, 0), complex(builder, inputs, 1))
                .value());
    }

    private static Operation.Lowering unaryReal(Function<ComplexTerm, Term> formula) {
        return (builder, inputs) ->
                List.of(formula.apply(complex(builder, inputs, 0)).value());
    }

    private static Operation.Lowering binaryReal(BiFunction<ComplexTerm, ComplexTerm, Term> formula) {
        return (builder, inputs) -> List.of(formula.apply(complex(builder, inputs, 0), complex(builder, inputs, 1))
                .value());
    }

    private static ComplexTerm complex(KernelBuilder builder, List<Value> inputs, int position) {
        return ComplexTerm.of(builder, inputs.get(position));
    }
}
