package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;

/** Which matrices, the last two dimensions of a view, a matrix product reads as they lie. */
public final class MatrixLayout {
    private MatrixLayout() {}

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

    private static boolean leads(Layout layout, int outer, int inner) {
        int bytes = layout.type().bytes();
        long stride = layout.stride(outer);
        return layout.size(outer) == 1 || stride % bytes == 0 && stride >= layout.size(inner) * bytes;
    }
}
