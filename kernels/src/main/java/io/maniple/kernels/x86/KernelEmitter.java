package io.maniple.kernels.x86;

import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import io.maniple.kernels.x86.Context.Mode;
import io.maniple.kernels.x86.SectionEmitter.Residents;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Emits a whole kernel: {@code int kernel(long* arguments)}. Rows are the outer loop; a row is a loop over full steps
 * of two half steps (AVX2) or one (AVX-512), at most one more half step, and what is left as a half step with a mask.
 */
final class KernelEmitter {
    /** Deeper frames would need stack probes; no sensible kernel has one. */
    private static final int LARGEST_FRAME = 32 * 1024;

    private static final int[] CALLEE_SAVED = {Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15};
    private static final int[] POINTERS_ACROSS_CALLS = {Gpr.R13, Gpr.R14, Gpr.RBP};
    private static final int[] POINTERS = {Gpr.R13, Gpr.R14, Gpr.RBP, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11};
    /** A result on its way through the sections that finish a row. */
    private static final int RESULT = 13;

    /** Of loops. */
    private static final int ALIGNMENT = 32;

    private final InstructionSet set;
    private final Kernel kernel;
    private final Steps steps;
    /** The body after the last full step of a row. */
    private final List<Step> remainder;

    private final List<Lowering.Ending> endings;
    private final Context context;
    private final Assembler assembler;
    private final OperandAccess operands;
    private final LaneEmitter laneEmitter;
    private final boolean calls;
    private final boolean streaming;
    private final Residents residents;
    private final Residents residentsAfterLoop;

    private KernelEmitter(
            InstructionSet set, Kernel kernel, List<Kernel.Access> accesses, Lowering lowering, Steps steps) {
        this.set = set;
        this.kernel = kernel;
        this.steps = steps;
        this.remainder = lowering.remainder();
        this.endings = lowering.endings();
        removeDeadSteps();
        this.context = new Context(set, kernel, accesses, lowering, steps);
        this.assembler = context.assembler;
        this.operands = new OperandAccess(context);
        this.laneEmitter = new LaneEmitter(context);
        this.calls = callsIn(steps.preamble()) || callsIn(steps.body());
        this.streaming = steps.body().stream().anyMatch(step -> step instanceof Step.Store store && store.streaming());
        assignPointers(accesses);
        int registers = RegisterFile.count(set);
        int[] accumulatorRegisters = new int[0];
        int count = set.bodiesPerStep() * context.accumulators.size();
        if (!calls && count <= registers / 2 - 1) {
            accumulatorRegisters = new int[count];
            for (int k = 0; k < count; k++) {
                accumulatorRegisters[k] = RegisterFile.register(registers - 1 - k);
            }
        }
        Map<Integer, Integer> invariants = calls ? Map.of() : Pressure.residentInvariants(steps, registers - 1 - count);
        this.residents = new Residents(invariants, accumulatorRegisters);
        this.residentsAfterLoop = new Residents(invariants, new int[0]);
    }

    static byte[] emit(InstructionSet set, Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        Lowering lowering = new Lowering(set, kernel, accesses, streaming);
        Steps steps = lowering.lower();
        return new KernelEmitter(set, kernel, accesses, lowering, steps).emit();
    }

    private void removeDeadSteps() {
        boolean[] used = new boolean[steps.valueCount()];
        for (Lowering.Ending ending : endings) {
            Uses.removeDead(ending.store(), used);
            Uses.removeDead(ending.append(), used);
            Uses.removeDead(ending.combine(), used);
        }
        Uses.removeDead(remainder, used);
        Uses.removeDead(steps.body(), used);
        Uses.removeDead(steps.preamble(), used);
    }

    private static boolean callsIn(List<Step> section) {
        return section.stream().anyMatch(step -> step instanceof Step.CallVector || step instanceof Step.CallScalar);
    }

    private void assignPointers(List<Kernel.Access> accesses) {
        int[] available = calls ? POINTERS_ACROSS_CALLS : POINTERS;
        int next = 0;
        for (Step step : steps.body()) {
            int operand = switch (step) {
                case Step.Load load -> load.operand();
                case Step.Store store -> store.operand();
                default -> -1;
            };
            if (operand >= 0
                    && accesses.get(operand) == Kernel.Access.CONTIGUOUS
                    && context.pointerRegisters[operand] < 0
                    && next < available.length) {
                context.pointerRegisters[operand] = available[next++];
            }
        }
    }

