package io.maniple.kernels.x86;

import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.SortCode;
import io.maniple.kernels.ir.SortCode.Arguments;
import io.maniple.kernels.x86.Assembler.Alu;
import io.maniple.kernels.x86.Assembler.Label;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Emits the code for sorting with AVX-512: quicksort's partition by compressing vectors, and sorting networks for what fits
 * the registers. The plan is that of B. Bramas, A novel hybrid quicksort algorithm vectorized using AVX-512 on Intel Skylake,
 * IJACSA 8 (2017); the networks are K. Batcher's bitonic ones, each merge beginning with the mirror image of its second half.
 */
final class SortEmitter {
    private static final int VECTOR = 64;
    private static final int ALIGNMENT = 32;

    // Mask registers: lanes that take the greater of two keys, by the distance of the two.
    private static final int FOUR = 4;
    private static final int TWO = 5;
    private static final int ONE = 6;

    // Literals, by their place in the pool.
    private static final int BACKWARDS = 0;
    private static final int GREATEST = 64;
    private static final int MASKS = 128;

    private final Assembler assembler = new Assembler(InstructionSet.AVX512);
    /** The register of each vector of a network, and those that are free. */
    private final int[] registers;

    private final Deque<Integer> free = new ArrayDeque<>();

    private SortEmitter(int vectors) {
        registers = new int[vectors];
        for (int vector = 0; vector < vectors; vector++) {
            registers[vector] = vector;
        }
        for (int register = vectors; register < 24; register++) {
            free.add(register);
        }
    }

    static SortCode compile() throws CodeMemory.RefusedException {
        List<Executable> networks = new ArrayList<>();
        for (int vectors = 2; vectors * SortCode.LANES <= SortCode.MOST; vectors *= 2) {
            networks.add(new SortEmitter(vectors).network());
        }
        return new SortCode(new SortEmitter(0).partition(), networks);
    }

    private static Memory argument(int place) {
        return Memory.at(Gpr.RDI, place);
    }

