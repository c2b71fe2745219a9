package io.maniple.server.engine;

import io.maniple.server.plan.Plan;
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
    /** The kernels of this worker's slices, by step; compiled when first run. */
    private final Map<Integer, Launch> slices = new HashMap<>();

    /**
     * @param bytes the size of a buffer, by its number in the plan
     * @param all whether what is small is shared out, too
     */
    public SharedPlan(
            PreparedPlan prepared, Compilers compilers, int workers, int rank, IntToLongFunction bytes, boolean all) {
        this.prepared = prepared;
        this.compilers = compilers;
        this.rank = rank;
        this.divisions = new Divider(workers, bytes, all).divideAll(prepared);
    }

    public PreparedPlan prepared() {
        return prepared;
    }

    public int rank() {
        return rank;
    }

    public Division division(int step) {
        return divisions.get(step);
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
