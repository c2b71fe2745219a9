package io.maniple.server.plan;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.FloatingPointRules;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds the kernel of a {@link Diagnosis.Inspection}: everything the group computes, but of the results only what is
 * wrong with them. It runs behind the group's own kernel, so it does not tell of what depends on an operand that the
 * kernel has overwritten.
 */
final class InspectionAssembly {
    private final Group group;
    private final Plan.KernelStep step;
    private final List<Diagnosis.Suspect> suspects;
    private final KernelAssembly assembly;
    private final KernelBuilder builder;
    private final boolean inside;

    /** @param inside whether it becomes part of the group's own kernel, which has not overwritten anything then */
    InspectionAssembly(Group group, Plan.KernelStep step, List<Diagnosis.Suspect> suspects, boolean inside) {
        this.group = group;
        this.inside = inside;
        this.step = step;
        this.suspects = suspects;
        this.assembly = new KernelAssembly(group, buffer -> false, -1);
        this.builder = assembly.builder();
    }

    Diagnosis.Inspection assemble() {
        Map<Integer, Integer> guilt = new HashMap<>();
        for (int number = 0; number < group.members().size(); number++) {
            Member member = group.members().get(number);
            conditions(number, member, guilt);
        }
        boolean[] tellable = tellable();
        int word = builder.literal(ElementType.INT64, 0);
        long decided = 0;
        for (Map.Entry<Integer, Integer> entry : guilt.entrySet()) {
            if (tellable[entry.getValue()]) {
                long bit = 1L << entry.getKey();
                decided |= bit;
                int set = builder.apply(
                        Primitive.SELECT,
                        entry.getValue(),
                        builder.literal(ElementType.INT64, bit),
                        builder.literal(ElementType.INT64, 0));
                word = builder.apply(Primitive.OR, word, set);
            }
        }
        int result = builder.newOperand();
        assembly.bindings().add(new Plan.Binding(-1, 0, new long[0], ElementType.INT64, true, false, 0));
        builder.reduce(result, Reduction.OR, word);
        KernelTrimmer trimmer = new KernelTrimmer(builder.build());
        List<Plan.Binding> bindings = trimmer.keepOperands(assembly.bindings());
        List<Plan.ScalarBinding> slots = trimmer.keepScalars(assembly.scalars());
        int[] operands = new int[bindings.size() - 1];
        for (int operand = 0; operand < operands.length; operand++) {
            operands[operand] = original(bindings.get(operand));
        }
        int[] scalars =
                slots.stream().mapToInt(slot -> step.scalars().indexOf(slot)).toArray();
        return new Diagnosis.Inspection(trimmer.kernel(), operands, scalars, decided);
    }

    /** Guilty nodes by the suspect's number. */
    private void conditions(int number, Member member, Map<Integer, Integer> guilt) {
        KernelAssembly.Mapped mapped = member.folds() ? assembly.taken(member) : assembly.map(member);
        List<FloatingPointRules.Condition> casts = new ArrayList<>();
        for (FloatingPointRules.Conversion conversion : mapped.conversions()) {
            casts.addAll(FloatingPointRules.conditions(builder, conversion));
        }
        charge(number, casts, mapped.mask(), guilt);
        if (!member.folds()) {
            List<FloatingPointRules.Condition> own =
                    FloatingPointRules.conditions(builder, member.operation(), mapped.inputs(), mapped.results());
            charge(number, own, mapped.mask(), guilt);
        }
    }

    private void charge(
            int number, List<FloatingPointRules.Condition> conditions, int mask, Map<Integer, Integer> guilt) {
        for (FloatingPointRules.Condition condition : conditions) {
            int node = mask < 0 ? condition.node() : builder.apply(Primitive.AND, condition.node(), mask);
            for (int suspect = 0; suspect < suspects.size(); suspect++) {
                if (suspects.get(suspect).member() == number
                        && suspects.get(suspect).kind() == condition.kind()) {
                    guilt.merge(suspect, node, (one, other) -> builder.apply(Primitive.OR, one, other));
                }
            }
        }
    }

    /** For each node, whether all it is made of is at hand behind the kernel. */
    private boolean[] tellable() {
        Kernel kernel = builder.build();
        boolean[] tellable = new boolean[kernel.nodes().size()];
        for (int index = 0; index < tellable.length; index++) {
            tellable[index] = switch (kernel.nodes().get(index)) {
                case Node.Load load -> {
                    int original = original(assembly.bindings().get(load.operand()));
                    yield original >= 0
                            && (inside || !isOverwritten(step.bindings().get(original)));
                }
                case Node.Scalar scalar ->
                    step.scalars().contains(assembly.scalars().get(scalar.slot()));
                case Node.Literal literal -> true;
                case Node.Index node -> true;
                case Node.Apply apply -> apply.arguments().stream().allMatch(argument -> tellable[argument]);
                case Node.Cast cast -> tellable[cast.value()];
                case Node.Reinterpret reinterpret -> tellable[reinterpret.value()];
                case Node.Store store -> false;
                case Node.Reduce reduce -> false;
            };
        }
        return tellable;
    }

    /** Other operands of the same buffer are disjoint from this one, or the planner would not have fused them. */
    private boolean isOverwritten(Plan.Binding binding) {
        return step.bindings().stream()
                .anyMatch(other ->
                        other.stored() && other.buffer() == binding.buffer() && other.offset() == binding.offset());
    }

    private int original(Plan.Binding binding) {
        for (int operand = 0; operand < step.bindings().size(); operand++) {
            Plan.Binding other = step.bindings().get(operand);
            if (other.buffer() == binding.buffer()
                    && other.offset() == binding.offset()
                    && other.storage() == binding.storage()
                    && java.util.Arrays.equals(other.strides(), binding.strides())) {
                return operand;
            }
        }
        return -1;
    }
}
