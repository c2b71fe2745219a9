package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * NumPy's uniform numbers and integers, in blocks that jump to their place in the stream.
 *
 * <p>Integers in a range that is no power of two reject some items, so where an element comes from depends on all
 * before it. Rejections are rare: every block is written as if there were none and counts them. If there are any, the
 * counts tell where each block's elements belong, and the blocks are written again.
 */
final class RandomNumbers {
    private static final long BLOCK = 65_536;
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int OUTPUTS = 2;

    private final Workers workers;

    RandomNumbers(Workers workers) {
        this.workers = workers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "random.pcg64", code(RandomWords.Pcg64::of),
                "random.pcg64dxsm", code(RandomWords.Pcg64Dxsm::of),
                "random.philox", code(RandomWords.Philox::of));
    }

    private RoutineCode code(Function<long[], RandomWords> generator) {
        return new RoutineCode() {
            @Override
            public void run(RoutineCall call) {
                run(call, 0, call.layout(0).elements());
            }

            @Override
            public void run(RoutineCall call, long begin, long end) {
                draw(call, generator, begin, end);
            }
        };
    }

    /** Operands: out, consumed; state…, width, held, half, low, range. */
    private void draw(RoutineCall call, Function<long[], RandomWords> generator, long begin, long end) {
        long[] state = new long[RandomWords.STATE];
        for (int index = 0; index < state.length; index++) {
            state[index] = call.integer(OUTPUTS + index);
        }
        int rest = OUTPUTS + RandomWords.STATE;
        long width = call.integer(rest);
        long held = call.integer(rest + 1);
        DType type = call.layout(0).type();
        boolean suits = switch (type) {
            case FLOAT64 -> width == 64;
            case FLOAT32 -> width == 32;
            default -> width == 64 || width == 32 || width == 16 || width == 8;
        };
        if (!suits || held < 0 || held > 1) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM, type + " of " + width + " random bits, " + held + " halves held", "");
        }
        RandomItems items =
                new RandomItems(generator.apply(state), (int) width, (int) held, call.integer(rest + 2) & 0xffff_ffffL);
        Target target = new Target(type, call.address(0), call.layout(0).elements());
        Range range = Range.of((int) width, call.integer(rest + 3), call.integer(rest + 4));
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, call.address(1), draw(items, target, range, begin, end));
    }

    private record Target(DType type, long address, long elements) {}

    /**
     * Which items are taken and what they become.
     *
     * @param size numbers in the range, 0 for as many as there are items; for float64 the bits of its length
     * @param threshold a product's low part below this is rejected
     */
    private record Range(int width, long low, long size, long threshold) {
        static Range of(int width, long low, long range) {
            long most = -1L >>> 64 - width;
            if (width < 64 && (range & most) != range) {
                throw new ManipleException(Status.INVALID_PROGRAM, "a range beyond " + width + " bits", "");
            }
            if (range == most) {
                return new Range(width, low, 0, 0);
            }
            return new Range(width, low, range + 1, Long.remainderUnsigned(most - range, range + 1));
        }
    }

    /** Returns how many items the whole target consumes; of integers all are drawn. */
    private long draw(RandomItems items, Target target, Range range, long begin, long end) {
        long elements = target.elements();
        switch (target.type()) {
            case FLOAT64 -> {
                double low = Double.longBitsToDouble(range.low());
                double length = Double.longBitsToDouble(range.size() - 1);
                eachChunk(
                        items, begin, end, (first, chunk, count) -> doubles(target, low, length, first, chunk, count));
                return elements;
            }
            case FLOAT32 -> {
                eachChunk(items, begin, end, (first, chunk, count) -> floats(target, first, chunk, count));
                return elements;
            }
            default -> {
                return integers(items, target, range);
            }
        }
    }

    private static void doubles(Target target, double low, double length, long first, long[] chunk, int count) {
        long at = target.address() + first * Double.BYTES;
        for (int index = 0; index < count; index++) {
            double value = low + length * ((chunk[index] >>> 11) * 0x1.0p-53);
            MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at + (long) index * Double.BYTES, value);
        }
    }

    private static void floats(Target target, long first, long[] chunk, int count) {
        long at = target.address() + first * Float.BYTES;
        for (int index = 0; index < count; index++) {
            float value = (chunk[index] >>> 8) * 0x1.0p-24f;
            MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at + (long) index * Float.BYTES, value);
        }
    }

    private long integers(RandomItems items, Target target, Range range) {
        long elements = target.elements();
        int blocks = Math.toIntExact((elements + BLOCK - 1) / BLOCK);
        long[] rejected = new long[blocks];
        workers.run(blocks, 1, (worker, begin, end) -> {
            Chunks chunks = new Chunks(items);
            for (long block = begin; block < end; block++) {
                long to = Math.min(elements, (block + 1) * BLOCK);
                for (long first = block * BLOCK; first < to; first += RandomItems.CHUNK) {
                    int count = chunks.read(first, to);
                    rejected[(int) block] += map(range, chunks.items, count);
                    store(target, first, chunks.items, count);
                }
            }
        });
        if (Arrays.stream(rejected).allMatch(number -> number == 0)) {
            return elements;
        }
        // The last block may have been cut short, and is counted again.
        long[] accepted = new long[blocks - 1];
        Arrays.setAll(accepted, block -> BLOCK - rejected[block]);
        return compacted(items, target, range, starts(items, elements, range, accepted));
    }

    /** How many elements come before each block; the last entry is at least {@code elements}. */
    private long[] starts(RandomItems items, long elements, Range range, long[] known) {
        long[] accepted = known;
        long total = Arrays.stream(accepted).sum();
        while (total < elements) {
            int from = accepted.length;
            int more = Math.toIntExact((elements - total + BLOCK - 1) / BLOCK);
            long[] extended = Arrays.copyOf(accepted, from + more);
            workers.run(more, 1, (worker, begin, end) -> {
                Chunks chunks = new Chunks(items);
                for (long block = from + begin; block < from + end; block++) {
                    extended[(int) block] = BLOCK;
                    long to = (block + 1) * BLOCK;
                    for (long first = block * BLOCK; first < to; first += RandomItems.CHUNK) {
                        extended[(int) block] -= map(range, chunks.items, chunks.read(first, to));
                    }
                }
            });
            accepted = extended;
            total = Arrays.stream(accepted).sum();
        }
        long[] starts = new long[accepted.length + 1];
        for (int block = 0; block < accepted.length; block++) {
            starts[block + 1] = starts[block] + accepted[block];
        }
        return starts;
    }

    private long compacted(RandomItems items, Target target, Range range, long[] starts) {
        AtomicLong consumed = new AtomicLong();
        workers.run(starts.length - 1, 1, (worker, begin, end) -> {
            Chunks chunks = new Chunks(items);
            for (long block = begin; block < end; block++) {
                long at = starts[(int) block];
                long to = (block + 1) * BLOCK;
                for (long first = block * BLOCK; first < to && at < target.elements(); first += RandomItems.CHUNK) {
                    int count = chunks.read(first, to);
                    int kept = 0;
                    for (int index = 0; index < count && at + kept < target.elements(); index++) {
                        if (!rejects(range, chunks.items[index])) {
                            chunks.items[kept++] = chunks.items[index];
                            if (at + kept == target.elements()) {
                                consumed.set(first + index + 1);
                            }
                        }
                    }
                    map(range, chunks.items, kept);
                    store(target, at, chunks.items, kept);
                    at += kept;
                }
            }
        });
        return consumed.get();
    }

    private static boolean rejects(Range range, long item) {
        if (range.threshold() == 0) {
            return false;
        }
        long low = item * range.size() & -1L >>> 64 - range.width();
        return Long.compareUnsigned(low, range.threshold()) < 0;
    }

    /** Turns items into elements in place; returns how many are to be rejected. */
    private static int map(Range range, long[] items, int count) {
        long low = range.low();
        long size = range.size();
        int width = range.width();
        if (size == 0) {
            for (int index = 0; index < count; index++) {
                items[index] += low;
            }
            return 0;
        }
        if (width < 64) {
            return mapNarrow(range, items, count);
        }
        long threshold = range.threshold() + Long.MIN_VALUE;
        int rejected = 0;
        for (int index = 0; index < count; index++) {
            long item = items[index];
            long product = item * size;
            rejected += product + Long.MIN_VALUE < threshold ? 1 : 0;
            items[index] = low + Math.unsignedMultiplyHigh(item, size);
        }
        return rejected;
    }

    private static int mapNarrow(Range range, long[] items, int count) {
        long low = range.low();
        long size = range.size();
        int width = range.width();
        long mask = -1L >>> 64 - width;
        long threshold = range.threshold();
        long rejected = 0;
        for (int index = 0; index < count; index++) {
            long product = items[index] * size;
            // The sign of the difference: both are far below 2^63, and there is no branch.
            rejected += (product & mask) - threshold >>> 63;
            items[index] = low + (product >>> width);
        }
        return (int) rejected;
    }

    private static void store(Target target, long first, long[] items, int count) {
        int bytes = target.type().bytes();
        long at = target.address() + first * bytes;
        if (bytes == Long.BYTES) {
            MemorySegment.copy(items, 0, MEMORY, ValueLayout.JAVA_LONG_UNALIGNED, at, count);
            return;
        }
        for (int index = 0; index < count; index++) {
            long address = at + (long) index * bytes;
            switch (bytes) {
                case 1 -> MEMORY.set(ValueLayout.JAVA_BYTE, address, (byte) items[index]);
                case 2 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) items[index]);
                default -> MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) items[index]);
            }
        }
    }

    /** What is done with items {@code first} to before {@code first + count}. */
    @FunctionalInterface
    private interface ChunkBody {
        void run(long first, long[] chunk, int count);
    }

    private void eachChunk(RandomItems items, long from, long until, ChunkBody body) {
        workers.run((until - from + BLOCK - 1) / BLOCK, 1, (worker, begin, end) -> {
            Chunks chunks = new Chunks(items);
            long to = Math.min(until, from + end * BLOCK);
            for (long first = from + begin * BLOCK; first < to; first += RandomItems.CHUNK) {
                body.run(first, chunks.items, chunks.read(first, to));
            }
        });
    }

    /** A thread's arrays. */
    private static final class Chunks {
        private final RandomItems source;
        private final long[] items = new long[RandomItems.CHUNK];
        private final long[] words = new long[RandomItems.CHUNK + 1];

        Chunks(RandomItems source) {
            this.source = source;
        }

        /** Reads a chunk from {@code first} on, which ends before {@code to}; returns its length. */
        int read(long first, long to) {
            int count = (int) Math.min(RandomItems.CHUNK, to - first);
            source.fill(first, items, count, words);
            return count;
        }
    }
}