    private byte[] emit() {
        int reservation = prologue();
        Label row = new Label();
        assembler.bind(row);
        row();
        Label end = new Label();
        assembler.aluImmediate(Alu.SUB, Frame.ROWS_LEFT, 1);
        assembler.jump(Condition.ZERO, end);
        nextRow();
        assembler.jump(row);
        assembler.bind(end);
        epilogue();
        operands.emitRoutines();
        if (context.frame.size() > LARGEST_FRAME) {
            throw new UnsupportedKernelException("a stack frame of " + context.frame.size() + " bytes");
        }
        assembler.patchReservation(reservation, context.frame.size());
        return assembler.finish(steps.pool().bytes());
    }

    private int prologue() {
        for (int register : CALLEE_SAVED) {
            assembler.push(register);
        }
        assembler.move(Context.ARGUMENTS, Gpr.RDI);
        assembler.move(Gpr.RAX, Gpr.RSP);
        int reservation = assembler.reserveStack();
        assembler.aluImmediate(Alu.AND, Gpr.RSP, -64);
        assembler.store(Frame.CALLER_STACK, Gpr.RAX);
        clearFlags();
        copyArgument(Kernel.Arguments.N1, Frame.ROWS_LEFT);
        copyArgument(Kernel.Arguments.INDEX_BASE, Frame.INDEX_BASE);
        for (int operand = 0; operand < kernel.operands(); operand++) {
            copyArgument(operandWord(operand), context.frame.pointer(operand));
        }
        operands.prepare(steps.body());
        return reservation;
    }

    /** The flags are sticky and nobody else reads them, so they are not put back. */
    private void clearFlags() {
        assembler.storeStatus(Frame.STATUS);
        assembler.load(4, Gpr.RAX, Frame.STATUS);
        assembler.aluImmediate(Alu.AND, Gpr.RAX, ~0x3F);
        assembler.store(4, Frame.STATUS, Gpr.RAX);
        assembler.loadStatus(Frame.STATUS);
    }

    private static int operandWord(int operand) {
        return Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
    }

    private void copyArgument(int word, Memory target) {
        assembler.load(Gpr.RAX, Context.argument(word));
        assembler.store(target, Gpr.RAX);
    }

    private void nextRow() {
        assembler.load(Gpr.RAX, Context.argument(Kernel.Arguments.INDEX_STEP1));
        assembler.addTo(Frame.INDEX_BASE, Gpr.RAX);
        for (int operand = 0; operand < kernel.operands(); operand++) {
            assembler.load(Gpr.RAX, Context.argument(operandWord(operand) + 2));
            assembler.addTo(context.frame.pointer(operand), Gpr.RAX);
        }
    }

    private void epilogue() {
        if (streaming) {
            assembler.storeFence();
        }
        assembler.zeroUpper();
        assembler.storeStatus(Frame.STATUS);
        assembler.load(4, Gpr.RAX, Frame.STATUS);
        assembler.aluImmediate(Alu.AND, Gpr.RAX, FloatingPointFlags.ALL);
        assembler.load(Gpr.RSP, Frame.CALLER_STACK);
        for (int k = CALLEE_SAVED.length - 1; k >= 0; k--) {
            assembler.pop(CALLEE_SAVED[k]);
        }
        assembler.ret();
    }

    // ---- one row

    private void row() {
        section(steps.preamble(), Mode.OUTSIDE, new Residents(Map.of(), new int[0]), false);
        for (int operand = 0; operand < kernel.operands(); operand++) {
            if (context.pointerRegisters[operand] >= 0) {
                assembler.load(context.pointerRegisters[operand], context.frame.pointer(operand));
            }
        }
        residents.invariants().forEach((value, register) -> loadResident(value, register));
        beginAccumulators();
        int step = context.group();
        Label tail = new Label();
        assembler.moveImmediate(Context.POSITION, 0);
        assembler.load(Context.LIMIT, Context.argument(Kernel.Arguments.N0));
        assembler.aluImmediate(Alu.SUB, Context.LIMIT, step);
        assembler.jump(Condition.LESS, tail);
        loadAccumulators();
        if (streaming) {
            Label ordinary = new Label();
            Label done = new Label();
            jumpUnlessAligned(ordinary);
            loop(true);
            assembler.jump(done);
            assembler.bind(ordinary);
            loop(false);
            assembler.bind(done);
        } else {
            loop(false);
        }
        storeAccumulators();
        assembler.bind(tail);
        tail();
        for (int number = 0; number < endings.size(); number++) {
            finish(number, endings.get(number));
        }
    }

