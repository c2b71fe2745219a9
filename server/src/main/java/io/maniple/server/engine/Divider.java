package io.maniple.server.engine;

import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Spans;
import io.maniple.server.distribution.Touch;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Shares steps out. A buffer's home is cut as the mapping policy says; of a kernel everybody does what
 * lies at home, so that arrays of one shape, and shifted views of them, are cut alike.
 */
final class Divider {
    private final Homes homes;
    private final CascadeDivider cascades;
    private final RoutineDivider routines;
    /** A step with fewer elements is done by everybody: that is over before a message is there. */
    private final long everywhereElements;

    /**
     * @param bytes the size of a buffer, by its number in the plan
     * @param all whether what is small is shared out, too
     */
    Divider(Compilers compilers, int workers, MappingPolicy mapping, IntToLongFunction bytes, boolean all) {
        this.homes = new Homes(workers, mapping, bytes);
        this.everywhereElements = all ? 1 : mapping.everywhereElements();
        this.cascades = new CascadeDivider(homes, everywhereElements);
        this.routines = new RoutineDivider(homes, compilers, all ? 1 : mapping.everywhereBytes());
    }

    Division divide(PreparedPlan plan, int index) {
        Plan.Step step = plan.plan().steps().get(index);
        return switch (step) {
            case Plan.KernelStep kernel -> divide(kernel, plan.launch(index));
            case Plan.CascadeStep cascade -> cascades.divide(cascade);
            case Plan.RoutineStep routine -> routines.divide(routine);
        };
    }

    // -- kernels ----------------------------------------------------------------------------------------------------

    private Division divide(Plan.KernelStep step, @Nullable Launch launch) {
        if (launch == null) {
            return new Division.Everywhere(List.of(), List.of());
        }
        if (step.elements() <= everywhereElements) {
            return whole(step, true);
        }
        Plan.Binding reference = reference(step.shape(), step.bindings(), step.mode() == Plan.Mode.MAP);
        int dimension = reference == null ? 0 : outermost(step.shape(), reference.strides());
        for (long gap : new long[] {Touched.GAP, 0}) {
            Division division = step.folded()[dimension]
                    ? boxes(step, launch, reference, gap)
                    : slices(step, reference, dimension, gap);
            if (division != null) {
                return division;
            }
        }
        return whole(step, false);
    }

    private Division whole(Plan.KernelStep step, boolean everywhere) {
        Touched touched = new Touched(homes.workers(), everywhere ? 0 : Touched.GAP);
        for (Plan.Binding binding : step.bindings()) {
            if (binding.buffer() >= 0) {
                touched.view(
                        0,
                        binding.buffer(),
                        binding.loaded(),
                        binding.stored(),
                        binding.offset(),
                        step.shape(),
                        binding.strides(),
                        binding.storage().bytes());
            }
        }
        for (Plan.FoldBinding fold : step.folds()) {
            fold(touched, 0, fold, step.shape(), step.folded(), 0);
        }
        return whole(touched, everywhere);
    }

    static Division whole(Touched touched, boolean everywhere) {
        List<Touch> reads = touched.reads.build().getFirst();
        List<Touch> writes = touched.writes.build().getFirst();
        return everywhere ? new Division.Everywhere(reads, writes) : new Division.Alone(reads, writes);
    }

    static void fold(Touched touched, int worker, Plan.FoldBinding fold, long[] shape, boolean[] folded, long shift) {
        long[] kept = shape.clone();
        for (int dimension = 0; dimension < kept.length; dimension++) {
            if (folded[dimension]) {
                kept[dimension] = 1;
            }
        }
        touched.view(
                worker,
                fold.buffer(),
                false,
                true,
                fold.offset() + shift,
                kept,
                fold.strides(),
                fold.type().bytes());
    }

    /** The view that decides where is cut: the largest that is written, or else that is read. */
    private static Plan.@Nullable Binding reference(long[] shape, List<Plan.Binding> bindings, boolean stored) {
        Plan.Binding largest = null;
        long most = 0;
        for (Plan.Binding binding : bindings) {
            if (binding.buffer() < 0 || (stored && !binding.stored())) {
                continue;
            }
            long size = binding.storage().bytes();
            boolean moves = false;
            for (int dimension = 0; dimension < shape.length; dimension++) {
                boolean counts = binding.strides()[dimension] != 0 && shape[dimension] > 1;
                size *= counts ? shape[dimension] : 1;
                moves |= counts;
            }
            if (moves && size > most) {
                most = size;
                largest = binding;
            }
        }
        return largest;
    }

