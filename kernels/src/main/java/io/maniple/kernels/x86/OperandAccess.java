package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.RegisterFile.SCRATCH;
import static io.maniple.kernels.x86.RegisterFile.SCRATCH_MASK;
import static io.maniple.kernels.x86.RegisterFile.SECOND_SCRATCH;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import io.maniple.kernels.x86.Context.Mode;
import java.util.List;

/**
 * Loads and stores of operands. Nothing beyond a row's end is ever touched: lanes of 4 and 8 bytes, and all lanes with
 * AVX-512, use masked moves, narrower ones go through the stack frame.
 */
final class OperandAccess {
    private static final VectorOp[] BROADCAST = {
        VectorOp.PBROADCASTB, VectorOp.PBROADCASTW, VectorOp.PBROADCASTD, VectorOp.PBROADCASTQ
    };
    private static final VectorOp[] MASK_LOAD = {
        VectorOp.MOVDQU8_LOAD, VectorOp.MOVDQU16_LOAD, VectorOp.MOVDQU32_LOAD, VectorOp.MOVDQU64_LOAD
    };
    private static final VectorOp[] MASK_STORE = {
        VectorOp.MOVDQU8_STORE, VectorOp.MOVDQU16_STORE, VectorOp.MOVDQU32_STORE, VectorOp.MOVDQU64_STORE
    };
    private static final VectorOp[] BLEND = {VectorOp.BLENDMB, VectorOp.BLENDMW, VectorOp.BLENDMD, VectorOp.BLENDMQ};
    private static final VectorOp[] MASK_LANES = {VectorOp.PMOVM2B, VectorOp.PMOVM2W, VectorOp.PMOVM2D, VectorOp.PMOVM2Q
    };

    private final Context context;
    private final Assembler assembler;
    private final Frame frame;
    private final int lanes;
    private final boolean maskRegisters;
    /** With so many lanes or fewer, strided ones are moved one by one in place. */
    private final int inline;

    private final StridedLoads strided;
    private final Label copy = new Label();
    private boolean copyUsed;
    private final Label fetch = new Label();
    private boolean fetchUsed;
    private final Label[] gather = new Label[4];
    private final Label[] scatter = new Label[4];
    private final Label[] scatterMasked = new Label[4];

    OperandAccess(Context context) {
        this.context = context;
        this.assembler = context.assembler;
        this.frame = context.frame;
        this.lanes = context.lanes;
        this.maskRegisters = context.set.hasMaskRegisters();
        this.inline = context.set.vectorBytes() / 4;
        this.strided = new StridedLoads(context);
    }

    /** Before the rows: what is to be found out once. */
    void prepare(List<Step> body) {
        strided.prepare(body);
    }

    private static VectorOp maskedLoad(int bytes) {
        return bytes == 8 ? VectorOp.MASKMOVPD_LOAD : VectorOp.MASKMOVPS_LOAD;
    }

    private static VectorOp maskedStore(int bytes) {
        return bytes == 8 ? VectorOp.MASKMOVPD_STORE : VectorOp.MASKMOVPS_STORE;
    }

    /** Loads exactly 4, 8, 16, 32 or 64 bytes. */
    private void loadBytes(int size, int register, Memory memory) {
        switch (size) {
            case 4 -> assembler.vector(VectorOp.MOVSS_LOAD, 16, register, 0, memory);
            case 8 -> assembler.vector(VectorOp.MOVSD_LOAD, 16, register, 0, memory);
            default -> assembler.vector(VectorOp.MOVUPS_LOAD, size, register, 0, memory);
        }
    }

    private void storeBytes(int size, int register, Memory memory, boolean streaming) {
        switch (size) {
            case 4 -> assembler.vector(VectorOp.MOVSS_STORE, 16, register, 0, memory);
            case 8 -> assembler.vector(VectorOp.MOVSD_STORE, 16, register, 0, memory);
            default ->
                assembler.vector(streaming ? VectorOp.MOVNTPS : VectorOp.MOVUPS_STORE, size, register, 0, memory);
        }
    }

    /** {@code yes} in lanes inside the row, {@code no} in those behind its end; may change the scratch register first. */
    void blendRow(int bytes, int size, int result, int no, int yes) {
        if (maskRegisters) {
            assembler.loadMask(SCRATCH_MASK, frame.rowMask(bytes));
            assembler.masked(BLEND[Integers.log2(bytes)], size, result, no, yes, SCRATCH_MASK, false);
        } else {
            assembler.vector(VectorOp.MOVUPS_LOAD, size, SCRATCH, 0, frame.rowMask(bytes));
            assembler.vector(VectorOp.PBLENDVB, size, result, no, yes, SCRATCH << 4);
        }
    }

