package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Matrices in memory: between C order and the columns that LAPACK wants. */
final class Matrices {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    /** Rows and columns of a tile stay in the cache while it is turned. */
    private static final long TILE = 32;

    private Matrices() {}

    /**
     * Copies element (i, j) from {@code from + (i * rowLength + j) * bytes} to {@code to + (j * columnLength + i) * bytes}.
     *
     * @param bytes 8 or 16, of one element
     */
    static void turn(long from, long rowLength, long to, long columnLength, long rows, long columns, int bytes) {
        for (long top = 0; top < rows; top += TILE) {
            long bottom = Math.min(rows, top + TILE);
            for (long left = 0; left < columns; left += TILE) {
                long right = Math.min(columns, left + TILE);
                for (long row = top; row < bottom; row++) {
                    for (long column = left; column < right; column++) {
                        long source = from + (row * rowLength + column) * bytes;
                        long target = to + (column * columnLength + row) * bytes;
                        MEMORY.set(
                                ValueLayout.JAVA_LONG_UNALIGNED,
                                target,
                                MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, source));
                        if (bytes == 16) {
                            MEMORY.set(
                                    ValueLayout.JAVA_LONG_UNALIGNED,
                                    target + 8,
                                    MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, source + 8));
                        }
                    }
                }
            }
        }
    }

    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
    }

    static void clear(long address, long bytes) {
        MEMORY.asSlice(address, bytes).fill((byte) 0);
    }

    static double number(long address) {
        return MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
    }

    static void number(long address, double value) {
        MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, value);
    }

    static long integer(long address) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void integer(long address, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }
}
