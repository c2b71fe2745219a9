package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.RegisterFile.SCRATCH;

import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;

/**
 * What has no vector instruction: one lane after the other, arguments in staging vectors 0 and 1 of the frame, results
 * to staging vector 2.
 */
final class LaneEmitter {
    private final Context context;
    private final Assembler assembler;
    private final LaneShortcuts shortcuts;

    LaneEmitter(Context context) {
        this.context = context;
        this.assembler = context.assembler;
        this.shortcuts = new LaneShortcuts(context);
    }

    private Memory lane(int vector, int bytes, int lane) {
        return context.frame.staging(vector).plus(bytes * lane);
    }

    /** All vector registers are free. */
    void callScalar(Step.CallScalar call) {
        int bytes = call.isDouble() ? 8 : 4;
        VectorOp load = call.isDouble() ? VectorOp.MOVSD_LOAD : VectorOp.MOVSS_LOAD;
        VectorOp store = call.isDouble() ? VectorOp.MOVSD_STORE : VectorOp.MOVSS_STORE;
        // the C library may use SSE instructions, which are slow beside full 256-bit registers
        assembler.zeroUpper();
        for (int lane = 0; lane < call.lanes(); lane++) {
            for (int k = 0; k < call.sources().size(); k++) {
                assembler.vector(load, 16, k, 0, lane(k, bytes, lane));
            }
            assembler.moveImmediate(Gpr.RAX, call.address());
            assembler.call(Gpr.RAX);
            assembler.vector(store, 16, 0, 0, lane(2, bytes, lane));
        }
    }

    /** The result goes to a register; where there is a vector form for the numbers at hand, that is taken. */
    void emit(Step.Lanes step, int register, int size) {
        Label slow = new Label();
        Label done = new Label();
        if (step.operation().hasShortcut()) {
            shortcuts.emit(step.operation(), register, slow);
            assembler.jump(done);
        }
        assembler.bind(slow);
        laneByLane(step);
        assembler.vector(VectorOp.MOVUPS_LOAD, size, register, 0, context.frame.staging(2));
        assembler.bind(done);
    }

    private void laneByLane(Step.Lanes step) {
        for (int lane = 0; lane < step.lanes(); lane++) {
            Memory x = lane(0, step.operation().sourceBytes(), lane);
            Memory y = lane(1, step.operation().sourceBytes(), lane);
            Memory result = lane(2, step.operation().resultBytes(), lane);
            switch (step.operation()) {
                case QUOTIENT_SIGNED -> divide(x, y, result, true, true);
                case QUOTIENT_UNSIGNED -> divide(x, y, result, false, true);
                case REMAINDER_SIGNED -> divide(x, y, result, true, false);
                case REMAINDER_UNSIGNED -> divide(x, y, result, false, false);
                case DOUBLE_TO_SIGNED -> {
                    assembler.vector(VectorOp.CVTTSD2SI, 16, Gpr.RAX, 0, x);
                    assembler.store(result, Gpr.RAX);
                }
                case FLOAT_TO_SIGNED -> {
                    assembler.vector(VectorOp.CVTTSS2SI, 16, Gpr.RAX, 0, x);
                    assembler.store(result, Gpr.RAX);
                }
                case DOUBLE_TO_UNSIGNED -> toUnsigned(true, x, result);
                case FLOAT_TO_UNSIGNED -> toUnsigned(false, x, result);
                case SIGNED_TO_FLOAT -> {
                    assembler.vector(VectorOp.XORPS, 16, SCRATCH, SCRATCH, SCRATCH);
                    assembler.vector(VectorOp.CVTSI2SS, 16, SCRATCH, SCRATCH, x);
                    assembler.vector(VectorOp.MOVSS_STORE, 16, SCRATCH, 0, result);
                }
                case UNSIGNED_TO_FLOAT -> unsignedToFloat(x, result);
                case POWER -> power(x, y, result);
            }
        }
    }

    /** The processor traps on a divisor of 0 and on smallest / -1. */
    private void divide(Memory x, Memory y, Memory result, boolean signed, boolean quotient) {
        Label zero = new Label();
        Label minusOne = new Label();
        Label done = new Label();
        assembler.load(Gpr.RCX, y);
        assembler.load(Gpr.RAX, x);
        assembler.test(Gpr.RCX, Gpr.RCX);
        assembler.jump(Condition.ZERO, zero);
        if (signed) {
            assembler.aluImmediate(Alu.CMP, Gpr.RCX, -1);
            assembler.jump(Condition.ZERO, quotient ? minusOne : zero);
            assembler.signExtend();
            assembler.divideSigned(Gpr.RCX);
        } else {
            assembler.moveImmediate(Gpr.RDX, 0);
            assembler.divideUnsigned(Gpr.RCX);
        }
        if (!quotient) {
            assembler.move(Gpr.RAX, Gpr.RDX);
        }
        assembler.jump(done);
        if (signed && quotient) {
            assembler.bind(minusOne);
            raise();
            assembler.negate(Gpr.RAX);
            assembler.jump(done);
        }
        assembler.bind(zero);
        raise();
        assembler.moveImmediate(Gpr.RAX, 0);
        assembler.bind(done);
        assembler.store(result, Gpr.RAX);
    }

