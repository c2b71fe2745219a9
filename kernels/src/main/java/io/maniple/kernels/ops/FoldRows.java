package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.ALL;
import static io.maniple.kernels.ops.TableBuilder.BOOL;
import static io.maniple.kernels.ops.TableBuilder.COMPLEX;
import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import java.util.List;

/**
 * Reductions and cumulative operations. Of those of floats `ulp` counts the roundings of one step: the error of n
 * terms grows with n / 16 + 4 steps at most, where NumPy's pairwise sum of the same terms has about n / 128 + log n.
 */
final class FoldRows {
    private static final String SMALL_SIGNED = "?bhi";
    private static final String SMALL_UNSIGNED = "BHI";

    private FoldRows() {}

    static void add(TableBuilder table) {
        table.fold("add.reduce", BOOL, "T->T", Reduction.OR, "T", 0)
                .fold("add.reduce", INTEGERS, "T->T", Reduction.SUM, "T", 0)
                .fold("add.reduce", SMALL_SIGNED, "T->l", Reduction.SUM, "l", 0)
                .fold("add.reduce", SMALL_UNSIGNED, "T->L", Reduction.SUM, "L", 0)
                .fold("add.reduce", "e", "T->T", Reduction.SUM, "f", 1)
                .fold("add.reduce", "fd" + COMPLEX, "T->T", Reduction.SUM, "T", 1)
                .fold("multiply.reduce", BOOL, "T->T", Reduction.AND, "T", 0)
                .fold("multiply.reduce", INTEGERS, "T->T", Reduction.PRODUCT, "T", 0)
                .fold("multiply.reduce", SMALL_SIGNED, "T->l", Reduction.PRODUCT, "l", 0)
                .fold("multiply.reduce", SMALL_UNSIGNED, "T->L", Reduction.PRODUCT, "L", 0)
                .fold("multiply.reduce", "e", "T->T", Reduction.PRODUCT, "f", 1)
                .fold("multiply.reduce", "fd", "T->T", Reduction.PRODUCT, "T", 1)
                .fold("maximum.reduce", BOOL, "T->T", Reduction.OR, "T", 0)
                .fold("minimum.reduce", BOOL, "T->T", Reduction.AND, "T", 0)
                .fold("logical_and.reduce", ALL, "T->?", Reduction.AND, BOOL, 0)
                .fold("logical_or.reduce", ALL, "T->?", Reduction.OR, BOOL, 0)
                .fold("bitwise_and.reduce", BOOL + INTEGERS, "T->T", Reduction.AND, "T", 0)
                .fold("bitwise_or.reduce", BOOL + INTEGERS, "T->T", Reduction.OR, "T", 0)
                .fold("bitwise_xor.reduce", BOOL + INTEGERS, "T->T", Reduction.XOR, "T", 0);
        extremes(table, "maximum.reduce", Reduction.MAXIMUM);
        extremes(table, "minimum.reduce", Reduction.MINIMUM);
        countNonzero(table);

        scan(table, "add.accumulate", Reduction.SUM);
        scan(table, "multiply.accumulate", Reduction.PRODUCT);
        scan(table, "maximum.accumulate", Reduction.MAXIMUM);
        scan(table, "minimum.accumulate", Reduction.MINIMUM);
    }

    private static void extremes(TableBuilder table, String name, Reduction reduction) {
        // A float16 is one of the float32 values, so the accumulator of the wider type changes nothing.
        table.fold(name, INTEGERS + "fd", "T->T", reduction, "T", 0).fold(name, "e", "T->T", reduction, "f", 0);
    }

    /** Sums the truth of the elements: the map must see them before they are cast. */
    private static void countNonzero(TableBuilder table) {
        for (char character : ALL.toCharArray()) {
            DType type = DType.ofCharacter(character);
            Operation.Lowering count = (builder, inputs) -> {
                Value truth = Casts.cast(builder, inputs.getFirst(), type, DType.BOOL);
                return List.of(Value.of(builder.cast(truth.real(), ElementType.INT64)));
            };
            table.row(
                    "count_nonzero.reduce",
                    String.valueOf(character),
                    "T->l",
                    0,
                    new Operation.Kind.Fold(Reduction.SUM, DType.INT64, count));
        }
    }

    private static void scan(TableBuilder table, String name, Reduction reduction) {
        Operation.Kind kind = new Operation.Kind.Scan(reduction);
        boolean extreme = reduction == Reduction.MAXIMUM || reduction == Reduction.MINIMUM;
        table.row(name, INTEGERS, "T->T", 0, kind).row(name, FLOATS, "T->T", extreme ? 0 : 1, kind);
        if (reduction == Reduction.SUM) {
            table.row(name, COMPLEX, "T->T", 1, kind);
        }
    }
}