    // ---- loads

    void load(Step.Load load, int register, Mode mode) {
        loadLanes(load, register, mode);
        if (mode == Mode.PARTIAL) {
            fillUp(load.bytes(), register);
        }
    }

    /** Lanes behind the row's end repeat the first one, so that they raise nothing that it does not. */
    private void fillUp(int bytes, int register) {
        int size = Conversions.size(bytes, lanes);
        assembler.vector(BROADCAST[Integers.log2(bytes)], size, SECOND_SCRATCH, 0, register);
        blendRow(bytes, size, register, SECOND_SCRATCH, register);
    }

    private void loadLanes(Step.Load load, int register, Mode mode) {
        int bytes = load.bytes();
        int size = bytes * lanes;
        if (context.accesses.get(load.operand()) == Kernel.Access.CONTIGUOUS) {
            Memory memory = context.contiguous(load.operand(), bytes, mode);
            if (mode != Mode.PARTIAL) {
                loadBytes(size, register, memory);
            } else if (maskRegisters) {
                assembler.loadMask(SCRATCH_MASK, frame.rowMask(bytes));
                VectorOp op = MASK_LOAD[Integers.log2(bytes)];
                assembler.masked(op, Conversions.size(bytes, lanes), register, 0, memory, SCRATCH_MASK, true);
            } else if (bytes >= 4) {
                assembler.vector(VectorOp.MOVUPS_LOAD, size, SCRATCH, 0, frame.rowMask(bytes));
                assembler.vector(maskedLoad(bytes), size, register, SCRATCH, memory);
            } else {
                assembler.lea(Gpr.RSI, memory);
                fetchRemainder(bytes);
                assembler.vector(VectorOp.MOVAPS, size, register, 0, SECOND_SCRATCH);
            }
            return;
        }
        if (mode == Mode.PARTIAL || !strided.has(load.operand())) {
            loadOneByOne(load, register, mode);
            return;
        }
        Label otherwise = new Label();
        Label done = new Label();
        address(load.operand(), Gpr.RAX, mode);
        strided.load(load.operand(), bytes, register, otherwise);
        assembler.jump(done);
        assembler.bind(otherwise);
        loadOneByOne(load, register, mode);
        assembler.bind(done);
    }

    private void loadOneByOne(Step.Load load, int register, Mode mode) {
        int bytes = load.bytes();
        int size = bytes * lanes;
        if (mode == Mode.PARTIAL || lanes > inline) {
            address(load.operand(), Gpr.RSI, mode);
            assembler.lea(Gpr.RDI, frame.staging(0));
            count(mode);
            assembler.call(routine(gather, bytes));
            loadBytes(size, register, frame.staging(0));
            return;
        }
        address(load.operand(), Gpr.RAX, mode);
        int perPart = Math.min(lanes, 16 / bytes);
        insertLanes(bytes, perPart, register);
        for (int part = 1; part * perPart < lanes; part++) {
            assembler.lea(Gpr.RAX, Memory.indexed(Gpr.RAX, Gpr.RDX, 1, 0));
            insertLanes(bytes, perPart, SCRATCH);
            assembler.vector(VectorOp.INSERT128, size, register, register, SCRATCH, part);
        }
    }

    /** The current lane's address of a strided operand into a register, the stride into rdx. */
    private void address(int operand, int register, Mode mode) {
        assembler.load(Gpr.RDX, Context.innerStride(operand));
        assembler.lea(register, Memory.at(Context.POSITION, context.ahead(mode)));
        assembler.multiply(register, Gpr.RDX);
        assembler.alu(Alu.ADD, register, frame.pointer(operand));
    }

    private void count(Mode mode) {
        if (mode == Mode.PARTIAL) {
            assembler.load(Gpr.RCX, Frame.REMAINDER);
        } else {
            assembler.moveImmediate(Gpr.RCX, lanes);
        }
    }

    private void copyRemainder(int bytes) {
        countBytes(bytes);
        copyUsed = true;
        assembler.call(copy);
    }

