package io.maniple.server.engine;

import io.maniple.server.distribution.Touch;
import io.maniple.server.plan.Plan;
import java.util.Arrays;
import java.util.List;

/** Shares cascades out, between their blocks. */
final class CascadeDivider {
    private final Homes homes;
    private final long everywhereElements;

    /** @param everywhereElements a cascade with at most so many elements is done by everybody */
    CascadeDivider(Homes homes, long everywhereElements) {
        this.homes = homes;
        this.everywhereElements = everywhereElements;
    }

    Division divide(Plan.CascadeStep step) {
        long most = 0;
        for (Plan.Stage stage : step.stages()) {
            most = Math.max(most, stage.whole().elements());
        }
        if (most > everywhereElements && step.blocks() >= homes.workers()) {
            for (long gap : new long[] {Touched.GAP, 0}) {
                long[] cuts = blockCuts(step);
                Touched touched = new Touched(homes.workers(), gap);
                for (int worker = 0; worker < homes.workers(); worker++) {
                    blocks(step, cuts[worker], cuts[worker + 1], touched, worker);
                }
                List<List<Touch>> written = touched.writes.build();
                if (Parts.disjoint(written)) {
                    return new Division.Blocks(cuts, touched.reads.build(), written, rowFolds(step));
                }
            }
        }
        boolean everywhere = most <= everywhereElements;
        Touched touched = new Touched(homes.workers(), everywhere ? 0 : Touched.GAP);
        blocks(step, 0, step.blocks(), touched, 0);
        for (Touch touch : rowFolds(step)) {
            touched.written(0, touch.buffer(), touch.spans());
        }
        return Divider.whole(touched, everywhere);
    }

    private static boolean isLocal(Plan.CascadeStep step, int buffer) {
        return step.locals().stream().anyMatch(local -> local.buffer() == buffer);
    }

    private long[] blockCuts(Plan.CascadeStep step) {
        Plan.Binding largest = null;
        long first = 0;
        long most = 0;
        for (Plan.Stage stage : step.stages()) {
            for (Plan.Binding binding : stage.whole().bindings()) {
                if (binding.buffer() >= 0 && binding.rowStep() > 0 && !isLocal(step, binding.buffer())) {
                    long size = binding.rowStep() * stage.count() * (binding.stored() ? 2 : 1);
                    if (size > most) {
                        most = size;
                        largest = binding;
                        first = stage.first();
                    }
                }
            }
        }
        if (largest == null) {
            return homes.anywhere(step.blocks());
        }
        Plan.Binding reference = largest;
        long before = first;
        return homes.cuts(
                step.blocks(),
                reference.buffer(),
                block -> reference.offset() + (block * step.block() - before) * reference.rowStep());
    }

    private static void blocks(Plan.CascadeStep step, long begin, long end, Touched touched, int worker) {
        for (Plan.Stage stage : step.stages()) {
            long block = begin;
            while (block < end) {
                long from = Math.max(block * step.block(), stage.first());
                long to = Math.min(Math.min(step.rows(), (block + 1) * step.block()), stage.first() + stage.count());
                long rows = to - from;
                // Equal blocks are one more dimension.
                long count = 1;
                while (rows == step.block()
                        && block + count < end
                        && (block + count + 1) * step.block() <= Math.min(step.rows(), stage.first() + stage.count())) {
                    count++;
                }
                if (rows > 0) {
                    rows(step, stage, rows, from - stage.first(), count, touched, worker);
                }
                block += count;
            }
        }
    }

    private static void rows(
            Plan.CascadeStep step, Plan.Stage stage, long rows, long row, long count, Touched touched, int worker) {
        Plan.KernelStep variant = stage.byRows().get(rows);
        if (variant == null) {
            throw new IllegalStateException("a cascade has no form for " + rows + " rows");
        }
        long[] shape = with(variant.shape(), count);
        for (Plan.Binding binding : variant.bindings()) {
            if (binding.buffer() >= 0 && !isLocal(step, binding.buffer())) {
                touched.view(
                        worker,
                        binding.buffer(),
                        binding.loaded(),
                        binding.stored(),
                        binding.offset() + row * binding.rowStep(),
                        shape,
                        with(binding.strides(), binding.rowStep() * step.block()),
                        binding.storage().bytes());
            }
        }
        if (stage.foldsRows()) {
            return;
        }
        for (Plan.FoldBinding fold : variant.folds()) {
            if (isLocal(step, fold.buffer())) {
                continue;
            }
            long[] kept = shape.clone();
            for (int dimension = 0; dimension < variant.folded().length; dimension++) {
                if (variant.folded()[dimension]) {
                    kept[dimension] = 1;
                }
            }
            touched.view(
                    worker,
                    fold.buffer(),
                    false,
                    true,
                    fold.offset() + row * fold.rowStep(),
                    kept,
                    with(fold.strides(), fold.rowStep() * step.block()),
                    fold.type().bytes());
        }
    }

    private static long[] with(long[] values, long last) {
        long[] longer = Arrays.copyOf(values, values.length + 1);
        longer[values.length] = last;
        return longer;
    }

    /** What the stages write whose rows are folded: it is there when all blocks are done. */
    private List<Touch> rowFolds(Plan.CascadeStep step) {
        Touched touched = new Touched(homes.workers(), 0);
        for (Plan.Stage stage : step.stages()) {
            if (stage.foldsRows()) {
                for (Plan.FoldBinding fold : stage.whole().folds()) {
                    Divider.fold(
                            touched,
                            0,
                            fold,
                            stage.whole().shape(),
                            stage.whole().folded(),
                            0);
                }
            }
        }
        return touched.writes.build().getFirst();
    }
}
