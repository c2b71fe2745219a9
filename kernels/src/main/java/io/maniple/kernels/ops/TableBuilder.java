package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/**
 * Collects the table's rows. A row names a family of types ("efd") and a pattern of the signature in which 'T' stands
 * for each of them in turn ("TT->T").
 */
final class TableBuilder {
    static final String BOOL = "?";
    static final String SIGNED = "bhil";
    static final String UNSIGNED = "BHIL";
    static final String INTEGERS = "bBhHiIlL";
    static final String FLOATS = "efd";
    static final String COMPLEX = "FD";
    static final String REAL = INTEGERS + FLOATS;
    static final String ALL = BOOL + REAL + COMPLEX;

    private final List<Operation> operations = new ArrayList<>();

    /** Results that are exact or correctly rounded. */
    TableBuilder exact(String name, String family, String pattern, Operation.Lowering lowering) {
        return elementwise(name, family, pattern, 0, lowering);
    }

    TableBuilder elementwise(String name, String family, String pattern, double ulp, Operation.Lowering lowering) {
        return row(name, family, pattern, ulp, new Operation.Kind.Elementwise(lowering));
    }

    /** The lowering casts to the accumulator's type where that is not the input's. */
    TableBuilder fold(String name, String family, String pattern, Reduction reduction, String accumulator, double ulp) {
        for (char type : family.toCharArray()) {
            DType sum = DType.ofCharacter(accumulator.equals("T") ? type : accumulator.charAt(0));
            Operation.Lowering map =
                    (builder, inputs) -> List.of(Casts.cast(builder, inputs.getFirst(), DType.ofCharacter(type), sum));
            row(name, String.valueOf(type), pattern, ulp, new Operation.Kind.Fold(reduction, sum, map));
        }
        return this;
    }

    TableBuilder row(String name, String family, String pattern, double ulp, Operation.Kind kind) {
        int arrow = pattern.indexOf("->");
        for (char type : family.toCharArray()) {
            operations.add(new Operation(
                    operations.size() + 1,
                    name,
                    types(pattern.substring(0, arrow), type),
                    types(pattern.substring(arrow + 2), type),
                    kind,
                    ulp));
        }
        return this;
    }

    List<Operation> operations() {
        return operations;
    }

    private static List<DType> types(String pattern, char type) {
        return pattern.chars()
                .mapToObj(character -> DType.ofCharacter(character == 'T' ? type : (char) character))
                .toList();
    }

    /** A real result of one real argument. */
    static Operation.Lowering unary(UnaryOperator<Term> formula) {
        return (builder, inputs) ->
                List.of(formula.apply(real(builder, inputs, 0)).value());
    }

    /** A real result of two real arguments. */
    static Operation.Lowering binary(BinaryOperator<Term> formula) {
        return (builder, inputs) -> List.of(formula.apply(real(builder, inputs, 0), real(builder, inputs, 1))
                .value());
    }

    static Term real(KernelBuilder builder, List<Value> inputs, int position) {
        return new Term(builder, inputs.get(position).real());
    }

    static final Operation.Lowering IDENTITY = (builder, inputs) -> List.of(inputs.getFirst());
}
