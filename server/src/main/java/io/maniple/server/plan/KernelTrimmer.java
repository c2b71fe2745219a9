package io.maniple.server.plan;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Removes what no store and no reduction needs: nodes, operands, scalars. */
final class KernelTrimmer {
    private final Kernel kernel;
    private final int[] operandNumbers;
    private final int[] scalarNumbers;
    private final boolean[] stored;
    private final boolean[] loaded;

    KernelTrimmer(Kernel whole) {
        boolean[] needed = new boolean[whole.nodes().size()];
        for (int index = needed.length - 1; index >= 0; index--) {
            Node node = whole.nodes().get(index);
            if (node instanceof Node.Store || node instanceof Node.Reduce) {
                needed[index] = true;
            }
            if (needed[index]) {
                for (int argument : arguments(node)) {
                    needed[argument] = true;
                }
            }
        }
        operandNumbers = new int[whole.operands()];
        Arrays.fill(operandNumbers, -1);
        scalarNumbers = new int[whole.scalars()];
        Arrays.fill(scalarNumbers, -1);
        stored = new boolean[whole.operands()];
        loaded = new boolean[whole.operands()];
        int[] numbers = new int[needed.length];
        int operands = 0;
        int scalars = 0;
        List<Node> nodes = new ArrayList<>();
        for (int index = 0; index < needed.length; index++) {
            if (!needed[index]) {
                continue;
            }
            Node node = whole.nodes().get(index);
            int operand = operandOf(node);
            if (operand >= 0 && operandNumbers[operand] < 0) {
                operandNumbers[operand] = operands++;
            }
            if (operand >= 0) {
                loaded[operand] |= node instanceof Node.Load;
                stored[operand] |= !(node instanceof Node.Load);
            }
            if (node instanceof Node.Scalar scalar && scalarNumbers[scalar.slot()] < 0) {
                scalarNumbers[scalar.slot()] = scalars++;
            }
            numbers[index] = nodes.size();
            nodes.add(renumbered(node, numbers));
        }
        kernel = new Kernel(nodes, operands, scalars);
    }

    boolean isEmpty() {
        return kernel.nodes().isEmpty();
    }

    Kernel kernel() {
        return kernel;
    }

    List<Plan.Binding> keepOperands(List<Plan.Binding> bindings) {
        Plan.Binding[] kept = new Plan.Binding[kernel.operands()];
        for (int index = 0; index < operandNumbers.length; index++) {
            if (operandNumbers[index] >= 0) {
                Plan.Binding binding = bindings.get(index);
                kept[operandNumbers[index]] = new Plan.Binding(
                        binding.buffer(),
                        binding.offset(),
                        binding.strides(),
                        binding.storage(),
                        stored[index],
                        loaded[index],
                        binding.rowStep());
            }
        }
        return List.of(kept);
    }

    List<Plan.ScalarBinding> keepScalars(List<Plan.ScalarBinding> bindings) {
        Plan.ScalarBinding[] kept = new Plan.ScalarBinding[kernel.scalars()];
        for (int index = 0; index < scalarNumbers.length; index++) {
            if (scalarNumbers[index] >= 0) {
                kept[scalarNumbers[index]] = bindings.get(index);
            }
        }
        return List.of(kept);
    }

    List<Plan.FoldBinding> renumber(List<Plan.FoldBinding> folds) {
        return folds.stream()
                .map(fold -> new Plan.FoldBinding(
                        operandNumbers[fold.operand()],
                        fold.reduction(),
                        fold.accumulator(),
                        fold.buffer(),
                        fold.offset(),
                        fold.strides(),
                        fold.type(),
                        fold.rowStep()))
                .toList();
    }

    private static int operandOf(Node node) {
        return switch (node) {
            case Node.Load load -> load.operand();
            case Node.Store store -> store.operand();
            case Node.Reduce reduce -> reduce.operand();
            case Node.Scalar scalar -> -1;
            case Node.Literal literal -> -1;
            case Node.Index index -> -1;
            case Node.Apply apply -> -1;
            case Node.Cast cast -> -1;
            case Node.Reinterpret reinterpret -> -1;
        };
    }

    private static List<Integer> arguments(Node node) {
        return switch (node) {
            case Node.Apply apply -> apply.arguments();
            case Node.Cast cast -> List.of(cast.value());
            case Node.Reinterpret reinterpret -> List.of(reinterpret.value());
            case Node.Store store -> store.mask() < 0 ? List.of(store.value()) : List.of(store.value(), store.mask());
            case Node.Reduce reduce -> List.of(reduce.value());
            case Node.Load load -> List.of();
            case Node.Scalar scalar -> List.of();
            case Node.Literal literal -> List.of();
            case Node.Index index -> List.of();
        };
    }

    private Node renumbered(Node node, int[] numbers) {
        return switch (node) {
            case Node.Load load -> new Node.Load(operandNumbers[load.operand()], load.storage());
            case Node.Scalar scalar -> new Node.Scalar(scalarNumbers[scalar.slot()], scalar.type());
            case Node.Literal literal -> literal;
            case Node.Index index -> index;
            case Node.Apply apply ->
                new Node.Apply(
                        apply.primitive(),
                        apply.type(),
                        apply.arguments().stream()
                                .map(argument -> numbers[argument])
                                .toList());
            case Node.Cast cast -> new Node.Cast(numbers[cast.value()], cast.from(), cast.type());
            case Node.Reinterpret reinterpret ->
                new Node.Reinterpret(numbers[reinterpret.value()], reinterpret.from(), reinterpret.type());
            case Node.Store store ->
                new Node.Store(
                        operandNumbers[store.operand()],
                        store.storage(),
                        numbers[store.value()],
                        store.mask() < 0 ? -1 : numbers[store.mask()]);
            case Node.Reduce reduce ->
                new Node.Reduce(
                        operandNumbers[reduce.operand()], reduce.reduction(), reduce.type(), numbers[reduce.value()]);
        };
    }
}
