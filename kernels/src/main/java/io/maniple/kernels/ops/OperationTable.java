package io.maniple.kernels.ops;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All operations of this build, numbered from 1. */
public final class OperationTable {
    private static final OperationTable STANDARD = new OperationTable(standardRows());

    private final List<Operation> operations;
    private final Map<String, Operation> byKey = new HashMap<>();

    OperationTable(List<Operation> operations) {
        this.operations = List.copyOf(operations);
        for (Operation operation : operations) {
            Operation other = byKey.put(operation.name() + ":" + operation.signature(), operation);
            if (other != null) {
                throw new IllegalArgumentException("two rows for " + operation.name() + " " + operation.signature());
            }
        }
    }

    public static OperationTable standard() {
        return STANDARD;
    }

    public List<Operation> operations() {
        return operations;
    }

    public Optional<Operation> byNumber(int number) {
        return number < 1 || number > operations.size() ? Optional.empty() : Optional.of(operations.get(number - 1));
    }

    public Optional<Operation> find(String name, String signature) {
        return Optional.ofNullable(byKey.get(name + ":" + signature));
    }

    private static List<Operation> standardRows() {
        TableBuilder table = new TableBuilder();
        MovementRows.add(table);
        ArithmeticRows.add(table);
        DivisionRows.add(table);
        ComparisonRows.add(table);
        BitRows.add(table);
        FunctionRows.add(table);
        FloatFormatRows.add(table);
        ComplexRows.add(table);
        FoldRows.add(table);
        RandomRows.add(table);
        SortRows.add(table);
        LinearRows.add(table);
        FourierRows.add(table);
        return table.operations();
    }
}
