package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.RegisterFile.SCRATCH;
import static io.maniple.kernels.x86.RegisterFile.SCRATCH_MASK;
import static io.maniple.kernels.x86.RegisterFile.SECOND_SCRATCH;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import java.util.List;

/**
 * Loads lanes that are a short stride apart (a colour of a picture, the real parts of complex numbers, a reversed row) as
 * whole vectors, from which a permutation takes them. AVX-512 only: it can leave out what lies behind the last lane.
 *
 * <p>The stride is known at run time. Whether it is short enough, and the permutation, are found out once a call: the
 * lanes must lie within two vectors, all of them or each half.
 */
final class StridedLoads {
    /** Bytes that a permutation of two vectors chooses from. */
    private static final int REACH = 128;

    /** The processor's own prefetchers do not follow loads with masks; so many bytes are on their way. */
    private static final int AHEAD = 1024;

    private static final VectorOp[] PERMUTE = {VectorOp.PERMT2B, VectorOp.PERMT2W, VectorOp.PERMT2D, VectorOp.PERMT2Q};

    private final Context context;
    private final Assembler assembler;
    private final int lanes;
    private final boolean available;
    /** Whether single bytes can be permuted, too, which is an extension of its own. */
    private final boolean bytesAvailable;
    /** Frame offsets of each operand's permutation, and of {@link Plan}. */
    private final int[] permutations;

    private final int[] plans;

    /** What lies in a vector of the frame: words. */
    private static final class Plan {
        /** 0: lane by lane; 1: all lanes at once; 2: by halves. */
        static final int PARTS = 0;
        /** From the first lane of a part to its lowest address. */
        static final int LOWEST = 8;
        /** From one half to the next. */
        static final int ADVANCE = 16;
        /** Masks of the bytes that belong to the part. */
        static final int FIRST_MASK = 24;

        static final int SECOND_MASK = 32;

        private Plan() {}
    }

    StridedLoads(Context context) {
        this.context = context;
        this.assembler = context.assembler;
        this.lanes = context.lanes;
        this.available = context.set.hasMaskRegisters();
        this.bytesAvailable = available && Processor.permutesBytes();
        this.permutations = new int[context.kernel.operands()];
        this.plans = new int[context.kernel.operands()];
    }

    private boolean suits(int bytes) {
        return available && lanes >= 4 && (bytes > 1 || bytesAvailable);
    }

    /** Whether an operand's lanes can be loaded this way, if its stride allows it. */
    boolean has(int operand) {
        return plans[operand] != 0;
    }

    /** Before the rows: decides for each strided operand that the body loads. */
    void prepare(List<Step> body) {
        for (Step step : body) {
            if (step instanceof Step.Load load
                    && context.accesses.get(load.operand()) == Kernel.Access.STRIDED
                    && suits(load.bytes())
                    && !has(load.operand())) {
                permutations[load.operand()] = context.frame.newVector();
                plans[load.operand()] = context.frame.newVector();
                prepare(load.operand(), load.bytes());
            }
        }
    }

    private Memory plan(int operand, int word) {
        return Memory.at(Gpr.RSP, plans[operand] + word);
    }

    /** In bytes all along: rax the stride, rcx its size, rdx lanes of a part, rdi the place of a lane. */
    private void prepare(int operand, int bytes) {
        Label positive = new Label();
        Label halves = new Label();
        Label fits = new Label();
        Label never = new Label();
        Label done = new Label();
        assembler.load(Gpr.RAX, Context.innerStride(operand));
        assembler.move(Gpr.RCX, Gpr.RAX);
        assembler.test(Gpr.RCX, Gpr.RCX);
        assembler.jump(Condition.ZERO, never);
        assembler.jump(Condition.NOT_SIGN, positive);
        assembler.negate(Gpr.RCX);
        assembler.bind(positive);
        if (bytes > 1) {
            assembler.testByte(Gpr.RCX, bytes - 1);
            assembler.jump(Condition.NOT_ZERO, never);
        }
        assembler.aluImmediate(Alu.CMP, Gpr.RCX, (REACH - bytes) / (lanes - 1));
        assembler.jump(Condition.GREATER, halves);
        assembler.moveImmediate(Gpr.RDX, lanes);
        assembler.moveImmediate(Gpr.RSI, 1);
        assembler.jump(fits);
        assembler.bind(halves);
        if (lanes * bytes >= 32) {
            assembler.aluImmediate(Alu.CMP, Gpr.RCX, (REACH - bytes) / (lanes / 2 - 1));
            assembler.jump(Condition.GREATER, never);
            assembler.moveImmediate(Gpr.RDX, lanes / 2);
            assembler.moveImmediate(Gpr.RSI, 2);
            assembler.jump(fits);
        }
        assembler.bind(never);
        assembler.moveImmediate(Gpr.RSI, 0);
        assembler.store(plan(operand, Plan.PARTS), Gpr.RSI);
        assembler.jump(done);
        assembler.bind(fits);
        assembler.store(plan(operand, Plan.PARTS), Gpr.RSI);
        assembler.move(Gpr.RDI, Gpr.RDX);
        assembler.multiply(Gpr.RDI, Gpr.RAX);
        assembler.store(plan(operand, Plan.ADVANCE), Gpr.RDI);
        masks(operand, bytes);
        permutation(operand, bytes);
        assembler.bind(done);
    }

