package io.maniple.server.engine;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.server.distribution.Spans;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A box-shaped part of a loop nest with its kernel, cut into chunks along the two innermost dimensions. How it is cut
 * depends on sizes only, so results do not depend on who computes which chunk.
 *
 * @param executable the kernel compiled for this region's access
 * @param accesses that access, one an operand
 * @param outer sizes of all dimensions but the two innermost
 * @param size1 size of the second innermost dimension
 * @param size0 size of the innermost dimension
 * @param chunk1 rows a chunk
 * @param chunk0 elements of a row a chunk
 * @param rowsACall rows of a chunk a call: what adds up rows goes through many, and may have to stop in their midst
 * @param operands how each operand moves
 * @param index how the linear index moves; all zero where it is not used
 * @param groups the same kernel for several rows at a time; null where there is none
 */
record Region(
        Executable executable,
        List<Access> accesses,
        long[] outer,
        long size1,
        long size0,
        long chunk1,
        long chunk0,
        long rowsACall,
        Motion[] operands,
        Motion index,
        @Nullable RowGroups groups) {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /**
     * Byte steps of one operand.
     *
     * @param start from the operand's address to this region's first element
     * @param outer along the outer dimensions
     * @param chunkStep1 from one chunk of rows to the next
     * @param chunkStep0 from one chunk of a row to the next
     * @param step1 from one row to the next inside a chunk
     * @param step0 from one element to the next inside a chunk
     */
    record Motion(long start, long[] outer, long chunkStep1, long chunkStep0, long step1, long step0) {}

    private long chunks1() {
        return (size1 + chunk1 - 1) / chunk1;
    }

    private long chunks0() {
        return (size0 + chunk0 - 1) / chunk0;
    }

    /** Number of calls the region takes. */
    long boxes() {
        long count = chunks1() * chunks0();
        for (long size : outer) {
            count *= size;
        }
        return count;
    }

    long elementsPerBox() {
        return chunk1 * chunk0;
    }

    /**
     * Runs some of the boxes.
     *
     * @param block native memory for the argument block; the scalars are already in place
     * @param addresses one address an operand
     * @param inspector what to do about floating-point flags; null for nothing
     * @param cancelled asked within a box of many calls; what waits for memory does so there
     * @throws CancellationException if it says so
     */
    void run(
            long block,
            long[] addresses,
            long begin,
            long end,
            @Nullable Inspector inspector,
            BooleanSupplier cancelled) {
        long chunks0 = chunks0();
        long chunks1 = chunks1();
        for (long box = begin; box < end; box++) {
            long part0 = box % chunks0;
            long rest = box / chunks0;
            long part1 = rest % chunks1;
            long linear = rest / chunks1;
            put(block, Kernel.Arguments.N0, Math.min(chunk0, size0 - part0 * chunk0));
            long rows = Math.min(chunk1, size1 - part1 * chunk1);
            put(block, Kernel.Arguments.N1, Math.min(rowsACall, rows));
            put(block, Kernel.Arguments.INDEX_BASE, position(index, part1, part0, linear));
            put(block, Kernel.Arguments.INDEX_STEP0, index.step0());
            put(block, Kernel.Arguments.INDEX_STEP1, index.step1());
            int word = Kernel.Arguments.OPERANDS;
            for (int operand = 0; operand < operands.length; operand++) {
                Motion motion = operands[operand];
                put(block, word, addresses[operand] + position(motion, part1, part0, linear));
                put(block, word + 1, motion.step0());
                put(block, word + 2, motion.step1());
                word += Kernel.Arguments.WORDS_PER_OPERAND;
            }
            call(block, inspector);
            for (long row = rowsACall; row < rows; row += rowsACall) {
                Workers.stopIf(cancelled);
                moveRows(block, rowsACall);
                put(block, Kernel.Arguments.N1, Math.min(rowsACall, rows - row));
                call(block, inspector);
            }
        }
    }

    private void call(long block, @Nullable Inspector inspector) {
        int flags = groups == null ? executable.run(block) : inGroups(groups, block);
        if (inspector != null && (flags | inspector.always()) != 0) {
            inspector.inspect(block, accesses, flags | inspector.always());
        }
    }

    /** Where an operand's first element in a box lies, from the operand's address. */
    long position(int operand, long box) {
        long part0 = box % chunks0();
        long rest = box / chunks0();
        return position(operands[operand], rest % chunks1(), part0, rest / chunks1());
    }

    /**
     * The bytes an operand has in some of the boxes.
     *
     * @param offset of the operand in its buffer
     * @param gap as in {@link Spans#ofView}
     */
    Spans touched(int operand, int itemBytes, long offset, long begin, long end, long gap) {
        Motion motion = operands[operand];
        int rank = outer.length;
        long[] grid = Arrays.copyOf(outer, rank + 2);
        grid[rank] = chunks1();
        grid[rank + 1] = chunks0();
        Spans.Builder spans = new Spans.Builder(gap);
        Rectangles.visit(grid, begin, end, (low, high) -> {
            long first = offset + motion.start();
            long[] shape = new long[rank + 4];
            long[] strides = new long[rank + 4];
            for (int dimension = 0; dimension < rank; dimension++) {
                first += low[dimension] * motion.outer()[dimension];
                shape[dimension] = high[dimension] - low[dimension];
                strides[dimension] = motion.outer()[dimension];
            }
            first += low[rank] * motion.chunkStep1() + low[rank + 1] * motion.chunkStep0();
            along(low[rank], high[rank], chunk1, size1, motion.chunkStep1(), motion.step1(), shape, strides, rank);
            along(
                    low[rank + 1],
                    high[rank + 1],
                    chunk0,
                    size0,
                    motion.chunkStep0(),
                    motion.step0(),
                    shape,
                    strides,
                    rank + 2);
            spans.add(Spans.ofView(first, shape, strides, itemBytes, gap));
        });
        return spans.build();
    }

    /** A dimension that is walked in chunks: as one where they follow on each other, otherwise chunk by chunk. */
    private static void along(
            long low,
            long high,
            long chunk,
            long size,
            long chunkStep,
            long step,
            long[] shape,
            long[] strides,
            int at) {
        shape[at] = 1;
        shape[at + 1] = 1;
        if (chunkStep == step * chunk) {
            shape[at] = Math.min(size, high * chunk) - low * chunk;
            strides[at] = step;
        } else {
            shape[at] = high - low;
            strides[at] = chunkStep;
            shape[at + 1] = step == 0 ? 1 : Math.min(chunk, size);
            strides[at + 1] = step;
        }
    }

    /** Runs full groups of rows, then the rest of them; leaves the block as it was. */
    private int inGroups(RowGroups wide, long block) {
        long rows = get(block, Kernel.Arguments.N1);
        long rest = rows % wide.rows();
        int flags = rows == rest ? 0 : wide.run(block);
        if (rest > 0) {
            moveRows(block, rows - rest);
            put(block, Kernel.Arguments.N1, rest);
            flags |= executable.run(block);
            put(block, Kernel.Arguments.N1, rows);
            moveRows(block, rest - rows);
        }
        return flags;
    }

    private void moveRows(long block, long rows) {
        long base = get(block, Kernel.Arguments.INDEX_BASE);
        put(block, Kernel.Arguments.INDEX_BASE, base + rows * index.step1());
        int word = Kernel.Arguments.OPERANDS;
        for (int operand = 0; operand < operands.length; operand++) {
            put(block, word, get(block, word) + rows * get(block, word + 2));
            word += Kernel.Arguments.WORDS_PER_OPERAND;
        }
    }

    private long position(Motion motion, long part1, long part0, long linear) {
        long position = motion.start() + part1 * motion.chunkStep1() + part0 * motion.chunkStep0();
        long rest = linear;
        for (int dimension = outer.length - 1; dimension >= 0 && rest != 0; dimension--) {
            position += rest % outer[dimension] * motion.outer()[dimension];
            rest /= outer[dimension];
        }
        return position;
    }

    private static long get(long block, int word) {
        return MEMORY.get(ValueLayout.JAVA_LONG, block + 8L * word);
    }

    private static void put(long block, int word, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, value);
    }
}
