package io.maniple.server.plan;

import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which buffers a step reads and writes, by their numbers in the batch. */
public final class Effects {
    private Effects() {}

    public static Set<Integer> written(Plan.Step step) {
        Set<Integer> buffers = new LinkedHashSet<>();
        switch (step) {
            case Plan.KernelStep kernel -> {
                for (Plan.Binding binding : kernel.bindings()) {
                    if (binding.buffer() >= 0 && binding.stored()) {
                        buffers.add(binding.buffer());
                    }
                }
                kernel.folds().forEach(fold -> buffers.add(fold.buffer()));
            }
            case Plan.CascadeStep cascade -> cascade.stages().forEach(stage -> buffers.addAll(written(stage.whole())));
            case Plan.RoutineStep routine -> {
                for (int index = 0; index < outputs(routine); index++) {
                    buffers.add(routine.instruction().view(index).buffer());
                }
            }
        }
        return buffers;
    }

    public static Set<Integer> read(Plan.Step step) {
        Set<Integer> buffers = new LinkedHashSet<>();
        switch (step) {
            case Plan.KernelStep kernel -> {
                for (Plan.Binding binding : kernel.bindings()) {
                    if (binding.buffer() >= 0 && binding.loaded()) {
                        buffers.add(binding.buffer());
                    }
                }
            }
            case Plan.CascadeStep cascade -> cascade.stages().forEach(stage -> buffers.addAll(read(stage.whole())));
            case Plan.RoutineStep routine -> {
                List<Operand> operands = routine.instruction().operands();
                for (int index = updates(routine) ? 0 : outputs(routine); index < operands.size(); index++) {
                    if (operands.get(index) instanceof Operand.View view) {
                        buffers.add(view.buffer());
                    }
                }
            }
        }
        return buffers;
    }

    /** Whether a routine's outputs keep what it does not write. */
    public static boolean updates(Plan.RoutineStep step) {
        return switch (step.operation().kind()) {
            case Operation.Kind.Routine named ->
                RoutineForms.of(step.operation().name()).updates();
            case Operation.Kind.Scan scan -> true;
            case Operation.Kind.Elementwise elementwise -> false;
            case Operation.Kind.Fold fold -> false;
        };
    }

    private static int outputs(Plan.RoutineStep step) {
        return step.operation().outputs().size();
    }

    /** The user's line that a step's failure is told with. */
    public static int source(Plan.Step step) {
        return switch (step) {
            case Plan.KernelStep kernel ->
                kernel.members().isEmpty() ? 0 : kernel.members().getLast().source();
            case Plan.CascadeStep cascade ->
                cascade.stages().isEmpty()
                        ? 0
                        : source(cascade.stages().getLast().whole());
            case Plan.RoutineStep routine -> routine.instruction().source();
        };
    }
}
