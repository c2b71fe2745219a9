package io.maniple.server.plan;

import io.maniple.bridge.program.Layout;

/** Which two-dimensional views a matrix product reads as they lie. */
public final class MatrixLayout {
    private MatrixLayout() {}

    /** Contiguous rows, the distance between rows at least their length. */
    public static boolean isRowMajor(Layout layout) {
        return (layout.size(1) == 1 || layout.stride(1) == layout.type().bytes()) && leads(layout, 0);
    }

    /** Whether rows or columns are contiguous. */
    public static boolean suits(Layout layout) {
        return isRowMajor(layout)
                || (layout.size(0) == 1 || layout.stride(0) == layout.type().bytes()) && leads(layout, 1);
    }

    private static boolean leads(Layout layout, int outer) {
        int bytes = layout.type().bytes();
        long stride = layout.stride(outer);
        return layout.size(outer) == 1 || stride % bytes == 0 && stride >= layout.size(1 - outer) * bytes;
    }
}
