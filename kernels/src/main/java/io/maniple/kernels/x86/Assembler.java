package io.maniple.kernels.x86;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes x86-64 instructions: vector ones from the table {@link VectorOp}, VEX- or (for AVX-512) EVEX-encoded, and the few
 * general-purpose ones that loops need. Jumps always take the 32-bit form: kernels are small, and one form needs no relaxation.
 */
final class Assembler {
    /** A place in the code that jumps refer to, before or after it is known. */
    static final class Label {
        private int position = -1;
        private final List<Integer> references = new ArrayList<>();
    }

    /** Two-operand arithmetic; the value is the number of the instruction in its group. */
    enum Alu {
        ADD(0),
        OR(1),
        AND(4),
        SUB(5),
        XOR(6),
        CMP(7);

        private final int number;

        Alu(int number) {
            this.number = number;
        }
    }

    private record PoolReference(int position, int instructionEnd, int offset) {}

    private final InstructionSet set;
    private byte[] bytes = new byte[2048];
    private int length;
    private final List<PoolReference> poolReferences = new ArrayList<>();

    Assembler(InstructionSet set) {
        this.set = set;
    }

    int position() {
        return length;
    }

    private void put(int value) {
        if (length == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * length);
        }
        bytes[length++] = (byte) value;
    }

    private void put32(int value) {
        put(value);
        put(value >> 8);
        put(value >> 16);
        put(value >> 24);
    }

    private void patch32(int at, int value) {
        for (int i = 0; i < 4; i++) {
            bytes[at + i] = (byte) (value >> 8 * i);
        }
    }

    // ---- labels

    void bind(Label label) {
        label.position = length;
        for (int reference : label.references) {
            patch32(reference, length - (reference + 4));
        }
    }

    private void reference(Label label) {
        if (label.position < 0) {
            label.references.add(length);
            put32(0);
        } else {
            put32(label.position - (length + 4));
        }
    }

    /** Fills up with instructions that do nothing, so that a loop begins on a boundary the decoder likes. */
    void align(int boundary) {
        int missing = -length & boundary - 1;
        while (missing > 0) {
            int size = Math.min(missing, 8);
            switch (size) {
                case 1 -> put(0x90);
                case 2 -> bytes(0x66, 0x90);
                case 3 -> bytes(0x0F, 0x1F, 0x00);
                case 4 -> bytes(0x0F, 0x1F, 0x40, 0);
                case 5 -> bytes(0x0F, 0x1F, 0x44, 0, 0);
                case 6 -> bytes(0x66, 0x0F, 0x1F, 0x44, 0, 0);
                case 7 -> bytes(0x0F, 0x1F, 0x80, 0, 0, 0, 0);
                default -> bytes(0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0);
            }
            missing -= size;
        }
    }

    private void bytes(int... values) {
        for (int value : values) {
            put(value);
        }
    }

    void jump(Label label) {
        put(0xE9);
        reference(label);
    }

    void jump(Condition condition, Label label) {
        put(0x0F);
        put(0x80 | condition.code());
        reference(label);
    }

    void call(Label label) {
        put(0xE8);
        reference(label);
    }

    // ---- ModRM

    private void modRegister(int reg, int rm) {
        put(0xC0 | (reg & 7) << 3 | rm & 7);
    }

    /** {@code trailing}: bytes of the instruction that follow the displacement (an immediate). */
    private void modMemory(int reg, Memory memory, int trailing) {
        modMemory(reg, memory, trailing, true);
    }

    private void modMemory(int reg, Memory memory, int trailing, boolean shortDisplacements) {
        int field = (reg & 7) << 3;
        switch (memory) {
            case Memory.Pool(int offset) -> {
                put(field | 5);
                poolReferences.add(new PoolReference(length, length + 4 + trailing, offset));
                put32(0);
            }
            case Memory.Based(int base, int index, int scale, int displacement) -> {
                boolean sib = index >= 0 || (base & 7) == 4;
                // rbp and r13 as a base have no form without a displacement
                boolean fitsByte = shortDisplacements && displacement == (byte) displacement;
                int mode = displacement == 0 && (base & 7) != 5 ? 0 : fitsByte ? 1 : 2;
                put(mode << 6 | field | (sib ? 4 : base & 7));
                if (sib) {
                    put(scale << 6 | (index < 0 ? 4 : index & 7) << 3 | base & 7);
                }
                if (mode == 1) {
                    put(displacement);
                } else if (mode == 2) {
                    put32(displacement);
                }
            }
        }
    }

    private static int highIndex(Memory memory) {
        return memory instanceof Memory.Based based && based.index() >= 0 ? based.index() >> 3 & 1 : 0;
    }

    private static int highBase(Memory memory) {
        return memory instanceof Memory.Based based ? based.base() >> 3 & 1 : 0;
    }

    // ---- general-purpose instructions (64 bits unless said otherwise)

    private void rex(boolean wide, int reg, int index, int base, boolean force) {
        int rex = 0x40 | (wide ? 8 : 0) | (reg >> 3 & 1) << 2 | index << 1 | base;
        if (rex != 0x40 || force) {
            put(rex);
        }
    }

    private void registers(boolean wide, int opcode, int reg, int rm) {
        rex(wide, reg, 0, rm >> 3 & 1, false);
        opcode(opcode);
        modRegister(reg, rm);
    }

    private void memory(boolean wide, int opcode, int reg, Memory memory, int trailing) {
        rex(wide, reg, highIndex(memory), highBase(memory), false);
        opcode(opcode);
        modMemory(reg, memory, trailing);
    }

    private void opcode(int opcode) {
        if (opcode > 0xFF) {
            put(opcode >> 8);
        }
        put(opcode);
    }

    void move(int destination, int source) {
        if (destination != source) {
            registers(true, 0x8B, destination, source);
        }
    }

    void moveImmediate(int destination, long value) {
        if (value == 0) {
            registers(false, 0x31, destination, destination);
        } else if (value >>> 32 == 0) {
            rex(false, 0, 0, destination >> 3 & 1, false);
            put(0xB8 | destination & 7);
            put32((int) value);
        } else {
            rex(true, 0, 0, destination >> 3 & 1, false);
            put(0xB8 | destination & 7);
            put32((int) value);
            put32((int) (value >> 32));
        }
    }

    void load(int destination, Memory source) {
        memory(true, 0x8B, destination, source, 0);
    }

    /** Loads 1, 2, 4 or 8 bytes, zero-extended. */
    void load(int size, int destination, Memory source) {
        switch (size) {
            case 1 -> memory(false, 0x0FB6, destination, source, 0);
            case 2 -> memory(false, 0x0FB7, destination, source, 0);
            case 4 -> memory(false, 0x8B, destination, source, 0);
            case 8 -> memory(true, 0x8B, destination, source, 0);
            default -> throw new IllegalArgumentException("size " + size);
        }
    }

    /** Loads 1, 2, 4 or 8 bytes, sign-extended. */
    void loadSigned(int size, int destination, Memory source) {
        switch (size) {
            case 1 -> memory(true, 0x0FBE, destination, source, 0);
            case 2 -> memory(true, 0x0FBF, destination, source, 0);
            case 4 -> memory(true, 0x63, destination, source, 0);
            case 8 -> memory(true, 0x8B, destination, source, 0);
            default -> throw new IllegalArgumentException("size " + size);
        }
    }

    void store(Memory destination, int source) {
        memory(true, 0x89, source, destination, 0);
    }

    void store(int size, Memory destination, int source) {
        switch (size) {
            case 1 -> {
                // with a REX prefix 4..7 are spl..dil's low bytes, not ah..bh
                rex(false, source, highIndex(destination), highBase(destination), source >= 4);
                put(0x88);
                modMemory(source, destination, 0);
            }
            case 2 -> {
                put(0x66);
                memory(false, 0x89, source, destination, 0);
            }
            case 4 -> memory(false, 0x89, source, destination, 0);
            case 8 -> memory(true, 0x89, source, destination, 0);
            default -> throw new IllegalArgumentException("size " + size);
        }
    }

    void lea(int destination, Memory source) {
        memory(true, 0x8D, destination, source, 0);
    }

    void alu(Alu operation, int destination, int source) {
        registers(true, operation.number << 3 | 3, destination, source);
    }

    void alu(Alu operation, int destination, Memory source) {
        memory(true, operation.number << 3 | 3, destination, source, 0);
    }

    void aluImmediate(Alu operation, int destination, int value) {
        boolean small = value == (byte) value;
        registers(true, small ? 0x83 : 0x81, operation.number, destination);
        if (small) {
            put(value);
        } else {
            put32(value);
        }
    }

    void aluImmediate(Alu operation, Memory destination, int value) {
        boolean small = value == (byte) value;
        memory(true, small ? 0x83 : 0x81, operation.number, destination, small ? 1 : 4);
        if (small) {
            put(value);
        } else {
            put32(value);
        }
    }

    /** Adds a register to a word in memory. */
    void addTo(Memory destination, int source) {
        memory(true, 0x01, source, destination, 0);
    }

    void multiply(int destination, Memory source) {
        memory(true, 0x0FAF, destination, source, 0);
    }

    void multiply(int destination, int source) {
        registers(true, 0x0FAF, destination, source);
    }

    void test(int first, int second) {
        registers(true, 0x85, second, first);
    }

    /** Tests the low byte of a register with an immediate. */
    void testByte(int register, int value) {
        rex(false, 0, 0, register >> 3 & 1, register >= 4);
        put(0xF6);
        modRegister(0, register);
        put(value);
    }

    /** Compares a byte in memory with zero. */
    void compareByteWithZero(Memory memory) {
        memory(false, 0x80, 7, memory, 1);
        put(0);
    }

    void shiftLeft(int register, int count) {
        registers(true, 0xC1, 4, register);
        put(count);
    }

    void shiftRight(int register, int count) {
        registers(true, 0xC1, 5, register);
        put(count);
    }

    void negate(int register) {
        registers(true, 0xF7, 3, register);
    }

    /** How many bits are set. */
    void countBits(int destination, int source) {
        put(0xF3);
        registers(true, 0x0FB8, destination, source);
    }

    void increment(int register) {
        registers(true, 0xFF, 0, register);
    }

    void decrement(int register) {
        registers(true, 0xFF, 1, register);
    }

    /** rdx:rax / register, unsigned. */
    void divideUnsigned(int register) {
        registers(true, 0xF7, 6, register);
    }

    /** rdx:rax / register, signed. */
    void divideSigned(int register) {
        registers(true, 0xF7, 7, register);
    }

    /** Sign-extends rax into rdx. */
    void signExtend() {
        put(0x48);
        put(0x99);
    }

    /** rsp - an amount that is filled in later by {@link #patchReservation}; returns where. */
    int reserveStack() {
        put(0x48);
        put(0x81);
        modRegister(Alu.SUB.number, Gpr.RSP);
        put32(0);
        return length - 4;
    }

    void patchReservation(int at, int bytes) {
        patch32(at, bytes);
    }

    void push(int register) {
        rex(false, 0, 0, register >> 3 & 1, false);
        put(0x50 | register & 7);
    }

    void pop(int register) {
        rex(false, 0, 0, register >> 3 & 1, false);
        put(0x58 | register & 7);
    }

    void call(int register) {
        registers(false, 0xFF, 2, register);
    }

    void ret() {
        put(0xC3);
    }

    /** Asks for a line that will be read; an address that may not be read does nothing. */
    void prefetch(Memory line) {
        memory(false, 0x0F18, 1, line, 0);
    }

    void storeFence() {
        put(0x0F);
        put(0xAE);
        put(0xF8);
    }

    /** MXCSR to memory. */
    void storeStatus(Memory destination) {
        memory(false, 0x0FAE, 3, destination, 0);
    }

    /** MXCSR from memory. */
    void loadStatus(Memory source) {
        memory(false, 0x0FAE, 2, source, 0);
    }

    void zeroUpper() {
        put(0xC5);
        put(0xF8);
        put(0x77);
    }

    // ---- vector instructions; sizes are in bytes

    private void vex(VectorOp op, boolean wide, int reg, int vvvv, int index, int base) {
        int r = ~reg >> 3 & 1;
        int low = (wide ? 4 : 0) | op.prefix() | (~vvvv & 15) << 3;
        if (op.map() == 1 && !op.wideElement() && index == 0 && base == 0) {
            put(0xC5);
            put(r << 7 | low);
        } else {
            put(0xC4);
            put(r << 7 | (index ^ 1) << 6 | (base ^ 1) << 5 | op.map());
            put((op.wideElement() ? 0x80 : 0) | low);
        }
        put(op.opcode());
    }

    /** {@code x} and {@code b}: the high bits of what stands in the last place. */
    private void evex(VectorOp op, int size, int reg, int vvvv, int x, int b, int mask, boolean zeroing) {
        put(0x62);
        put((~reg >> 3 & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | (~reg >> 4 & 1) << 4 | op.map());
        put((op.wideInEvex() ? 0x80 : 0) | (~vvvv & 15) << 3 | 4 | op.prefix());
        int length = size <= 16 ? 0 : size == 32 ? 1 : 2;
        put((zeroing ? 0x80 : 0) | length << 5 | (~vvvv >> 4 & 1) << 3 | mask & 7);
        put(op.opcode());
    }

    private void prefixes(VectorOp op, int size, int reg, int vvvv, int rm, int mask, boolean zeroing) {
        if (set == InstructionSet.AVX512) {
            evex(op, size, reg & 31, vvvv & 31, rm >> 4 & 1, rm >> 3 & 1, mask, zeroing);
        } else {
            vex(op, size == 32, reg, vvvv, 0, rm >> 3 & 1);
        }
    }

    private void prefixes(VectorOp op, int size, int reg, int vvvv, Memory rm, int mask, boolean zeroing) {
        if (set == InstructionSet.AVX512) {
            evex(op, size, reg & 31, vvvv & 31, highIndex(rm), highBase(rm), mask, zeroing);
        } else {
            vex(op, size == 32, reg, vvvv, highIndex(rm), highBase(rm));
        }
    }

    /** {@code reg}, {@code vvvv} (0 where the form has none) and {@code rm} as the encoding has them. */
    void vector(VectorOp op, int size, int reg, int vvvv, int rm) {
        prefixes(op, size, reg, vvvv, rm & 31, 0, false);
        modRegister(reg, rm);
    }

    void vector(VectorOp op, int size, int reg, int vvvv, Memory rm) {
        prefixes(op, size, reg, vvvv, rm, 0, false);
        modVectorMemory(reg, rm, 0);
    }

    void vector(VectorOp op, int size, int reg, int vvvv, int rm, int immediate) {
        vector(op, size, reg, vvvv, rm);
        put(immediate);
    }

    void vector(VectorOp op, int size, int reg, int vvvv, Memory rm, int immediate) {
        prefixes(op, size, reg, vvvv, rm, 0, false);
        modVectorMemory(reg, rm, 1);
        put(immediate);
    }

    /** Only the lanes of a mask register are written; {@code zeroing}: the others become zero. */
    void masked(VectorOp op, int size, int reg, int vvvv, int rm, int mask, boolean zeroing) {
        prefixes(op, size, reg, vvvv, rm & 31, mask, zeroing);
        modRegister(reg, rm);
    }

    void masked(VectorOp op, int size, int reg, int vvvv, Memory rm, int mask, boolean zeroing) {
        prefixes(op, size, reg, vvvv, rm, mask, zeroing);
        modVectorMemory(reg, rm, 0);
    }

    private void modVectorMemory(int reg, Memory memory, int trailing) {
        // EVEX counts a displacement of one byte in operands, of which there are too many kinds
        modMemory(reg, memory, trailing, set != InstructionSet.AVX512);
    }

    // ---- mask registers; 64 bits

    void maskAlu(VectorOp op, int result, int first, int second) {
        vex(op, true, result & 7, first & 7, 0, 0);
        modRegister(result & 7, second & 7);
    }

    void loadMask(int mask, Memory memory) {
        vex(VectorOp.KMOV_LOAD, false, mask & 7, 0, highIndex(memory), highBase(memory));
        modMemory(mask & 7, memory, 0);
    }

    void storeMask(Memory memory, int mask) {
        vex(VectorOp.KMOV_STORE, false, mask & 7, 0, highIndex(memory), highBase(memory));
        modMemory(mask & 7, memory, 0);
    }

    void moveMask(int register, int mask) {
        vex(VectorOp.KMOV_GPR, false, register, 0, 0, 0);
        modRegister(register, mask & 7);
    }

    /** The low bits of a register, as many as another says. */
    void lowBits(int destination, int source, int count) {
        // VEX.LZ.0F38.W1 F5, BZHI
        put(0xC4);
        put((~destination >> 3 & 1) << 7 | 0x40 | (~source >> 3 & 1) << 5 | 2);
        put(0x80 | (~count & 15) << 3);
        put(0xF5);
        modRegister(destination, source);
    }

    // ---- the finished code

    /** The code with the literal pool behind it, aligned to 64 bytes; the whole must begin at such an address, too. */
    byte[] finish(byte[] pool) {
        int poolStart = length + 63 & ~63;
        for (PoolReference reference : poolReferences) {
            patch32(reference.position, poolStart + reference.offset - reference.instructionEnd);
        }
        byte[] result = Arrays.copyOf(bytes, poolStart + pool.length);
        System.arraycopy(pool, 0, result, poolStart, pool.length);
        return result;
    }
}
