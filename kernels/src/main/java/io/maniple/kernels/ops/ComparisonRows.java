package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.BOOL;
import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.REAL;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.ElementType;
import java.util.function.BinaryOperator;

/** Comparisons, logic and classification of real numbers. */
final class ComparisonRows {
    private ComparisonRows() {}

    static void add(TableBuilder table) {
        comparison(table, "less", Term::less);
        comparison(table, "less_equal", Term::lessEqual);
        comparison(table, "greater", Term::greater);
        comparison(table, "greater_equal", Term::greaterEqual);
        comparison(table, "equal", Term::equal);
        comparison(table, "not_equal", Term::notEqual);

        table.exact("logical_and", BOOL + REAL, "TT->?", binary((x, y) -> truth(x).and(truth(y))))
                .exact("logical_or", BOOL + REAL, "TT->?", binary((x, y) -> truth(x).or(truth(y))))
                .exact("logical_xor", BOOL + REAL, "TT->?", binary((x, y) -> truth(x).xor(truth(y))))
                .exact("logical_not", BOOL + REAL, "T->?", unary(x -> truth(x).not()))
                .exact("isnan", BOOL + INTEGERS, "T->?", unary(x -> x.truth(false)))
                .exact("isinf", BOOL + INTEGERS, "T->?", unary(x -> x.truth(false)))
                .exact("isfinite", BOOL + INTEGERS, "T->?", unary(x -> x.truth(true)))
                .exact("isnan", FLOATS, "T->?", unary(Term::isNan))
                .exact("isinf", FLOATS, "T->?", unary(Term::isInfinite))
                .exact("isfinite", FLOATS, "T->?", unary(Term::isFinite))
                .exact("signbit", FLOATS, "T->?", unary(Term::signBit));
    }

    private static Term truth(Term x) {
        return x.cast(ElementType.BOOL);
    }

    private static void comparison(TableBuilder table, String name, BinaryOperator<Term> compare) {
        table.exact(name, BOOL + REAL, "TT->?", binary(compare));
        // int64 against uint64 by value: where the signs decide, compare those; else both fit uint64.
        table.exact(
                name,
                "l",
                "TL->?",
                binary((x, y) -> x.isNegative()
                        .select(
                                compare.apply(x.number(0), x.number(1)),
                                compare.apply(x.cast(ElementType.UINT64), y))));
        table.exact(
                name,
                "L",
                "Tl->?",
                binary((x, y) -> y.isNegative()
                        .select(
                                compare.apply(x.number(1), x.number(0)),
                                compare.apply(x, y.cast(ElementType.UINT64)))));
    }
}
