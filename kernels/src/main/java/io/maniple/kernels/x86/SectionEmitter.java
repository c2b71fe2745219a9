package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.RegisterFile.SCRATCH;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Context.Mode;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Emits one section of a kernel's steps (see {@link Steps}) once, for one {@link Mode}. */
final class SectionEmitter {
    /** What the surrounding code keeps in vector registers: invariants by value, and a step's accumulators. */
    record Residents(Map<Integer, Integer> invariants, int[] accumulators) {
        boolean holdsAccumulators() {
            return accumulators.length > 0;
        }
    }

    private final Context context;
    private final Assembler assembler;
    private final Steps steps;
    private final OperandAccess operands;
    private final LaneEmitter laneEmitter;
    private final List<Step> section;
    private final Mode mode;
    private final Residents residents;
    private final boolean streaming;
    private final RegisterFile registers;
    /** Loads that their only user takes straight from memory. */
    private final Map<Integer, Step.Load> folded;
    /** Values that a {@link Step.WriteAccumulator} takes, and the register they should be made in. */
    private final int[] wanted;

    SectionEmitter(
            Context context,
            OperandAccess operands,
            LaneEmitter laneEmitter,
            List<Step> section,
            Mode mode,
            Residents residents,
            boolean streaming) {
        this.context = context;
        this.assembler = context.assembler;
        this.steps = context.steps;
        this.operands = operands;
        this.laneEmitter = laneEmitter;
        this.section = section;
        this.mode = mode;
        this.residents = residents;
        this.streaming = streaming;
        int[][] uses = Uses.of(section, steps.valueCount(), mode == Mode.PARTIAL);
        this.folded = mode == Mode.PARTIAL || mode == Mode.OUTSIDE
                ? Map.of()
                : Uses.foldable(section, uses, context.lanes, context.accesses);
        this.registers = new RegisterFile(context.set, assembler, context.frame, steps, context.invariantHomes, uses);
        this.wanted = new int[steps.valueCount()];
        Set<Integer> reserved = new HashSet<>();
        for (int register : residents.accumulators) {
            reserved.add(register);
        }
        registers.reserve(reserved);
        residents.invariants.forEach(registers::pin);
        if (residents.holdsAccumulators()) {
            for (Step step : section) {
                if (step instanceof Step.WriteAccumulator write) {
                    wanted[write.sources().get(0)] = 1 + accumulatorRegister(write.accumulator());
                }
            }
        }
    }

    private int accumulatorRegister(int accumulator) {
        return residents.accumulators[context.set.bodiesPerStep() * accumulator + (mode == Mode.SECOND_HALF ? 1 : 0)];
    }

    void emit() {
        for (Step step : section) {
            switch (step) {
                case Step.Vector vector -> vector(vector);
                case Step.Load load -> load(load);
                case Step.Store store -> store(store);
                case Step.SplatOperand splat -> splatOperand(splat);
                case Step.SplatArgument splat ->
                    splat(splat.destination(), splat.bytes(), Context.argument(splat.word()));
                case Step.IndexBase index -> indexBase(index);
                case Step.CallVector call -> callVector(call);
                case Step.CallScalar call -> callScalar(call);
                case Step.Lanes lanes -> lanes(lanes);
                case Step.ReadAccumulator read -> readAccumulator(read);
                case Step.WriteAccumulator write -> writeAccumulator(write);
                case Step.KeepRemainder keep -> keepRemainder(keep);
                case Step.ReadRemainder read -> readRemainder(read);
                case Step.ReadPartials read ->
                    move(
                            registers.define(read.destination()),
                            steps.size(read.destination()),
                            Memory.at(Gpr.RSP, context.accumulatorHomes[read.accumulator()] + read.offset()));
                case Step.StoreFirst store -> {
                    operands.storeFirst(store, registers.acquire(store.sources().get(0)));
                    registers.release(store.sources());
                }
            }
            if (step.destination() >= 0) {
                made(step.destination());
            }
        }
    }

    private void made(int value) {
        if (steps.home(value) == Steps.Home.INVARIANT) {
            context.invariantHomes[value] = context.frame.newVector();
            registers.write(value, registers.registerOf(value), registers.requireHome(value));
        }
        if (!folded.containsKey(value)) {
            registers.dropIfDead(value);
        }
    }

    private void move(int register, int size, Memory memory) {
        assembler.vector(VectorOp.MOVUPS_LOAD, size, register, 0, memory);
    }

