package io.maniple.server.session;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/** Copies large memory with several threads; one alone does not use the machine's bandwidth. */
final class Copies {
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final long PIECE = 4L << 20;

    private Copies() {}

    static void parallel(long from, long to, long bytes) {
        if (bytes <= PIECE) {
            MemorySegment.copy(EVERYTHING, from, EVERYTHING, to, bytes);
            return;
        }
        int pieces = Math.toIntExact((bytes + PIECE - 1) / PIECE);
        IntStream.range(0, pieces).parallel().forEach(piece -> {
            long offset = piece * PIECE;
            MemorySegment.copy(EVERYTHING, from + offset, EVERYTHING, to + offset, Math.min(PIECE, bytes - offset));
        });
    }
}
