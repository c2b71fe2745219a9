package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.RegisterFile.SCRATCH;
import static io.maniple.kernels.x86.RegisterFile.SCRATCH_MASK;
import static io.maniple.kernels.x86.RegisterFile.SECOND_SCRATCH;

import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;

/**
 * Vector forms of {@link LaneOperation}s that hold while all 64-bit integers are below 2^51 in magnitude, which nearly
 * all are: there a double holds them exactly, and adding 1.5 * 2^52 moves an integer into the low bits of its double.
 */
final class LaneShortcuts {
    private static final double MAGIC = 0x1.8p52;
    private static final long MAGIC_BITS = Double.doubleToRawLongBits(MAGIC);
    private static final long LIMIT = 1L << 51;
    private static final int TRUNCATE = 11;
    private static final int LESS = 0x11;
    private static final int EQUAL = 0;
    private static final int NOT_EQUAL = 4;
    /** AVX2's mask of all lanes. */
    private static final int ALL_FOUR = 15;

    private final Context context;
    private final Assembler assembler;

    LaneShortcuts(Context context) {
        this.context = context;
        this.assembler = context.assembler;
    }

    private Memory literal(long bits) {
        return new Memory.Pool(context.steps.pool().offset(bits));
    }

    private Memory literal(double value) {
        return literal(Double.doubleToRawLongBits(value));
    }

    private int size() {
        return context.set.vectorBytes();
    }

    private void two(VectorOp op, int result, int first, Memory second) {
        assembler.vector(op, size(), result, first, second);
    }

    private void two(VectorOp op, int result, int first, int second) {
        assembler.vector(op, size(), result, first, second);
    }

    /** Arguments in the staging vectors, the result to a register; jumps to {@code slow} where a number is too big. */
    void emit(LaneOperation operation, int result, Label slow) {
        switch (operation) {
            case DOUBLE_TO_SIGNED, DOUBLE_TO_UNSIGNED -> {
                assembler.vector(VectorOp.ROUNDPD, size(), SCRATCH, 0, context.frame.staging(0), TRUNCATE);
                truncated(result, slow);
            }
            case FLOAT_TO_SIGNED, FLOAT_TO_UNSIGNED -> {
                assembler.vector(VectorOp.CVTPS2PD, size(), SCRATCH, 0, context.frame.staging(0));
                assembler.vector(VectorOp.ROUNDPD, size(), SCRATCH, 0, SCRATCH, TRUNCATE);
                truncated(result, slow);
            }
            case SIGNED_TO_FLOAT -> integerToFloat(result, true, slow);
            case UNSIGNED_TO_FLOAT -> integerToFloat(result, false, slow);
            case QUOTIENT_SIGNED -> divide(result, true, false, slow);
            case QUOTIENT_UNSIGNED -> divide(result, false, false, slow);
            case REMAINDER_SIGNED -> divide(result, true, true, slow);
            case REMAINDER_UNSIGNED -> divide(result, false, true, slow);
            case POWER -> throw new IllegalArgumentException(operation + " has no shortcut");
        }
    }

    private void truncated(int result, Label slow) {
        two(VectorOp.ANDPS, SECOND_SCRATCH, SCRATCH, literal(Long.MAX_VALUE));
        assembler.vector(VectorOp.CMPPD, size(), SECOND_SCRATCH, SECOND_SCRATCH, literal((double) LIMIT), LESS);
        assembler.vector(VectorOp.MOVMSKPD, size(), Gpr.RAX, 0, SECOND_SCRATCH);
        assembler.aluImmediate(Alu.CMP, Gpr.RAX, ALL_FOUR);
        assembler.jump(Condition.NOT_ZERO, slow);
        toInteger(result, SCRATCH);
    }

    private void toInteger(int result, int value) {
        two(VectorOp.ADDPD, result, value, literal(MAGIC));
        two(VectorOp.PSUBQ, result, result, literal(MAGIC_BITS));
    }

    private void integerToFloat(int result, boolean signed, Label slow) {
        loadMoved(SCRATCH, 0, signed);
        jumpIfOutside(SCRATCH, SECOND_SCRATCH, signed, slow);
        toDouble(SCRATCH, signed);
        assembler.vector(VectorOp.CVTPD2PS, size(), result, 0, SCRATCH);
    }

    /** Signed numbers are moved by 2^51, so that those in range are not negative. */
    private void loadMoved(int register, int staging, boolean signed) {
        assembler.vector(VectorOp.MOVUPS_LOAD, size(), register, 0, context.frame.staging(staging));
        if (signed) {
            two(VectorOp.PADDQ, register, register, literal(LIMIT));
        }
    }

    private void jumpIfOutside(int moved, int temporary, boolean signed, Label slow) {
        assembler.vector(VectorOp.PSRLQ, size(), VectorOp.PSRLQ.extension(), temporary, moved, signed ? 52 : 51);
        if (context.set.hasMaskRegisters()) {
            assembler.vector(VectorOp.PTESTMQ, size(), SCRATCH_MASK, temporary, temporary);
            assembler.moveMask(Gpr.RAX, SCRATCH_MASK);
            assembler.test(Gpr.RAX, Gpr.RAX);
        } else {
            assembler.vector(VectorOp.PTEST, size(), temporary, 0, temporary);
        }
        assembler.jump(Condition.NOT_ZERO, slow);
    }

    private void toDouble(int moved, boolean signed) {
        two(VectorOp.PADDQ, moved, moved, literal(signed ? MAGIC_BITS - LIMIT : MAGIC_BITS));
        two(VectorOp.SUBPD, moved, moved, literal(MAGIC));
    }

    /** Below 2^53 a double quotient never rounds up to the next integer, and the product of both fits again. */
    private void divide(int result, boolean signed, boolean remainder, Label slow) {
        loadMoved(SCRATCH, 0, signed);
        loadMoved(SECOND_SCRATCH, 1, signed);
        two(VectorOp.POR, result, SCRATCH, SECOND_SCRATCH);
        jumpIfOutside(result, result, signed, slow);
        toDouble(SCRATCH, signed);
        toDouble(SECOND_SCRATCH, signed);
        two(VectorOp.DIVPD, result, SCRATCH, SECOND_SCRATCH);
        assembler.vector(VectorOp.ROUNDPD, size(), result, 0, result, TRUNCATE);
        if (remainder) {
            two(VectorOp.MULPD, result, result, SECOND_SCRATCH);
            two(VectorOp.SUBPD, result, SCRATCH, result);
        }
        toInteger(result, result);
        if (context.set.hasMaskRegisters()) {
            assembler.vector(VectorOp.CMPPD, size(), SCRATCH_MASK, SECOND_SCRATCH, literal(0L), NOT_EQUAL);
            assembler.masked(VectorOp.MOVDQU64_LOAD, size(), result, 0, result, SCRATCH_MASK, true);
        } else {
            assembler.vector(VectorOp.CMPPD, size(), SECOND_SCRATCH, SECOND_SCRATCH, literal(0L), EQUAL);
            two(VectorOp.PANDN, result, SECOND_SCRATCH, result);
        }
    }
}