    private static int outermost(long[] shape, long[] strides) {
        int found = 0;
        long farthest = -1;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (shape[dimension] > 1 && Math.abs(strides[dimension]) > farthest) {
                farthest = Math.abs(strides[dimension]);
                found = dimension;
            }
        }
        return found;
    }

    private @Nullable Division slices(Plan.KernelStep step, Plan.@Nullable Binding reference, int dimension, long gap) {
        long[] low = new long[homes.workers()];
        long[] high = new long[homes.workers()];
        cut(reference, dimension, step.shape()[dimension], low, high);
        Touched touched = new Touched(homes.workers(), gap);
        for (int worker = 0; worker < homes.workers(); worker++) {
            if (low[worker] >= high[worker]) {
                continue;
            }
            long[] shape = step.shape().clone();
            shape[dimension] = high[worker] - low[worker];
            for (Plan.Binding binding : step.bindings()) {
                if (binding.buffer() >= 0) {
                    touched.view(
                            worker,
                            binding.buffer(),
                            binding.loaded(),
                            binding.stored(),
                            binding.offset() + low[worker] * binding.strides()[dimension],
                            shape,
                            binding.strides(),
                            binding.storage().bytes());
                }
            }
            for (Plan.FoldBinding fold : step.folds()) {
                fold(touched, worker, fold, shape, step.folded(), low[worker] * fold.strides()[dimension]);
            }
        }
        List<List<Touch>> written = touched.writes.build();
        return Parts.disjoint(written)
                ? new Division.Slices(dimension, low, high, touched.reads.build(), written)
                : null;
    }

    private void cut(Plan.@Nullable Binding reference, int dimension, long size, long[] low, long[] high) {
        if (reference == null) {
            homes.cut(-1, 0, 0, size, low, high);
        } else {
            homes.cut(reference.buffer(), reference.offset(), reference.strides()[dimension], size, low, high);
        }
    }

    private @Nullable Division boxes(Plan.KernelStep step, Launch launch, Plan.@Nullable Binding reference, long gap) {
        long[][] cuts = new long[launch.regions().size()][];
        for (int number = 0; number < cuts.length; number++) {
            Region region = launch.regions().get(number);
            int operand = reference == null ? -1 : step.bindings().indexOf(reference);
            cuts[number] = reference == null
                    ? homes.anywhere(region.boxes())
                    : homes.cuts(
                            region.boxes(),
                            reference.buffer(),
                            box -> reference.offset() + region.position(operand, box));
        }
        Touched touched = new Touched(homes.workers(), gap);
        List<List<Spans>> partials = new ArrayList<>();
        List<Touch> results = new ArrayList<>();
        for (int number = 0; number < step.folds().size(); number++) {
            Plan.FoldBinding fold = step.folds().get(number);
            boolean direct = launch.partials().get(number).direct();
            List<Spans> byWorker = new ArrayList<>();
            for (int worker = 0; worker < homes.workers(); worker++) {
                int itemBytes = fold.accumulator().bytes();
                Spans spans = touched(launch, cuts, worker, fold.operand(), itemBytes, direct ? fold.offset() : 0);
                if (direct) {
                    touched.written(worker, fold.buffer(), spans);
                }
                byWorker.add(direct ? Spans.NONE : spans);
            }
            partials.add(byWorker);
            if (!direct) {
                Touched own = new Touched(homes.workers(), 0);
                fold(own, 0, fold, step.shape(), step.folded(), 0);
                results.addAll(own.writes.build().getFirst());
            }
        }
        for (int operand = 0; operand < step.bindings().size(); operand++) {
            Plan.Binding binding = step.bindings().get(operand);
            if (binding.buffer() < 0) {
                continue;
            }
            int itemBytes = binding.storage().bytes();
            List<Spans> parts = new ArrayList<>();
            long bytesTouched = 0;
            for (int worker = 0; worker < homes.workers(); worker++) {
                parts.add(touched(launch, cuts, worker, operand, itemBytes, binding.offset()));
                bytesTouched += parts.getLast().bytes();
            }
            boolean holes = bytesTouched > itemBytes * step.elements();
            for (int worker = 0; worker < homes.workers(); worker++) {
                if (binding.stored()) {
                    touched.written(worker, binding.buffer(), parts.get(worker));
                }
                if (binding.loaded() || (binding.stored() && holes)) {
                    touched.reads.add(worker, binding.buffer(), parts.get(worker));
                }
            }
        }
        List<List<Touch>> written = touched.writes.build();
        return gap == 0 || !Parts.disjoint(written)
                ? null
                : new Division.Boxes(cuts, partials, touched.reads.build(), written, results);
    }

    private static Spans touched(Launch launch, long[][] cuts, int worker, int operand, int itemBytes, long offset) {
        Spans.Builder spans = new Spans.Builder(0);
        for (int number = 0; number < cuts.length; number++) {
            spans.add(launch.regions()
                    .get(number)
                    .touched(operand, itemBytes, offset, cuts[number][worker], cuts[number][worker + 1], 0));
        }
        return spans.build();
    }

    /** A scan along another axis than the first, or along the only one there is; null for others. */
    @Nullable Division scan(Plan.RoutineStep step, long axis) {
        return routines.scan(step, axis);
    }

    /** The steps of a plan in turn. */
    List<Division> divideAll(PreparedPlan plan) {
        List<Division> divisions = new ArrayList<>();
        for (int index = 0; index < plan.plan().steps().size(); index++) {
            divisions.add(divide(plan, index));
        }
        return Collections.unmodifiableList(divisions);
    }
}
