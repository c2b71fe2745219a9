package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.program.ProgramDecoder;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationTable;
import java.util.ArrayList;
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
        if (problem != null) {
            return problem;
        }
        Layout input = inputs.stream()
                .filter(Operand.View.class::isInstance)
                .map(operand -> ((Operand.View) operand).layout())
                .findFirst()
                .orElseThrow();
        return keepsRank(((Operand.View) operands.get(0)).layout(), input);
    }

    /** A reduction's output has its input's rank, and size 1 where it is reduced. */
    static @Nullable String keepsRank(Layout output, Layout input) {
        boolean suits = output.rank() == input.rank();
        for (int dimension = 0; suits && dimension < input.rank(); dimension++) {
            long size = output.size(dimension);
            suits = size == 1 || size == input.size(dimension);
        }
        return suits
                ? null
                : "an output of shape " + Arrays.toString(output.shape()) + " for an input of shape "
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
        RoutineForm form = RoutineForms.of(operation.name());
        int views = operands.size() - form.scalars();
        if (views < operation.outputs().size()) {
            return operands.size() + " operands are too few";
        }
        List<Layout> layouts = new ArrayList<>();
        for (Operand operand : operands.subList(0, views)) {
            if (!(operand instanceof Operand.View view)) {
                return "operand " + layouts.size() + " must be an array";
            }
            layouts.add(view.layout());
        }
        for (Operand operand : operands.subList(views, operands.size())) {
            if (!(operand instanceof Operand.ScalarOperand) || type(operand) != DType.INT64) {
                return "the last " + form.scalars() + " operands must be int64 scalars";
            }
        }
        return form.check(layouts);
    }
}