    private void fetchRemainder(int bytes) {
        countBytes(bytes);
        fetchUsed = true;
        assembler.call(fetch);
    }

    private void countBytes(int bytes) {
        assembler.load(Gpr.RCX, Frame.REMAINDER);
        if (bytes > 1) {
            assembler.shiftLeft(Gpr.RCX, Integers.log2(bytes));
        }
    }

    /** Lanes from rax on, rdx bytes apart; leaves rax at the last even lane. */
    private void insertLanes(int bytes, int count, int register) {
        for (int lane = 0; lane < count; lane++) {
            if (lane > 0 && lane % 2 == 0) {
                assembler.lea(Gpr.RAX, Memory.indexed(Gpr.RAX, Gpr.RDX, 1, 0));
            }
            Memory memory = lane % 2 == 0 ? Memory.at(Gpr.RAX, 0) : Memory.indexed(Gpr.RAX, Gpr.RDX, 0, 0);
            if (lane == 0) {
                if (bytes < 4) {
                    assembler.load(bytes, Gpr.RCX, memory);
                    assembler.vector(VectorOp.MOVD_LOAD, 16, register, 0, Gpr.RCX);
                } else {
                    loadBytes(bytes, register, memory);
                }
                continue;
            }
            VectorOp op = switch (bytes) {
                case 1 -> VectorOp.PINSRB;
                case 2 -> VectorOp.PINSRW;
                case 4 -> VectorOp.PINSRD;
                default -> VectorOp.PINSRQ;
            };
            assembler.vector(op, 16, register, register, memory, lane);
        }
    }

    // ---- stores

    /** {@code mask}: a register, or -1. */
    void store(Step.Store store, int register, int mask, Mode mode, boolean streaming) {
        int bytes = store.bytes();
        if (context.accesses.get(store.operand()) != Kernel.Access.CONTIGUOUS) {
            storeStrided(store, register, mask, mode);
            return;
        }
        int size = bytes * lanes;
        Memory memory = context.contiguous(store.operand(), bytes, mode);
        if (mode != Mode.PARTIAL && mask < 0) {
            storeBytes(size, register, memory, streaming && store.streaming());
        } else if (maskRegisters) {
            storeMasked(bytes, register, mask, memory, mode);
        } else if (bytes >= 4) {
            int lanesToWrite = mask;
            if (mode == Mode.PARTIAL) {
                lanesToWrite = SCRATCH;
                if (mask < 0) {
                    assembler.vector(VectorOp.MOVUPS_LOAD, size, SCRATCH, 0, frame.rowMask(bytes));
                } else {
                    assembler.vector(VectorOp.PAND, size, SCRATCH, mask, frame.rowMask(bytes));
                }
            }
            assembler.vector(maskedStore(bytes), size, register, lanesToWrite, memory);
        } else if (mode != Mode.PARTIAL) {
            loadBytes(size, SCRATCH, memory);
            assembler.vector(VectorOp.PBLENDVB, size, SCRATCH, SCRATCH, register, mask << 4);
            storeBytes(size, SCRATCH, memory, false);
        } else {
            storeNarrowRemainder(bytes, register, mask, memory);
        }
    }

    /** A mask's bits beyond the lanes may be anything. */
    private void storeMasked(int bytes, int register, int mask, Memory memory, Mode mode) {
        long all = lanes == 64 ? -1L : (1L << lanes) - 1;
        assembler.loadMask(
                SCRATCH_MASK,
                mode == Mode.PARTIAL
                        ? frame.rowMask(bytes)
                        : new Memory.Pool(context.steps.pool().offset(all)));
        if (mask >= 0) {
            assembler.maskAlu(VectorOp.KAND, SCRATCH_MASK, SCRATCH_MASK, mask);
        }
        VectorOp op = MASK_STORE[Integers.log2(bytes)];
        assembler.masked(op, Conversions.size(bytes, lanes), register, 0, memory, SCRATCH_MASK, false);
    }

    /** Where there is a mask, what lies in memory is fetched first and put back unchanged where the mask is false. */
    private void storeNarrowRemainder(int bytes, int register, int mask, Memory memory) {
        int size = Conversions.size(bytes, lanes);
        int source = register;
        if (mask >= 0) {
            assembler.lea(Gpr.RSI, memory);
            fetchRemainder(bytes);
            assembler.vector(VectorOp.PBLENDVB, size, SCRATCH, SECOND_SCRATCH, register, mask << 4);
            source = SCRATCH;
            // the fetch leaves rsi where it was; the address itself may have been based on rax, which is gone
            assembler.move(Gpr.RDI, Gpr.RSI);
        } else {
            assembler.lea(Gpr.RDI, memory);
        }
        assembler.vector(VectorOp.MOVAPS_STORE, size, source, 0, frame.staging(0));
        assembler.lea(Gpr.RSI, frame.staging(0));
        copyRemainder(bytes);
    }

