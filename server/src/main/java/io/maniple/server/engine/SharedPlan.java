package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;

/** A plan that several workers run together, as one of them sees it. */
public final class SharedPlan {
    private final PreparedPlan prepared;
    private final Compilers compilers;
    private final int rank;
    private final List<Division> divisions;
    private final Divider divider;
    /** Of cumulative operations, by step and axis: that is known only when they run. */
    private final Map<Scan, Division> scans = new HashMap<>();

    private record Scan(int step, long axis) {}

    /** The kernels of this worker's slices, by step; compiled when first run. */
    private final Map<Integer, Launch> slices = new HashMap<>();

    /**
     * @param mapping how arrays and work are cut
     * @param bytes the size of a buffer, by its number in the plan
     * @param all whether what is small is shared out, too
     */
    public SharedPlan(
            PreparedPlan prepared,
            Compilers compilers,
            int workers,
            int rank,
            MappingPolicy mapping,
            IntToLongFunction bytes,
            boolean all) {
        this.prepared = prepared;
        this.compilers = compilers;
        this.rank = rank;
        this.divider = new Divider(compilers, workers, mapping, bytes, all);
        this.divisions = divider.divideAll(prepared);
    }

    public PreparedPlan prepared() {
        return prepared;
    }

    public int rank() {
        return rank;
    }

    public Division division(int step, List<Scalar> scalars) {
        if (prepared.plan().steps().get(step) instanceof Plan.RoutineStep routine
                && routine.operation().kind() instanceof Operation.Kind.Scan) {
            Operand.ScalarOperand axis =
                    (Operand.ScalarOperand) routine.instruction().operands().getLast();
            return scans.computeIfAbsent(new Scan(step, Scalars.integer(scalars.get(axis.position()))), key -> {
                Division cut = divider.scan(routine, key.axis());
                return cut == null ? divisions.get(step) : cut;
            });
        }
        return divisions.get(step);
    }

    /** This worker's part of a routine. */
    Plan.RoutineStep part(int index, Division.Rows division) {
        Plan.RoutineStep whole = (Plan.RoutineStep) prepared.plan().steps().get(index);
        List<Operand> operands = new ArrayList<>(whole.instruction().operands());
        for (int operand = 0; operand < division.cut().length; operand++) {
            if (division.cut()[operand]) {
                operands.set(
                        operand,
                        RoutineDivider.part(
                                whole.instruction().view(operand), division.low()[rank], division.high()[rank]));
            }
        }
        Instruction part = new Instruction(
                whole.instruction().operation(), operands, whole.instruction().source());
        return new Plan.RoutineStep(whole.operation(), part, whole.frees(), whole.wanted());
    }

    /** The kernel over this worker's part of a step's loop. */
    Launch slice(int index, Division.Slices division) {
        return slices.computeIfAbsent(index, key -> {
            Plan.KernelStep whole = (Plan.KernelStep) prepared.plan().steps().get(index);
            int dimension = division.dimension();
            long first = division.low()[rank];
            long[] shape = whole.shape().clone();
            shape[dimension] = division.high()[rank] - first;
            Plan.KernelStep slice = new Plan.KernelStep(
                    whole.kernel(),
                    shape,
                    whole.folded(),
                    whole.indexStrides(),
                    whole.mode(),
                    whole.bindings(),
                    whole.scalars(),
                    whole.folds(),
                    whole.members(),
                    whole.elided(),
                    whole.frees(),
                    whole.diagnosis());
            long[] index0 = whole.indexStrides();
            long base = index0 == null ? 0 : index0[dimension] * first;
            return new LaunchBuilder(slice, compilers, LaunchBuilder.Role.slice(whole, base)).build();
        });
    }

    @Override
    public String toString() {
        return Arrays.toString(divisions.toArray());
    }
}
