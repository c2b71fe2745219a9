package io.maniple.server.plan;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Reduction;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A kernel that finds its own floating-point errors, for a device that has no flags: beside its own work it folds, by OR,
 * a word with bit k set where suspect k of the diagnosis is guilty.
 *
 * @param kernel reductions and stores stand at its end
 * @param word the operand that the word is folded into, which comes behind the step's own operands
 */
public record Watch(Kernel kernel, int word) {
    static Watch of(Plan.KernelStep step, Kernel own, Diagnosis.Inspection inspection) {
        KernelBuilder builder = new KernelBuilder();
        for (int operand = 0; operand <= own.operands(); operand++) {
            builder.newOperand();
        }
        for (int slot = 0; slot < step.scalars().size(); slot++) {
            builder.newScalar();
        }
        int word = own.operands();
        int[] identity = new int[own.operands()];
        Arrays.setAll(identity, operand -> operand);
        int[] scalars = new int[step.scalars().size()];
        Arrays.setAll(scalars, slot -> slot);
        // Values first: what a store overwrites is loaded before it.
        Map<Integer, Integer> ownValues = values(builder, own, identity, scalars);
        Map<Integer, Integer> told = values(builder, inspection.kernel(), inspection.operands(), inspection.scalars());
        for (Node node : own.nodes()) {
            if (node instanceof Node.Store store) {
                int mask = store.mask() < 0 ? -1 : value(ownValues, store.mask());
                builder.store(store.operand(), store.storage(), value(ownValues, store.value()), mask);
            } else if (node instanceof Node.Reduce reduce) {
                builder.reduce(reduce.operand(), reduce.reduction(), value(ownValues, reduce.value()));
            }
        }
        for (Node node : inspection.kernel().nodes()) {
            if (node instanceof Node.Reduce reduce) {
                builder.reduce(word, Reduction.OR, value(told, reduce.value()));
            }
        }
        return new Watch(builder.build(), word);
    }

    private static int value(Map<Integer, Integer> values, int number) {
        Integer value = values.get(number);
        if (value == null) {
            throw new IllegalStateException("value " + number + " is used before it is made");
        }
        return value;
    }

    private static Map<Integer, Integer> values(KernelBuilder builder, Kernel kernel, int[] operands, int[] scalars) {
        Map<Integer, Integer> values = new HashMap<>();
        List<Node> nodes = kernel.nodes();
        for (int number = 0; number < nodes.size(); number++) {
            Integer made = switch (nodes.get(number)) {
                case Node.Load load -> builder.load(operands[load.operand()], load.storage());
                case Node.Scalar scalar -> builder.scalar(scalars[scalar.slot()], scalar.type());
                case Node.Literal literal -> builder.literal(literal.type(), literal.bits());
                case Node.Index _ -> builder.index();
                case Node.Apply apply ->
                    builder.apply(
                            apply.primitive(),
                            apply.arguments().stream()
                                    .mapToInt(argument -> value(values, argument))
                                    .toArray());
                case Node.Cast cast -> builder.cast(value(values, cast.value()), cast.type());
                case Node.Reinterpret again -> builder.reinterpret(value(values, again.value()), again.type());
                case Node.Store _, Node.Reduce _ -> null;
            };
            if (made != null) {
                values.put(number, made);
            }
        }
        return values;
    }
}