    private void storeStrided(Step.Store store, int register, int mask, Mode mode) {
        int bytes = store.bytes();
        int size = Conversions.size(bytes, lanes);
        if (mode != Mode.PARTIAL && mask < 0 && lanes <= inline) {
            address(store.operand(), Gpr.RAX, mode);
            int perPart = Math.min(lanes, 16 / bytes);
            extractLanes(bytes, perPart, register);
            for (int part = 1; part * perPart < lanes; part++) {
                assembler.vector(VectorOp.EXTRACT128, size, register, 0, SECOND_SCRATCH, part);
                assembler.lea(Gpr.RAX, Memory.indexed(Gpr.RAX, Gpr.RDX, 1, 0));
                extractLanes(bytes, perPart, SECOND_SCRATCH);
            }
            return;
        }
        assembler.vector(VectorOp.MOVAPS_STORE, size, register, 0, frame.staging(0));
        if (mask >= 0) {
            int lanesToWrite = mask;
            if (maskRegisters) {
                lanesToWrite = SCRATCH;
                assembler.vector(MASK_LANES[Integers.log2(bytes)], size, SCRATCH, 0, mask);
            }
            assembler.vector(VectorOp.MOVAPS_STORE, size, lanesToWrite, 0, frame.staging(1));
        }
        address(store.operand(), Gpr.RDI, mode);
        assembler.lea(Gpr.RSI, frame.staging(0));
        count(mode);
        assembler.call(routine(mask < 0 ? scatter : scatterMasked, bytes));
    }

    private void extractLanes(int bytes, int count, int register) {
        for (int lane = 0; lane < count; lane++) {
            if (lane > 0 && lane % 2 == 0) {
                assembler.lea(Gpr.RAX, Memory.indexed(Gpr.RAX, Gpr.RDX, 1, 0));
            }
            Memory memory = lane % 2 == 0 ? Memory.at(Gpr.RAX, 0) : Memory.indexed(Gpr.RAX, Gpr.RDX, 0, 0);
            if (lane == 0 && bytes >= 4) {
                storeBytes(bytes, register, memory, false);
                continue;
            }
            VectorOp op = switch (bytes) {
                case 1 -> VectorOp.PEXTRB;
                case 2 -> VectorOp.PEXTRW;
                case 4 -> VectorOp.PEXTRD;
                default -> VectorOp.PEXTRQ;
            };
            assembler.vector(op, 16, register, 0, memory, lane);
        }
    }

    void storeFirst(Step.StoreFirst store, int register) {
        assembler.load(Gpr.RAX, frame.pointer(store.operand()));
        extractLanes(store.bytes(), 1, register);
    }

    // ---- routines behind the kernel

    private static Label routine(Label[] routines, int bytes) {
        int k = Integers.log2(bytes);
        if (routines[k] == null) {
            routines[k] = new Label();
        }
        return routines[k];
    }

    void emitRoutines() {
        if (copyUsed) {
            emitCopy();
        }
        if (fetchUsed) {
            emitFetch();
        }
        for (int k = 0; k < 4; k++) {
            int bytes = 1 << k;
            if (gather[k] != null) {
                emitLoop(gather[k], bytes, Gpr.RDX, -1, -1, bytes, false);
            }
            if (scatter[k] != null) {
                emitLoop(scatter[k], bytes, -1, bytes, Gpr.RDX, -1, false);
            }
            if (scatterMasked[k] != null) {
                emitLoop(scatterMasked[k], bytes, -1, bytes, Gpr.RDX, -1, true);
            }
        }
    }

