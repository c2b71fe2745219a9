package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Reading and writing by arrays of indices over the leading dimensions; the trailing ones move as a whole. */
final class Gathers {
    private static final long GRAIN = 16_384;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;

    Gathers(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "take", call -> take(call.instruction(), call.memory()),
                "put", call -> put(call.instruction(), call.memory()));
    }

    /** Operands: out, in, index…; out has the indices' shape, then in's trailing dimensions. */
    private void take(Instruction instruction, Memory memory) {
        Operand.View out = instruction.view(0);
        Positions positions = new Positions(instruction, instruction.view(1), memory);
        long source = Routines.address(instruction.view(1), memory);
        long target = Routines.address(out, memory);
        long run = positions.runBytes;
        long grain = Math.max(1, GRAIN * 8 / Math.max(8, run));
        workers.run(positions.count, grain, (worker, begin, end) -> {
            if (positions.indices.length == 1 && run == 8) {
                takeLongs(positions, source, target, begin, end);
                return;
            }
            for (long item = begin; item < end; item++) {
                Elements.copy(source + positions.offset(item), target + item * run, run);
            }
        });
    }

    private static void takeLongs(Positions positions, long source, long target, long begin, long end) {
        long index = positions.indices[0];
        long size = positions.sizes[0];
        for (long item = begin; item < end; item++) {
            long position = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, index + 8 * item);
            if (Long.compareUnsigned(position, size) >= 0) {
                position = positions.wrapped(position, 0);
            }
            MEMORY.set(
                    ValueLayout.JAVA_LONG_UNALIGNED,
                    target + 8 * item,
                    MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, source + 8 * position));
        }
    }

    /** Operands: out, in, index…; of two equal indices the later one wins, so one thread does it in order. */
    private void put(Instruction instruction, Memory memory) {
        Positions positions = new Positions(instruction, instruction.view(0), memory);
        long target = Routines.address(instruction.view(0), memory);
        long source = Routines.address(instruction.view(1), memory);
        long run = positions.runBytes;
        if (positions.indices.length == 1 && run == 8) {
            putLongs(positions, source, target);
            return;
        }
        for (long item = 0; item < positions.count; item++) {
            Elements.copy(source + item * run, target + positions.offset(item), run);
        }
    }

    private static void putLongs(Positions positions, long source, long target) {
        long index = positions.indices[0];
        long size = positions.sizes[0];
        long count = positions.count;
        for (long item = 0; item < count; item++) {
            long position = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, index + 8 * item);
            if (Long.compareUnsigned(position, size) >= 0) {
                position = positions.wrapped(position, 0);
            }
            MEMORY.set(
                    ValueLayout.JAVA_LONG_UNALIGNED,
                    target + 8 * position,
                    MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, source + 8 * item));
        }
    }

    /** Where the indices lead in a contiguous array. */
    private static final class Positions {
        private final long[] indices;
        private final long[] sizes;
        private final long[] steps;
        private final long count;
        private final long runBytes;

        Positions(Instruction instruction, Operand.View indexed, Memory memory) {
            int dimensions = instruction.operands().size() - 2;
            Layout layout = indexed.layout();
            if (dimensions < 1 || dimensions > layout.rank()) {
                throw new ManipleException(
                        Status.INVALID_PROGRAM,
                        dimensions + " index arrays for an array of " + layout.rank() + " dimensions",
                        "");
            }
            indices = new long[dimensions];
            sizes = new long[dimensions];
            steps = new long[dimensions];
            long run = layout.type().bytes();
            for (int dimension = layout.rank() - 1; dimension >= dimensions; dimension--) {
                run *= layout.size(dimension);
            }
            runBytes = run;
            long step = run;
            for (int dimension = dimensions - 1; dimension >= 0; dimension--) {
                Operand.View index = instruction.view(2 + dimension);
                indices[dimension] = Routines.address(index, memory);
                sizes[dimension] = layout.size(dimension);
                steps[dimension] = step;
                step *= layout.size(dimension);
            }
            count = instruction.view(2).layout().elements();
        }

        /** Byte offset of item i. */
        long offset(long item) {
            long offset = 0;
            for (int dimension = 0; dimension < indices.length; dimension++) {
                long position = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, indices[dimension] + 8 * item);
                if (Long.compareUnsigned(position, sizes[dimension]) >= 0) {
                    position = wrapped(position, dimension);
                }
                offset += position * steps[dimension];
            }
            return offset;
        }

        private long wrapped(long position, int dimension) {
            if (position < 0 && position + sizes[dimension] >= 0) {
                return position + sizes[dimension];
            }
            throw new ManipleException(
                    Status.INDEX_OUT_OF_RANGE,
                    "index " + position + " is out of bounds for axis " + dimension + " with size " + sizes[dimension],
                    "");
        }
    }
}
