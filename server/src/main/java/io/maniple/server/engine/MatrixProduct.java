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
    private final boolean maybeTransposes;

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
        this.maybeTransposes = a.size(0) == b.size(1)
                && a.size(1) == b.size(0)
                && a.stride(0) == b.stride(1)
                && a.stride(1) == b.stride(0)
                && this.a.isTransposed() != this.b.isTransposed();
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

    /**
     * Computes one product.
     *
     * @param target where the result's elements go, in C order
     * @param left the address of the first matrix
     * @param right of the second one
     */
    void run(long target, long left, long right) {
        long rows = rows();
        long columns = columns();
        if (rows == 0 || columns == 0) {
            return;
        }
        if (depth() == 0) {
            Scalars.MEMORY.asSlice(target, rows * columns * type.bytes()).fill((byte) 0);
            return;
        }
        if (calls == null) {
            PlainProduct.run(type, target, rows, columns, depth(), left, a.layout, right, b.layout);
            return;
        }
        try {
            if (columns == 1) {
                gemv(calls, a, left, false, b, right, target);
            } else if (rows == 1) {
                gemv(calls, b, right, true, a, left, target);
            } else if (maybeTransposes && left == right) {
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
                                columns);
            }
        } catch (Throwable impossible) {
            throw new IllegalStateException("a BLAS call failed", impossible);
        }
    }

    /** @param flip whether the vector stands on the left, and so meets the matrix's columns */
    private static void gemv(
            Blas.Calls calls, Matrix matrix, long address, boolean flip, Matrix vector, long elements, long target)
            throws Throwable {
        boolean transposed = matrix.isTransposed() != flip;
        long storedRows = matrix.isTransposed() ? matrix.layout.size(1) : matrix.layout.size(0);
        long storedColumns = matrix.isTransposed() ? matrix.layout.size(0) : matrix.layout.size(1);
        long depth = matrix.layout.size(flip ? 0 : 1);
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
            int outer = transposed ? 1 : 0;
            long least = Math.max(1, layout.size(1 - outer));
            this.leading = layout.size(outer) == 1
                    ? least
                    : Math.max(least, layout.stride(outer) / layout.type().bytes());
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