    /** Copies rcx (0 to 31) bytes from rsi to rdi, and advances both; destroys rax and the second scratch register. */
    private void emitCopy() {
        assembler.bind(copy);
        for (int size = 16; size >= 1; size /= 2) {
            Label skip = new Label();
            assembler.testByte(Gpr.RCX, size);
            assembler.jump(Condition.ZERO, skip);
            if (size == 16) {
                assembler.vector(VectorOp.MOVUPS_LOAD, 16, SECOND_SCRATCH, 0, Memory.at(Gpr.RSI, 0));
                assembler.vector(VectorOp.MOVUPS_STORE, 16, SECOND_SCRATCH, 0, Memory.at(Gpr.RDI, 0));
            } else {
                assembler.load(size, Gpr.RAX, Memory.at(Gpr.RSI, 0));
                assembler.store(size, Memory.at(Gpr.RDI, 0), Gpr.RAX);
            }
            assembler.aluImmediate(Alu.ADD, Gpr.RSI, size);
            assembler.aluImmediate(Alu.ADD, Gpr.RDI, size);
            assembler.bind(skip);
        }
        assembler.ret();
    }

    /**
     * Loads rcx (0 to 31) bytes at rsi into the second scratch register, last ones first; destroys rax, rdx and the
     * scratch register. By way of memory it would wait for the small stores before one big load.
     */
    private void emitFetch() {
        assembler.bind(fetch);
        assembler.alu(Alu.ADD, Gpr.RSI, Gpr.RCX);
        assembler.moveImmediate(Gpr.RAX, 0);
        for (int size = 1; size <= 4; size *= 2) {
            Label skip = new Label();
            assembler.testByte(Gpr.RCX, size);
            assembler.jump(Condition.ZERO, skip);
            assembler.aluImmediate(Alu.SUB, Gpr.RSI, size);
            assembler.load(size, Gpr.RDX, Memory.at(Gpr.RSI, 0));
            assembler.shiftLeft(Gpr.RAX, 8 * size);
            assembler.alu(Alu.OR, Gpr.RAX, Gpr.RDX);
            assembler.bind(skip);
        }
        assembler.vector(VectorOp.MOVQ_LOAD, 16, SECOND_SCRATCH, 0, Gpr.RAX);
        Label noEight = new Label();
        assembler.testByte(Gpr.RCX, 8);
        assembler.jump(Condition.ZERO, noEight);
        assembler.aluImmediate(Alu.SUB, Gpr.RSI, 8);
        assembler.vector(VectorOp.MOVSD_LOAD, 16, SCRATCH, 0, Memory.at(Gpr.RSI, 0));
        assembler.vector(VectorOp.PUNPCKLQDQ, 16, SECOND_SCRATCH, SCRATCH, SECOND_SCRATCH);
        assembler.bind(noEight);
        Label noSixteen = new Label();
        assembler.testByte(Gpr.RCX, 16);
        assembler.jump(Condition.ZERO, noSixteen);
        assembler.aluImmediate(Alu.SUB, Gpr.RSI, 16);
        assembler.vector(VectorOp.MOVUPS_LOAD, 16, SCRATCH, 0, Memory.at(Gpr.RSI, 0));
        assembler.vector(VectorOp.INSERT128, 32, SECOND_SCRATCH, SCRATCH, SECOND_SCRATCH, 1);
        assembler.bind(noSixteen);
        assembler.ret();
    }

    /** Moves rcx elements from rsi to rdi; each pointer advances by a register or, where that is -1, by a number. */
    private void emitLoop(
            Label label, int bytes, int sourceStep, int sourceBytes, int targetStep, int targetBytes, boolean masked) {
        assembler.bind(label);
        Label again = new Label();
        Label skip = new Label();
        assembler.bind(again);
        if (masked) {
            // the masks lie in the staging vector after the values'
            assembler.compareByteWithZero(Memory.at(Gpr.RSI, context.set.vectorBytes()));
            assembler.jump(Condition.ZERO, skip);
        }
        assembler.load(bytes, Gpr.RAX, Memory.at(Gpr.RSI, 0));
        assembler.store(bytes, Memory.at(Gpr.RDI, 0), Gpr.RAX);
        assembler.bind(skip);
        advance(Gpr.RSI, sourceStep, sourceBytes);
        advance(Gpr.RDI, targetStep, targetBytes);
        assembler.decrement(Gpr.RCX);
        assembler.jump(Condition.NOT_ZERO, again);
        assembler.ret();
    }

    private void advance(int pointer, int step, int bytes) {
        if (step >= 0) {
            assembler.alu(Alu.ADD, pointer, step);
        } else {
            assembler.aluImmediate(Alu.ADD, pointer, bytes);
        }
    }
}
