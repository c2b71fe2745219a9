package io.maniple.kernels.ir;

import io.maniple.kernels.ir.KernelCompiler.Executable;
import java.util.List;

/**
 * Code for products of matrices of one type. Both are packed first, the left one into panels of {@link #rows} rows, the right
 * one into panels of one to three vectors of {@link #lanes} columns; what belongs to one place along the common dimension lies
 * together. A product of two panels stays in registers: each element is a chain of fused multiplications and additions in
 * the order of the common dimension, wherever in the matrix it stands.
 *
 * @param rows of a panel of the left matrix
 * @param lanes elements of a vector
 * @param turned lines that {@link #turn} takes at a time; {@code rows} and {@code lanes} are multiples of it
 * @param multiply by the number of vectors in a panel of the right matrix, less one: multiplies {@link Arguments#PANELS} panels
 *     of the left matrix by each of {@link Arguments#RIGHT_PANELS} of the right one
 * @param packLeft packs one panel of a left matrix whose columns are contiguous
 * @param packRight by the number of vectors, less one: packs one panel of a right matrix whose rows are contiguous
 * @param turn packs some lines of a panel that are contiguous along the common dimension
 */
public record ProductCode(
        int rows,
        int lanes,
        int turned,
        List<Executable> multiply,
        Executable packLeft,
        List<Executable> packRight,
        Executable turn) {
    /** Vectors in a panel of the right matrix, at most. */
    public static final int MOST_VECTORS = 3;

    public ProductCode {
        multiply = List.copyOf(multiply);
        packRight = List.copyOf(packRight);
    }

    /** Columns of the widest panel of the right matrix. */
    public int columns() {
        return MOST_VECTORS * lanes;
    }

    /** Places in the block of arguments, in bytes; each holds eight bytes. */
    public static final class Arguments {
        /** Packed panels of the left matrix, or what is packed: the first line. */
        public static final int SOURCE = 0;
        /** The first packed panel of the right matrix, or where is packed to. */
        public static final int PACKED = 8;
        /** The first element of the result. */
        public static final int TARGET = 16;
        /** Bytes from one line to the next: of the result, of what is packed, or (turn) of the packed panel. */
        public static final int STRIDE = 24;
        /** Places along the common dimension. */
        public static final int DEPTH = 32;
        /** Panels of the left matrix, at least 1. */
        public static final int PANELS = 40;
        /** Whether the result is added to what stands there; else 0, and it is written over. */
        public static final int ADD = 48;
        /** Rows of the last panel of the left matrix that are wanted. */
        public static final int LAST_ROWS = 56;
        /** The lanes of the last vector that are there: a bit each. */
        public static final int MASK = 64;
        /** multiply: panels of the right matrix that lie one behind the other, at least 1; 0 on return. */
        public static final int RIGHT_PANELS = 72;
        /** multiply: the code's own. */
        public static final int NEXT_RIGHT = 80;
        /** The same as lanes of -1 and 0, 32 bytes of them. */
        public static final int LANES = 96;
        /** turn: the addresses of the lines. */
        public static final int LINES = 128;

        public static final int BYTES = 192;

        private Arguments() {}
    }
}
