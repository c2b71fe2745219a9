package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import java.util.Arrays;

/**
 * A view as one loop sees it: strides along the loop's dimensions.
 *
 * @param buffer number of the buffer in the batch, or a planner's temporary (numbers from the batch's count upwards)
 * @param offset bytes from the buffer's beginning to the first element
 * @param strides bytes along the dimensions of the iteration space; 0 along folded and broadcast ones
 * @param begin lowest byte touched, from the buffer's beginning
 * @param end one past the highest byte touched
 * @param whole whether any byte between may be touched, whatever the strides say (the operands of routines)
 */
record Access(int buffer, long offset, long[] strides, DType type, long begin, long end, boolean whole) {
    /** All bytes from {@code begin} to before {@code end}. */
    static Access range(int buffer, long begin, long end, DType type) {
        return new Access(buffer, begin, new long[0], type, begin, end, true);
    }

    static Access of(int buffer, long offset, long[] shape, long[] strides, DType type) {
        long low = 0;
        long high = type.bytes();
        for (int dimension = 0; dimension < shape.length; dimension++) {
            long reach = (shape[dimension] - 1) * strides[dimension];
            if (reach < 0) {
                low += reach;
            } else {
                high += reach;
            }
        }
        return new Access(buffer, offset, strides, type, offset + low, offset + high, false);
    }

    /** Whether both may touch the same byte. */
    boolean overlaps(Access other, long[] shape, long[] otherShape) {
        if (buffer != other.buffer || begin >= other.end || other.begin >= end) {
            return false;
        }
        return whole || other.whole || !Boxes.disjoint(this, shape, other, otherShape);
    }

    /** Whether iteration i of both touches the same element. */
    @Override
    public boolean equals(Object object) {
        return object instanceof Access other
                && buffer == other.buffer
                && offset == other.offset
                && type == other.type
                && whole == other.whole
                && Arrays.equals(strides, other.strides);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(offset) * 31 + buffer * 7 + Arrays.hashCode(strides);
    }
}
