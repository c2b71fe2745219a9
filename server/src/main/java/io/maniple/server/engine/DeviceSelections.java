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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
        return moving(move, uses, out, in, mask, count, room, bytes / unit);
    }

    /** Operands: out, in, mask: out[mask] = in. */
    Optional<DeviceRoutine> place(Instruction instruction) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        Operand.View mask = instruction.view(2);
        int bytes = out.layout().type().bytes();
        int unit = DeviceGrids.unit(bytes, in.offset(), out.offset());
        KernelText move = SelectionSource.move(unit, true, threads);
        List<DeviceMemory.Use> uses = List.of(updates(out), reads(in), reads(mask));
        return moving(move, uses, out, in, mask, null, in.layout().elements(), bytes / unit);
    }

    /**
     * What moves what a mask chooses.
     *
     * @param count where its number goes; null if nobody wants it
     * @param most so many there may be; of more the processor tells
     * @param run units of each
     */
    private Optional<DeviceRoutine> moving(
            KernelText move,
            List<DeviceMemory.Use> uses,
            Operand.View out,
            Operand.View in,
            Operand.View mask,
            Operand.@Nullable View count,
            long most,
            long run) {
        long length = mask.layout().elements();
        long tiles = (length + tile - 1) / tile;
        long slices = (run + SelectionSource.SLICE - 1) / SelectionSource.SLICE;
        return Optional.of(new DeviceGrids.Made(
                List.of(counts, starts, move), uses, (device, addresses, scalars, report) -> {
                    long total = count == null ? device.scratch(Long.BYTES) : address(count, addresses);
                    long chosen = address(mask, addresses);
                    // How many are chosen before each tile.
                    long first = device.scratch(Long.BYTES * tiles);
                    device.launch(counts, grids.blocks(tiles), words(chosen, length, tiles, first));
                    device.launch(starts, grids.blocks(1), words(tiles, first, total));
                    if (most < length && device.word(total) > most) {
                        return false;
                    }
                    device.launch(
                            move,
                            grids.blocks(tiles * slices),
                            words(
                                    address(out, addresses),
                                    address(in, addresses),
                                    chosen,
                                    first,
                                    length,
                                    tiles,
                                    run,
                                    slices));
                    return true;
                }));
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
        uses.addAll(indexed.uses());
        return Optional.of(new DeviceGrids.Made(texts, uses, (device, addresses, scalars, report) -> {
            long[] box = new long[6 + 3 * dimensions];
            box[0] = address(out, addresses);
            box[1] = address(in, addresses);
            box[2] = count;
            box[3] = indexed.run();
            box[4] = DeviceGrids.clearWord(device);
            box[5] = device.scratch((wide ? 8 : 4) * indexed.places());
            indexed.describe(box, 6, 1, addresses);
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
