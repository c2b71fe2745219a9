package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ir.ElementType;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Boolean selection: the chosen elements are counted by blocks, then every block copies to its own place. */
final class Selections {
    private static final long BLOCK = 65_536;
    /** Elements of a mask that are looked at together. */
    private static final int WORD = 8;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    /** Larger runs are copied by {@link RowCopy}, so many at a time. */
    private static final long SINGLE_BYTES = 8;

    private static final int ROWS = 1024;

    private final Workers workers;
    private final Compilers compilers;

    Selections(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "compress", call -> compress(call.instruction(), call.memory()),
                "place", call -> place(call.instruction(), call.memory()));
    }

    /** Operands: out, count, in, mask; with fewer dimensions than `in`, the mask chooses what the others span. */
    private void compress(Instruction instruction, Memory memory) {
        Operand.View in = instruction.view(2);
        Operand.View out = instruction.view(0);
        long mask = Routines.address(instruction.view(3), memory);
        long count = Routines.address(instruction.view(1), memory);
        long source = Routines.address(in, memory);
        long target = Routines.address(out, memory);
        long elements = instruction.view(3).layout().elements();
        long run = elements == 0 ? 1 : in.layout().elements() / elements;
        long bytes = in.layout().type().bytes() * run;
        long[] starts = starts(mask, elements);
        long chosen = starts[starts.length - 1];
        if (chosen * run > out.layout().elements()) {
            throw new ManipleException(
                    Status.INDEX_OUT_OF_RANGE,
                    "the mask selects " + chosen * run + " elements, there is room for "
                            + out.layout().elements());
        }
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, count, chosen);
        if (bytes > SINGLE_BYTES && compilers.moveBytes() > 0) {
            rows(mask, starts, source, target, bytes, elements);
            return;
        }
        workers.run(starts.length - 1, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long from = block * BLOCK;
                long to = Math.min(elements, from + BLOCK);
                compress(mask, source, target + starts[(int) block] * bytes, bytes, from, to);
            }
        });
    }

    private void rows(long mask, long[] starts, long source, long target, long bytes, long elements) {
        // Where the next chosen row is the processor guesses: they follow on each other.
        RowCopy copy =
                RowCopy.near(compilers, ElementType.INT64, source, elements, bytes, target, starts[starts.length - 1]);
        workers.run(starts.length - 1, 1, (worker, begin, end) -> {
            try (Arena arena = Arena.ofConfined()) {
                long rows = arena.allocate(8L * (ROWS + WORD), 8).address();
                for (long block = begin; block < end; block++) {
                    long to = Math.min(elements, (block + 1) * BLOCK);
                    long at = target + starts[(int) block] * bytes;
                    int found = 0;
                    for (long index = block * BLOCK; index < to; index += WORD) {
                        for (long left = word(mask, index, to); left != 0; left &= left - 1) {
                            long chosen = index + (Long.numberOfTrailingZeros(left) >>> 3);
                            MEMORY.set(ValueLayout.JAVA_LONG, rows + 8L * found++, chosen);
                        }
                        if (found >= ROWS || index + WORD >= to) {
                            copy.run(rows, found, 0, found, at);
                            at += found * bytes;
                            found = 0;
                        }
                    }
                }
            }
        });
    }

    private static void compress(long mask, long source, long target, long bytes, long from, long to) {
        long at = target;
        for (long index = from; index < to; index += WORD) {
            for (long left = word(mask, index, to); left != 0; left &= left - 1) {
                long chosen = index + (Long.numberOfTrailingZeros(left) >>> 3);
                Elements.copy(source + chosen * bytes, at, bytes);
                at += bytes;
            }
        }
    }

    /** Operands: out, in, mask: out[mask] = in. */
    private void place(Instruction instruction, Memory memory) {
        Operand.View out = instruction.view(0);
        long target = Routines.address(out, memory);
        long source = Routines.address(instruction.view(1), memory);
        long mask = Routines.address(instruction.view(2), memory);
        int bytes = out.layout().type().bytes();
        long elements = out.layout().elements();
        long[] starts = starts(mask, elements);
        long available = instruction.view(1).layout().elements();
        if (starts[starts.length - 1] > available) {
            throw new ManipleException(
                    Status.INDEX_OUT_OF_RANGE,
                    "the mask selects " + starts[starts.length - 1] + " elements, " + available + " were given");
        }
        workers.run(starts.length - 1, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long next = source + starts[(int) block] * bytes;
                long to = Math.min(elements, (block + 1) * BLOCK);
                for (long index = block * BLOCK; index < to; index += WORD) {
                    for (long left = word(mask, index, to); left != 0; left &= left - 1) {
                        long chosen = index + (Long.numberOfTrailingZeros(left) >>> 3);
                        Elements.copy(next, target + chosen * bytes, bytes);
                        next += bytes;
                    }
                }
            }
        });
    }

    /** How many elements are chosen before each block; the last entry is their number. */
    private long[] starts(long mask, long elements) {
        int blocks = Math.toIntExact((elements + BLOCK - 1) / BLOCK);
        long[] counts = new long[blocks];
        workers.run(blocks, 4, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long count = 0;
                long to = Math.min(elements, (block + 1) * BLOCK);
                for (long index = block * BLOCK; index < to; index += WORD) {
                    count += Long.bitCount(word(mask, index, to));
                }
                counts[(int) block] = count;
            }
        });
        long[] starts = new long[blocks + 1];
        for (int block = 0; block < blocks; block++) {
            starts[block + 1] = starts[block] + counts[block];
        }
        return starts;
    }

    /** The next {@link #WORD} elements of a mask, or what is left of them before {@code end}: 1 in each byte that is not 0. */
    private static long word(long mask, long index, long end) {
        long bytes = 0;
        if (end - index >= WORD) {
            bytes = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, mask + index);
        } else {
            for (long at = index; at < end; at++) {
                bytes |= (MEMORY.get(ValueLayout.JAVA_BYTE, mask + at) & 0xffL) << 8 * (at - index);
            }
        }
        bytes |= bytes >>> 4 & 0x0f0f_0f0f_0f0f_0f0fL;
        bytes |= bytes >>> 2 & 0x3333_3333_3333_3333L;
        bytes |= bytes >>> 1 & 0x5555_5555_5555_5555L;
        return bytes & 0x0101_0101_0101_0101L;
    }
}
