package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Counts how often each number occurs: whole numbers of any type as they lie, each thread into tables of its own.
 * A number that is no bin ends the count.
 */
final class Tally {
    /** Numbers that are widened at a time. */
    private static final int BLOCK = 1024;
    /** As many numbers as a byte holds. */
    private static final int BYTES = 256;
    /** Bytes of a word, each of which has a table: equal neighbours do not wait for each other. */
    private static final int WORD = 8;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final ElementType type;
    private final long values;
    private final long bins;
    private final Counts counts;

    /** @param values the address of numbers of a type whose values int64 holds */
    Tally(ElementType type, long values, long bins, int threads) {
        this.type = type;
        this.values = values;
        this.bins = bins;
        this.counts = new Counts(threads, (int) bins);
    }

    /** Numbers that a thread should count at a time: adding up the tables of bytes takes as long as counting some. */
    long grain(long grain) {
        return type.bytes() == 1 ? 4 * grain : grain;
    }

    /**
     * Counts some of the numbers.
     *
     * @return the place of one that is out of bounds; {@code end} if there is none
     */
    long count(int worker, long begin, long end) {
        return switch (type) {
            case BOOL, INT8, UINT8 -> countBytes(begin, end, counts.of(worker));
            case INT64 -> countLongs(begin, end, counts.of(worker));
            case INT16, UINT16, INT32, UINT32 -> countBlocks(begin, end, counts.of(worker));
            case UINT64, FLOAT16, FLOAT32, FLOAT64 -> throw new IllegalStateException("counting " + type);
        };
    }

    /** Writes what all threads counted, as int64. */
    void write(long address) {
        counts.write(address);
    }

    private long countLongs(long begin, long end, long[] own) {
        int step = counts.step();
        long index = begin;
        for (; index <= end - Counts.LANES; index += Counts.LANES) {
            long first = get(index);
            long second = get(index + 1);
            long third = get(index + 2);
            long fourth = get(index + 3);
            if (Long.compareUnsigned(first, bins) >= 0
                    || Long.compareUnsigned(second, bins) >= 0
                    || Long.compareUnsigned(third, bins) >= 0
                    || Long.compareUnsigned(fourth, bins) >= 0) {
                break;
            }
            own[(int) first]++;
            own[step + (int) second]++;
            own[2 * step + (int) third]++;
            own[3 * step + (int) fourth]++;
        }
        for (; index < end; index++) {
            long number = get(index);
            if (Long.compareUnsigned(number, bins) >= 0) {
                return index;
            }
            own[(int) number]++;
        }
        return end;
    }

    private long get(long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, values + 8 * index);
    }

    private long countBlocks(long begin, long end, long[] own) {
        int step = counts.step();
        int[] block = new int[BLOCK];
        for (long first = begin; first < end; first += BLOCK) {
            int size = (int) Math.min(BLOCK, end - first);
            widen(first, size, block);
            for (int index = 0; index < size; index++) {
                int number = block[index];
                // What uint32 holds beyond int is negative here, and no bin either.
                if (Integer.compareUnsigned(number, (int) bins) >= 0) {
                    return first + index;
                }
                own[(index & Counts.LANES - 1) * step + number]++;
            }
        }
        return end;
    }

    private void widen(long first, int size, int[] block) {
        switch (type) {
            case INT32, UINT32 ->
                MemorySegment.copy(MEMORY, ValueLayout.JAVA_INT_UNALIGNED, values + 4 * first, block, 0, size);
            case INT16 -> {
                for (int index = 0; index < size; index++) {
                    block[index] = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, values + 2 * (first + index));
                }
            }
            default -> {
                for (int index = 0; index < size; index++) {
                    block[index] = MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, values + 2 * (first + index)) & 0xffff;
                }
            }
        }
    }

    private long countBytes(long begin, long end, long[] own) {
        int[] table = new int[WORD * BYTES];
        long index = begin;
        for (; index <= end - WORD; index += WORD) {
            long word = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, values + index);
            table[(int) word & 0xff]++;
            table[BYTES + ((int) (word >>> 8) & 0xff)]++;
            table[2 * BYTES + ((int) (word >>> 16) & 0xff)]++;
            table[3 * BYTES + ((int) (word >>> 24) & 0xff)]++;
            table[4 * BYTES + ((int) (word >>> 32) & 0xff)]++;
            table[5 * BYTES + ((int) (word >>> 40) & 0xff)]++;
            table[6 * BYTES + ((int) (word >>> 48) & 0xff)]++;
            table[7 * BYTES + (int) (word >>> 56)]++;
        }
        for (; index < end; index++) {
            table[MEMORY.get(ValueLayout.JAVA_BYTE, values + index) & 0xff]++;
        }
        for (int number = 0; number < BYTES; number++) {
            int count = 0;
            for (int place = number; place < table.length; place += BYTES) {
                count += table[place];
            }
            // Any byte but 0 is true; a negative one is a number beyond those of int8.
            int bin = type == ElementType.BOOL ? Math.min(number, 1) : number;
            if (count != 0 && (bin >= bins || type == ElementType.INT8 && number > Byte.MAX_VALUE)) {
                return find((byte) number, begin, end);
            }
            if (count != 0) {
                own[bin] += count;
            }
        }
        return end;
    }

    private long find(byte wanted, long begin, long end) {
        for (long index = begin; index < end; index++) {
            if (MEMORY.get(ValueLayout.JAVA_BYTE, values + index) == wanted) {
                return index;
            }
        }
        throw new IllegalStateException("the values changed while they were counted");
    }
}
