package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
import java.util.ArrayList;
import java.util.List;

/**
 * Gives routines operands as they want them, contiguous and of the signature's types: other views are copied to
 * temporaries before, or from them behind. The copies fuse with what makes or uses the values.
 */
final class RoutineOperands {
    private RoutineOperands() {}

    /** A cumulative operation becomes a copy to the output and a scan in place. */
    static void addScan(Planner planner, Operation operation, Instruction instruction) {
        Operand.View out = instruction.view(0);
        DType type = operation.outputs().get(0);
        boolean direct = out.layout().isContiguous() && out.layout().type() == type;
        Operand.View scanned = direct ? out : planner.temporaryLike(out, type);
        planner.addCopy(scanned, instruction.view(1), instruction.source());
        Instruction scan = new Instruction(
                instruction.operation(), List.of(scanned, instruction.operands().getLast()), instruction.source());
        planner.addRoutine(scan, operation, true);
        if (!direct) {
            planner.addCopy(out, scanned, instruction.source());
        }
    }

    static void add(Planner planner, Operation operation, Instruction instruction) {
        RoutineForm form = RoutineForms.of(operation.name());
        int outputs = operation.outputs().size();
        List<Operand> operands = new ArrayList<>();
        List<Operand.View[]> copiesBehind = new ArrayList<>();
        for (int index = 0; index < instruction.operands().size(); index++) {
            if (!(instruction.operands().get(index) instanceof Operand.View view)) {
                operands.add(instruction.operands().get(index));
                continue;
            }
            boolean isOutput = index < outputs;
            DType type = isOutput
                    ? operation.outputs().get(index)
                    : operation
                            .inputs()
                            .get(Math.min(index - outputs, operation.inputs().size() - 1));
            boolean typed = view.layout().type() == type
                    || (!isOutput && !planner.isForDevice() && form.acceptsType(views(instruction), index));
            boolean suits = typed
                    && (view.layout().isContiguous()
                            || (isOutput ? form.acceptsStridedOutputs() : form.acceptsStrided(view.layout())))
                    && (isOutput || !meetsOutput(instruction, outputs, view));
            if (suits) {
                operands.add(view);
                continue;
            }
            Operand.View copy = planner.temporaryLike(view, type);
            operands.add(copy);
            if (!isOutput || form.updates()) {
                planner.addCopy(copy, view, instruction.source());
            }
            if (isOutput) {
                copiesBehind.add(new Operand.View[] {view, copy});
            }
        }
        planner.addRoutine(
                new Instruction(instruction.operation(), operands, instruction.source()), operation, form.updates());
        for (Operand.View[] copy : copiesBehind) {
            planner.addCopy(copy[0], copy[1], instruction.source());
        }
    }

    private static List<Operand.View> views(Instruction instruction) {
        return instruction.operands().stream()
                .filter(Operand.View.class::isInstance)
                .map(Operand.View.class::cast)
                .toList();
    }

    private static boolean meetsOutput(Instruction instruction, int outputs, Operand.View view) {
        for (int index = 0; index < outputs; index++) {
            if (instruction.view(index).mayOverlap(view)) {
                return true;
            }
        }
        return false;
    }
}
