package io.maniple.kernels.x86;

import io.maniple.kernels.ir.Kernel;
import java.util.Arrays;
import java.util.List;

/**
 * What all parts of one kernel's emission share, and the fixed roles of general-purpose registers: rax, rcx, rdx, rsi
 * and rdi are free within a step, everything below is kept for the whole kernel.
 */
final class Context {
    /** The argument block. */
    static final int ARGUMENTS = Gpr.R15;
    /** The current position in the row. */
    static final int POSITION = Gpr.RBX;
    /** The last position at which the running loop may begin another turn. */
    static final int LIMIT = Gpr.R12;

    /**
     * Ends the work on a half step: which half, and whether lanes beyond the row's end must be left alone. Where vectors
     * are as long as a step there is a first half only.
     */
    enum Mode {
        /** In the loop, at the position. */
        FIRST_HALF,
        /** In the loop, half a step further on. */
        SECOND_HALF,
        /** After the loop, either half by the position. */
        SINGLE,
        /** After the loop, with fewer elements than lanes. */
        PARTIAL,
        /** Not in a row: before it or after it. */
        OUTSIDE
    }

    final InstructionSet set;
    final Assembler assembler;
    final Kernel kernel;
    final List<Kernel.Access> accesses;
    final Steps steps;
    final List<Lowering.Accumulator> accumulators;
    final int lanes;
    final Frame frame;
    /** The register that holds an operand's row pointer, or -1 where it is read from the frame. */
    final int[] pointerRegisters;
    /** Frame offsets of values that are the same for a row. */
    final int[] invariantHomes;
    /** Frame offsets of the reductions' partial results, 64 bytes each. */
    final int[] accumulatorHomes;
    /** Frame offsets of their elements after a row's last full group, 64 bytes each; -1 where none are kept. */
    final int[] remainderHomes;

    Context(InstructionSet set, Kernel kernel, List<Kernel.Access> accesses, Lowering lowering, Steps steps) {
        this.set = set;
        this.assembler = new Assembler(set);
        this.kernel = kernel;
        this.accesses = accesses;
        this.steps = steps;
        this.lanes = lowering.lanes();
        this.accumulators = lowering.accumulators();
        this.frame = new Frame(kernel.operands(), set.vectorBytes());
        this.pointerRegisters = new int[kernel.operands()];
        this.invariantHomes = new int[steps.valueCount()];
        this.accumulatorHomes = new int[accumulators.size()];
        this.remainderHomes = new int[accumulators.size()];
        Arrays.fill(pointerRegisters, -1);
        Arrays.fill(invariantHomes, -1);
        for (int k = 0; k < accumulatorHomes.length; k++) {
            accumulatorHomes[k] = frame.newStep();
            remainderHomes[k] = accumulators.get(k).ordered() ? frame.newStep() : -1;
        }
    }

    /** Elements in a full step of the loop. */
    int group() {
        return set.bodiesPerStep() * lanes;
    }

    static Memory argument(int word) {
        return Memory.at(ARGUMENTS, Long.BYTES * word);
    }

    static Memory innerStride(int operand) {
        return argument(Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand + 1);
    }

    /** Elements between the position and the half step being emitted. */
    int ahead(Mode mode) {
        return mode == Mode.SECOND_HALF ? lanes : 0;
    }

    /** The current lanes of a contiguous operand; may load rax. */
    Memory contiguous(int operand, int bytes, Mode mode) {
        int pointer = pointerRegisters[operand];
        if (pointer < 0) {
            pointer = Gpr.RAX;
            assembler.load(pointer, frame.pointer(operand));
        }
        return Memory.indexed(pointer, POSITION, Integers.log2(bytes), ahead(mode) * bytes);
    }
}
