package io.maniple.server.plan;

import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One instruction inside a group, its operands seen along the group's dimensions.
 *
 * @param operation what it does
 * @param outputs where results go
 * @param inputs one entry an input
 * @param mask where results are written or folded; null for everywhere
 * @param source as in {@link io.maniple.bridge.program.Instruction#source()}
 */
record Member(
        Operation operation,
        List<Access> outputs,
        List<Input> inputs,
        @Nullable Input mask,
        int source) {
    /** An input: a view or a scalar. */
    sealed interface Input {
        record Memory(Access access) implements Input {}

        record Constant(Operand.ScalarOperand scalar) implements Input {}
    }

    boolean folds() {
        return operation.kind() instanceof Operation.Kind.Fold;
    }
}
