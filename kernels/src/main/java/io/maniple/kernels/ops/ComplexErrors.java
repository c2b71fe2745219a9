package io.maniple.kernels.ops;

import io.maniple.kernels.ops.FloatingPointRules.Condition;
import java.util.List;
import java.util.Map;

/** Floating-point errors of complex arithmetic: those of the steps of NumPy's formulas. */
final class ComplexErrors {
    private static final int SUM = FloatingPointRules.OVERFLOW | FloatingPointRules.INVALID;
    private static final int QUOTIENT = SUM | FloatingPointRules.DIVIDE;
    private static final Map<String, Integer> KINDS = Map.of(
            "add", SUM, "subtract", SUM, "multiply", SUM, "square", SUM, "divide", QUOTIENT, "reciprocal", QUOTIENT);

    private ComplexErrors() {}

    static int kinds(String operation) {
        return KINDS.getOrDefault(operation, 0);
    }

    static List<Condition> conditions(String operation, List<ComplexTerm> inputs) {
        ComplexTerm x = inputs.getFirst();
        ComplexTerm y = inputs.getLast();
        ErrorTrace trace = new ErrorTrace(x.real().truth(true));
        switch (operation) {
            case "add" -> {
                trace.plus(x.real(), y.real());
                trace.plus(x.imaginary(), y.imaginary());
            }
            case "subtract" -> {
                trace.minus(x.real(), y.real());
                trace.minus(x.imaginary(), y.imaginary());
            }
            case "multiply", "square" -> product(trace, x, y);
            case "divide" -> quotient(trace, x, y);
            case "reciprocal" -> reciprocal(trace, x);
            default -> throw new IllegalArgumentException(operation);
        }
        return trace.conditions(kinds(operation));
    }

    /** NumPy's loops fuse the second product with the sum. */
    private static void product(ErrorTrace trace, ComplexTerm x, ComplexTerm y) {
        Term first = trace.times(x.imaginary(), y.imaginary());
        Term second = trace.times(x.imaginary(), y.real());
        trace.fused(x.real(), y.real(), first, true);
        trace.fused(x.real(), y.imaginary(), second, false);
    }

    private static void quotient(ErrorTrace trace, ComplexTerm x, ComplexTerm y) {
        Term realSize = y.real().absolute();
        Term byZero = realSize.isZero().and(y.imaginary().isZero());
        Term wide = realSize.greaterEqual(y.imaginary().absolute());
        trace.at(byZero);
        trace.over(x.real(), realSize);
        trace.over(x.imaginary(), realSize);
        trace.at(byZero.not());
        Term large = wide.select(y.real(), y.imaginary());
        Term small = wide.select(y.imaginary(), y.real());
        Term ratio = trace.over(small, large);
        Term scale = trace.over(x.real().number(1), trace.plus(large, trace.times(small, ratio)));
        Term same = wide.select(x.real(), x.imaginary());
        Term other = wide.select(x.imaginary(), x.real());
        trace.times(trace.plus(same, trace.times(other, ratio)), scale);
        trace.times(trace.minus(other, trace.times(same, ratio)), scale);
    }

    private static void reciprocal(ErrorTrace trace, ComplexTerm x) {
        Term wide = x.imaginary().absolute().lessEqual(x.real().absolute());
        Term large = wide.select(x.real(), x.imaginary());
        Term small = wide.select(x.imaginary(), x.real());
        Term ratio = trace.over(small, large);
        Term size = trace.plus(large, trace.times(small, ratio));
        trace.over(ratio.number(1), size);
        trace.over(ratio, size);
    }
}
