package io.maniple.kernels.x86;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which value is in which vector register while a straight piece of code is emitted. Where a register is needed and
 * none is free, the value whose next use is farthest away gives way; that is optimal for straight code. Registers 14
 * and 15 and the first two mask registers are left to sequences that need room of their own.
 */
final class RegisterFile {
    static final int SCRATCH = 15;
    static final int SECOND_SCRATCH = 14;
    /** Mask registers are numbered after the vector registers; the first one cannot stand for a mask. */
    static final int FIRST_MASK = 32;

    static final int SCRATCH_MASK = FIRST_MASK + 1;
    private static final int REGISTERS = FIRST_MASK + 8;
    private static final int NONE = -1;
    private static final int RESERVED = -2;

    private final Assembler assembler;
    private final Frame frame;
    private final Steps steps;
    /** Frame offsets of values that are the same for a row; they outlive this piece of code. */
    private final int[] invariantHomes;

    private final int[] owner = new int[REGISTERS];
    private final boolean[] pinned = new boolean[REGISTERS];
    private final boolean[] locked = new boolean[REGISTERS];
    private final int[] location;
    private final int[] spilled;
    private final int[][] uses;
    private final int[] cursor;
    /** Places in the frame that the present step may still read, while its result's register is made free. */
    private final List<Integer> vacated = new ArrayList<>();

    RegisterFile(
            InstructionSet set, Assembler assembler, Frame frame, Steps steps, int[] invariantHomes, int[][] uses) {
        this.assembler = assembler;
        this.frame = frame;
        this.steps = steps;
        this.invariantHomes = invariantHomes;
        this.uses = uses;
        this.location = new int[steps.valueCount()];
        this.spilled = new int[steps.valueCount()];
        this.cursor = new int[steps.valueCount()];
        Arrays.fill(owner, NONE);
        Arrays.fill(location, NONE);
        Arrays.fill(spilled, NONE);
        reserve(Set.of(SCRATCH, SECOND_SCRATCH, FIRST_MASK, SCRATCH_MASK));
        reserve(IntStream.range(set.registers(), FIRST_MASK).boxed().collect(Collectors.toSet()));
    }

    /** Vector registers for values: all but those left to sequences. */
    static int count(InstructionSet set) {
        return set.registers() - 2;
    }

    /** The {@code k}-th of them. */
    static int register(int k) {
        return k < SECOND_SCRATCH ? k : k + 2;
    }

    /** Registers that this piece of code must not touch. */
    void reserve(Set<Integer> registers) {
        for (int register : registers) {
            owner[register] = RESERVED;
            pinned[register] = true;
        }
    }

    /** A value that has been in a register since before this piece of code, and stays. */
    void pin(int value, int register) {
        owner[register] = value;
        pinned[register] = true;
        location[value] = register;
    }

    /** A value that is a reserved register's present content. */
    void alias(int value, int register) {
        location[value] = register;
    }

    int nextUse(int value) {
        return cursor[value] < uses[value].length ? uses[value][cursor[value]] : Integer.MAX_VALUE;
    }

    boolean isLive(int value) {
        return cursor[value] < uses[value].length;
    }

    int useCount(int value) {
        return uses[value].length;
    }

    boolean inRegister(int value) {
        return location[value] != NONE;
    }

    int registerOf(int value) {
        return location[value];
    }

    /** Where a value that is known to lie in memory can be read. */
    Memory requireHome(int value) {
        return Objects.requireNonNull(home(value), "the value has no place in memory");
    }

    /** Where a value can be read from memory, or null. */
    @Nullable Memory home(int value) {
        return switch (steps.home(value)) {
            case LITERAL -> new Memory.Pool(steps.poolOffset(value));
            case INVARIANT -> invariantHomes[value] < 0 ? null : Memory.at(Gpr.RSP, invariantHomes[value]);
            case BODY -> spilled[value] < 0 ? null : Memory.at(Gpr.RSP, spilled[value]);
        };
    }

