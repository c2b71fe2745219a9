package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.kernels.ir.ProductCode.Arguments;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import java.util.ArrayList;
import java.util.List;

/**
 * Emits the code for products of matrices. A panel of the result, 8 rows of three vectors with AVX-512 and 4 with AVX2, has
 * its sums in registers; for each place along the common dimension vectors of the right panel are multiplied by elements of
 * the left one. How matrices are cut into panels that stay in the caches is the scheme of K. Goto and R. van de Geijn,
 * Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34 (2008).
 */
final class ProductEmitter {
    private static final int ALIGNMENT = 32;
    /** Vectors of the right panel; then the element of the left one; then the sums. */
    private static final int ELEMENT = ProductCode.MOST_VECTORS;

    private static final int SUMS = ELEMENT + 1;

    private final InstructionSet set;
    private final boolean isDouble;
    private final int elementBytes;
    private final int vectorBytes;
    private final int rows;
    private final Assembler assembler;

    private ProductEmitter(InstructionSet set, ElementType type) {
        this.set = set;
        this.isDouble = type == ElementType.FLOAT64;
        this.elementBytes = isDouble ? 8 : 4;
        this.vectorBytes = set.vectorBytes();
        this.rows = set == InstructionSet.AVX512 ? 8 : 4;
        this.assembler = new Assembler(set);
    }

    static ProductCode compile(InstructionSet set, ElementType type) throws CodeMemory.RefusedException {
        List<Executable> multiply = new ArrayList<>();
        List<Executable> packRight = new ArrayList<>();
        for (int vectors = 1; vectors <= ProductCode.MOST_VECTORS; vectors++) {
            multiply.add(new ProductEmitter(set, type).multiply(vectors));
            packRight.add(new ProductEmitter(set, type).pack(vectors, set.vectorBytes()));
        }
        ProductEmitter left = new ProductEmitter(set, type);
        Executable packLeft = left.pack(1, left.rows * left.elementBytes);
        return new ProductCode(
                left.rows,
                left.vectorBytes / left.elementBytes,
                left.isDouble ? 2 : 4,
                multiply,
                packLeft,
                packRight,
                new ProductEmitter(set, type).turn());
    }

    private static Memory argument(int place) {
        return Memory.at(Gpr.RDI, place);
    }

    private Executable finish() throws CodeMemory.RefusedException {
        assembler.zeroUpper();
        assembler.moveImmediate(Gpr.RAX, 0);
        assembler.ret();
        return new CompiledKernel(CodeMemory.of(assembler.finish(new byte[0])));
    }

    // -- the product of panels --------------------------------------------------------------------------------------

    private static int sum(int row, int vector, int vectors) {
        return SUMS + row * vectors + vector;
    }

    private Executable multiply(int vectors) throws CodeMemory.RefusedException {
        assembler.load(Gpr.R9, argument(Arguments.PACKED));
        assembler.load(Gpr.R11, argument(Arguments.STRIDE));
        loadMask();
        Label right = new Label();
        assembler.bind(right);
        assembler.load(Gpr.R8, argument(Arguments.SOURCE));
        assembler.load(Gpr.R10, argument(Arguments.TARGET));
        assembler.load(Gpr.RAX, argument(Arguments.PANELS));
        Label panel = new Label();
        assembler.align(ALIGNMENT);
        assembler.bind(panel);
        sums(vectors);
        results(vectors);
        assembler.move(Gpr.RSI, Gpr.R11);
        assembler.shiftLeft(Gpr.RSI, Integer.numberOfTrailingZeros(rows));
        assembler.alu(Alu.ADD, Gpr.R10, Gpr.RSI);
        assembler.aluImmediate(Alu.SUB, Gpr.RAX, 1);
        assembler.jump(Condition.NOT_ZERO, panel);
        assembler.load(Gpr.R9, argument(Arguments.NEXT_RIGHT));
        assembler.aluImmediate(Alu.ADD, argument(Arguments.TARGET), vectors * vectorBytes);
        assembler.aluImmediate(Alu.SUB, argument(Arguments.RIGHT_PANELS), 1);
        assembler.jump(Condition.NOT_ZERO, right);
        return finish();
    }

