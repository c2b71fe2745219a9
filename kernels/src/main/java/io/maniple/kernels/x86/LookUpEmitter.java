package io.maniple.kernels.x86;

import io.maniple.kernels.ir.GatherForm.Arguments;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import java.util.Arrays;

/**
 * Emits the code that looks up bytes in a table of 256 of them, which stays in four registers. AVX-512 with VBMI only: a
 * permutation takes 64 bytes from two registers by seven bits of the indices, the eighth one chooses between two such.
 */
final class LookUpEmitter {
    private static final int VECTOR = 64;
    private static final int ALIGNMENT = 32;
    private static final int LAST = 1;
    private static final int UPPER = 2;

    // Registers: the indices, the results of both halves, the bit that chooses, and the table.
    private static final int INDICES = 0;
    private static final int LOW = 1;
    private static final int HIGH = 2;
    private static final int BIT = 3;
    private static final int TABLE = 4;

    private final Assembler assembler = new Assembler(InstructionSet.AVX512);

    private LookUpEmitter() {}

    static Executable compile() throws CodeMemory.RefusedException {
        return new LookUpEmitter().emit();
    }

    private static Memory argument(int place) {
        return Memory.at(Gpr.RDI, place);
    }

    private Executable emit() throws CodeMemory.RefusedException {
        Label next = new Label();
        Label rest = new Label();
        Label end = new Label();
        assembler.load(Gpr.R8, argument(Arguments.INDICES));
        assembler.load(Gpr.RCX, argument(Arguments.END));
        assembler.load(Gpr.R11, argument(Arguments.SOURCE));
        assembler.load(Gpr.RDX, argument(Arguments.TARGET));
        assembler.store(argument(Arguments.INDICES), Gpr.RCX);
        assembler.alu(Alu.SUB, Gpr.RCX, Gpr.R8);
        for (int part = 0; part < 4; part++) {
            assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, TABLE + part, 0, Memory.at(Gpr.R11, part * VECTOR));
        }
        assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, BIT, 0, new Memory.Pool(0));
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, VECTOR);
        assembler.jump(Condition.LESS, rest);
        assembler.align(ALIGNMENT);
        assembler.bind(next);
        assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, INDICES, 0, Memory.at(Gpr.R8, 0));
        lookUp();
        assembler.vector(VectorOp.MOVUPS_STORE, VECTOR, LOW, 0, Memory.at(Gpr.RDX, 0));
        assembler.aluImmediate(Alu.ADD, Gpr.R8, VECTOR);
        assembler.aluImmediate(Alu.ADD, Gpr.RDX, VECTOR);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, VECTOR);
        assembler.jump(Condition.GREATER_OR_EQUAL, next);
        assembler.bind(rest);
        assembler.aluImmediate(Alu.ADD, Gpr.RCX, VECTOR);
        assembler.jump(Condition.ZERO, end);
        assembler.moveImmediate(Gpr.RSI, -1L);
        assembler.lowBits(Gpr.RSI, Gpr.RSI, Gpr.RCX);
        assembler.store(argument(Arguments.SPARE), Gpr.RSI);
        assembler.loadMask(LAST, argument(Arguments.SPARE));
        assembler.masked(VectorOp.MOVDQU8_LOAD, VECTOR, INDICES, 0, Memory.at(Gpr.R8, 0), LAST, true);
        lookUp();
        assembler.masked(VectorOp.MOVDQU8_STORE, VECTOR, LOW, 0, Memory.at(Gpr.RDX, 0), LAST, false);
        assembler.bind(end);
        assembler.zeroUpper();
        assembler.moveImmediate(Gpr.RAX, 0);
        assembler.ret();
        byte[] pool = new byte[VECTOR];
        Arrays.fill(pool, (byte) 0x80);
        return new CompiledKernel(CodeMemory.of(assembler.finish(pool)));
    }

    /** What the indices stand for, into {@link #LOW}. */
    private void lookUp() {
        assembler.vector(VectorOp.PTESTMB, VECTOR, UPPER, INDICES, BIT);
        assembler.vector(VectorOp.MOVAPS, VECTOR, LOW, 0, TABLE);
        assembler.vector(VectorOp.MOVAPS, VECTOR, HIGH, 0, TABLE + 2);
        assembler.vector(VectorOp.PERMT2B, VECTOR, LOW, INDICES, TABLE + 1);
        assembler.vector(VectorOp.PERMT2B, VECTOR, HIGH, INDICES, TABLE + 3);
        assembler.masked(VectorOp.BLENDMB, VECTOR, LOW, LOW, HIGH, UPPER, false);
    }
}
