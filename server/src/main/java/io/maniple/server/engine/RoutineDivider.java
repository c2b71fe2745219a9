package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
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
import org.jspecify.annotations.Nullable;

/** Shares operations with code of their own out: by rows, by elements, or by exchanges of their own. */
final class RoutineDivider {
    private final Homes homes;
    private final Compilers compilers;
    private final long everywhereBytes;

    /** @param everywhereBytes a routine that touches at most so much is done by everybody */
    RoutineDivider(Homes homes, Compilers compilers, long everywhereBytes) {
        this.homes = homes;
        this.compilers = compilers;
        this.everywhereBytes = everywhereBytes;
    }

    Division divide(Plan.RoutineStep step) {
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
                    Touched.GAP);
            touched += spans.bytes();
            boolean holes = spans.bytes() > layout.elements() * layout.type().bytes();
            if (index >= outputs || holes || Effects.updates(step)) {
                reads.computeIfAbsent(view.buffer(), key -> new Spans.Builder(Touched.GAP))
                        .add(spans);
            }
            if (index < outputs) {
                writes.computeIfAbsent(view.buffer(), key -> new Spans.Builder(0))
                        .add(spans);
            }
        }
        if (touched <= everywhereBytes) {
            return new Division.Everywhere(Parts.touches(reads), Parts.touches(writes));
        }
        Division shared = shared(step);
        return shared == null ? new Division.Alone(Parts.touches(reads), Parts.touches(writes)) : shared;
    }

    private @Nullable Division shared(Plan.RoutineStep step) {
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
        return switch (form.sharing(views)) {
            case ROWS -> rows(step, form, views);
            case ITEMS -> items(views, step.operation().outputs().size());
            case SORTED -> sorted(views.get(0), views.get(1));
            case SELECTED -> selected(step);
            case COUNTED -> tally(step);
        };
    }

    private @Nullable Division rows(Plan.RoutineStep step, RoutineForm form, List<Operand.View> views) {
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
        if (layout.elements() < homes.workers()) {
            return null;
        }
        int itemBytes = layout.type().bytes();
        long[] cuts = homes.cuts(layout.elements(), in.buffer(), item -> in.offset() + item * itemBytes);
        Parts reads = new Parts(homes.workers(), 0);
        Parts writes = new Parts(homes.workers(), 0);
        for (int worker = 0; worker < homes.workers(); worker++) {
            long begin = cuts[worker] * itemBytes;
            long end = cuts[worker + 1] * itemBytes;
            reads.add(worker, in.buffer(), Spans.range(in.offset() + begin, in.offset() + end));
            writes.add(worker, out.buffer(), Spans.range(out.offset() + begin, out.offset() + end));
        }
        Touch target = new Touch(out.buffer(), Spans.range(out.offset(), out.offset() + layout.elements() * itemBytes));
        return new Division.Sorted(cuts, SharedSort.sampleBytes(cuts), reads.build(), target, writes.build());
    }

    private Touch touch(Operand.View view) {
        Layout layout = view.layout();
        Spans spans = Spans.ofView(
                view.offset(), layout.shape(), layout.strides(), layout.type().bytes(), 0);
        return new Touch(view.buffer(), spans);
    }

    /** Rows of some inputs, cut where those of one of them are at home; nothing is written. */
    private Division.@Nullable Rows inputRows(Plan.RoutineStep step, boolean[] cut, int reference) {
        Operand.View first = step.instruction().view(reference);
        if (first.layout().rank() == 0 || first.layout().size(0) < homes.workers()) {
            return null;
        }
        long[] low = new long[homes.workers()];
        long[] high = new long[homes.workers()];
        homes.cut(
                first.buffer(),
                first.offset(),
                first.layout().stride(0),
                first.layout().size(0),
                low,
                high);
        Parts reads = new Parts(homes.workers(), 0);
        for (int worker = 0; worker < homes.workers(); worker++) {
            for (int index = step.operation().outputs().size(); index < cut.length; index++) {
                Operand.View view = step.instruction().view(index);
                Touch touch = touch(cut[index] ? part(view, low[worker], high[worker]) : view);
                reads.add(worker, touch.buffer(), touch.spans());
            }
        }
        List<List<Touch>> nothing = Collections.nCopies(homes.workers(), List.of());
        return new Division.Rows(cut, low, high, reads.build(), nothing);
    }

    private @Nullable Division selected(Plan.RoutineStep step) {
        Division.Rows rows = inputRows(step, new boolean[] {false, false, true, true}, 2);
        Touch out = touch(step.instruction().view(0));
        if (rows == null || out.spans().isEmpty()) {
            return null;
        }
        Parts writes = new Parts(homes.workers(), 0);
        for (int worker = 0; worker < homes.workers(); worker++) {
            writes.add(
                    worker,
                    out.buffer(),
                    out.spans().within(homes.home(out.buffer(), worker), homes.home(out.buffer(), worker + 1)));
        }
        return new Division.Selected(
                rows, out, writes.build(), List.of(touch(step.instruction().view(1))));
    }

    private @Nullable Division tally(Plan.RoutineStep step) {
        Operand.View out = step.instruction().view(0);
        boolean[] cut = new boolean[step.instruction().operands().size()];
        cut[1] = true;
        long bins = out.layout().elements();
        Operand.View values = step.instruction().view(1);
        // What everybody tells everybody must be little beside what is counted.
        if (values.layout().rank() != 1
                || bins * homes.workers() > values.layout().elements()) {
            return null;
        }
        Division.Rows rows = inputRows(step, cut, 1);
        return rows == null ? null : new Division.Tally(rows, bins, List.of(touch(out)));
    }

    private Division items(List<Operand.View> views, int outputs) {
        Operand.View first = views.getFirst();
        int itemBytes = first.layout().type().bytes();
        long[] cuts = homes.cuts(first.layout().elements(), first.buffer(), item -> first.offset() + item * itemBytes);
        Parts parts = new Parts(homes.workers(), 0);
        for (int worker = 0; worker < homes.workers(); worker++) {
            long begin = first.offset() + cuts[worker] * itemBytes;
            parts.add(worker, first.buffer(), Spans.range(begin, first.offset() + cuts[worker + 1] * itemBytes));
        }
        Parts further = new Parts(homes.workers(), 0);
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
        long[] cuts = homes.cuts(blocks, view.buffer(), block -> view.offset() + block * blockBytes);
        Parts parts = new Parts(homes.workers(), 0);
        List<Spans> totals = new ArrayList<>();
        for (int worker = 0; worker < homes.workers(); worker++) {
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
        if (size < homes.workers() * together) {
            return null;
        }
        long[] low = new long[homes.workers()];
        long[] high = new long[homes.workers()];
        homes.cut(first.buffer(), first.offset(), first.layout().stride(0), size, low, high);
        for (int worker = 0; worker < homes.workers(); worker++) {
            low[worker] = low[worker] == size ? size : low[worker] / together * together;
            high[worker] = high[worker] == size ? size : high[worker] / together * together;
        }
        Touched touched = new Touched(homes.workers(), 0);
        int outputs = step.operation().outputs().size();
        for (int worker = 0; worker < homes.workers(); worker++) {
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
        return Parts.disjoint(written) ? new Division.Rows(cut, low, high, touched.reads.build(), written) : null;
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
}
