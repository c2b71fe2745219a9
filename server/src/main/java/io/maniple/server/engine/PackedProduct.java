package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.kernels.ir.ProductCode.Arguments;
import io.maniple.server.plan.MatrixLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The product of two matrices by machine code of our own, tile by tile. An element is the sum of the sums over blocks of the
 * common dimension, each of them a chain in its order; so it does not depend on how the result is cut. The blocks are as long
 * as OpenBLAS makes them, which gives NumPy's last bits but for some elements at the edges, where its code is another one.
 */
final class PackedProduct {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    /** Rows of the left matrix that are packed at a time: with a block of the common dimension they stay in a core's cache. */
    private static final long ROWS = 192;

    private static final int ALIGNMENT = 64;

    private final ProductCode code;
    private final int bytes;
    private final Layout left;
    private final Layout right;
    private final long block;

    /** Some rows and columns of a product. */
    record Tile(long top, long bottom, long left, long right) {}

    /**
     * @param left m × k, its rows or its columns contiguous
     * @param right k × n, likewise
     * @param block places along the common dimension that are summed up by themselves
     */
    PackedProduct(ProductCode code, DType type, Layout left, Layout right, long block) {
        this.code = code;
        this.bytes = type.bytes();
        this.left = left;
        this.right = right;
        this.block = block;
    }

    private long depth() {
        return left.size(1);
    }

    private static long up(long value, long multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }

    private long mostDepth() {
        return Math.min(depth(), 2 * block);
    }

    private long leftBytes(long rows) {
        return up(up(Math.min(rows, ROWS), code.rows()) * mostDepth() * bytes, ALIGNMENT);
    }

    /** What a thread needs for tiles of up to so many rows and columns. */
    long scratchBytes(long rows, long columns) {
        return Arguments.BYTES + leftBytes(rows) + up(up(columns, code.lanes()) * mostDepth() * bytes, ALIGNMENT);
    }

    /** How long the block is that begins where {@code rest} places are left: OpenBLAS halves the last two. */
    static long depthOfBlock(long rest, long block) {
        if (rest >= 2 * block) {
            return block;
        }
        return rest > block ? (rest + 1) / 2 : rest;
    }

    /**
     * Computes a tile.
     *
     * @param target the address of the product's first element; C order
     * @param leading elements from one of its rows to the next
     * @param a the address of the left matrix
     * @param b of the right one
     * @param scratch of {@link #scratchBytes} for this thread, aligned to 64 bytes
     */
    void run(long target, long leading, long a, long b, Tile tile, long scratch) {
        new Run(target, leading, a, b, tile, scratch).run();
    }

    private final class Run {
        private final long target;
        private final long rowBytes;
        private final long a;
        private final long b;
        private final Tile tile;
        private final long arguments;
        private final long packedLeft;
        private final long packedRight;
        /** The lanes that the arguments' mask has now. */
        private long masked;

        Run(long target, long leading, long a, long b, Tile tile, long scratch) {
            this.target = target;
            this.rowBytes = leading * bytes;
            this.a = a;
            this.b = b;
            this.tile = tile;
            this.packedLeft = scratch;
            this.packedRight = scratch + leftBytes(tile.bottom - tile.top);
            this.arguments =
                    packedRight + up(up(tile.right - tile.left, code.lanes()) * mostDepth() * bytes, ALIGNMENT);
        }

        private void set(int place, long value) {
            MEMORY.set(ValueLayout.JAVA_LONG, arguments + place, value);
        }

        private void mask(long lanes) {
            if (lanes == masked) {
                return;
            }
            masked = lanes;
            set(Arguments.MASK, (1L << lanes) - 1);
            for (int lane = 0; lane < 32 / bytes; lane++) {
                long value = lane < lanes ? -1 : 0;
                if (bytes == 8) {
                    MEMORY.set(ValueLayout.JAVA_LONG, arguments + Arguments.LANES + 8L * lane, value);
                } else {
                    MEMORY.set(ValueLayout.JAVA_INT, arguments + Arguments.LANES + 4L * lane, (int) value);
                }
            }
        }

