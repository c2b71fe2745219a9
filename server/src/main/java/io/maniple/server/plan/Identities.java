package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ops.Casts;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.Value;
import java.util.List;

/** What a fold over no elements gives. */
final class Identities {
    private Identities() {}

    /** An instruction that fills the output with the fold's identity (a sum of nothing is +0). */
    static Candidate fill(Operation operation, Access output, long[] shape, int source) {
        Operation.Kind.Fold fold = (Operation.Kind.Fold) operation.kind();
        DType type = operation.outputs().get(0);
        ElementType element = Casts.storage(type).computed();
        long identity = fold.reduction() == io.maniple.kernels.ir.Reduction.SUM
                ? 0L
                : fold.reduction().identityBits(element);
        Operation constant = new Operation(
                operation.number(),
                operation.name(),
                List.of(),
                List.of(type),
                new Operation.Kind.Elementwise((builder, inputs) -> {
                    int real = builder.literal(element, identity);
                    return List.of(type.isComplex() ? new Value(real, builder.literal(element, 0L)) : Value.of(real));
                }),
                0.0);
        return Candidate.of(new Member(constant, List.of(output), List.of(), null, source), shape, null, null);
    }
}
