package io.maniple.server.engine;

import static io.maniple.server.engine.DeviceGrids.address;
import static io.maniple.server.engine.DeviceGrids.reads;
import static io.maniple.server.engine.DeviceGrids.words;
import static io.maniple.server.engine.DeviceGrids.writes;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.RoutineSource;
import io.maniple.cuda.TransformSource;
import io.maniple.cuda.TransformSource.Kind;
import io.maniple.cuda.driver.Transform;
import io.maniple.kernels.ir.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Fourier transforms on a device, in double precision whatever the type, as the processor's: rows are copied together,
 * transformed by the device's library and written where they belong. What is not finite is the processor's.
 */
final class DeviceTransforms {
    /** Rows that are transformed at once have at most so many bytes, or there is one. */
    private static final long TOGETHER = 1L << 28;

    private final DeviceGrids grids;

    DeviceTransforms(DeviceGrids grids) {
        this.grids = grids;
    }

    /** Operands: out, in, factor, whether it is the way back. */
    Optional<DeviceRoutine> complex(Instruction instruction) {
        return rows(instruction, Kind.COMPLEX, Kind.COMPLEX);
    }

    /** Operands: out, in, factor, whether the length is odd. */
    Optional<DeviceRoutine> fromReal(Instruction instruction) {
        return rows(instruction, Kind.REAL, Kind.COMPLEX);
    }

    /** Operands: out, in, factor. */
    Optional<DeviceRoutine> toReal(Instruction instruction) {
        return rows(instruction, Kind.HALF, Kind.REAL);
    }

    private Optional<DeviceRoutine> rows(Instruction instruction, Kind from, Kind to) {
        Operand.View out = instruction.view(0);
        Operand.View in = instruction.view(1);
        Operand.View factor = instruction.view(2);
        if (!grids.properties().transforms() || out.buffer() == in.buffer()) {
            return Optional.empty();
        }
        ElementType part = factor.layout().type() == DType.FLOAT32 ? ElementType.FLOAT32 : ElementType.FLOAT64;
        int outer = out.layout().rank() - 1;
        // An array without elements is none.
        int rank = Math.max(1, outer);
        KernelText load = TransformSource.load(from, part, rank);
        KernelText store = TransformSource.store(to, part, rank);
        KernelText notFinite = RoutineSource.notFinite(Double.BYTES);
        long stored = out.layout().size(outer);
        long given = in.layout().size(outer);
        long rows = out.layout().elements() / stored;
        List<DeviceMemory.Use> uses = List.of(writes(out), reads(in), reads(factor));
        return Optional.of(new DeviceGrids.Made(
                List.of(load, store, notFinite), uses, (device, addresses, scalars, report) -> {
                    long length = stored;
                    if (from == Kind.REAL) {
                        boolean odd = DeviceGrids.scalar(instruction, 3, scalars) != 0;
                        length = Math.max(1, 2 * (stored - 1) + (odd ? 1 : 0));
                    }
                    boolean backward = from == Kind.HALF
                            || from == Kind.COMPLEX && DeviceGrids.scalar(instruction, 3, scalars) != 0;
                    long together = Math.clamp(TOGETHER / (16 * length), 1, rows);
                    long work = device.scratch(16 * length * together);
                    long bad = DeviceGrids.clearWord(device);
                    for (long first = 0; first < rows; first += together) {
                        long count = Math.min(together, rows - first);
                        device.launch(
                                load,
                                grids.grid(count * length),
                                box(in.layout(), work, address(in, addresses), first, count, length, given));
                        if (!device.transform(new Transform(work, length, count, backward))) {
                            return false;
                        }
                        device.launch(notFinite, grids.grid(2 * count * length), words(work, 2 * count * length, bad));
                        device.launch(
                                store,
                                grids.grid(count * stored),
                                box(
                                        out.layout(),
                                        work,
                                        address(out, addresses),
                                        first,
                                        count,
                                        length,
                                        stored,
                                        address(factor, addresses)));
                    }
                    return device.word(bad) == 0;
                }));
    }

    private static byte[] box(
            Layout layout, long work, long array, long first, long count, long length, long own, long... more) {
        int last = layout.rank() - 1;
        List<Long> words = new ArrayList<>(List.of(work, array, first, count, length, own, layout.stride(last)));
        for (long word : more) {
            words.add(word);
        }
        for (int dimension = 0; dimension < Math.max(1, last); dimension++) {
            words.add(last == 0 ? 1 : layout.size(dimension));
        }
        for (int dimension = 0; dimension < Math.max(1, last); dimension++) {
            words.add(last == 0 ? 0 : layout.stride(dimension));
        }
        return words(words.stream().mapToLong(Long::longValue).toArray());
    }
}
