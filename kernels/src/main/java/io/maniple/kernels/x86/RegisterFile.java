package io.maniple.kernels.x86;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which value is in which vector register while a straight piece of code is emitted. Where a register is needed and
 * none is free, the value whose next use is farthest away gives way; that is optimal for straight code. Registers 14
 * and 15 are left to sequences that need room of their own.
 */
final class RegisterFile {
    static final int SCRATCH = 15;
    static final int SECOND_SCRATCH = 14;
    private static final int ALLOCATABLE = 14;
    private static final int NONE = -1;
    private static final int RESERVED = -2;

    private final Assembler assembler;
    private final Frame frame;
    private final Steps steps;
    /** Frame offsets of values that are the same for a row; they outlive this piece of code. */
    private final int[] invariantHomes;

    private final int[] owner = new int[ALLOCATABLE];
    private final boolean[] pinned = new boolean[ALLOCATABLE];
    private final boolean[] locked = new boolean[ALLOCATABLE];
    private final int[] location;
    private final int[] spilled;
    private final int[][] uses;
    private final int[] cursor;

    RegisterFile(Assembler assembler, Frame frame, Steps steps, int[] invariantHomes, int[][] uses) {
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
            int register = take();
            assembler.vector(VectorOp.MOVUPS_LOAD, steps.isWide(value), register, 0, home);
            owner[register] = value;
            location[value] = register;
        }
        if (location[value] < ALLOCATABLE) {
            locked[location[value]] = true;
        }
        return location[value];
    }

    /** Ends a step's reading: one use of each source is over, and those without a further one leave their registers. */
    void release(List<Integer> sources) {
        Arrays.fill(locked, false);
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
            frame.release(spilled[value]);
            spilled[value] = NONE;
        }
    }

    /** A register for a step's result. */
    int define(int value) {
        int register = take();
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

    private int take() {
        int victim = NONE;
        int farthest = -1;
        for (int register = 0; register < ALLOCATABLE; register++) {
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
            assembler.vector(VectorOp.MOVAPS_STORE, steps.isWide(value), register, 0, requireHome(value));
        }
        owner[register] = NONE;
        location[value] = NONE;
    }

    /** Before a call, which destroys all vector registers. Values not used after {@code position} need no saving. */
    void saveForCall(List<Integer> arguments) {
        for (int register = 0; register < ALLOCATABLE; register++) {
            int value = owner[register];
            if (value >= 0 && home(value) == null && usesBeyond(value, arguments)) {
                spilled[value] = frame.newVector();
                assembler.vector(VectorOp.MOVAPS_STORE, steps.isWide(value), register, 0, requireHome(value));
            }
        }
    }

    private boolean usesBeyond(int value, List<Integer> arguments) {
        long here = arguments.stream().filter(argument -> argument == value).count();
        return cursor[value] + here < uses[value].length;
    }

    void clear() {
        for (int register = 0; register < ALLOCATABLE; register++) {
            if (owner[register] >= 0) {
                location[owner[register]] = NONE;
                owner[register] = NONE;
            }
        }
    }
}