    private void sums(int vectors) {
        for (int number = 0; number < rows * vectors; number++) {
            assembler.vector(VectorOp.PXOR, vectorBytes, SUMS + number, SUMS + number, SUMS + number);
        }
        assembler.move(Gpr.RDX, Gpr.R9);
        assembler.load(Gpr.RCX, argument(Arguments.DEPTH));
        Label place = new Label();
        assembler.align(ALIGNMENT);
        assembler.bind(place);
        for (int vector = 0; vector < vectors; vector++) {
            assembler.vector(VectorOp.MOVUPS_LOAD, vectorBytes, vector, 0, Memory.at(Gpr.RDX, vector * vectorBytes));
        }
        for (int row = 0; row < rows; row++) {
            assembler.vector(
                    isDouble ? VectorOp.PBROADCASTQ : VectorOp.PBROADCASTD,
                    vectorBytes,
                    ELEMENT,
                    0,
                    Memory.at(Gpr.R8, row * elementBytes));
            for (int vector = 0; vector < vectors; vector++) {
                assembler.vector(
                        isDouble ? VectorOp.FMADD231PD : VectorOp.FMADD231PS,
                        vectorBytes,
                        sum(row, vector, vectors),
                        ELEMENT,
                        vector);
            }
        }
        assembler.aluImmediate(Alu.ADD, Gpr.RDX, vectors * vectorBytes);
        assembler.aluImmediate(Alu.ADD, Gpr.R8, rows * elementBytes);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, 1);
        assembler.jump(Condition.NOT_ZERO, place);
        assembler.store(argument(Arguments.NEXT_RIGHT), Gpr.RDX);
    }

    private void results(int vectors) {
        Label wholePanel = new Label();
        Label written = new Label();
        Label over = new Label();
        assembler.moveImmediate(Gpr.RDX, rows);
        assembler.aluImmediate(Alu.CMP, Gpr.RAX, 1);
        assembler.jump(Condition.NOT_ZERO, wholePanel);
        assembler.load(Gpr.RDX, argument(Arguments.LAST_ROWS));
        assembler.bind(wholePanel);
        assembler.move(Gpr.RSI, Gpr.R10);
        if (set != InstructionSet.AVX512) {
            assembler.vector(VectorOp.MOVUPS_LOAD, vectorBytes, 0, 0, argument(Arguments.LANES));
        }
        assembler.aluImmediate(Alu.CMP, argument(Arguments.ADD), 0);
        assembler.jump(Condition.ZERO, over);
        result(vectors, true, written);
        assembler.jump(written);
        assembler.bind(over);
        // A sum that begins with 0, as BLAS has it: there is no negative zero in the end.
        assembler.vector(VectorOp.PXOR, vectorBytes, 1, 1, 1);
        result(vectors, false, written);
        assembler.bind(written);
    }

    private void result(int vectors, boolean add, Label written) {
        int before = 1;
        for (int row = 0; row < rows; row++) {
            for (int vector = 0; vector < vectors; vector++) {
                Memory place = Memory.at(Gpr.RSI, vector * vectorBytes);
                boolean last = vector == vectors - 1;
                int sum = sum(row, vector, vectors);
                if (add) {
                    load(before, place, vectorBytes, last);
                }
                assembler.vector(isDouble ? VectorOp.ADDPD : VectorOp.ADDPS, vectorBytes, sum, sum, before);
                store(place, sum, last);
            }
            if (row < rows - 1) {
                assembler.aluImmediate(Alu.SUB, Gpr.RDX, 1);
                assembler.jump(Condition.ZERO, written);
                assembler.alu(Alu.ADD, Gpr.RSI, Gpr.R11);
            }
        }
    }

    // -- masks ------------------------------------------------------------------------------------------------------

    private void loadMask() {
        if (set == InstructionSet.AVX512) {
            assembler.loadMask(1, argument(Arguments.MASK));
        } else {
            assembler.vector(VectorOp.MOVUPS_LOAD, vectorBytes, 0, 0, argument(Arguments.LANES));
        }
    }

    private void load(int register, Memory memory, int size, boolean masked) {
        if (!masked) {
            assembler.vector(VectorOp.MOVUPS_LOAD, size, register, 0, memory);
        } else if (set == InstructionSet.AVX512) {
            VectorOp load = isDouble ? VectorOp.MOVDQU64_LOAD : VectorOp.MOVDQU32_LOAD;
            assembler.masked(load, size, register, 0, memory, 1, true);
        } else {
            assembler.vector(VectorOp.MASKMOVPS_LOAD, size, register, 0, memory);
        }
    }

    private void store(Memory memory, int register, boolean masked) {
        if (!masked) {
            assembler.vector(VectorOp.MOVUPS_STORE, vectorBytes, register, 0, memory);
        } else if (set == InstructionSet.AVX512) {
            VectorOp store = isDouble ? VectorOp.MOVDQU64_STORE : VectorOp.MOVDQU32_STORE;
            assembler.masked(store, vectorBytes, register, 0, memory, 1, false);
        } else {
            assembler.vector(VectorOp.MASKMOVPS_STORE, vectorBytes, register, 0, memory);
        }
    }

    // -- packing ----------------------------------------------------------------------------------------------------

    /** Lines of a panel that are contiguous: copied one behind the other, the last vector of each by the mask. */
    private Executable pack(int vectors, int bytes) throws CodeMemory.RefusedException {
        assembler.load(Gpr.R8, argument(Arguments.SOURCE));
        assembler.load(Gpr.R9, argument(Arguments.PACKED));
        assembler.load(Gpr.R11, argument(Arguments.STRIDE));
        assembler.load(Gpr.RCX, argument(Arguments.DEPTH));
        loadMask();
        Label line = new Label();
        assembler.align(ALIGNMENT);
        assembler.bind(line);
        for (int vector = 0; vector < vectors; vector++) {
            load(1 + vector, Memory.at(Gpr.R8, vector * bytes), bytes, vector == vectors - 1);
        }
        for (int vector = 0; vector < vectors; vector++) {
            assembler.vector(VectorOp.MOVUPS_STORE, bytes, 1 + vector, 0, Memory.at(Gpr.R9, vector * bytes));
        }
        assembler.alu(Alu.ADD, Gpr.R8, Gpr.R11);
        assembler.aluImmediate(Alu.ADD, Gpr.R9, vectors * bytes);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, 1);
        assembler.jump(Condition.NOT_ZERO, line);
        return finish();
    }

    /** Two lines of doubles, or four of floats, that become columns: squares of 16 bytes by 16 are turned in registers. */
    private Executable turn() throws CodeMemory.RefusedException {
        int lines = isDouble ? 2 : 4;
        int[] pointers = {Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11};
        for (int line = 0; line < lines; line++) {
            assembler.load(pointers[line], argument(Arguments.LINES + 8 * line));
        }
        assembler.load(Gpr.RDX, argument(Arguments.PACKED));
        assembler.load(Gpr.RSI, argument(Arguments.STRIDE));
        assembler.load(Gpr.RCX, argument(Arguments.DEPTH));
        Label square = new Label();
        Label rest = new Label();
        Label single = new Label();
        Label end = new Label();
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, lines);
        assembler.jump(Condition.LESS, rest);
        assembler.align(ALIGNMENT);
        assembler.bind(square);
        turnSquare(lines, pointers);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, lines);
        assembler.jump(Condition.GREATER_OR_EQUAL, square);
        assembler.bind(rest);
        assembler.aluImmediate(Alu.ADD, Gpr.RCX, lines);
        assembler.jump(Condition.ZERO, end);
        assembler.bind(single);
        for (int line = 0; line < lines; line++) {
            assembler.load(elementBytes, Gpr.RAX, Memory.at(pointers[line], 0));
            assembler.store(elementBytes, Memory.at(Gpr.RDX, line * elementBytes), Gpr.RAX);
            assembler.aluImmediate(Alu.ADD, pointers[line], elementBytes);
        }
        assembler.alu(Alu.ADD, Gpr.RDX, Gpr.RSI);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, 1);
        assembler.jump(Condition.NOT_ZERO, single);
        assembler.bind(end);
        return finish();
    }

    private void turnSquare(int lines, int[] pointers) {
        for (int line = 0; line < lines; line++) {
            assembler.vector(VectorOp.MOVUPS_LOAD, 16, line, 0, Memory.at(pointers[line], 0));
            assembler.aluImmediate(Alu.ADD, pointers[line], 16);
        }
        int[] turned;
        if (isDouble) {
            assembler.vector(VectorOp.PUNPCKLQDQ, 16, 4, 0, 1);
            assembler.vector(VectorOp.PUNPCKHQDQ, 16, 5, 0, 1);
            turned = new int[] {4, 5};
        } else {
            assembler.vector(VectorOp.PUNPCKLDQ, 16, 4, 0, 1);
            assembler.vector(VectorOp.PUNPCKLDQ, 16, 5, 2, 3);
            assembler.vector(VectorOp.PUNPCKHDQ, 16, 6, 0, 1);
            assembler.vector(VectorOp.PUNPCKHDQ, 16, 7, 2, 3);
            assembler.vector(VectorOp.PUNPCKLQDQ, 16, 8, 4, 5);
            assembler.vector(VectorOp.PUNPCKHQDQ, 16, 9, 4, 5);
            assembler.vector(VectorOp.PUNPCKLQDQ, 16, 10, 6, 7);
            assembler.vector(VectorOp.PUNPCKHQDQ, 16, 11, 6, 7);
            turned = new int[] {8, 9, 10, 11};
        }
        for (int register : turned) {
            assembler.vector(VectorOp.MOVUPS_STORE, 16, register, 0, Memory.at(Gpr.RDX, 0));
            assembler.alu(Alu.ADD, Gpr.RDX, Gpr.RSI);
        }
    }
}