        void run() {
            long first = 0;
            while (first < depth()) {
                long length = depthOfBlock(depth() - first, block);
                packRight(first, length);
                for (long top = tile.top; top < tile.bottom; top += ROWS) {
                    long bottom = Math.min(tile.bottom, top + ROWS);
                    packLeft(top, bottom, first, length);
                    multiply(top, bottom, first > 0, length);
                }
                first += length;
            }
        }

        /** Columns of a panel of the right matrix that begins at one of the tile's columns. */
        private long width(long column) {
            return Math.min(code.columns(), tile.right - column);
        }

        private int vectors(long width) {
            return (int) ((width + code.lanes() - 1) / code.lanes());
        }

        private long panel(long column, long length) {
            return packedRight + (column - tile.left) * length * bytes;
        }

        private void packRight(long first, long length) {
            boolean contiguous = MatrixLayout.isRowMajor(right);
            for (long column = tile.left; column < tile.right; column += code.columns()) {
                long width = width(column);
                int vectors = vectors(width);
                long from = b + first * right.stride(0) + column * right.stride(1);
                long to = panel(column, length);
                set(Arguments.DEPTH, length);
                if (contiguous) {
                    set(Arguments.SOURCE, from);
                    set(Arguments.PACKED, to);
                    set(Arguments.STRIDE, right.stride(0));
                    mask(width - (long) (vectors - 1) * code.lanes());
                    code.packRight().get(vectors - 1).run(arguments);
                } else {
                    turn(from, right.stride(1), width, (long) vectors * code.lanes(), to);
                }
            }
        }

        private void packLeft(long top, long bottom, long first, long length) {
            boolean turned = MatrixLayout.isRowMajor(left);
            for (long row = top; row < bottom; row += code.rows()) {
                long height = Math.min(code.rows(), bottom - row);
                long from = a + row * left.stride(0) + first * left.stride(1);
                long to = packedLeft + (row - top) * length * bytes;
                set(Arguments.DEPTH, length);
                if (turned) {
                    turn(from, left.stride(0), height, code.rows(), to);
                } else {
                    set(Arguments.SOURCE, from);
                    set(Arguments.PACKED, to);
                    set(Arguments.STRIDE, left.stride(1));
                    mask(height);
                    code.packLeft().run(arguments);
                }
            }
        }

        /** Packs lines that are contiguous along the common dimension; what is missing of them is one more last line. */
        private void turn(long from, long stride, long lines, long places, long to) {
            set(Arguments.STRIDE, places * bytes);
            for (long line = 0; line < places; line += code.turned()) {
                for (int next = 0; next < code.turned(); next++) {
                    set(Arguments.LINES + 8 * next, from + Math.min(lines - 1, line + next) * stride);
                }
                set(Arguments.PACKED, to + line * bytes);
                code.turn().run(arguments);
            }
        }

        private void multiply(long top, long bottom, boolean add, long length) {
            long panels = (bottom - top + code.rows() - 1) / code.rows();
            set(Arguments.SOURCE, packedLeft);
            set(Arguments.STRIDE, rowBytes);
            set(Arguments.DEPTH, length);
            set(Arguments.PANELS, panels);
            set(Arguments.ADD, add ? 1 : 0);
            set(Arguments.LAST_ROWS, bottom - top - (panels - 1) * code.rows());
            // The panels of full width in one call, and then the last one.
            long full = (tile.right - tile.left) / code.columns();
            if (full > 0) {
                multiply(top, tile.left, full, code.columns(), length);
            }
            long column = tile.left + full * code.columns();
            if (column < tile.right) {
                multiply(top, column, 1, tile.right - column, length);
            }
        }

        private void multiply(long top, long column, long panels, long width, long length) {
            int vectors = vectors(width);
            mask(width - (long) (vectors - 1) * code.lanes());
            set(Arguments.RIGHT_PANELS, panels);
            set(Arguments.PACKED, panel(column, length));
            set(Arguments.TARGET, target + top * rowBytes + column * bytes);
            code.multiply().get(vectors - 1).run(arguments);
        }
    }
}
