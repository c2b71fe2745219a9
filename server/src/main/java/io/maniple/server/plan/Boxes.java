package io.maniple.server.plan;

import java.util.TreeSet;

/**
 * Tells apart views whose byte ranges meet but whose elements do not, such as two column ranges of one matrix. Both
 * views are read as boxes of one regular grid; where that is not possible the answer is "not known to be disjoint".
 */
final class Boxes {
    private Boxes() {}

    static boolean disjoint(Access left, long[] leftShape, Access right, long[] rightShape) {
        TreeSet<Long> grid = new TreeSet<>();
        if (!collect(grid, left, leftShape) || !collect(grid, right, rightShape)) {
            return false;
        }
        long difference = right.offset() - left.offset();
        long element = Math.max(left.type().bytes(), right.type().bytes());
        // From the widest stride to the narrowest: where does each box begin and end along this axis?
        for (long stride : grid.descendingSet()) {
            long leftExtent = extent(left, leftShape, stride);
            long rightExtent = extent(right, rightShape, stride);
            long narrower = reachBelow(grid, left, leftShape, right, rightShape, stride, element);
            long step = Math.floorDiv(difference, stride);
            long rest = difference - step * stride;
            // The narrower axes may reach forward or backward; take the decomposition of the smaller remainder.
            if (rest > stride / 2) {
                step++;
                rest -= stride;
            }
            if (Math.abs(rest) + narrower > stride) {
                // The narrower axes bridge into the next step: more than one difference of indices could meet.
                return false;
            }
            if (step >= leftExtent || -step >= rightExtent) {
                return true;
            }
            difference = rest;
        }
        return difference >= left.type().bytes() || -difference >= right.type().bytes();
    }

    private static boolean collect(TreeSet<Long> grid, Access access, long[] shape) {
        for (int dimension = 0; dimension < shape.length; dimension++) {
            long stride = access.strides()[dimension];
            if (shape[dimension] > 1 && stride != 0) {
                if (stride < 0) {
                    return false;
                }
                grid.add(stride);
            }
        }
        return true;
    }

    private static long extent(Access access, long[] shape, long stride) {
        long extent = 1;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (access.strides()[dimension] == stride && shape[dimension] > 1) {
                extent += shape[dimension] - 1;
            }
        }
        return extent;
    }

    /** How many bytes the axes narrower than {@code stride} reach, for the wider of both views. */
    private static long reachBelow(
            TreeSet<Long> grid,
            Access left,
            long[] leftShape,
            Access right,
            long[] rightShape,
            long stride,
            long element) {
        long leftReach = 0;
        long rightReach = 0;
        for (long narrower : grid.headSet(stride)) {
            leftReach += (extent(left, leftShape, narrower) - 1) * narrower;
            rightReach += (extent(right, rightShape, narrower) - 1) * narrower;
        }
        return Math.max(leftReach, rightReach) + element;
    }
}