    /** 0 / 0 in floating point: that the divisor has to be looked at. */
    private void raise() {
        assembler.vector(VectorOp.XORPS, 16, SCRATCH, SCRATCH, SCRATCH);
        assembler.vector(VectorOp.DIVPS, 16, SCRATCH, SCRATCH, SCRATCH);
    }

    /** From 2^63 on, the excess is converted and the top bit put back; a NaN takes the ordinary way. */
    private void toUnsigned(boolean isDouble, Memory x, Memory result) {
        long bits =
                isDouble ? Double.doubleToRawLongBits(0x1p63) : LiteralPool.repeat(Float.floatToRawIntBits(0x1p63f), 4);
        Memory limit = new Memory.Pool(context.steps.pool().offset(bits));
        VectorOp convert = isDouble ? VectorOp.CVTTSD2SI : VectorOp.CVTTSS2SI;
        Label big = new Label();
        Label done = new Label();
        assembler.vector(isDouble ? VectorOp.MOVSD_LOAD : VectorOp.MOVSS_LOAD, 16, SCRATCH, 0, x);
        assembler.vector(isDouble ? VectorOp.UCOMISD : VectorOp.UCOMISS, 16, SCRATCH, 0, limit);
        assembler.jump(Condition.ABOVE_OR_EQUAL, big);
        assembler.vector(convert, 16, Gpr.RAX, 0, SCRATCH);
        assembler.jump(done);
        assembler.bind(big);
        assembler.vector(isDouble ? VectorOp.SUBSD : VectorOp.SUBSS, 16, SCRATCH, SCRATCH, limit);
        assembler.vector(convert, 16, Gpr.RAX, 0, SCRATCH);
        assembler.moveImmediate(Gpr.RCX, Long.MIN_VALUE);
        assembler.alu(Alu.XOR, Gpr.RAX, Gpr.RCX);
        assembler.bind(done);
        assembler.store(result, Gpr.RAX);
    }

    /** With the top bit set: half of it, the lost bit kept for rounding, converted and doubled. */
    private void unsignedToFloat(Memory x, Memory result) {
        Label big = new Label();
        Label done = new Label();
        assembler.vector(VectorOp.XORPS, 16, SCRATCH, SCRATCH, SCRATCH);
        assembler.load(Gpr.RAX, x);
        assembler.test(Gpr.RAX, Gpr.RAX);
        assembler.jump(Condition.SIGN, big);
        assembler.vector(VectorOp.CVTSI2SS, 16, SCRATCH, SCRATCH, Gpr.RAX);
        assembler.jump(done);
        assembler.bind(big);
        assembler.move(Gpr.RCX, Gpr.RAX);
        assembler.shiftRight(Gpr.RCX, 1);
        assembler.aluImmediate(Alu.AND, Gpr.RAX, 1);
        assembler.alu(Alu.OR, Gpr.RCX, Gpr.RAX);
        assembler.vector(VectorOp.CVTSI2SS, 16, SCRATCH, SCRATCH, Gpr.RCX);
        assembler.vector(VectorOp.ADDSS, 16, SCRATCH, SCRATCH, SCRATCH);
        assembler.bind(done);
        assembler.vector(VectorOp.MOVSS_STORE, 16, SCRATCH, 0, result);
    }

    /** By repeated squaring; the shift is logical, so a negative exponent ends, too. */
    private void power(Memory x, Memory y, Memory result) {
        Label again = new Label();
        Label even = new Label();
        Label done = new Label();
        assembler.load(Gpr.RCX, x);
        assembler.load(Gpr.RDX, y);
        assembler.moveImmediate(Gpr.RAX, 1);
        assembler.bind(again);
        assembler.test(Gpr.RDX, Gpr.RDX);
        assembler.jump(Condition.ZERO, done);
        assembler.testByte(Gpr.RDX, 1);
        assembler.jump(Condition.ZERO, even);
        assembler.multiply(Gpr.RAX, Gpr.RCX);
        assembler.bind(even);
        assembler.multiply(Gpr.RCX, Gpr.RCX);
        assembler.shiftRight(Gpr.RDX, 1);
        assembler.jump(again);
        assembler.bind(done);
        assembler.store(result, Gpr.RAX);
    }
}