    // ---- vector instructions

    private void vector(Step.Vector step) {
        List<Integer> sources = step.sources();
        VectorOp op = step.op();
        int size = step.size();
        switch (op.form()) {
            case ONE, ONE_IMMEDIATE -> {
                int source = sources.get(0);
                Memory memory = memoryOperand(source);
                int register = memory == null ? registers.acquire(source) : -1;
                registers.release(sources);
                put(step, result(step), 0, register, memory);
            }
            case TWO, TWO_IMMEDIATE -> {
                int first = sources.get(0);
                int second = sources.get(1);
                if (op.commutes()
                        && first != second
                        && !registers.inRegister(first)
                        && (registers.inRegister(second) || folded.containsKey(first))) {
                    int swap = first;
                    first = second;
                    second = swap;
                }
                int left = registers.acquire(first);
                Memory memory = memoryOperand(second);
                int right = memory == null ? registers.acquire(second) : -1;
                registers.release(sources);
                put(step, result(step), left, right, memory);
            }
            case BLEND -> {
                int no = registers.acquire(sources.get(0));
                int mask = registers.acquire(sources.get(2));
                Memory memory = memoryOperand(sources.get(1));
                int yes = memory == null ? registers.acquire(sources.get(1)) : -1;
                registers.release(sources);
                int result = result(step);
                if (steps.isMask(sources.get(2))) {
                    putMasked(op, size, result, no, yes, memory, mask, false);
                } else if (memory == null) {
                    assembler.vector(op, size, result, no, yes, mask << 4);
                } else {
                    assembler.vector(op, size, result, no, memory, mask << 4);
                }
            }
            case MASKED -> {
                int mask = registers.acquire(sources.get(1));
                Memory memory = memoryOperand(sources.get(0));
                int source = memory == null ? registers.acquire(sources.get(0)) : -1;
                registers.release(sources);
                putMasked(op, size, result(step), 0, source, memory, mask, true);
            }
            case FUSED -> fused(step);
            case MASKS -> {
                int first = registers.acquire(sources.get(0));
                int second = registers.acquire(sources.get(1));
                registers.release(sources);
                assembler.maskAlu(op, result(step), first, second);
            }
            case REVERSED -> {
                int source = registers.acquire(sources.get(0));
                registers.release(sources);
                assembler.vector(op, size, source, 0, result(step));
            }
            case REVERSED_IMMEDIATE -> {
                int source = registers.acquire(sources.get(0));
                registers.release(sources);
                assembler.vector(op, size, source, 0, result(step), step.immediate());
            }
            case SHIFT -> {
                int source = registers.acquire(sources.get(0));
                registers.release(sources);
                assembler.vector(op, size, op.extension(), result(step), source, step.immediate());
            }
            case MOVE -> throw new IllegalStateException(op + " is no step");
        }
    }

    /** The result takes the register of the term or of a factor where one of these ends here. */
    private void fused(Step.Vector step) {
        VectorOp op = step.op();
        int first = registers.acquire(step.sources().get(0));
        int second = registers.acquire(step.sources().get(1));
        int term = registers.acquire(step.sources().get(2));
        registers.release(step.sources());
        int result = result(step);
        if (result == term) {
            assembler.vector(op, step.size(), result, first, second);
        } else if (result == first || result == second) {
            assembler.vector(op.overFactor(), step.size(), result, result == first ? second : first, term);
        } else {
            assembler.vector(VectorOp.MOVAPS, step.size(), result, 0, term);
            assembler.vector(op, step.size(), result, first, second);
        }
    }

    /** {@code right} is the last operand's register where {@code memory} is null. */
    private void put(Step.Vector step, int result, int left, int right, @Nullable Memory memory) {
        VectorOp op = step.op();
        boolean immediate = op.form() == VectorOp.Form.ONE_IMMEDIATE || op.form() == VectorOp.Form.TWO_IMMEDIATE;
        if (memory == null && immediate) {
            assembler.vector(op, step.size(), result, left, right, step.immediate());
        } else if (memory == null) {
            assembler.vector(op, step.size(), result, left, right);
        } else if (immediate) {
            assembler.vector(op, step.size(), result, left, memory, step.immediate());
        } else {
            assembler.vector(op, step.size(), result, left, memory);
        }
    }

