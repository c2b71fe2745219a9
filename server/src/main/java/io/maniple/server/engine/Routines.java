package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Plan;
import java.util.List;

/** Operations with a routine of their own. The planner hands them contiguous operands of the signature's types. */
final class Routines {
    private final Scans scans;
    private final Selections selections;
    private final Gathers gathers;
    private final Blas blas;

    Routines(Workers workers, Compilers compilers, Blas blas) {
        this.scans = new Scans(workers, compilers);
        this.selections = new Selections(workers);
        this.gathers = new Gathers(workers);
        this.blas = blas;
    }

    void run(Plan.RoutineStep step, List<Scalar> scalars, Memory memory) {
        Instruction instruction = step.instruction();
        Operation operation = step.operation();
        switch (operation.kind()) {
            case Operation.Kind.Scan scan -> {
                Operand.ScalarOperand axis =
                        (Operand.ScalarOperand) instruction.operands().getLast();
                scans.run(scan.reduction(), instruction.view(0), Scalars.integer(scalars.get(axis.position())), memory);
            }
            case Operation.Kind.Routine routine -> runNamed(operation.name(), instruction, memory);
            case Operation.Kind.Elementwise elementwise -> throw unexpected(operation);
            case Operation.Kind.Fold fold -> throw unexpected(operation);
        }
    }

    private void runNamed(String name, Instruction instruction, Memory memory) {
        switch (name) {
            case "compress" -> selections.compress(instruction, memory);
            case "place" -> selections.place(instruction, memory);
            case "take" -> gathers.take(instruction, memory);
            case "put" -> gathers.put(instruction, memory);
            case "matmul" -> blas.matmul(instruction, memory);
            default -> throw new ManipleException(Status.INTERNAL, "the operation " + name + " has no routine", "");
        }
    }

    private static IllegalStateException unexpected(Operation operation) {
        return new IllegalStateException(operation.name() + " belongs into a kernel");
    }

    /** The address of a view's first element. */
    static long address(Operand.View view, Memory memory) {
        return memory.address(view.buffer()) + view.offset();
    }
}
