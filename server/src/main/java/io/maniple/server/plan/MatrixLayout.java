package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;

/** Which matrices, the last two dimensions of a view, a matrix product reads as they lie. */
public final class MatrixLayout {
    /**
     * Rows, or columns, of a product that are computed together: BLAS cuts a product into tiles of 4 to 48 in registers, and
     * what is left at the end of a part is computed in another order. Parts that begin at multiples of this have the last
     * bits of the whole.
     */
    public static final long TOGETHER = 48;

    /** Multiplications of a part. Of a smaller product BLAS adds in another order. */
    public static final long LEAST_PART = 1L << 21;

    private MatrixLayout() {}

    /** A part of a product begins at a multiple of so many rows. */
    static long rowsTogether(Layout out, long depth) {
        long rows = LEAST_PART / Math.max(1, out.size(1) * depth) + 1;
        return (rows + TOGETHER - 1) / TOGETHER * TOGETHER;
    }

    /** Whether two matrices are one and its transpose, whose product is symmetric. */
    public static boolean isSymmetricProduct(Operand.View left, Operand.View right) {
        return left.buffer() == right.buffer()
                && left.offset() == right.offset()
                && areTransposes(left.layout(), right.layout());
    }

    /** Whether two matrices at one place are each other's transpose, one with contiguous rows, the other with columns. */
    public static boolean areTransposes(Layout left, Layout right) {
        return left.size(0) == right.size(1)
                && left.size(1) == right.size(0)
                && left.stride(0) == right.stride(1)
                && left.stride(1) == right.stride(0)
                && isRowMajor(left) != isRowMajor(right);
    }

    /** Contiguous rows, the distance between rows at least their length. */
    public static boolean isRowMajor(Layout layout) {
        int column = layout.rank() - 1;
        return (layout.size(column) == 1
                        || layout.stride(column) == layout.type().bytes())
                && leads(layout, column - 1, column);
    }

    /** Whether rows or columns of each matrix are contiguous. */
    public static boolean suits(Layout layout) {
        int row = layout.rank() - 2;
        return isRowMajor(layout)
                || (layout.size(row) == 1 || layout.stride(row) == layout.type().bytes())
                        && leads(layout, row + 1, row);
    }

    /** Elements from one contiguous row, or column, of a matrix that suits to the next. */
    public static long leading(Layout layout) {
        int row = layout.rank() - 2;
        int outer = isRowMajor(layout) ? row : row + 1;
        long least = Math.max(1, layout.size(2 * row + 1 - outer));
        return layout.size(outer) == 1
                ? least
                : Math.max(least, layout.stride(outer) / layout.type().bytes());
    }

    private static boolean leads(Layout layout, int outer, int inner) {
        int bytes = layout.type().bytes();
        long stride = layout.stride(outer);
        return layout.size(outer) == 1 || stride % bytes == 0 && stride >= layout.size(inner) * bytes;
    }
}
