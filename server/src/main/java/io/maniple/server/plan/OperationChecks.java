package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.program.ProgramDecoder;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationTable;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What each kind of operation demands of its operands. */
public final class OperationChecks implements ProgramDecoder.Operations {
    private final OperationTable table;

    public OperationChecks(OperationTable table) {
        this.table = table;
    }

    @Override
    public int outputs(int operation) {
        return table.byNumber(operation).map(found -> found.outputs().size()).orElse(-1);
    }

    @Override
    public @Nullable String check(int number, List<Operand> operands) {
        Operation operation = table.byNumber(number).orElseThrow();
        String problem = switch (operation.kind()) {
            case Operation.Kind.Elementwise elementwise -> elementwise(operation, operands);
            case Operation.Kind.Fold fold -> fold(operation, operands);
            case Operation.Kind.Scan scan -> scan(operands);
            case Operation.Kind.Routine routine -> routine(operation, operands);
        };
        return problem == null ? null : operation.name() + ": " + problem;
    }

    private static @Nullable String counts(Operation operation, List<Operand> operands) {
        int expected = operation.outputs().size() + operation.inputs().size();
        if (operands.size() != expected && operands.size() != expected + 1) {
            return operands.size() + " operands, expected " + expected + " or one more";
        }
        if (operands.size() == expected + 1 && type(operands.getLast()) != DType.BOOL) {
            return "the where operand must be boolean";
        }
        return null;
    }

    private static DType type(Operand operand) {
        return switch (operand) {
            case Operand.View view -> view.layout().type();
            case Operand.ScalarOperand scalar -> scalar.type();
        };
    }

    private static @Nullable String elementwise(Operation operation, List<Operand> operands) {
        String problem = counts(operation, operands);
        return problem != null ? problem : sameShape(operands);
    }

    private static @Nullable String sameShape(List<Operand> operands) {
        Layout first = null;
        for (Operand operand : operands) {
            if (operand instanceof Operand.View view) {
                if (first == null) {
                    first = view.layout();
                } else if (!first.sameShape(view.layout())) {
                    return "operands of different shapes " + Arrays.toString(first.shape()) + " and "
                            + Arrays.toString(view.layout().shape());
                }
            }
        }
        return null;
    }

    private static @Nullable String fold(Operation operation, List<Operand> operands) {
        String problem = counts(operation, operands);
        if (problem != null) {
            return problem;
        }
        List<Operand> inputs = operands.subList(1, operands.size());
        if (inputs.stream().noneMatch(Operand.View.class::isInstance)) {
            return "needs an array";
        }
        problem = sameShape(inputs);
        return problem != null ? problem : keepsRank((Operand.View) operands.get(0), inputs);
    }

    private static @Nullable String keepsRank(Operand.View output, List<Operand> inputs) {
        Layout input = inputs.stream()
                .filter(Operand.View.class::isInstance)
                .map(operand -> ((Operand.View) operand).layout())
                .findFirst()
                .orElseThrow();
        boolean suits = output.layout().rank() == input.rank();
        for (int dimension = 0; suits && dimension < input.rank(); dimension++) {
            long size = output.layout().size(dimension);
            suits = size == 1 || size == input.size(dimension);
        }
        return suits
                ? null
                : "an output of shape " + Arrays.toString(output.layout().shape()) + " for an input of shape "
                        + Arrays.toString(input.shape());
    }

    private static @Nullable String scan(List<Operand> operands) {
        if (operands.size() != 3
                || !(operands.get(1) instanceof Operand.View)
                || !(operands.get(2) instanceof Operand.ScalarOperand axis)
                || axis.type() != DType.INT64) {
            return "expected an output, an array and an int64 axis";
        }
        return sameShape(operands);
    }

    private static @Nullable String routine(Operation operation, List<Operand> operands) {
        for (Operand operand : operands) {
            if (!(operand instanceof Operand.View)) {
                return "takes no scalars";
            }
        }
        List<Layout> layouts = operands.stream()
                .map(operand -> ((Operand.View) operand).layout())
                .toList();
        return switch (operation.name()) {
            case "argmax.reduce", "argmin.reduce" ->
                layouts.size() == 2
                        ? keepsRank((Operand.View) operands.get(0), operands.subList(1, 2))
                        : "takes 2 operands";
            case "compress" -> compress(layouts);
            case "place" -> place(layouts);
            case "take" ->
                layouts.size() < 3 ? "takes at least 3 operands" : indexed(layouts.get(0), layouts.get(1), layouts);
            case "put" ->
                layouts.size() < 3 ? "takes at least 3 operands" : indexed(layouts.get(1), layouts.get(0), layouts);
            case "matmul" -> product(layouts);
            default -> "is not known here";
        };
    }

    private static @Nullable String compress(List<Layout> layouts) {
        if (layouts.size() != 4) {
            return "takes 4 operands";
        }
        if (layouts.get(0).rank() != 1
                || layouts.get(1).elements() != 1
                || layouts.get(1).type() != DType.INT64) {
            return "needs a 1-D output and an int64 count";
        }
        if (layouts.get(3).type() != DType.BOOL || !layouts.get(2).sameShape(layouts.get(3))) {
            return "needs a boolean mask of the input's shape";
        }
        return null;
    }

    private static @Nullable String place(List<Layout> layouts) {
        if (layouts.size() != 3 || layouts.get(1).rank() != 1) {
            return "takes an output, 1-D values and a mask";
        }
        return layouts.get(2).type() == DType.BOOL && layouts.get(0).sameShape(layouts.get(2))
                ? null
                : "needs a boolean mask of the output's shape";
    }

    /** The selected side has the indices' shape and then the array's trailing dimensions. */
    private static @Nullable String indexed(Layout selected, Layout array, List<Layout> layouts) {
        List<Layout> indices = layouts.subList(2, layouts.size());
        Layout first = indices.get(0);
        for (Layout index : indices) {
            if (!isInteger(index.type()) || !index.sameShape(first)) {
                return "the indices must be integer arrays of one shape, not " + indices;
            }
        }
        if (indices.size() > array.rank()) {
            return "more indices than dimensions";
        }
        int trailing = array.rank() - indices.size();
        boolean suits = selected.rank() == first.rank() + trailing;
        for (int dimension = 0; suits && dimension < selected.rank(); dimension++) {
            long expected = dimension < first.rank()
                    ? first.size(dimension)
                    : array.size(indices.size() + dimension - first.rank());
            suits = selected.size(dimension) == expected;
        }
        return suits ? null : "the selection has shape " + Arrays.toString(selected.shape());
    }

    private static boolean isInteger(DType type) {
        return switch (type) {
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> true;
            case BOOL, FLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 -> false;
        };
    }

    private static @Nullable String product(List<Layout> layouts) {
        boolean suits = layouts.size() == 3 && layouts.stream().allMatch(layout -> layout.rank() == 2);
        if (!suits) {
            return "takes three matrices";
        }
        Layout out = layouts.get(0);
        Layout left = layouts.get(1);
        Layout right = layouts.get(2);
        return left.size(1) == right.size(0) && out.size(0) == left.size(0) && out.size(1) == right.size(1)
                ? null
                : "shapes " + Arrays.toString(left.shape()) + " and " + Arrays.toString(right.shape()) + " do not give "
                        + Arrays.toString(out.shape());
    }
}
