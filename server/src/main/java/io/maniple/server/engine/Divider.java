package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.distribution.Ownership;
import io.maniple.server.distribution.Spans;
import io.maniple.server.distribution.Touch;
import io.maniple.server.plan.Effects;
import io.maniple.server.plan.Plan;
import io.maniple.server.plan.RoutineForm;
import io.maniple.server.plan.RoutineForms;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Shares steps out. A buffer's home is cut into as many equal parts as there are workers; of a kernel everybody does what
 * lies at home, so that arrays of one shape, and shifted views of them, are cut alike.
 */
final class Divider {
    /** A step with fewer elements is done by everybody: that is over before a message is there. */
    private static final long EVERYWHERE_ELEMENTS = 65_536;

    private static final long EVERYWHERE_BYTES = 1L << 20;
    /** Ranges so close are treated as one. */
    private static final long GAP = 4_096;

    private final Compilers compilers;
    private final int workers;
    private final IntToLongFunction bytes;
    private final long everywhereElements;
    private final long everywhereBytes;

    /**
     * @param bytes the size of a buffer, by its number in the plan
     * @param all whether what is small is shared out, too
     */
    Divider(Compilers compilers, int workers, IntToLongFunction bytes, boolean all) {
        this.compilers = compilers;
        this.workers = workers;
        this.bytes = bytes;
        this.everywhereElements = all ? 1 : EVERYWHERE_ELEMENTS;
        this.everywhereBytes = all ? 1 : EVERYWHERE_BYTES;
    }

    Division divide(PreparedPlan plan, int index) {
        Plan.Step step = plan.plan().steps().get(index);
        return switch (step) {
            case Plan.KernelStep kernel -> divide(kernel, plan.launch(index));
            case Plan.CascadeStep cascade -> divide(cascade);
            case Plan.RoutineStep routine -> divide(routine);
        };
    }

    /** Bytes by buffer, for each worker. */
    private final class Parts {
        private final List<Map<Integer, Spans.Builder>> builders = new ArrayList<>();
        private final long gap;

        Parts(long gap) {
            this.gap = gap;
            for (int worker = 0; worker < workers; worker++) {
                builders.add(new HashMap<>());
            }
        }

        void add(int worker, int buffer, Spans spans) {
            builders.get(worker)
                    .computeIfAbsent(buffer, key -> new Spans.Builder(gap))
                    .add(spans);
        }

        List<List<Touch>> build() {
            List<List<Touch>> parts = new ArrayList<>();
            for (Map<Integer, Spans.Builder> own : builders) {
                parts.add(touches(own));
            }
            return parts;
        }
    }

    private static List<Touch> touches(Map<Integer, Spans.Builder> builders) {
        List<Touch> touches = new ArrayList<>();
        builders.forEach((buffer, builder) -> {
            Spans spans = builder.build();
            if (!spans.isEmpty()) {
                touches.add(new Touch(buffer, spans));
            }
        });
        touches.sort((left, right) -> Integer.compare(left.buffer(), right.buffer()));
        return List.copyOf(touches);
    }

    /** What a step reads and writes with some worker's part; collected twice where the first try is too coarse. */
    private final class Touched {
        private final Parts reads = new Parts(GAP);
        private final Parts writes;
        private final long gap;

        Touched(long gap) {
            this.gap = gap;
            // What lies between two views is no part of either.
            this.writes = new Parts(0);
        }

        void view(
                int worker,
                int buffer,
                boolean loaded,
                boolean stored,
                long offset,
                long[] shape,
                long[] strides,
                int itemBytes) {
            if (loaded) {
                reads.add(worker, buffer, Spans.ofView(offset, shape, strides, itemBytes, GAP));
            }
            if (stored) {
                write(worker, buffer, Spans.ofView(offset, shape, strides, itemBytes, gap), shape, itemBytes);
            }
        }

        /** What is between the elements written must be there before, if it counts as written. */
        private void write(int worker, int buffer, Spans spans, long[] shape, int itemBytes) {
            writes.add(worker, buffer, spans);
            long exact = itemBytes;
            for (long size : shape) {
                exact *= size;
            }
            if (spans.bytes() > exact) {
                reads.add(worker, buffer, spans);
            }
        }

