package io.maniple.server.engine;

import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ops.FloatingPointRules;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Looks closer at boxes of one step whose kernel raised a floating-point flag. */
final class Inspector {
    /** So many boxes are looked at for each step; the next ones are not likely to tell anything new. */
    private static final int MOST_BOXES = 64;

    private final Diagnosis diagnosis;
    private final Compilers compilers;
    private final long wanted;
    private final AtomicLong found = new AtomicLong();
    private final AtomicInteger boxes = new AtomicInteger();

    Inspector(Diagnosis diagnosis, Compilers compilers) {
        this.diagnosis = diagnosis;
        this.compilers = compilers;
        long bits = 0;
        for (int suspect = 0; suspect < diagnosis.suspects().size(); suspect++) {
            bits |= diagnosis.suspects().get(suspect).wanted() ? 1L << suspect : 0;
        }
        this.wanted = bits;
    }

    /** Those found guilty so far. */
    List<Diagnosis.Suspect> guilty() {
        List<Diagnosis.Suspect> guilty = new ArrayList<>();
        for (int suspect = 0; suspect < diagnosis.suspects().size(); suspect++) {
            if ((found.get() >>> suspect & 1) != 0) {
                guilty.add(diagnosis.suspects().get(suspect));
            }
        }
        return guilty;
    }

    /** What to look at every box with, beside the flags it has raised. */
    int always() {
        return diagnosis.isBlind() ? FloatingPointFlags.UNKNOWN : 0;
    }

    /** @param kinds the errors met when the partial results of a fold were combined */
    void combined(Plan.FoldBinding fold, int kinds) {
        long bits = 0;
        for (int suspect : diagnosis.suspectsOf(fold)) {
            bits |= (diagnosis.suspects().get(suspect).kind() & kinds) != 0 ? 1L << suspect : 0;
        }
        long guilty = bits & wanted;
        found.getAndUpdate(before -> before | guilty);
    }

    /**
     * @param block the argument block of the kernel that has just run
     * @param accesses one an operand of that kernel
     * @param flags what it returned
     */
    void inspect(long block, List<Access> accesses, int flags) {
        boolean unknown = (flags & FloatingPointFlags.UNKNOWN) != 0;
        long pending = wanted & ~found.get() & announced(flags);
        if (pending == 0 || (!unknown && boxes.incrementAndGet() > MOST_BOXES)) {
            return;
        }
        Diagnosis.Inspection inspection = diagnosis.inspection();
        long told = inspection.decided() == 0 ? 0 : run(inspection, block, accesses);
        long guilty = told & wanted;
        if (!unknown && diagnosis.isPlain()) {
            guilty |= rest(inspection, told, flags);
        }
        long all = guilty;
        found.getAndUpdate(before -> before | all);
    }

    private long announced(int flags) {
        long bits = 0;
        for (int suspect = 0; suspect < diagnosis.suspects().size(); suspect++) {
            bits |= (diagnosis.suspects().get(suspect).flags() & flags) != 0 ? 1L << suspect : 0;
        }
        return bits;
    }

    private long run(Diagnosis.Inspection inspection, long block, List<Access> accesses) {
        int operands = inspection.operands().length;
        List<Access> own = new ArrayList<>();
        for (int operand : inspection.operands()) {
            own.add(accesses.get(operand));
        }
        own.add(Access.BROADCAST);
        long rows = get(block, Kernel.Arguments.N1);
        try (Arena arena = Arena.ofConfined()) {
            int words = Kernel.Arguments.scalars(operands + 1) + inspection.scalars().length;
            long copy = arena.allocate(8L * words, 64).address();
            long result = arena.allocate(8L * rows, 64).address();
            for (int word = 0; word < Kernel.Arguments.OPERANDS; word++) {
                put(copy, word, get(block, word));
            }
            for (int operand = 0; operand < operands; operand++) {
                for (int word = 0; word < Kernel.Arguments.WORDS_PER_OPERAND; word++) {
                    put(
                            copy,
                            operandWord(operand) + word,
                            get(block, operandWord(inspection.operands()[operand]) + word));
                }
            }
            put(copy, operandWord(operands), result);
            put(copy, operandWord(operands) + 1, 0);
            put(copy, operandWord(operands) + 2, Long.BYTES);
            for (int slot = 0; slot < inspection.scalars().length; slot++) {
                put(
                        copy,
                        Kernel.Arguments.scalars(operands + 1) + slot,
                        get(
                                block,
                                Kernel.Arguments.scalars(accesses.size())
                                        + inspection.scalars()[slot]));
            }
            compilers.compile(inspection.kernel(), own, false).run(copy);
            long told = 0;
            for (int row = 0; row < rows; row++) {
                told |= get(result, row);
            }
            return told;
        }
    }

    /** Flags nobody explains are due to those that the inspection cannot tell of. */
    private long rest(Diagnosis.Inspection inspection, long told, int flags) {
        long guilty = 0;
        for (int flag :
                new int[] {FloatingPointFlags.INVALID, FloatingPointFlags.DIVIDE, FloatingPointFlags.OVERFLOW}) {
            int kind = switch (flag) {
                case FloatingPointFlags.INVALID -> FloatingPointRules.INVALID;
                case FloatingPointFlags.DIVIDE -> FloatingPointRules.DIVIDE;
                default -> FloatingPointRules.OVERFLOW;
            };
            int first = -1;
            boolean clear = (flags & flag) != 0;
            for (int suspect = 0; suspect < diagnosis.suspects().size(); suspect++) {
                if (diagnosis.suspects().get(suspect).kind() == kind) {
                    boolean decided = (inspection.decided() >>> suspect & 1) != 0;
                    clear &= (told >>> suspect & 1) == 0 && (decided || (wanted >>> suspect & 1) != 0);
                    first = first < 0 && !decided ? suspect : first;
                }
            }
            guilty |= clear && first >= 0 ? 1L << first : 0;
        }
        return guilty;
    }

    private static int operandWord(int operand) {
        return Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
    }

    private static long get(long block, int word) {
        return Scalars.MEMORY.get(ValueLayout.JAVA_LONG, block + 8L * word);
    }

    private static void put(long block, int word, long value) {
        Scalars.MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, value);
    }
}
