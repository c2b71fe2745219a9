package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ops.Casts;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Reading and writing by arrays of indices over the leading dimensions; the trailing ones move as a whole. */
final class Gathers {
    private static final long GRAIN = 16_384;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    /** Of several arrays of indices so many are made one at a time. */
    private static final int BLOCK = 1024;

    private final Workers workers;
    private final Compilers compilers;

    Gathers(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "take", call -> take(call.instruction(), call.memory()),
                "put", call -> put(call.instruction(), call.memory()));
    }

    /** Operands: out, in, index…; out has the indices' shape, then in's trailing dimensions. */
    private void take(Instruction instruction, Memory memory) {
        Positions positions = new Positions(instruction, instruction.view(1), memory);
        long source = Routines.address(instruction.view(1), memory);
        long target = Routines.address(instruction.view(0), memory);
        long run = positions.runBytes;
        long count = positions.count;
        ElementType index = positions.indices.length > 1 ? ElementType.INT64 : positions.type;
        RowCopy copy = new RowCopy(compilers, index, source, positions.rows(), run, target, count);
        long grain = Math.max(1, GRAIN * 8 / Math.max(8, run));
        workers.run(count, grain, (worker, begin, end) -> {
            if (positions.indices.length > 1) {
                takeBlocks(positions, copy, target, begin, end);
                return;
            }
            long reached = copy.run(positions.indices[0], count, begin, end, target + begin * run);
            if (reached < end) {
                throw positions.outside(reached, 0);
            }
        });
    }

    /** Several indices become one, of rows that are as long as what the trailing dimensions span. */
    private static void takeBlocks(Positions positions, RowCopy copy, long target, long begin, long end) {
        try (Arena arena = Arena.ofConfined()) {
            long rows = arena.allocate(8L * BLOCK, 8).address();
            for (long first = begin; first < end; first += BLOCK) {
                long size = Math.min(BLOCK, end - first);
                for (long item = 0; item < size; item++) {
                    MEMORY.set(ValueLayout.JAVA_LONG, rows + 8 * item, positions.row(first + item));
                }
                long reached = copy.run(rows, size, 0, size, target + first * positions.runBytes);
                if (reached < size) {
                    throw new IllegalStateException("row " + reached + " is none");
                }
            }
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
            Elements.copy(source + item * run, target + positions.row(item) * run, run);
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
        /** Of one array of indices whatever it has; of several int64. */
        private final ElementType type;

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
            long run = layout.type().bytes();
            for (int dimension = layout.rank() - 1; dimension >= dimensions; dimension--) {
                run *= layout.size(dimension);
            }
            runBytes = run;
            for (int dimension = 0; dimension < dimensions; dimension++) {
                Operand.View index = instruction.view(2 + dimension);
                indices[dimension] = Routines.address(index, memory);
                sizes[dimension] = layout.size(dimension);
            }
            type = Casts.storage(instruction.view(2).layout().type());
            count = instruction.view(2).layout().elements();
        }

        /** Rows that the indices choose from. */
        long rows() {
            long rows = 1;
            for (long size : sizes) {
                rows *= size;
            }
            return rows;
        }

        /** The row of item i. */
        long row(long item) {
            long row = 0;
            for (int dimension = 0; dimension < indices.length; dimension++) {
                long position = index(item, dimension);
                if (Long.compareUnsigned(position, sizes[dimension]) >= 0) {
                    position = wrapped(position, dimension);
                }
                row = row * sizes[dimension] + position;
            }
            return row;
        }

        private long index(long item, int dimension) {
            return Scalars.read(type, indices[dimension] + type.bytes() * item);
        }

        private long wrapped(long position, int dimension) {
            if (position < 0 && position + sizes[dimension] >= 0) {
                return position + sizes[dimension];
            }
            throw outside(position, dimension, sizes[dimension]);
        }

        /** What is said of item i, whose index is out of bounds. */
        ManipleException outside(long item, int dimension) {
            return outside(index(item, dimension), dimension, sizes[dimension]);
        }

        private static ManipleException outside(long position, int dimension, long size) {
            return new ManipleException(
                    Status.INDEX_OUT_OF_RANGE,
                    "index " + position + " is out of bounds for axis " + dimension + " with size " + size,
                    "");
        }
    }
}