    private Executable finish() throws CodeMemory.RefusedException {
        assembler.zeroUpper();
        assembler.moveImmediate(Gpr.RAX, 0);
        assembler.ret();
        ByteBuffer pool = ByteBuffer.allocate(MASKS + 3 * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (long lane = SortCode.LANES - 1; lane >= 0; lane--) {
            pool.putLong(lane);
        }
        for (int lane = 0; lane < SortCode.LANES; lane++) {
            pool.putLong(Long.MAX_VALUE);
        }
        pool.putLong(0xF0).putLong(0xCC).putLong(0xAA);
        return new CompiledKernel(CodeMemory.of(assembler.finish(pool.array())));
    }

    // -- partition --------------------------------------------------------------------------------------------------

    private Executable partition() throws CodeMemory.RefusedException {
        int all = 3;
        int last = 2;
        assembler.load(Gpr.R8, argument(Arguments.KEYS));
        assembler.load(Gpr.R10, argument(Arguments.SPARE));
        assembler.load(Gpr.RCX, argument(Arguments.COUNT));
        assembler.move(Gpr.R9, Gpr.R8);
        assembler.vector(VectorOp.PBROADCASTQ, VECTOR, 0, 0, argument(Arguments.PIVOT));
        assembler.loadMask(last, argument(Arguments.MASK));
        // Comparing a register with itself would cost a pool entry less, and be harder to read.
        assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, 1, 0, new Memory.Pool(GREATEST));
        assembler.vector(VectorOp.PTESTMQ, VECTOR, all, 1, 1);
        Label vector = new Label();
        Label rest = new Label();
        Label end = new Label();
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, SortCode.LANES);
        assembler.jump(Condition.LESS, rest);
        assembler.align(ALIGNMENT);
        assembler.bind(vector);
        assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, 1, 0, Memory.at(Gpr.R8, 0));
        assembler.vector(VectorOp.PCMPGTQ, VECTOR, 1, 0, 1);
        assembler.maskAlu(VectorOp.KANDN, 7, 1, all);
        assembler.moveMask(Gpr.RAX, 1);
        assembler.masked(VectorOp.PCOMPRESSQ, VECTOR, 1, 0, 2, 1, true);
        assembler.masked(VectorOp.PCOMPRESSQ, VECTOR, 1, 0, 3, 7, true);
        assembler.countBits(Gpr.RAX, Gpr.RAX);
        // What is written too much on the left was read already; on the right it is written over by the next.
        assembler.vector(VectorOp.MOVUPS_STORE, VECTOR, 2, 0, Memory.at(Gpr.R9, 0));
        assembler.vector(VectorOp.MOVUPS_STORE, VECTOR, 3, 0, Memory.at(Gpr.R10, 0));
        assembler.lea(Gpr.R9, Memory.indexed(Gpr.R9, Gpr.RAX, 3, 0));
        assembler.negate(Gpr.RAX);
        assembler.lea(Gpr.R10, Memory.indexed(Gpr.R10, Gpr.RAX, 3, VECTOR));
        assembler.aluImmediate(Alu.ADD, Gpr.R8, VECTOR);
        assembler.aluImmediate(Alu.SUB, Gpr.RCX, SortCode.LANES);
        assembler.jump(Condition.GREATER_OR_EQUAL, vector);
        assembler.bind(rest);
        assembler.aluImmediate(Alu.ADD, Gpr.RCX, SortCode.LANES);
        assembler.jump(Condition.ZERO, end);
        assembler.masked(VectorOp.MOVDQU64_LOAD, VECTOR, 1, 0, Memory.at(Gpr.R8, 0), last, true);
        assembler.masked(VectorOp.PCMPGTQ, VECTOR, 1, 0, 1, last, false);
        assembler.maskAlu(VectorOp.KANDN, 7, 1, last);
        assembler.moveMask(Gpr.RAX, 1);
        assembler.masked(VectorOp.PCOMPRESSQ, VECTOR, 1, 0, 3, 7, true);
        assembler.countBits(Gpr.RAX, Gpr.RAX);
        // Nothing behind the last key may be written.
        assembler.masked(VectorOp.PCOMPRESSQ, VECTOR, 1, 0, Memory.at(Gpr.R9, 0), 1, false);
        assembler.vector(VectorOp.MOVUPS_STORE, VECTOR, 3, 0, Memory.at(Gpr.R10, 0));
        assembler.lea(Gpr.R9, Memory.indexed(Gpr.R9, Gpr.RAX, 3, 0));
        assembler.bind(end);
        assembler.alu(Alu.SUB, Gpr.R9, argument(Arguments.KEYS));
        assembler.shiftRight(Gpr.R9, 3);
        assembler.store(argument(Arguments.BELOW), Gpr.R9);
        return finish();
    }

    // -- networks ---------------------------------------------------------------------------------------------------

    private Executable network() throws CodeMemory.RefusedException {
        assembler.load(Gpr.R8, argument(Arguments.KEYS));
        assembler.load(Gpr.R9, argument(Arguments.MASKS));
        assembler.loadMask(FOUR, new Memory.Pool(MASKS));
        assembler.loadMask(TWO, new Memory.Pool(MASKS + 8));
        assembler.loadMask(ONE, new Memory.Pool(MASKS + 16));
        for (int vector = 0; vector < registers.length; vector++) {
            assembler.loadMask(1, Memory.at(Gpr.R9, 8 * vector));
            assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, registers[vector], 0, new Memory.Pool(GREATEST));
            assembler.masked(
                    VectorOp.MOVDQU64_LOAD, VECTOR, registers[vector], 0, Memory.at(Gpr.R8, VECTOR * vector), 1, false);
        }
        for (int vector = 0; vector < registers.length; vector++) {
            sortLanes(vector);
        }
        for (int half = 1; half < registers.length; half *= 2) {
            for (int first = 0; first < registers.length; first += 2 * half) {
                merge(first, half);
            }
        }
        for (int vector = 0; vector < registers.length; vector++) {
            assembler.loadMask(1, Memory.at(Gpr.R9, 8 * vector));
            assembler.masked(
                    VectorOp.MOVDQU64_STORE,
                    VECTOR,
                    registers[vector],
                    0,
                    Memory.at(Gpr.R8, VECTOR * vector),
                    1,
                    false);
        }
        return finish();
    }

    private void sortLanes(int vector) {
        lanes(vector, this::neighbours, ONE);
        lanes(vector, this::mirrorFour, TWO);
        lanes(vector, this::neighbours, ONE);
        lanes(vector, this::mirror, FOUR);
        lanes(vector, this::pairs, TWO);
        lanes(vector, this::neighbours, ONE);
    }

    /** Merges two sorted runs of some vectors. */
    private void merge(int first, int half) {
        for (int place = 0; place < half; place++) {
            int other = first + 2 * half - 1 - place;
            int turned = free.remove();
            mirror(turned, registers[other]);
            free.add(registers[other]);
            registers[other] = turned;
            order(first + place, other);
        }
        // The greater half stands backwards, by vectors.
        for (int place = 0; place < half / 2; place++) {
            int low = first + half + place;
            int high = first + 2 * half - 1 - place;
            int register = registers[low];
            registers[low] = registers[high];
            registers[high] = register;
        }
        for (int distance = half / 2; distance >= 1; distance /= 2) {
            for (int place = 0; place < 2 * half; place++) {
                if ((place & distance) == 0) {
                    order(first + place, first + place + distance);
                }
            }
        }
        for (int place = first; place < first + 2 * half; place++) {
            lanes(place, this::halves, FOUR);
            lanes(place, this::pairs, TWO);
            lanes(place, this::neighbours, ONE);
        }
    }

    /** The lesser keys of two vectors into the first one, the greater ones into the other. */
    private void order(int low, int high) {
        int lesser = free.remove();
        assembler.vector(VectorOp.PMINSQ, VECTOR, lesser, registers[low], registers[high]);
        assembler.vector(VectorOp.PMAXSQ, VECTOR, registers[high], registers[low], registers[high]);
        free.add(registers[low]);
        registers[low] = lesser;
    }

    /** Where the lanes of a vector are to be compared with. */
    @FunctionalInterface
    private interface Partners {
        void put(int destination, int source);
    }

    /** Orders each lane and its partner. */
    private void lanes(int vector, Partners partners, int greater) {
        int other = free.remove();
        int result = free.remove();
        int own = registers[vector];
        partners.put(other, own);
        assembler.vector(VectorOp.PMINSQ, VECTOR, result, own, other);
        assembler.masked(VectorOp.PMAXSQ, VECTOR, result, own, other, greater, false);
        free.add(other);
        free.add(own);
        registers[vector] = result;
    }

    private void neighbours(int destination, int source) {
        assembler.vector(VectorOp.PSHUFD, VECTOR, destination, 0, source, 0x4E);
    }

    private void pairs(int destination, int source) {
        assembler.vector(VectorOp.PERMQ, VECTOR, destination, 0, source, 0x4E);
    }

    private void halves(int destination, int source) {
        assembler.vector(VectorOp.SHUF64X2, VECTOR, destination, source, source, 0x4E);
    }

    private void mirrorFour(int destination, int source) {
        assembler.vector(VectorOp.PERMQ, VECTOR, destination, 0, source, 0x1B);
    }

    private void mirror(int destination, int source) {
        int index = 31;
        assembler.vector(VectorOp.MOVUPS_LOAD, VECTOR, index, 0, new Memory.Pool(BACKWARDS));
        assembler.vector(VectorOp.PERMQ_BY, VECTOR, destination, index, source);
    }
}