    private void section(List<Step> section, Mode mode, Residents kept, boolean bypass) {
        new SectionEmitter(context, operands, laneEmitter, section, mode, kept, bypass).emit();
    }

    private void loadResident(int value, int register) {
        Memory home = steps.isLiteral(value)
                ? new Memory.Pool(steps.poolOffset(value))
                : Memory.at(Gpr.RSP, context.invariantHomes[value]);
        assembler.vector(VectorOp.MOVUPS_LOAD, steps.size(value), register, 0, home);
    }

    private void loop(boolean bypass) {
        Label again = new Label();
        assembler.align(ALIGNMENT);
        assembler.bind(again);
        section(steps.body(), Mode.FIRST_HALF, residents, bypass);
        if (set.bodiesPerStep() > 1) {
            section(steps.body(), Mode.SECOND_HALF, residents, bypass);
        }
        assembler.aluImmediate(Alu.ADD, Context.POSITION, context.group());
        assembler.alu(Alu.CMP, Context.POSITION, Context.LIMIT);
        assembler.jump(Condition.LESS_OR_EQUAL, again);
    }

    /** Stores past the cache want aligned addresses; rows that have none use ordinary ones. */
    private void jumpUnlessAligned(Label ordinary) {
        assembler.moveImmediate(Gpr.RAX, 0);
        for (Step step : steps.body()) {
            if (step instanceof Step.Store store && store.streaming()) {
                assembler.load(Gpr.RCX, context.frame.pointer(store.operand()));
                assembler.alu(Alu.OR, Gpr.RAX, Gpr.RCX);
            }
        }
        assembler.testByte(Gpr.RAX, set.vectorBytes() - 1);
        assembler.jump(Condition.NOT_ZERO, ordinary);
    }

    private void tail() {
        Label partial = new Label();
        Label done = new Label();
        assembler.load(Context.LIMIT, Context.argument(Kernel.Arguments.N0));
        assembler.alu(Alu.SUB, Context.LIMIT, Context.POSITION);
        if (set.bodiesPerStep() > 1) {
            assembler.aluImmediate(Alu.CMP, Context.LIMIT, context.lanes);
            assembler.jump(Condition.LESS, partial);
            section(remainder, Mode.SINGLE, residentsAfterLoop, false);
            assembler.aluImmediate(Alu.ADD, Context.POSITION, context.lanes);
            assembler.aluImmediate(Alu.SUB, Context.LIMIT, context.lanes);
        }
        assembler.bind(partial);
        assembler.test(Context.LIMIT, Context.LIMIT);
        assembler.jump(Condition.ZERO, done);
        assembler.store(Frame.REMAINDER, Context.LIMIT);
        rowMasks();
        section(remainder, Mode.PARTIAL, residentsAfterLoop, false);
        assembler.bind(done);
    }

    /** Masks of the remaining lanes: so many bits, or a window on a vector of ones followed by one of zeros. */
    private void rowMasks() {
        for (int bytes : maskWidths()) {
            Memory mask = context.frame.rowMask(bytes);
            if (set.hasMaskRegisters()) {
                assembler.moveImmediate(Gpr.RAX, -1L);
                assembler.lowBits(Gpr.RAX, Gpr.RAX, Context.LIMIT);
                assembler.store(mask, Gpr.RAX);
                continue;
            }
            assembler.lea(Gpr.RAX, new Memory.Pool(steps.pool().window()));
            assembler.move(Gpr.RCX, Context.LIMIT);
            if (bytes > 1) {
                assembler.shiftLeft(Gpr.RCX, Integers.log2(bytes));
            }
            assembler.alu(Alu.SUB, Gpr.RAX, Gpr.RCX);
            Memory window = Memory.at(Gpr.RAX, set.vectorBytes());
            assembler.vector(VectorOp.MOVUPS_LOAD, set.vectorBytes(), RegisterFile.SCRATCH, 0, window);
            assembler.vector(VectorOp.MOVAPS_STORE, set.vectorBytes(), RegisterFile.SCRATCH, 0, mask);
        }
    }

