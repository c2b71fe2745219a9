package io.maniple.bridge.program;

import java.util.Arrays;

/**
 * How the elements of a view lie in memory. Dimensions of one element are dropped on construction by
 * {@link #squeezed()}; sizes are exact: construction fails on overflow.
 */
public final class Layout {
    private final DType type;
    private final long[] shape;
    private final long[] strides;
    private final long elements;
    private final long lowest;
    private final long highest;

    /**
     * @param shape elements along each dimension, not negative
     * @param strides bytes along each dimension
     * @throws ArithmeticException if a size does not fit 64 bits
     */
    public Layout(DType type, long[] shape, long[] strides) {
        if (shape.length != strides.length) {
            throw new IllegalArgumentException(
                    "a layout needs one stride per dimension, got " + strides.length + " for " + shape.length);
        }
        this.type = type;
        this.shape = shape.clone();
        this.strides = strides.clone();
        long count = 1;
        long low = 0;
        long high = 0;
        boolean empty = false;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (shape[dimension] < 0) {
                throw new IllegalArgumentException("negative dimension " + shape[dimension]);
            }
            empty |= shape[dimension] == 0;
            // Counted without the zeros, so that (0, huge, huge) cannot slip through.
            count = Math.multiplyExact(count, Math.max(1, shape[dimension]));
            if (shape[dimension] > 1) {
                long reach = Math.multiplyExact(shape[dimension] - 1, strides[dimension]);
                if (reach < 0) {
                    low = Math.addExact(low, reach);
                } else {
                    high = Math.addExact(high, reach);
                }
            }
        }
        this.elements = empty ? 0 : count;
        this.lowest = empty ? 0 : low;
        this.highest = empty ? 0 : Math.addExact(high, type.bytes());
    }

    public DType type() {
        return type;
    }

    public int rank() {
        return shape.length;
    }

    public long size(int dimension) {
        return shape[dimension];
    }

    public long stride(int dimension) {
        return strides[dimension];
    }

    public long[] shape() {
        return shape.clone();
    }

    public long[] strides() {
        return strides.clone();
    }

    public long elements() {
        return elements;
    }

    /** The lowest byte touched, relative to the view's first element; not positive. */
    public long lowest() {
        return lowest;
    }

    /** One past the highest byte touched, relative to the view's first element. */
    public long highest() {
        return highest;
    }

    public boolean sameShape(Layout other) {
        return Arrays.equals(shape, other.shape);
    }

    /** Whether two different indices may address the same bytes (an output must not). */
    public boolean overlapsItself() {
        if (elements == 0) {
            return false;
        }
        // Sorted by distance, each dimension must step over everything the smaller ones reach.
        Integer[] order = new Integer[shape.length];
        Arrays.setAll(order, index -> index);
        Arrays.sort(order, (left, right) -> Long.compare(Math.abs(strides[left]), Math.abs(strides[right])));
        long reached = type.bytes();
        for (int dimension : order) {
            if (shape[dimension] <= 1) {
                continue;
            }
            if (Math.abs(strides[dimension]) < reached) {
                return true;
            }
            reached = Math.addExact(reached, Math.multiplyExact(shape[dimension] - 1, Math.abs(strides[dimension])));
        }
        return false;
    }

    /** Whether the elements lie one after the other in C order. */
    public boolean isContiguous() {
        long expected = type.bytes();
        for (int dimension = shape.length - 1; dimension >= 0; dimension--) {
            if (shape[dimension] > 1) {
                if (strides[dimension] != expected) {
                    return false;
                }
                expected *= shape[dimension];
            }
        }
        return true;
    }

    /** The C-contiguous layout of this shape with another type. */
    public static Layout contiguous(DType type, long... shape) {
        long[] strides = new long[shape.length];
        long stride = type.bytes();
        for (int dimension = shape.length - 1; dimension >= 0; dimension--) {
            strides[dimension] = stride;
            stride = Math.multiplyExact(stride, Math.max(1, shape[dimension]));
        }
        return new Layout(type, shape, strides);
    }

    /** The same elements without the dimensions of size 1. */
    public Layout squeezed() {
        int kept = (int) Arrays.stream(shape).filter(size -> size != 1).count();
        if (kept == shape.length) {
            return this;
        }
        long[] keptShape = new long[kept];
        long[] keptStrides = new long[kept];
        int next = 0;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (shape[dimension] != 1) {
                keptShape[next] = shape[dimension];
                keptStrides[next++] = strides[dimension];
            }
        }
        return new Layout(type, keptShape, keptStrides);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Layout layout
                && type == layout.type
                && Arrays.equals(shape, layout.shape)
                && Arrays.equals(strides, layout.strides);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * type.hashCode() + Arrays.hashCode(shape)) + Arrays.hashCode(strides);
    }

    @Override
    public String toString() {
        return type.name().toLowerCase(java.util.Locale.ROOT) + Arrays.toString(shape) + " by "
                + Arrays.toString(strides);
    }
}
