package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ops.FloatingPointRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * How to find out which instructions of a kernel had floating-point errors. A kernel's flags only say that there may be
 * something; then an inspection (a second kernel over the same elements) tells what.
 */
public final class Diagnosis {
    /** One bit each of the inspection's result. */
    private static final int MOST_SUSPECTS = 62;

    /**
     * An error an instruction may have.
     *
     * @param member which instruction of the kernel
     * @param kind one of {@link FloatingPointRules}'
     * @param flags those that announce it
     * @param wanted whether the client wants to know
     * @param operation NumPy's name in such a message
     */
    public record Suspect(int member, int kind, int flags, boolean wanted, String operation, int source) {}

    /**
     * The second kernel. It folds a row to a word with bit k set where suspect k is guilty.
     *
     * @param operands for each operand but the last (the result) that of the kernel
     * @param scalars for each scalar slot that of the kernel
     * @param decided suspects it tells of
     */
    public record Inspection(Kernel kernel, int[] operands, int[] scalars, long decided) {}

    private final Group group;
    private final Plan.KernelStep step;
    private final List<Suspect> suspects;
    private final boolean plain;
    private final boolean blind;
    private @Nullable Inspection inspection;
    private @Nullable Watch watch;

    private Diagnosis(Group group, Plan.KernelStep step, List<Suspect> suspects, boolean plain) {
        this.group = group;
        this.step = step;
        this.suspects = List.copyOf(suspects);
        this.plain = plain;
        this.blind = suspects.stream()
                .anyMatch(suspect -> suspect.wanted() && suspect.flags() == FloatingPointFlags.UNKNOWN);
    }

    /**
     * @param reports for a source, the kinds the client wants to know
     * @return null if there is nothing it wants to know
     */
    static @Nullable Diagnosis of(Group group, Plan.KernelStep step, IntUnaryOperator reports) {
        List<Suspect> suspects = new ArrayList<>();
        boolean plain = true;
        for (int number = 0; number < group.members().size(); number++) {
            Member member = group.members().get(number);
            plain &= isPlain(member);
            int wanted = reports.applyAsInt(member.source());
            int kinds = kinds(member);
            for (int kind = 1; kind <= FloatingPointRules.INVALID; kind *= 2) {
                if ((kinds & kind) != 0) {
                    suspects.add(new Suspect(
                            number,
                            kind,
                            FloatingPointRules.flags(member.operation(), kind),
                            (wanted & kind) != 0,
                            name(member.operation().name()),
                            member.source()));
                }
            }
        }
        if (suspects.stream().noneMatch(Suspect::wanted)) {
            return null;
        }
        boolean whole = suspects.size() <= MOST_SUSPECTS;
        return new Diagnosis(group, step, whole ? suspects : suspects.subList(0, MOST_SUSPECTS), plain && whole);
    }

    /** The suspects among what a routine has found out by itself. */
    public static List<Suspect> of(Plan.RoutineStep step, int kinds) {
        List<Suspect> guilty = new ArrayList<>();
        for (int kind = 1; kind <= FloatingPointRules.INVALID; kind *= 2) {
            if ((kinds & step.wanted() & kind) != 0) {
                guilty.add(new Suspect(
                        0,
                        kind,
                        0,
                        true,
                        name(step.operation().name()),
                        step.instruction().source()));
            }
        }
        return guilty;
    }

    private static String name(String operation) {
        if (operation.endsWith(".at")) {
            return operation.substring(0, operation.lastIndexOf('.'));
        }
        return operation.equals("copyto") ? "cast" : operation.substring(operation.lastIndexOf('.') + 1);
    }

    /** The kinds of errors an instruction may have, casts of its operands included. */
    static int kinds(Member member) {
        int kinds = FloatingPointRules.kinds(member.operation());
        for (int index = 0; index < member.inputs().size(); index++) {
            if (member.inputs().get(index) instanceof Member.Input.Memory memory) {
                kinds |= FloatingPointRules.kinds(
                        memory.access().type(), member.operation().inputs().get(index));
            }
        }
        for (int index = 0; index < member.outputs().size() && !member.folds(); index++) {
            kinds |= FloatingPointRules.kinds(
                    member.operation().outputs().get(index),
                    member.outputs().get(index).type());
        }
        return kinds;
    }

    private static boolean isPlain(Member member) {
        if (!FloatingPointRules.isPlain(member.operation()) || (member.mask() != null && !member.folds())) {
            return false;
        }
        for (Member.Input input : member.inputs()) {
            if (input instanceof Member.Input.Memory memory
                    && truncates(
                            memory.access().type(), member.operation().inputs().get(0))) {
                return false;
            }
        }
        return !truncates(
                member.operation().outputs().get(0), member.outputs().get(0).type());
    }

    private static boolean truncates(DType from, DType to) {
        return FloatingPointRules.isFloating(from) && !FloatingPointRules.isFloating(to);
    }

    public List<Suspect> suspects() {
        return suspects;
    }

    /** Whether a flag is raised just where one of the suspects is guilty. */
    public boolean isPlain() {
        return plain;
    }

    /** Whether there is something that no flag announces. */
    public boolean isBlind() {
        return blind;
    }

    /** The suspects of what a fold does behind the kernel, by their numbers. */
    public List<Integer> suspectsOf(Plan.FoldBinding fold) {
        List<Integer> numbers = new ArrayList<>();
        for (int number = 0; number < suspects.size(); number++) {
            Member member = group.members().get(suspects.get(number).member());
            Access output = member.outputs().getFirst();
            if (member.folds()
                    && output.buffer() == fold.buffer()
                    && output.offset() <= fold.offset()
                    && fold.offset() < output.offset() + output.type().bytes()) {
                numbers.add(number);
            }
        }
        return numbers;
    }

    /** Made when it is needed for the first time. */
    public synchronized Inspection inspection() {
        Inspection made = inspection;
        if (made == null) {
            made = new InspectionAssembly(group, step, suspects, false).assemble();
            inspection = made;
        }
        return made;
    }

    /** The kernel that finds its own errors; made when it is needed for the first time. */
    public synchronized Watch watch() {
        Watch made = watch;
        if (made == null) {
            Inspection before = new InspectionAssembly(group, step, suspects, true).assemble();
            made = Watch.of(step, Objects.requireNonNull(step.kernel()), before);
            watch = made;
        }
        return made;
    }

    /** The bits of the suspects whom the client wants to know of. */
    public long wanted() {
        long bits = 0;
        for (int suspect = 0; suspect < suspects.size(); suspect++) {
            bits |= suspects.get(suspect).wanted() ? 1L << suspect : 0;
        }
        return bits;
    }

    /** The bits of those suspects that a fold has for a kind of error. */
    public long bitsOf(Plan.FoldBinding fold, int kind) {
        long bits = 0;
        for (int suspect : suspectsOf(fold)) {
            bits |= suspects.get(suspect).kind() == kind ? 1L << suspect : 0;
        }
        return bits;
    }

    /** The suspects of these bits whom the client wants to know of. */
    public List<Suspect> guilty(long bits) {
        List<Suspect> guilty = new ArrayList<>();
        for (int suspect = 0; suspect < suspects.size(); suspect++) {
            if ((bits & wanted() & 1L << suspect) != 0) {
                guilty.add(suspects.get(suspect));
            }
        }
        return guilty;
    }
}
