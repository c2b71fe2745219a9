package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.Primitive;

/**
 * Mathematical functions of real numbers. The bounds are the largest of the engines': Java's documented ones, the C
 * library's, and those of the vector library, which is never the worst.
 */
final class FunctionRows {
    private static final double RADIANS_PER_DEGREE = Math.PI / 180;
    private static final double DEGREES_PER_RADIAN = 180 / Math.PI;
    private static final double LOG2_E = 1.442695040888963407359924681001892137;
    private static final double LOG_2 = 0.693147180559945309417232121458176568;

    private FunctionRows() {}

    static void add(TableBuilder table) {
        table.exact("sqrt", FLOATS, "T->T", unary(x -> x.apply(Primitive.SQRT)));
        function(table, "exp", Primitive.EXP, 1);
        function(table, "exp2", Primitive.EXP2, 1);
        function(table, "expm1", Primitive.EXPM1, 1);
        function(table, "log", Primitive.LOG, 1);
        function(table, "log2", Primitive.LOG2, 1);
        function(table, "log10", Primitive.LOG10, 1);
        function(table, "log1p", Primitive.LOG1P, 1);
        function(table, "sin", Primitive.SIN, 1);
        function(table, "cos", Primitive.COS, 1);
        function(table, "tan", Primitive.TAN, 1);
        function(table, "arcsin", Primitive.ASIN, 1);
        function(table, "arccos", Primitive.ACOS, 1);
        function(table, "arctan", Primitive.ATAN, 1);
        function(table, "sinh", Primitive.SINH, 2.5);
        function(table, "cosh", Primitive.COSH, 2.5);
        function(table, "tanh", Primitive.TANH, 2.5);
        function(table, "arcsinh", Primitive.ASINH, 2.5);
        function(table, "arccosh", Primitive.ACOSH, 2.5);
        function(table, "arctanh", Primitive.ATANH, 2.5);
        function(table, "cbrt", Primitive.CBRT, 1);
        table.elementwise("arctan2", FLOATS, "TT->T", 2, binary((y, x) -> y.apply(Primitive.ATAN2, x)))
                .elementwise("hypot", FLOATS, "TT->T", 1, binary((x, y) -> x.apply(Primitive.HYPOT, y)))
                // One rounding of the constant, one of the product.
                .elementwise("degrees", FLOATS, "T->T", 1.5, unary(FunctionRows::degrees))
                .elementwise("rad2deg", FLOATS, "T->T", 1.5, unary(FunctionRows::degrees))
                .elementwise("radians", FLOATS, "T->T", 1.5, unary(FunctionRows::radians))
                .elementwise("deg2rad", FLOATS, "T->T", 1.5, unary(FunctionRows::radians))
                // Where the sum nearly cancels to 0 the error is relative to the larger argument, as it is in NumPy.
                .elementwise("logaddexp", FLOATS, "TT->T", 2, binary(FunctionRows::logAddExp))
                .elementwise("logaddexp2", FLOATS, "TT->T", 3, binary(FunctionRows::logAddExp2))
                .exact("heaviside", FLOATS, "TT->T", binary(FunctionRows::heaviside));
    }

    private static void function(TableBuilder table, String name, Primitive primitive, double ulp) {
        table.elementwise(name, FLOATS, "T->T", ulp, unary(x -> x.apply(primitive)));
    }

    private static Term degrees(Term x) {
        return x.times(x.number(DEGREES_PER_RADIAN));
    }

    private static Term radians(Term x) {
        return x.times(x.number(RADIANS_PER_DEGREE));
    }

    /** max + log1p(exp(-|x - y|)); equal arguments apart, so that infinities of one sign do not give a NaN. */
    private static Term logAddExp(Term x, Term y) {
        Term difference = x.minus(y);
        Term larger = x.apply(Primitive.MAXIMUM, y);
        Term rest = difference.absolute().negate().apply(Primitive.EXP).apply(Primitive.LOG1P);
        return x.equal(y).select(x.plus(x.number(LOG_2)), larger.plus(rest));
    }

    private static Term logAddExp2(Term x, Term y) {
        Term difference = x.minus(y);
        Term larger = x.apply(Primitive.MAXIMUM, y);
        Term rest = difference.absolute().negate().apply(Primitive.EXP2).apply(Primitive.LOG1P);
        return x.equal(y).select(x.plus(x.number(1)), larger.plus(rest.times(x.number(LOG2_E))));
    }

    private static Term heaviside(Term x, Term atZero) {
        Term step = x.greater(x.number(0)).select(x.number(1), x.number(0));
        return x.isNan().select(x, x.isZero().select(atZero, step));
    }
}
