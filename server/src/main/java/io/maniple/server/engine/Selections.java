package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Boolean selection: the chosen elements are counted by blocks, then every block copies to its own place. */
final class Selections {
    private static final long BLOCK = 65_536;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;

    Selections(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "compress", call -> compress(call.instruction(), call.memory()),
                "place", call -> place(call.instruction(), call.memory()));
    }

    /** Operands: out, count, in, mask. */
    private void compress(Instruction instruction, Memory memory) {
        Operand.View in = instruction.view(2);
        long mask = Routines.address(instruction.view(3), memory);
        long count = Routines.address(instruction.view(1), memory);
        long source = Routines.address(in, memory);
        long target = Routines.address(instruction.view(0), memory);
        int bytes = in.layout().type().bytes();
        long elements = in.layout().elements();
        long[] starts = starts(mask, elements);
        long chosen = starts[starts.length - 1];
        long room = instruction.view(0).layout().elements();
        if (chosen > room) {
            throw new ManipleException(
                    Status.INDEX_OUT_OF_RANGE, "the mask selects " + chosen + " elements, there is room for " + room);
        }
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, count, chosen);
        workers.run(starts.length - 1, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                long from = block * BLOCK;
                long to = Math.min(elements, from + BLOCK);
                compress(mask, source, target + starts[(int) block] * bytes, bytes, from, to);
            }
        });
    }

    private static void compress(long mask, long source, long target, int bytes, long from, long to) {
        long at = target;
        if (bytes == 8) {
            for (long index = from; index < to; index++) {
                if (MEMORY.get(ValueLayout.JAVA_BYTE, mask + index) != 0) {
                    MEMORY.set(
                            ValueLayout.JAVA_LONG_UNALIGNED,
                            at,
                            MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, source + 8 * index));
                    at += 8;
                }
            }
            return;
        }
        for (long index = from; index < to; index++) {
            if (MEMORY.get(ValueLayout.JAVA_BYTE, mask + index) != 0) {
                Elements.copy(source + index * bytes, at, bytes);
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
                for (long index = block * BLOCK; index < to; index++) {
                    if (MEMORY.get(ValueLayout.JAVA_BYTE, mask + index) != 0) {
                        Elements.copy(next, target + index * bytes, bytes);
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
                for (long index = block * BLOCK; index < to; index++) {
                    count += MEMORY.get(ValueLayout.JAVA_BYTE, mask + index) != 0 ? 1 : 0;
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
}