    private List<Integer> maskWidths() {
        List<Integer> widths = new ArrayList<>();
        for (int bytes = 1; bytes <= 8; bytes *= 2) {
            int width = bytes;
            if (remainder.stream().anyMatch(step -> needsRowMask(step, width))) {
                widths.add(width);
            }
        }
        return widths;
    }

    private boolean needsRowMask(Step step, int bytes) {
        return switch (step) {
            case Step.Load load -> load.bytes() == bytes;
            case Step.Store store -> store.bytes() == bytes && (bytes >= 4 || set.hasMaskRegisters());
            case Step.WriteAccumulator write -> write.bytes() == bytes;
            default -> false;
        };
    }

    // ---- reductions

    /** The partial results lie in the frame outside the loop, so that rows shorter than a step need no registers. */
    private void beginAccumulators() {
        for (int k = 0; k < context.accumulators.size(); k++) {
            Lowering.Accumulator accumulator = context.accumulators.get(k);
            int home = context.accumulatorHomes[k];
            int size = set.vectorBytes();
            Memory identity = new Memory.Pool(steps.poolOffset(accumulator.identity()));
            assembler.vector(VectorOp.MOVUPS_LOAD, size, RegisterFile.SCRATCH, 0, identity);
            for (int at = 0; at < InstructionSet.STEP; at += size) {
                assembler.vector(VectorOp.MOVAPS_STORE, size, RegisterFile.SCRATCH, 0, Memory.at(Gpr.RSP, home + at));
            }
        }
    }

    private void loadAccumulators() {
        moveAccumulators(VectorOp.MOVUPS_LOAD);
    }

    private void storeAccumulators() {
        moveAccumulators(VectorOp.MOVAPS_STORE);
    }

    private void moveAccumulators(VectorOp op) {
        int[] registers = residents.accumulators();
        for (int k = 0; k < registers.length; k++) {
            int bodies = set.bodiesPerStep();
            int home = context.accumulatorHomes[k / bodies] + set.vectorBytes() * (k % bodies);
            assembler.vector(op, set.vectorBytes(), registers[k], 0, Memory.at(Gpr.RSP, home));
        }
    }

    /** Each reduction by itself, so that a single register serves for the result. */
    private void finish(int number, Lowering.Ending ending) {
        int[] registers = new int[set.bodiesPerStep() * endings.size()];
        Arrays.fill(registers, RESULT);
        Residents result = new Residents(Map.of(), registers);
        if (ending.append().isEmpty()) {
            section(ending.combine(), Mode.OUTSIDE, result, false);
        } else {
            finishInOrder(number, ending, result);
        }
        section(ending.store(), Mode.OUTSIDE, result, false);
    }

    /** One result of the full groups, if there are any, then the rest of the row, element by element. */
    private void finishInOrder(int number, Lowering.Ending ending, Residents result) {
        int group = context.group();
        Label groups = new Label();
        Label again = new Label();
        Label done = new Label();
        assembler.moveImmediate(Context.POSITION, 0);
        assembler.load(Context.LIMIT, Context.argument(Kernel.Arguments.N0));
        assembler.aluImmediate(Alu.CMP, Context.LIMIT, group);
        assembler.jump(Condition.GREATER_OR_EQUAL, groups);
        int identity = context.accumulators.get(number).identity();
        assembler.vector(VectorOp.MOVUPS_LOAD, 16, RESULT, 0, new Memory.Pool(steps.poolOffset(identity)));
        assembler.jump(again);
        assembler.bind(groups);
        section(ending.combine(), Mode.OUTSIDE, result, false);
        assembler.aluImmediate(Alu.AND, Context.LIMIT, group - 1);
        assembler.jump(Condition.ZERO, done);
        assembler.bind(again);
        section(ending.append(), Mode.OUTSIDE, result, false);
        assembler.aluImmediate(Alu.ADD, Context.POSITION, 1);
        assembler.alu(Alu.CMP, Context.POSITION, Context.LIMIT);
        assembler.jump(Condition.LESS, again);
        assembler.bind(done);
    }
}
