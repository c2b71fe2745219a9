package io.maniple.kernels.x86;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The stack frame of a kernel, addressed upwards from an rsp aligned to 64 bytes: words first, then vectors. Its size is
 * known, and patched into the prologue, when everything else has been emitted.
 */
final class Frame {
    static final Memory CALLER_STACK = Memory.at(Gpr.RSP, 0);
    static final Memory ROWS_LEFT = Memory.at(Gpr.RSP, 8);
    static final Memory INDEX_BASE = Memory.at(Gpr.RSP, 16);

    /** Elements of the last, incomplete half step of a row. */
    static final Memory REMAINDER = Memory.at(Gpr.RSP, 24);

    /** Room for MXCSR on its way to and from memory. */
    static final Memory STATUS = Memory.at(Gpr.RSP, 32);

    private static final int POINTERS = 40;

    private final int vectorBytes;
    private final int staging;
    private int end;
    private final Deque<Integer> free = new ArrayDeque<>();

    Frame(int operands, int vectorBytes) {
        this.vectorBytes = vectorBytes;
        staging = POINTERS + Long.BYTES * operands + 63 & ~63;
        // three staging vectors, and a mask of the lanes inside the row for each lane width
        end = staging + 7 * vectorBytes;
    }

    /** Address of the current row's first element of an operand. */
    Memory pointer(int operand) {
        return Memory.at(Gpr.RSP, POINTERS + Long.BYTES * operand);
    }

    /** Vector {@code k} of three (they are adjacent) for work on single lanes. */
    Memory staging(int k) {
        return Memory.at(Gpr.RSP, staging + vectorBytes * k);
    }

    /** The lanes inside the row: as lanes of these bytes, or (any of them) as a mask register's content. */
    Memory rowMask(int bytes) {
        return Memory.at(Gpr.RSP, staging + vectorBytes * (3 + Integers.log2(bytes)));
    }

    int newVector() {
        Integer reused = free.poll();
        if (reused != null) {
            return reused;
        }
        end += vectorBytes;
        return end - vectorBytes;
    }

    /** Room for what a step of the loop makes of one value. */
    int newStep() {
        end += InstructionSet.STEP;
        return end - InstructionSet.STEP;
    }

    void release(int vector) {
        free.add(vector);
    }

    int size() {
        return end + 63 & ~63;
    }
}