        void written(int worker, int buffer, Spans spans) {
            writes.add(worker, buffer, spans);
        }
    }

    /** Whether no two workers write the same byte. */
    private static boolean disjoint(List<List<Touch>> written) {
        Map<Integer, Spans> all = new HashMap<>();
        for (List<Touch> own : written) {
            for (Touch touch : own) {
                Spans before = all.getOrDefault(touch.buffer(), Spans.NONE);
                if (before.meets(touch.spans())) {
                    return false;
                }
                all.put(touch.buffer(), before.and(touch.spans()));
            }
        }
        return true;
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
        for (long gap : new long[] {GAP, 0}) {
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
        Touched touched = new Touched(everywhere ? 0 : GAP);
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

    private static Division whole(Touched touched, boolean everywhere) {
        List<Touch> reads = touched.reads.build().getFirst();
        List<Touch> writes = touched.writes.build().getFirst();
        return everywhere ? new Division.Everywhere(reads, writes) : new Division.Alone(reads, writes);
    }

    private static void fold(
            Touched touched, int worker, Plan.FoldBinding fold, long[] shape, boolean[] folded, long shift) {
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

    /** Where a worker's part of a buffer begins. */
    private long home(int buffer, int worker) {
        return Ownership.home(bytes.applyAsLong(buffer), worker, workers);
    }

    private @Nullable Division slices(Plan.KernelStep step, Plan.@Nullable Binding reference, int dimension, long gap) {
        long[] low = new long[workers];
        long[] high = new long[workers];
        cut(reference, dimension, step.shape()[dimension], low, high);
        Touched touched = new Touched(gap);
        for (int worker = 0; worker < workers; worker++) {
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
        return disjoint(written) ? new Division.Slices(dimension, low, high, touched.reads.build(), written) : null;
    }

    private void cut(Plan.@Nullable Binding reference, int dimension, long size, long[] low, long[] high) {
        if (reference == null) {
            cut(-1, 0, 0, size, low, high);
        } else {
            cut(reference.buffer(), reference.offset(), reference.strides()[dimension], size, low, high);
        }
    }

    /**
     * Cuts a dimension where a view's elements are at home.
     *
     * @param stride of the view along it; 0: it is cut evenly
     */
    private void cut(int buffer, long first, long stride, long size, long[] low, long[] high) {
        if (stride == 0) {
            for (int worker = 0; worker < workers; worker++) {
                low[worker] = size * worker / workers;
                high[worker] = size * (worker + 1) / workers;
            }
            return;
        }
        long farthest = Math.abs(stride);
        for (int worker = 0; worker < workers; worker++) {
            long begin = home(buffer, worker);
            long end = home(buffer, worker + 1);
            if (stride > 0) {
                low[worker] = worker == 0 ? 0 : Math.clamp(-Math.floorDiv(first - begin, farthest), 0, size);
                high[worker] =
                        worker == workers - 1 ? size : Math.clamp(-Math.floorDiv(first - end, farthest), 0, size);
            } else {
                low[worker] = worker == workers - 1 ? 0 : Math.clamp(Math.floorDiv(first - end, farthest) + 1, 0, size);
                high[worker] = worker == 0 ? size : Math.clamp(Math.floorDiv(first - begin, farthest) + 1, 0, size);
            }
        }
    }

    private @Nullable Division boxes(Plan.KernelStep step, Launch launch, Plan.@Nullable Binding reference, long gap) {
        long[][] cuts = new long[launch.regions().size()][];
        for (int number = 0; number < cuts.length; number++) {
            Region region = launch.regions().get(number);
            int operand = reference == null ? -1 : step.bindings().indexOf(reference);
            cuts[number] = reference == null
                    ? even(region.boxes())
                    : cuts(
                            region.boxes(),
                            reference.buffer(),
                            box -> reference.offset() + region.position(operand, box));
        }
        Touched touched = new Touched(gap);
        List<List<Spans>> partials = new ArrayList<>();
        List<Touch> results = new ArrayList<>();
        for (int number = 0; number < step.folds().size(); number++) {
            Plan.FoldBinding fold = step.folds().get(number);
            boolean direct = launch.partials().get(number).direct();
            List<Spans> byWorker = new ArrayList<>();
            for (int worker = 0; worker < workers; worker++) {
                int itemBytes = fold.accumulator().bytes();
                Spans spans = touched(launch, cuts, worker, fold.operand(), itemBytes, direct ? fold.offset() : 0);
                if (direct) {
                    touched.written(worker, fold.buffer(), spans);
                }
                byWorker.add(direct ? Spans.NONE : spans);
            }
            partials.add(byWorker);
            if (!direct) {
                Touched own = new Touched(0);
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
            for (int worker = 0; worker < workers; worker++) {
                parts.add(touched(launch, cuts, worker, operand, itemBytes, binding.offset()));
                bytesTouched += parts.getLast().bytes();
            }
            boolean holes = bytesTouched > itemBytes * step.elements();
            for (int worker = 0; worker < workers; worker++) {
                if (binding.stored()) {
                    touched.written(worker, binding.buffer(), parts.get(worker));
                }
                if (binding.loaded() || (binding.stored() && holes)) {
                    touched.reads.add(worker, binding.buffer(), parts.get(worker));
                }
            }
        }
        List<List<Touch>> written = touched.writes.build();
        return gap == 0 || !disjoint(written)
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

    private long[] even(long count) {
        long[] cuts = new long[workers + 1];
        for (int worker = 1; worker <= workers; worker++) {
            cuts[worker] = count * worker / workers;
        }
        return cuts;
    }

    /** Where an item begins in the reference's buffer. */
    @FunctionalInterface
    private interface Place {
        long of(long item);
    }

    /** Cuts a row of items, so that each goes where its first byte is at home. */
    private long[] cuts(long count, int buffer, Place place) {
        if (count == 0 || place.of(count - 1) < place.of(0)) {
            return even(count);
        }
        long[] cuts = new long[workers + 1];
        for (int worker = 1; worker < workers; worker++) {
            long boundary = home(buffer, worker);
            long low = cuts[worker - 1];
            long high = count;
            while (low < high) {
                long middle = (low + high) >>> 1;
                if (place.of(middle) < boundary) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            cuts[worker] = low;
        }
        cuts[workers] = count;
        return cuts;
    }

    // -- cascades -------------------------------------------------------------------------------------------------

    private Division divide(Plan.CascadeStep step) {
        long most = 0;
        for (Plan.Stage stage : step.stages()) {
            most = Math.max(most, stage.whole().elements());
        }
        if (most > everywhereElements && step.blocks() >= workers) {
            for (long gap : new long[] {GAP, 0}) {
                long[] cuts = blockCuts(step);
                Touched touched = new Touched(gap);
                for (int worker = 0; worker < workers; worker++) {
                    blocks(step, cuts[worker], cuts[worker + 1], touched, worker);
                }
                List<List<Touch>> written = touched.writes.build();
                if (disjoint(written)) {
                    return new Division.Blocks(cuts, touched.reads.build(), written, rowFolds(step));
                }
            }
        }
        boolean everywhere = most <= everywhereElements;
        Touched touched = new Touched(everywhere ? 0 : GAP);
        blocks(step, 0, step.blocks(), touched, 0);
        for (Touch touch : rowFolds(step)) {
            touched.written(0, touch.buffer(), touch.spans());
        }
        return whole(touched, everywhere);
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
            return even(step.blocks());
        }
        Plan.Binding reference = largest;
        long before = first;
        return cuts(
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
        long[] longer = java.util.Arrays.copyOf(values, values.length + 1);
        longer[values.length] = last;
        return longer;
    }

    /** What the stages write whose rows are folded: it is there when all blocks are done. */
    private List<Touch> rowFolds(Plan.CascadeStep step) {
        Touched touched = new Touched(0);
        for (Plan.Stage stage : step.stages()) {
            if (stage.foldsRows()) {
                for (Plan.FoldBinding fold : stage.whole().folds()) {
                    fold(touched, 0, fold, stage.whole().shape(), stage.whole().folded(), 0);
                }
            }
        }
        return touched.writes.build().getFirst();
    }

    // -- routines -------------------------------------------------------------------------------------------------

    private Division divide(Plan.RoutineStep step) {
        Map<Integer, Spans.Builder> reads = new HashMap<>();
        Map<Integer, Spans.Builder> writes = new HashMap<>();
        long touched = 0;
        int outputs = step.operation().outputs().size();
        for (int index = 0; index < step.instruction().operands().size(); index++) {
            if (!(step.instruction().operands().get(index) instanceof Operand.View view)) {
                continue;
            }
            Layout layout = view.layout();
            Spans spans = Spans.ofView(
                    view.offset(),
                    layout.shape(),
                    layout.strides(),
                    layout.type().bytes(),
                    GAP);
            touched += spans.bytes();
            boolean holes = spans.bytes() > layout.elements() * layout.type().bytes();
            if (index >= outputs || holes || Effects.updates(step)) {
                reads.computeIfAbsent(view.buffer(), key -> new Spans.Builder(GAP))
                        .add(spans);
            }
            if (index < outputs) {
                writes.computeIfAbsent(view.buffer(), key -> new Spans.Builder(0))
                        .add(spans);
            }
        }
        if (touched <= everywhereBytes) {
            return new Division.Everywhere(touches(reads), touches(writes));
        }
        Division rows = rows(step);
        return rows == null ? new Division.Alone(touches(reads), touches(writes)) : rows;
    }

    private @Nullable Division rows(Plan.RoutineStep step) {
        Instruction instruction = step.instruction();
        List<Operand.View> views = new ArrayList<>();
        for (Operand operand : instruction.operands()) {
            if (operand instanceof Operand.View view) {
                views.add(view);
            }
        }
        if (!(step.operation().kind() instanceof Operation.Kind.Routine)) {
            return null;
        }
        if (step.operation().name().equals("matmul") && !cutsProducts(views)) {
            return null;
        }
        RoutineForm form = RoutineForms.of(step.operation().name());
        if (step.operation().name().equals("sort") && views.get(0).layout().rank() == 1) {
            return sorted(views.get(0), views.get(1));
        }
        if (form.makesItems(views)) {
            return items(views, step.operation().outputs().size());
        }
        boolean[] cut = form.cutRows(views);
        return cut.length == 0 ? null : rows(step, cut, form.rowsTogether(views));
    }

    /** Whether parts of a product have its last bits: of stacks, of a matrix with a vector, and where our own code computes them. */
    private boolean cutsProducts(List<Operand.View> views) {
        Layout out = views.getFirst().layout();
        return out.rank() > 2
                || (out.type() == DType.FLOAT64 || out.type() == DType.FLOAT32)
                        && (out.size(1) == 1 || compilers.products(out.type()).isPresent());
    }

    private @Nullable Division sorted(Operand.View out, Operand.View in) {
        Layout layout = in.layout();
        if (layout.type().isComplex() || layout.elements() < workers) {
            return null;
        }
        int itemBytes = layout.type().bytes();
        long[] cuts = cuts(layout.elements(), in.buffer(), item -> in.offset() + item * itemBytes);
        Parts reads = new Parts(0);
        Parts writes = new Parts(0);
        for (int worker = 0; worker < workers; worker++) {
            long begin = cuts[worker] * itemBytes;
            long end = cuts[worker + 1] * itemBytes;
            reads.add(worker, in.buffer(), Spans.range(in.offset() + begin, in.offset() + end));
            writes.add(worker, out.buffer(), Spans.range(out.offset() + begin, out.offset() + end));
        }
        Touch target = new Touch(out.buffer(), Spans.range(out.offset(), out.offset() + layout.elements() * itemBytes));
        return new Division.Sorted(cuts, SharedSort.sampleBytes(cuts), reads.build(), target, writes.build());
    }

    private Division items(List<Operand.View> views, int outputs) {
        Operand.View first = views.getFirst();
        int itemBytes = first.layout().type().bytes();
        long[] cuts = cuts(first.layout().elements(), first.buffer(), item -> first.offset() + item * itemBytes);
        Parts parts = new Parts(0);
        for (int worker = 0; worker < workers; worker++) {
            long begin = first.offset() + cuts[worker] * itemBytes;
            parts.add(worker, first.buffer(), Spans.range(begin, first.offset() + cuts[worker + 1] * itemBytes));
        }
        Parts further = new Parts(0);
        for (Operand.View view : views.subList(1, outputs)) {
            Layout layout = view.layout();
            further.add(
                    0,
                    view.buffer(),
                    Spans.ofView(
                            view.offset(),
                            layout.shape(),
                            layout.strides(),
                            layout.type().bytes(),
                            0));
        }
        return new Division.Items(cuts, parts.build(), further.build().getFirst());
    }

    /** A scan along another axis than the first, or along the only one there is; null for others. */
    @Nullable Division scan(Plan.RoutineStep step, long axis) {
        Operand.View view = step.instruction().view(0);
        Layout layout = view.layout();
        int itemBytes = layout.type().bytes();
        if (layout.elements() * itemBytes <= everywhereBytes) {
            return null;
        }
        if (axis > 0) {
            return rows(step, new boolean[] {true}, 1);
        }
        if (layout.rank() != 1 || layout.type().isComplex() || layout.elements() <= Scans.BLOCK) {
            return null;
        }
        long blocks = (layout.elements() + Scans.BLOCK - 1) / Scans.BLOCK;
        long blockBytes = Scans.BLOCK * itemBytes;
        long[] cuts = cuts(blocks, view.buffer(), block -> view.offset() + block * blockBytes);
        Parts parts = new Parts(0);
        List<Spans> totals = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            long begin = Math.min(layout.elements(), cuts[worker] * Scans.BLOCK) * itemBytes;
            long end = Math.min(layout.elements(), cuts[worker + 1] * Scans.BLOCK) * itemBytes;
            parts.add(worker, view.buffer(), Spans.range(view.offset() + begin, view.offset() + end));
            totals.add(Spans.range(8 * cuts[worker], 8 * cuts[worker + 1]));
        }
        return new Division.Line(cuts, totals, parts.build());
    }

    /** @param together a part begins at a multiple of so many rows */
    private @Nullable Division rows(Plan.RoutineStep step, boolean[] cut, long together) {
        Instruction instruction = step.instruction();
        Operand.View first = instruction.view(0);
        long size = first.layout().size(0);
        if (size < workers * together) {
            return null;
        }
        long[] low = new long[workers];
        long[] high = new long[workers];
        cut(first.buffer(), first.offset(), first.layout().stride(0), size, low, high);
        for (int worker = 0; worker < workers; worker++) {
            low[worker] = low[worker] == size ? size : low[worker] / together * together;
            high[worker] = high[worker] == size ? size : high[worker] / together * together;
        }
        Touched touched = new Touched(0);
        int outputs = step.operation().outputs().size();
        for (int worker = 0; worker < workers; worker++) {
            if (low[worker] >= high[worker]) {
                continue;
            }
            for (int index = 0; index < cut.length; index++) {
                Operand.View view = instruction.view(index);
                if (cut[index]) {
                    view = part(view, low[worker], high[worker]);
                }
                boolean isOutput = index < outputs;
                touched.view(
                        worker,
                        view.buffer(),
                        !isOutput || Effects.updates(step),
                        isOutput,
                        view.offset(),
                        view.layout().shape(),
                        view.layout().strides(),
                        view.layout().type().bytes());
            }
        }
        List<List<Touch>> written = touched.writes.build();
        return disjoint(written) ? new Division.Rows(cut, low, high, touched.reads.build(), written) : null;
    }

    /** Some rows of a view. */
    static Operand.View part(Operand.View view, long low, long high) {
        Layout layout = view.layout();
        long[] shape = layout.shape();
        shape[0] = high - low;
        return new Operand.View(
                view.buffer(),
                new Layout(layout.type(), shape, layout.strides()),
                view.offset() + low * layout.stride(0));
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
