package io.maniple.server.engine;

import static io.maniple.server.engine.DeviceGrids.address;
import static io.maniple.server.engine.DeviceGrids.reads;
import static io.maniple.server.engine.DeviceGrids.updates;
import static io.maniple.server.engine.DeviceGrids.words;
import static io.maniple.server.engine.DeviceGrids.writes;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.SelectionSource;
import io.maniple.cuda.SelectionSource.PutStep;
import io.maniple.cuda.driver.DeviceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Selections by masks, and writing by masks and arrays of indices, on a device. What is wrong the processor tells of. */
final class DeviceSelections {
    private final DeviceGrids grids;
    private final int threads;
    private final long tile;
    private final KernelText counts;
    private final KernelText starts;

    DeviceSelections(DeviceGrids grids) {
        this.grids = grids;
        this.threads = grids.properties().blockThreads();
        this.tile = SelectionSource.tile(threads);
        this.counts = SelectionSource.counts(threads);
        this.starts = SelectionSource.starts(threads);
    }

    /** Operands: out, count, in, mask. */
    Optional<DeviceRoutine> compress(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View count = instruction.view(1);
        Operand.View in = instruction.view(2);
        Operand.View mask = instruction.view(3);
        long length = mask.layout().elements();
        if (length == 0 || in.layout().elements() == 0) {
            return Optional.empty();
        }
        long bytes = DeviceGrids.bytes(in.layout()) / length;
        int unit = DeviceGrids.unit(bytes, in.offset(), out.offset());
        KernelText move = SelectionSource.move(unit, false, threads);
        long room = DeviceGrids.bytes(out.layout()) / bytes;
        // Behind what is chosen nothing is written.
        List<DeviceMemory.Use> uses =
                List.of(new DeviceMemory.Use(out.buffer(), false, true, 0), writes(count), reads(in), reads(mask));
        return Optional.of(new DeviceGrids.Made(
                List.of(counts, starts, move), uses, (device, addresses, scalars, report) -> {
                    long total = address(count, addresses);
                    long first = starts(device, address(mask, addresses), length, total);
                    if (room < length && device.word(total) > room) {
                        return false;
                    }
                    move(
                            device,
                            move,
                            address(out, addresses),
                            address(in, addresses),
                            address(mask, addresses),
                            first,
                            length,
                            bytes / unit);
                    return true;
                }));
    }

    /** Operands: out, in, mask: out[mask] = in. */
    Optional<DeviceRoutine> place(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        Operand.View mask = instruction.view(2);
        int bytes = out.layout().type().bytes();
        int unit = DeviceGrids.unit(bytes, in.offset(), out.offset());
        KernelText move = SelectionSource.move(unit, true, threads);
        long length = mask.layout().elements();
        long given = in.layout().elements();
        List<DeviceMemory.Use> uses = List.of(updates(out), reads(in), reads(mask));
        return Optional.of(new DeviceGrids.Made(
                List.of(counts, starts, move), uses, (device, addresses, scalars, report) -> {
                    long total = device.scratch(Long.BYTES);
                    long first = starts(device, address(mask, addresses), length, total);
                    if (given < length && device.word(total) > given) {
                        return false;
                    }
                    move(
                            device,
                            move,
                            address(out, addresses),
                            address(in, addresses),
                            address(mask, addresses),
                            first,
                            length,
                            bytes / unit);
                    return true;
                }));
    }

    private long tiles(long length) {
        return (length + tile - 1) / tile;
    }

    /** How many elements are chosen before each tile; their number at {@code total}. */
    private long starts(DeviceStep.Surroundings device, long mask, long length, long total) throws DeviceException {
        long tiles = tiles(length);
        long numbers = device.scratch(Long.BYTES * tiles);
        device.launch(counts, grids.blocks(tiles), words(mask, length, tiles, numbers));
        device.launch(starts, grids.blocks(1), words(tiles, numbers, total));
        return numbers;
    }

    private void move(
            DeviceStep.Surroundings device,
            KernelText text,
            long out,
            long in,
            long mask,
            long first,
            long length,
            long run)
            throws DeviceException {
        long slices = (run + SelectionSource.SLICE - 1) / SelectionSource.SLICE;
        device.launch(
                text,
                grids.blocks(tiles(length) * slices),
                words(out, in, mask, first, length, tiles(length), run, slices));
    }

    /** Operands: out, in, index…; of equal indices the last one wins. */
    Optional<DeviceRoutine> put(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        if (!DeviceGrids.Indexed.suits(instruction, out.layout())) {
            return Optional.empty();
        }
        DeviceGrids.Indexed indexed = DeviceGrids.Indexed.of(instruction, out);
        int dimensions = indexed.dimensions();
        long count = instruction.view(2).layout().elements();
        boolean wide = count >= 0xffff_ffffL;
        List<KernelText> texts = new ArrayList<>();
        for (PutStep step : PutStep.values()) {
            texts.add(SelectionSource.put(step, indexed.unitBytes(), dimensions, wide));
        }
        List<DeviceMemory.Use> uses = new ArrayList<>(List.of(updates(out), reads(in)));
        for (int dimension = 0; dimension < dimensions; dimension++) {
            uses.add(reads(instruction.view(2 + dimension)));
        }
        return Optional.of(new DeviceGrids.Made(texts, uses, (device, addresses, scalars, report) -> {
            long[] box = new long[6 + 3 * dimensions];
            box[0] = address(out, addresses);
            box[1] = address(in, addresses);
            box[2] = count;
            box[3] = indexed.run();
            box[4] = DeviceGrids.clearWord(device);
            box[5] = device.scratch((wide ? 8 : 4) * indexed.places());
            for (int dimension = 0; dimension < dimensions; dimension++) {
                box[6 + dimension] = address(instruction.view(2 + dimension), addresses);
                box[6 + dimensions + dimension] = indexed.sizes()[dimension];
                box[6 + 2 * dimensions + dimension] = indexed.steps()[dimension];
            }
            device.launch(texts.get(0), grids.grid(count), words(box));
            if (device.word(box[4]) != 0) {
                return false;
            }
            device.launch(texts.get(1), grids.grid(count), words(box));
            device.launch(texts.get(2), grids.grid(count * indexed.run()), words(box));
            return true;
        }));
    }
}