    private void putMasked(
            VectorOp op,
            int size,
            int result,
            int left,
            int right,
            @Nullable Memory memory,
            int mask,
            boolean zeroing) {
        if (memory == null) {
            assembler.masked(op, size, result, left, right, mask, zeroing);
        } else {
            assembler.masked(op, size, result, left, memory, mask, zeroing);
        }
    }

    /** The memory that an instruction can read a value from, or null where it is in a register or has to be. */
    private @Nullable Memory memoryOperand(int value) {
        if (registers.inRegister(value) || steps.isMask(value)) {
            return null;
        }
        Step.Load load = folded.get(value);
        return load != null ? context.contiguous(load.operand(), load.bytes(), mode) : registers.home(value);
    }

    /** A value on its way to an accumulator is made in its register, once the former content is of no use any more. */
    private int result(Step step) {
        int value = step.destination();
        int register = wanted[value] - 1;
        if (register >= 0 && !isReserved(register, value)) {
            registers.alias(value, register);
            return register;
        }
        return registers.define(value);
    }

    private boolean isReserved(int register, int value) {
        for (Step step : section) {
            if (step instanceof Step.ReadAccumulator read
                    && accumulatorRegister(read.accumulator()) == register
                    && registers.isLive(read.destination())) {
                return true;
            }
        }
        return registers.useCount(value) != 1;
    }

    // ---- operands

    private void load(Step.Load load) {
        if (folded.containsKey(load.destination())) {
            return;
        }
        operands.load(load, registers.define(load.destination()), mode);
    }

    private void store(Step.Store store) {
        int value = registers.acquire(store.sources().get(0));
        int mask =
                store.sources().size() > 1 ? registers.acquire(store.sources().get(1)) : -1;
        operands.store(store, value, mask, mode, streaming);
        registers.release(store.sources());
    }

    private void splatOperand(Step.SplatOperand splat) {
        assembler.load(Gpr.RAX, context.frame.pointer(splat.operand()));
        splat(splat.destination(), splat.bytes(), Memory.at(Gpr.RAX, 0));
    }

    private void splat(int value, int bytes, Memory memory) {
        VectorOp op = switch (bytes) {
            case 1 -> VectorOp.PBROADCASTB;
            case 2 -> VectorOp.PBROADCASTW;
            case 4 -> VectorOp.PBROADCASTD;
            default -> VectorOp.PBROADCASTQ;
        };
        assembler.vector(op, context.set.vectorBytes(), registers.define(value), 0, memory);
    }

    private void indexBase(Step.IndexBase index) {
        int register = registers.define(index.destination());
        assembler.lea(Gpr.RAX, Memory.at(Context.POSITION, context.ahead(mode)));
        assembler.multiply(Gpr.RAX, Context.argument(Kernel.Arguments.INDEX_STEP0));
        assembler.alu(Alu.ADD, Gpr.RAX, Frame.INDEX_BASE);
        assembler.vector(VectorOp.MOVQ_LOAD, 16, register, 0, Gpr.RAX);
        assembler.vector(VectorOp.PBROADCASTQ, context.set.vectorBytes(), register, 0, register);
    }

    // ---- calls and single lanes

    private void callVector(Step.CallVector call) {
        List<Integer> sources = call.sources();
        registers.saveForCall(sources);
        // the second argument may lie where the first must go
        if (sources.size() > 1) {
            fetch(sources.get(1), SCRATCH);
        }
        fetch(sources.get(0), 0);
        if (sources.size() > 1) {
            assembler.vector(VectorOp.MOVAPS, call.size(), 1, 0, SCRATCH);
        }
        for (int argument = 0; argument < sources.size(); argument++) {
            fillVector(argument, call.size());
        }
        registers.clear();
        registers.release(sources);
        assembler.moveImmediate(Gpr.RAX, call.address());
        assembler.call(Gpr.RAX);
        registers.defineAt(call.destination(), 0);
    }

    /** The function takes full vectors: where there are fewer lanes, they are there twice, to raise nothing of their own. */
    private void fillVector(int register, int size) {
        if (context.set == InstructionSet.AVX512 && size == 32) {
            assembler.vector(VectorOp.INSERT256, 64, register, register, register, 1);
        }
    }

    private void fetch(int value, int register) {
        if (!registers.inRegister(value)) {
            move(register, steps.size(value), registers.requireHome(value));
        } else if (registers.registerOf(value) != register) {
            assembler.vector(VectorOp.MOVAPS, steps.size(value), register, 0, registers.registerOf(value));
        }
    }

