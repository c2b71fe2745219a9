package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.server.plan.MatrixLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The product of two matrices of given layouts, decided once for all matrices of a stack. OpenBLAS is called as NumPy
 * calls it, so that results are NumPy's to the bit: gemv where one is a vector, whose sums are in another order than
 * gemm's, and syrk where one is the other's transpose.
 */
final class MatrixProduct {
    private static final int ROW_MAJOR = 101;
    private static final int PLAIN = 111;
    private static final int TRANSPOSED = 112;
    private static final int UPPER = 121;
    /** Edge of the tiles in which a triangle is mirrored. */
    private static final long TILE = 64;

    private final DType type;
    private final Matrix a;
    private final Matrix b;
    private final Blas.@Nullable Calls calls;
    private final boolean areTransposes;

    /**
     * @param a m × k
     * @param b k × n
     * @param calls OpenBLAS's; null for a plain loop
     */
    MatrixProduct(DType type, Layout a, Layout b, Blas.@Nullable Calls calls) {
        this.type = type;
        this.a = new Matrix(a);
        this.b = new Matrix(b);
        this.calls = calls;
        this.areTransposes = MatrixLayout.areTransposes(a, b);
    }

    private long rows() {
        return a.layout.size(0);
    }

    private long columns() {
        return b.layout.size(1);
    }

    private long depth() {
        return a.layout.size(1);
    }

    /** Whether the product is one of a matrix with its transpose: symmetric, and half the work. */
    boolean isSymmetric(long left, long right) {
        return areTransposes && left == right && rows() > 1 && columns() > 1;
    }

    /**
     * Computes one product.
     *
     * @param target where the result's elements go, in C order
     * @param left the address of the first matrix
     * @param right of the second one
     */
    void run(long target, long left, long right) {
        run(target, left, right, new PackedProduct.Tile(0, rows(), 0, columns()));
    }

    /** Whether one of the two is a vector. */
    boolean isVector() {
        return rows() == 1 || columns() == 1;
    }

    /** Computes a tile of one product; all of it where it is symmetric. */
    void run(long target, long left, long right, PackedProduct.Tile tile) {
        long rows = tile.bottom() - tile.top();
        long columns = tile.right() - tile.left();
        if (rows == 0 || columns == 0) {
            return;
        }
        boolean isSymmetric = isSymmetric(left, right);
        compute(
                target + (tile.top() * columns() + tile.left()) * type.bytes(),
                left + tile.top() * a.layout.stride(0),
                right + tile.left() * b.layout.stride(1),
                rows,
                columns,
                isSymmetric);
    }

    private void compute(long target, long left, long right, long rows, long columns, boolean isSymmetric) {
        if (depth() == 0) {
            for (long row = 0; row < rows; row++) {
                Scalars.MEMORY
                        .asSlice(target + row * columns() * type.bytes(), columns * type.bytes())
                        .fill((byte) 0);
            }
            return;
        }
        if (calls == null) {
            PlainProduct.run(type, target, columns(), rows, columns, depth(), left, a.layout, right, b.layout);
            return;
        }
        try {
            if (columns() == 1) {
                gemv(calls, a, rows, left, false, b, right, target);
            } else if (rows() == 1) {
                gemv(calls, b, columns, right, true, a, left, target);
            } else if (isSymmetric) {
                // Half the work, and exactly symmetric.
                calls.syrk().invokeExact(ROW_MAJOR, UPPER, a.flag(), rows, depth(), left, a.leading(), target, columns);
                mirror(target, rows);
            } else {
                calls.gemm()
                        .invokeExact(
                                ROW_MAJOR,
                                a.flag(),
                                b.flag(),
                                rows,
                                columns,
                                depth(),
                                left,
                                a.leading(),
                                right,
                                b.leading(),
                                target,
                                columns());
            }
        } catch (Throwable impossible) {
            throw new IllegalStateException("a BLAS call failed", impossible);
        }
    }

    /**
     * @param results how many of the matrix's rows meet the vector
     * @param flip whether the vector stands on the left, and so meets the matrix's columns
     */
    private static void gemv(
            Blas.Calls calls,
            Matrix matrix,
            long results,
            long address,
            boolean flip,
            Matrix vector,
            long elements,
            long target)
            throws Throwable {
        boolean transposed = matrix.isTransposed() != flip;
        long depth = matrix.layout.size(flip ? 0 : 1);
        long storedRows = transposed ? depth : results;
        long storedColumns = transposed ? results : depth;
        Layout layout = vector.layout;
        int along = layout.size(0) == depth && layout.size(1) == 1 ? 0 : 1;
        long step = depth == 1 ? 1 : layout.stride(along) / layout.type().bytes();
        calls.gemv()
                .invokeExact(
                        ROW_MAJOR,
                        transposed ? TRANSPOSED : PLAIN,
                        storedRows,
                        storedColumns,
                        address,
                        matrix.leading(),
                        elements,
                        step,
                        target,
                        1L);
    }

    /** Copies what is above the diagonal to below it. */
    private void mirror(long matrix, long size) {
        int bytes = type.bytes();
        for (long top = 0; top < size; top += TILE) {
            for (long left = top; left < size; left += TILE) {
                for (long row = top; row < Math.min(size, top + TILE); row++) {
                    for (long column = Math.max(left, row + 1); column < Math.min(size, left + TILE); column++) {
                        Elements.copy(
                                matrix + (row * size + column) * bytes, matrix + (column * size + row) * bytes, bytes);
                    }
                }
            }
        }
    }

    /** A matrix with contiguous rows, or with contiguous columns (then it is stored transposed). */
    private static final class Matrix {
        private final Layout layout;
        private final boolean transposed;
        private final long leading;

        Matrix(Layout layout) {
            this.layout = Objects.requireNonNull(layout);
            this.transposed = !MatrixLayout.isRowMajor(layout);
            this.leading = MatrixLayout.leading(layout);
        }

        boolean isTransposed() {
            return transposed;
        }

        int flag() {
            return transposed ? TRANSPOSED : PLAIN;
        }

        long leading() {
            return leading;
        }
    }
}
