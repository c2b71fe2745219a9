package io.maniple.server.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * Measures what the machine's memory gives: bytes read and written a second while all threads copy (STREAM's "copy",
 * without the lines that a store may fetch first).
 */
public final class Bandwidth {
    /** More than caches hold. */
    private static final long BYTES = 96L << 20;

    private static final long PIECE = 1L << 20;
    private static final int PASSES = 5;

    private Bandwidth() {}

    /**
     * The best of a few copies.
     *
     * @param turn runs a copy when nothing else is computed
     * @return bytes a second
     */
    public static double measure(Workers workers, Consumer<Runnable> turn) {
        try (Arena arena = Arena.ofShared()) {
            // Not the sessions' memory, and gone at the end. Filled here, so that no copy pays for fresh pages.
            MemorySegment from = arena.allocate(BYTES, 4096).fill((byte) 1);
            MemorySegment to = arena.allocate(BYTES, 4096).fill((byte) 2);
            double[] best = {0};
            for (int pass = 0; pass < PASSES; pass++) {
                turn.accept(() -> {
                    long begin = System.nanoTime();
                    workers.runWhole(BYTES / PIECE, 1, (worker, first, end) -> {
                        for (long piece = first; piece < end; piece++) {
                            MemorySegment.copy(from, piece * PIECE, to, piece * PIECE, PIECE);
                        }
                    });
                    best[0] = Math.max(best[0], 2e9 * BYTES / (System.nanoTime() - begin));
                });
            }
            return best[0];
        }
    }
}
