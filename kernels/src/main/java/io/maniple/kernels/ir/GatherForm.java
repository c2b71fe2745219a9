package io.maniple.kernels.ir;

/**
 * Code that copies rows one behind the other, in the order of indices. A row is copied by whole moves, the last of which
 * ends where the row ends and may overlap the one before. Indices count from the end where they are negative.
 *
 * @param index the indices' type: a whole number, but not UINT64
 * @param width bytes of a move: a power of two, no more than a vector and no more than a row has
 * @param moves of a row; 0 for rows of more than {@link #MOST_MOVES}
 * @param distant whether rows are asked for ahead of their turn, for they lie in memory, not in a cache
 * @param streaming whether what is written bypasses the cache: only with whole vectors, of which the rows are multiples, to
 *     an aligned target
 */
public record GatherForm(ElementType index, int width, int moves, boolean distant, boolean streaming) {
    /** Moves of a row that are written out one by one. */
    public static final int MOST_MOVES = 8;

    public GatherForm {
        if (!switch (index) {
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64 -> true;
            case BOOL, UINT64, FLOAT16, FLOAT32, FLOAT64 -> false;
        }) {
            throw new IllegalArgumentException("indices of type " + index);
        }
        if (Integer.bitCount(width) != 1 || moves < 0 || moves > MOST_MOVES) {
            throw new IllegalArgumentException(moves + " moves of " + width + " bytes");
        }
    }

    /**
     * The form for rows of some size.
     *
     * @param vectorBytes the widest move there is
     * @param rowBytes at least 1
     */
    public static GatherForm of(ElementType index, int vectorBytes, long rowBytes, boolean distant, boolean streaming) {
        int width = (int) Math.min(vectorBytes, Long.highestOneBit(rowBytes));
        long moves = (rowBytes + width - 1) / width;
        return new GatherForm(index, width, moves > MOST_MOVES ? 0 : (int) moves, distant, streaming);
    }

    /** Rows that are asked for ahead: {@link Arguments#AHEAD} ends so many before the last index that may be read. */
    public int ahead() {
        int lines = moves == 0 ? MOST_MOVES : Math.max(1, moves * width / 64);
        return Math.max(2, 24 / lines);
    }

    /** Places in the block of arguments, in bytes; each holds eight bytes. */
    public static final class Arguments {
        /** The address of the first index; on return of the one that is out of bounds, or behind the last. */
        public static final int INDICES = 0;
        /** The address behind the last index. */
        public static final int END = 8;
        /** Indices before this address, at most {@link #END}, have {@link GatherForm#ahead} others behind them. */
        public static final int AHEAD = 16;
        /** How many rows there are to take from. */
        public static final int ROWS = 24;
        /** Bytes of a row. */
        public static final int ROW_BYTES = 32;
        /** The first row. */
        public static final int SOURCE = 40;
        /** Where the first row that is taken goes. */
        public static final int TARGET = 48;

        /** {@link KernelCompiler#lookUp}: the code's own. */
        public static final int SPARE = 56;

        public static final int BYTES = 64;

        private Arguments() {}
    }
}
