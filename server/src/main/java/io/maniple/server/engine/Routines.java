package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Plan;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Operations with a routine of their own. The planner hands them contiguous operands of the signature's types. */
final class Routines {
    private final Scans scans;
    private final Map<String, RoutineCode> codes = new HashMap<>();

    Routines(Workers workers, Compilers compilers, Blas blas) {
        this.scans = new Scans(workers, compilers);
        // A family of operations is one line here, one in RoutineForms and its rows in the operation table.
        codes.putAll(new Selections(workers, compilers).routines());
        codes.putAll(new Gathers(workers, compilers).routines());
        codes.putAll(new RandomNumbers(workers).routines());
        codes.putAll(new Sorting(workers, compilers).routines());
        codes.putAll(new Searching(workers).routines());
        codes.putAll(new Counting(workers).routines());
        codes.putAll(new Histograms(workers).routines());
        codes.putAll(new Extremes(workers, compilers).routines());
        codes.put("matmul", call -> {
            blas.matmul(call.instruction(), call.memory(), workers, compilers);
            ErrorFlags errors = call.errors();
            if (errors != null) {
                new ProductErrors(call.memory(), workers, errors).look(call.instruction());
            }
        });
        codes.putAll(new LinearAlgebra(workers, blas.lapack()).routines());
        codes.putAll(new Fourier(workers, compilers).routines());
    }

    Scans scans() {
        return scans;
    }

    Set<String> names() {
        return Set.copyOf(codes.keySet());
    }

    /** @return the kinds of floating-point errors it had, if any of them are wanted */
    int run(Plan.RoutineStep step, List<Scalar> scalars, Memory memory) {
        ErrorFlags errors = step.wanted() == 0 ? null : new ErrorFlags();
        run(step, scalars, memory, errors);
        return errors == null ? 0 : errors.kinds();
    }

    private void run(Plan.RoutineStep step, List<Scalar> scalars, Memory memory, @Nullable ErrorFlags errors) {
        Instruction instruction = step.instruction();
        Operation operation = step.operation();
        switch (operation.kind()) {
            case Operation.Kind.Scan scan -> {
                Operand.ScalarOperand axis =
                        (Operand.ScalarOperand) instruction.operands().getLast();
                scans.run(
                        scan.reduction(),
                        instruction.view(0),
                        Scalars.integer(scalars.get(axis.position())),
                        memory,
                        errors);
            }
            case Operation.Kind.Routine routine -> {
                RoutineCode code = codes.get(operation.name());
                if (code == null) {
                    throw new ManipleException(
                            Status.INTERNAL, "the operation " + operation.name() + " has no routine", "");
                }
                code.run(new RoutineCall(instruction, scalars, memory, errors));
            }
            case Operation.Kind.Elementwise elementwise -> throw unexpected(operation);
            case Operation.Kind.Fold fold -> throw unexpected(operation);
        }
    }

    /** Makes some of the first output's elements. */
    void run(Plan.RoutineStep step, List<Scalar> scalars, Memory memory, long begin, long end) {
        RoutineCode code = codes.get(step.operation().name());
        if (code == null) {
            throw unexpected(step.operation());
        }
        code.run(new RoutineCall(step.instruction(), scalars, memory, null), begin, end);
    }

    private static IllegalStateException unexpected(Operation operation) {
        return new IllegalStateException(operation.name() + " belongs into a kernel");
    }

    /** The address of a view's first element. */
    static long address(Operand.View view, Memory memory) {
        return memory.address(view.buffer()) + view.offset();
    }
}