    /** Brings a value into a register that keeps it until {@link #release}. */
    int acquire(int value) {
        if (location[value] == NONE) {
            Memory home = home(value);
            if (home == null) {
                throw new IllegalStateException("value " + value + " is nowhere");
            }
            int register = take(value);
            read(value, register, home);
            owner[register] = value;
            location[value] = register;
        }
        locked[location[value]] = true;
        return location[value];
    }

    /** Ends a step's reading: one use of each source is over, and those without a further one leave their registers. */
    void release(List<Integer> sources) {
        Arrays.fill(locked, false);
        vacated.forEach(frame::release);
        vacated.clear();
        for (int source : sources) {
            cursor[source]++;
        }
        for (int source : sources) {
            if (!isLive(source)) {
                forget(source);
            }
        }
    }

    private void forget(int value) {
        int register = location[value];
        boolean stays = register != NONE && pinned[register] && owner[register] == value;
        if (register != NONE && !stays) {
            location[value] = NONE;
            if (!pinned[register]) {
                owner[register] = NONE;
            }
        }
        if (spilled[value] != NONE) {
            vacated.add(spilled[value]);
            spilled[value] = NONE;
        }
    }

    /** A register for a step's result. */
    int define(int value) {
        int register = take(value);
        owner[register] = value;
        location[value] = register;
        return register;
    }

    /** The result of a call, in register 0; all registers must be free. */
    void defineAt(int value, int register) {
        owner[register] = value;
        location[value] = register;
    }

    /** A result that nobody uses. */
    void dropIfDead(int value) {
        if (!isLive(value)) {
            forget(value);
        }
    }

    private void read(int value, int register, Memory memory) {
        if (steps.isMask(value)) {
            assembler.loadMask(register, memory);
        } else {
            assembler.vector(VectorOp.MOVUPS_LOAD, steps.size(value), register, 0, memory);
        }
    }

    void write(int value, int register, Memory memory) {
        if (steps.isMask(value)) {
            assembler.storeMask(memory, register);
        } else {
            assembler.vector(VectorOp.MOVAPS_STORE, steps.size(value), register, 0, memory);
        }
    }

    private int take(int value) {
        int victim = NONE;
        int farthest = -1;
        int first = steps.isMask(value) ? FIRST_MASK : 0;
        int end = steps.isMask(value) ? REGISTERS : FIRST_MASK;
        for (int register = first; register < end; register++) {
            if (owner[register] == NONE) {
                return register;
            }
            if (!pinned[register] && !locked[register] && nextUse(owner[register]) > farthest) {
                farthest = nextUse(owner[register]);
                victim = register;
            }
        }
        if (victim == NONE) {
            throw new IllegalStateException("every vector register is in use at once");
        }
        evict(victim);
        return victim;
    }

    private void evict(int register) {
        int value = owner[register];
        if (home(value) == null && isLive(value)) {
            spilled[value] = frame.newVector();
            write(value, register, requireHome(value));
        }
        owner[register] = NONE;
        location[value] = NONE;
    }

    /** Before a call, which destroys all vector registers. Values not used after {@code position} need no saving. */
    void saveForCall(List<Integer> arguments) {
        for (int register = 0; register < REGISTERS; register++) {
            int value = owner[register];
            if (value >= 0 && home(value) == null && usesBeyond(value, arguments)) {
                spilled[value] = frame.newVector();
                write(value, register, requireHome(value));
            }
        }
    }

    private boolean usesBeyond(int value, List<Integer> arguments) {
        long here = arguments.stream().filter(argument -> argument == value).count();
        return cursor[value] + here < uses[value].length;
    }

    void clear() {
        for (int register = 0; register < REGISTERS; register++) {
            if (owner[register] >= 0) {
                location[owner[register]] = NONE;
                owner[register] = NONE;
            }
        }
    }
}
