package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One call of a routine: its operands, where they lie, and memory for its own use.
 *
 * @param errors gets floating-point errors; null if nobody wants to know
 */
record RoutineCall(
        Instruction instruction,
        List<Scalar> scalars,
        Memory memory,
        @Nullable ErrorFlags errors) {
    int operands() {
        return instruction.operands().size();
    }

    Layout layout(int operand) {
        return instruction.view(operand).layout();
    }

    /** The address of an operand's first element. */
    long address(int operand) {
        return Routines.address(instruction.view(operand), memory);
    }

    /** The value of an int64 scalar operand. */
    long integer(int operand) {
        Operand.ScalarOperand scalar =
                (Operand.ScalarOperand) instruction.operands().get(operand);
        return Scalars.integer(scalars.get(scalar.position()));
    }
}
