package io.maniple.bridge.program;

import java.util.List;

/**
 * One decoded instruction.
 *
 * @param operation number in the operation table; {@link #FREE} frees its only operand
 * @param operands outputs first
 * @param source 1 + position of the user's "file:line" among the batch's sources, 0 if unknown
 */
public record Instruction(int operation, List<Operand> operands, int source) {
    public static final int FREE = 0;

    public Instruction {
        operands = List.copyOf(operands);
    }

    public Operand.View view(int position) {
        return (Operand.View) operands.get(position);
    }
}