    /** Of the part's bytes: so many ones, in two words. */
    private void masks(int operand, int bytes) {
        Label one = new Label();
        assembler.move(Gpr.RDI, Gpr.RDX);
        assembler.decrement(Gpr.RDI);
        assembler.multiply(Gpr.RDI, Gpr.RCX);
        assembler.aluImmediate(Alu.ADD, Gpr.RDI, bytes);
        assembler.moveImmediate(Gpr.RSI, -1L);
        // a count of 64 or more leaves all bits
        assembler.lowBits(Gpr.R8, Gpr.RSI, Gpr.RDI);
        assembler.store(plan(operand, Plan.FIRST_MASK), Gpr.R8);
        assembler.moveImmediate(Gpr.R8, 0);
        assembler.aluImmediate(Alu.SUB, Gpr.RDI, 64);
        assembler.jump(Condition.LESS_OR_EQUAL, one);
        assembler.lowBits(Gpr.R8, Gpr.RSI, Gpr.RDI);
        assembler.bind(one);
        assembler.store(plan(operand, Plan.SECOND_MASK), Gpr.R8);
    }

    private void permutation(int operand, int bytes) {
        Label forward = new Label();
        Label again = new Label();
        assembler.moveImmediate(Gpr.RDI, 0);
        assembler.test(Gpr.RAX, Gpr.RAX);
        assembler.jump(Condition.NOT_SIGN, forward);
        assembler.move(Gpr.RDI, Gpr.RDX);
        assembler.decrement(Gpr.RDI);
        assembler.multiply(Gpr.RDI, Gpr.RCX);
        assembler.bind(forward);
        assembler.move(Gpr.RSI, Gpr.RDI);
        assembler.negate(Gpr.RSI);
        assembler.store(plan(operand, Plan.LOWEST), Gpr.RSI);
        assembler.lea(Gpr.RSI, Memory.at(Gpr.RSP, permutations[operand]));
        assembler.bind(again);
        assembler.move(Gpr.R8, Gpr.RDI);
        if (bytes > 1) {
            assembler.shiftRight(Gpr.R8, Integers.log2(bytes));
        }
        assembler.store(bytes, Memory.at(Gpr.RSI, 0), Gpr.R8);
        assembler.alu(Alu.ADD, Gpr.RDI, Gpr.RAX);
        assembler.aluImmediate(Alu.ADD, Gpr.RSI, bytes);
        assembler.decrement(Gpr.RDX);
        assembler.jump(Condition.NOT_ZERO, again);
    }

    /**
     * Loads the lanes from rax on, or goes to {@code otherwise}, where rax is still what it was; destroys rcx and both
     * scratch registers.
     */
    void load(int operand, int bytes, int register, Label otherwise) {
        Label whole = new Label();
        int size = Conversions.size(bytes, lanes);
        assembler.load(Gpr.RCX, plan(operand, Plan.PARTS));
        assembler.test(Gpr.RCX, Gpr.RCX);
        assembler.jump(Condition.ZERO, otherwise);
        assembler.alu(Alu.ADD, Gpr.RAX, plan(operand, Plan.LOWEST));
        part(operand, bytes, register);
        if (lanes * bytes < 32) {
            return;
        }
        assembler.decrement(Gpr.RCX);
        assembler.jump(Condition.ZERO, whole);
        assembler.vector(VectorOp.MOVAPS_STORE, size, register, 0, context.frame.staging(0));
        assembler.alu(Alu.ADD, Gpr.RAX, plan(operand, Plan.ADVANCE));
        part(operand, bytes, register);
        assembler.vector(VectorOp.MOVUPS_LOAD, size, SCRATCH, 0, context.frame.staging(0));
        VectorOp insert = size == 64 ? VectorOp.INSERT256 : VectorOp.INSERT128;
        assembler.vector(insert, size, register, SCRATCH, register, 1);
        assembler.bind(whole);
    }

    private void part(int operand, int bytes, int register) {
        assembler.prefetch(Memory.at(Gpr.RAX, AHEAD));
        assembler.prefetch(Memory.at(Gpr.RAX, AHEAD + 64));
        assembler.vector(VectorOp.MOVUPS_LOAD, 64, SECOND_SCRATCH, 0, Memory.at(Gpr.RSP, permutations[operand]));
        masked(operand, Plan.FIRST_MASK, register, 0);
        masked(operand, Plan.SECOND_MASK, SCRATCH, 64);
        assembler.vector(PERMUTE[Integers.log2(bytes)], 64, register, SECOND_SCRATCH, SCRATCH);
    }

    private void masked(int operand, int mask, int register, int offset) {
        assembler.loadMask(SCRATCH_MASK, plan(operand, mask));
        assembler.masked(VectorOp.MOVDQU8_LOAD, 64, register, 0, Memory.at(Gpr.RAX, offset), SCRATCH_MASK, true);
    }
}