    private void stage(List<Integer> sources) {
        for (int k = 0; k < sources.size(); k++) {
            int value = sources.get(k);
            int register = registers.inRegister(value) ? registers.registerOf(value) : SCRATCH;
            fetch(value, register);
            assembler.vector(VectorOp.MOVAPS_STORE, steps.size(value), register, 0, context.frame.staging(k));
        }
    }

    private void callScalar(Step.CallScalar call) {
        stage(call.sources());
        registers.saveForCall(call.sources());
        registers.clear();
        registers.release(call.sources());
        laneEmitter.callScalar(call);
        registers.defineAt(call.destination(), 0);
        move(0, steps.size(call.destination()), context.frame.staging(2));
    }

    private void lanes(Step.Lanes step) {
        stage(step.sources());
        registers.release(step.sources());
        laneEmitter.emit(step, registers.define(step.destination()), steps.size(step.destination()));
    }

    // ---- reductions

    /** Partial results of the running half in memory; after the loop the half follows from the position. */
    private Memory partials(int accumulator) {
        int home = context.accumulatorHomes[accumulator];
        if (mode == Mode.FIRST_HALF || mode == Mode.SECOND_HALF) {
            return Memory.at(Gpr.RSP, home + (mode == Mode.SECOND_HALF ? 32 : 0));
        }
        if (context.set.bodiesPerStep() == 1) {
            return Memory.at(Gpr.RSP, home);
        }
        // a half step is 32 bytes of the widest type
        assembler.move(Gpr.RAX, Context.POSITION);
        assembler.shiftLeft(Gpr.RAX, 5 - Integers.log2(context.lanes));
        assembler.aluImmediate(Alu.AND, Gpr.RAX, 32);
        return Memory.indexed(Gpr.RSP, Gpr.RAX, 0, home);
    }

    private void readAccumulator(Step.ReadAccumulator read) {
        if (residents.holdsAccumulators()) {
            registers.alias(read.destination(), accumulatorRegister(read.accumulator()));
        } else {
            int register = registers.define(read.destination());
            move(register, steps.size(read.destination()), partials(read.accumulator()));
        }
    }

    private void writeAccumulator(Step.WriteAccumulator write) {
        int value = write.sources().get(0);
        int size = steps.size(value);
        int register = registers.acquire(value);
        if (residents.holdsAccumulators()) {
            int target = accumulatorRegister(write.accumulator());
            if (register != target) {
                assembler.vector(VectorOp.MOVAPS, size, target, 0, register);
            }
        } else if (mode == Mode.PARTIAL) {
            int kept = registers.acquire(write.sources().get(1));
            operands.blendRow(write.bytes(), size, SCRATCH, kept, register);
            assembler.vector(VectorOp.MOVAPS_STORE, size, SCRATCH, 0, partials(write.accumulator()));
        } else {
            assembler.vector(VectorOp.MOVAPS_STORE, size, register, 0, partials(write.accumulator()));
        }
        registers.release(mode == Mode.PARTIAL ? write.sources() : List.of(value));
    }

    private void keepRemainder(Step.KeepRemainder keep) {
        Lowering.Accumulator accumulator = context.accumulators.get(keep.accumulator());
        int register = registers.acquire(keep.sources().get(0));
        // of full groups nothing is left of the position but whether half a group came before
        assembler.move(Gpr.RAX, Context.POSITION);
        assembler.aluImmediate(Alu.AND, Gpr.RAX, context.group() - context.lanes);
        assembler.vector(
                VectorOp.MOVUPS_STORE, accumulator.size(), register, 0, remainder(keep.accumulator(), Gpr.RAX));
        registers.release(keep.sources());
    }

    private void readRemainder(Step.ReadRemainder read) {
        VectorOp load =
                context.accumulators.get(read.accumulator()).bytes() == 8 ? VectorOp.MOVSD_LOAD : VectorOp.MOVSS_LOAD;
        int register = registers.define(read.destination());
        assembler.vector(load, 16, register, 0, remainder(read.accumulator(), Context.POSITION));
    }

    private Memory remainder(int accumulator, int index) {
        int scale = Integers.log2(context.accumulators.get(accumulator).bytes());
        return Memory.indexed(Gpr.RSP, index, scale, context.remainderHomes[accumulator]);
    }
}
