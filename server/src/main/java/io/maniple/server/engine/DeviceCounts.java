package io.maniple.server.engine;

import static io.maniple.server.engine.DeviceGrids.address;
import static io.maniple.server.engine.DeviceGrids.reads;
import static io.maniple.server.engine.DeviceGrids.updates;
import static io.maniple.server.engine.DeviceGrids.words;
import static io.maniple.server.engine.DeviceGrids.writes;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.cuda.CountSource;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Searches, counts and folds by index on a device. What is rounded is added up in the processor's order, by one thread for
 * each result; where results are few and long the processor is sooner done.
 */
final class DeviceCounts {
    /** Terms of a result, on average, that one thread does. */
    private static final long MOST_TERMS = 1_024;

    private static final long MOST_BINS = 1 << 20;

    private final DeviceGrids grids;
    private final int threads;

    DeviceCounts(DeviceGrids grids) {
        this.grids = grids;
        this.threads = grids.properties().blockThreads();
    }

    /** Operands: out, sorted vector, values, whether to the right of equal elements. */
    Optional<DeviceRoutine> search(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View sorted = instruction.view(1);
        Operand.View values = instruction.view(2);
        ElementType type = Casts.storage(sorted.layout().type());
        boolean complex = sorted.layout().type().isComplex();
        KernelText left = CountSource.search(type, complex, false);
        KernelText right = CountSource.search(type, complex, true);
        long count = values.layout().elements();
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(sorted), reads(values));
        return Optional.of(new DeviceGrids.Made(List.of(left, right), uses, (device, addresses, scalars, report) -> {
            device.launch(
                    DeviceGrids.scalar(instruction, 3, scalars) != 0 ? right : left,
                    grids.grid(count),
                    words(
                            address(out, addresses),
                            address(sorted, addresses),
                            address(values, addresses),
                            sorted.layout().elements(),
                            count));
            return true;
        }));
    }

    /** Operands: out, values, perhaps weights. */
    Optional<DeviceRoutine> bincount(Instruction instruction) {
        if (instruction.operands().size() == 3) {
            return weigh(instruction);
        }
        Operand.View out = instruction.view(0);
        Operand.View values = instruction.view(1);
        long bins = out.layout().elements();
        long count = values.layout().elements();
        KernelText text = CountSource.count(bins <= CountSource.OWN_BINS, threads);
        return Optional.of(new DeviceGrids.Made(
                List.of(text), List.of(writes(out), reads(values)), (device, addresses, scalars, report) -> {
                    long target = address(out, addresses);
                    long bad = DeviceGrids.clearWord(device);
                    device.zero(target, Long.BYTES * bins);
                    device.launch(
                            text, grids.grid(count), words(target, address(values, addresses), count, bins, bad, 0));
                    return device.word(bad) == 0;
                }));
    }

    /** Operands: counts, values, edges. */
    Optional<DeviceRoutine> histogram(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View values = instruction.view(1);
        Operand.View edges = instruction.view(2);
        long bins = out.layout().elements();
        if (bins > MOST_BINS) {
            return Optional.empty();
        }
        long count = values.layout().elements();
        KernelText text = CountSource.histogram(bins <= CountSource.OWN_BINS, threads);
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(values), reads(edges));
        return Optional.of(new DeviceGrids.Made(List.of(text), uses, (device, addresses, scalars, report) -> {
            long target = address(out, addresses);
            device.zero(target, Long.BYTES * bins);
            device.launch(
                    text,
                    grids.grid(count),
                    words(target, address(values, addresses), count, bins, 0, address(edges, addresses)));
            return true;
        }));
    }

    /** Operands: out, values, indices. */
    Optional<DeviceRoutine> update(Instruction instruction, Reduction reduction, boolean negated) {
        Operand.View out = instruction.view(0);
        Operand.View values = instruction.view(1);
        Operand.View indices = instruction.view(2);
        Layout layout = out.layout();
        long size = layout.elements();
        long count = indices.layout().elements();
        if (count == 0 || count > MOST_TERMS * size) {
            return Optional.empty();
        }
        Ordered ordered = new Ordered(reduction, layout, negated);
        List<DeviceMemory.Use> uses = List.of(updates(out), reads(values), reads(indices));
        return Optional.of(new DeviceGrids.Made(ordered.texts(), uses, (device, addresses, scalars, report) -> {
            Order order = order(device, ordered, address(indices, addresses), count, size, true);
            if (order == null) {
                return false;
            }
            ordered.launch(device, address(out, addresses), address(values, addresses), order, count, report);
            return true;
        }));
    }

    /** Operands: out, values, weights. */
    private Optional<DeviceRoutine> weigh(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View places = instruction.view(1);
        Operand.View weights = instruction.view(2);
        long size = out.layout().elements();
        long count = places.layout().elements();
        if (count == 0 || count > MOST_TERMS * size) {
            return Optional.empty();
        }
        Ordered ordered = new Ordered(Reduction.SUM, out.layout(), false);
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(places), reads(weights));
        return Optional.of(new DeviceGrids.Made(ordered.texts(), uses, (device, addresses, scalars, report) -> {
            Order order = order(device, ordered, address(places, addresses), count, size, false);
            if (order == null) {
                return false;
            }
            long target = address(out, addresses);
            device.zero(target, DeviceGrids.bytes(out.layout()));
            ordered.launch(device, target, address(weights, addresses), order, count, 0);
            return true;
        }));
    }

    /** Operands: out, in, starts. */
    Optional<DeviceRoutine> segments(Instruction instruction, Reduction reduction) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        Operand.View starts = instruction.view(2);
        Layout layout = in.layout();
        long results = out.layout().elements();
        if (layout.type().isComplex() || layout.elements() > MOST_TERMS * results) {
            return Optional.empty();
        }
        long length = layout.size(layout.rank() - 1);
        long segments = starts.layout().elements();
        KernelText places = CountSource.places();
        KernelText text = CountSource.segments(reduction, Casts.storage(layout.type()));
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(in), reads(starts));
        return Optional.of(new DeviceGrids.Made(List.of(places, text), uses, (device, addresses, scalars, report) -> {
            long bad = DeviceGrids.clearWord(device);
            long checked = device.scratch(Long.BYTES * segments);
            device.launch(
                    places, grids.grid(segments), words(checked, address(starts, addresses), segments, length, 0, bad));
            if (device.word(bad) != 0) {
                return false;
            }
            device.launch(
                    text,
                    grids.grid(results),
                    words(address(out, addresses), address(in, addresses), checked, results, segments, length, report));
            return true;
        }));
    }

    /** Places, sorted, and where each stood before. */
    private record Order(long keys, long places) {}

    /** What folds values by places that are sorted first. */
    private final class Ordered {
        private final KernelText places = CountSource.places();
        private final DeviceSort sort = new DeviceSort(grids, ElementType.INT64, true);
        private final KernelText fold;
        private final int parts;

        Ordered(Reduction reduction, Layout layout, boolean negated) {
            parts = layout.type().isComplex() ? 2 : 1;
            fold = CountSource.update(reduction, Casts.storage(layout.type()), parts, negated);
        }

        List<KernelText> texts() {
            List<KernelText> texts = new ArrayList<>(sort.texts());
            texts.addAll(List.of(places, fold));
            return texts;
        }

        void launch(DeviceStep.Surroundings device, long out, long values, Order order, long count, long report)
                throws DeviceException {
            device.launch(
                    fold, grids.grid(count * parts), words(out, values, order.keys(), order.places(), count, report));
        }
    }

    /** @return null if an index is out of range */
    private @Nullable Order order(
            DeviceStep.Surroundings device, Ordered ordered, long indices, long count, long size, boolean wraps)
            throws DeviceException {
        long bad = DeviceGrids.clearWord(device);
        long bytes = Long.BYTES * count;
        long[] keys = {device.scratch(bytes), device.scratch(bytes)};
        device.launch(ordered.places, grids.grid(count), words(keys[1], indices, count, size, wraps ? 1 : 0, bad));
        if (device.word(bad) != 0) {
            return null;
        }
        long[] places = {device.scratch(bytes), device.scratch(bytes)};
        ordered.sort.run(device, keys[1], keys, places, 1, count);
        int last = DeviceSort.last(count);
        return new Order(keys[last], places[last]);
    }
}
