package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.Value;
import java.util.List;

/**
 * argmax and argmin as two folds: the extreme value, then the smallest index at which it stands. NumPy's rule that the
 * first NaN wins follows, since a NaN is the extreme of any data that holds one.
 */
final class ArgumentExtremes {
    private ArgumentExtremes() {}

    static boolean isOne(Operation operation) {
        return operation.name().equals("argmax.reduce") || operation.name().equals("argmin.reduce");
    }

    static void expand(Planner planner, Operation operation, Instruction instruction) {
        Operand.View output = instruction.view(0);
        Operand.View input = instruction.view(1);
        DType type = operation.inputs().get(0);
        if (output.layout().elements() == 0 || input.layout().elements() == 0) {
            return;
        }
        String extreme = operation.name().equals("argmax.reduce") ? "maximum.reduce" : "minimum.reduce";
        Operation fold = planner.table()
                .find(extreme, type.character() + "->" + type.character())
                .orElseThrow(() -> new IllegalStateException(extreme + " lacks the type " + type));
        Layout kept = Layout.contiguous(type, output.layout().shape());
        int buffer = planner.newTemporary(kept.highest());
        Operand.View best = new Operand.View(buffer, kept, 0);
        planner.addFold(fold, best, List.of(input), null, null, instruction.source());

        int rank = input.layout().rank();
        long[] shape = input.layout().shape();
        long[] foldedShape = shape.clone();
        long[] strides = kept.strides();
        for (int dimension = 0; dimension < rank; dimension++) {
            if (output.layout().size(dimension) == 1 && shape[dimension] != 1) {
                strides[dimension] = 0;
            } else {
                foldedShape[dimension] = 1;
            }
        }
        long[] index = Planner.cOrder(foldedShape);
        for (int dimension = 0; dimension < rank; dimension++) {
            if (foldedShape[dimension] == 1) {
                index[dimension] = 0;
            }
        }
        Operand.View broadcast = new Operand.View(buffer, new Layout(type, shape, strides), 0);
        planner.addFold(first(operation, type), output, List.of(input, broadcast), null, index, instruction.source());
    }

    /** Folds to the smallest index at which the first input equals the second, or both are NaN. */
    private static Operation first(Operation operation, DType type) {
        return new Operation(
                operation.number(),
                operation.name(),
                List.of(type, type),
                List.of(DType.INT64),
                new Operation.Kind.Fold(Reduction.MINIMUM, DType.INT64, (builder, inputs) -> {
                    int value = inputs.get(0).real();
                    int best = inputs.get(1).real();
                    int found = builder.apply(Primitive.EQUAL, value, best);
                    if (builder.typeOf(value).isFloating()) {
                        found = builder.apply(Primitive.OR, found, builder.apply(Primitive.NOT_EQUAL, value, value));
                    }
                    int none = builder.literal(ElementType.INT64, Long.MAX_VALUE);
                    return List.of(Value.of(builder.apply(Primitive.SELECT, found, builder.index(), none)));
                }),
                0.0);
    }
}
