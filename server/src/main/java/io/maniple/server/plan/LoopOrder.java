package io.maniple.server.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * In which order a kernel walks over the dimensions: the one along which memory is nearest innermost, and dimensions
 * that follow on each other in every view as one.
 */
final class LoopOrder {
    /** Up to here NumPy adds a row's elements one after the other. */
    private static final long SHORT_ROW = 8;

    private static final long LONG_ROW = 64;

    private final int[][] merged;
    private final long[] shape;
    private final boolean[] folded;
    private final long @Nullable [] indexStrides;
    private final Plan.Mode mode;

    private LoopOrder(int[][] merged, long[] shape, boolean[] folded, long @Nullable [] index, Plan.Mode mode) {
        this.merged = merged;
        this.shape = shape;
        this.folded = folded;
        this.indexStrides = index;
        this.mode = mode;
    }

    static LoopOrder of(
            long[] shape, List<Access> accesses, boolean @Nullable [] folded, long @Nullable [] indexStrides) {
        int rank = shape.length;
        boolean[] isFolded = folded == null ? new boolean[rank] : folded;
        long[] weight = new long[rank];
        for (Access access : accesses) {
            for (int dimension = 0; dimension < rank; dimension++) {
                weight[dimension] += Math.abs(access.strides()[dimension]);
            }
        }
        Integer[] order = new Integer[rank];
        Arrays.setAll(order, dimension -> dimension);
        Arrays.sort(order, (left, right) -> Long.compare(weight[right], weight[left]));
        List<int[]> merged = new ArrayList<>();
        for (int dimension : order) {
            int[] before = merged.isEmpty() ? null : merged.getLast();
            if (before != null
                    && follows(before[before.length - 1], dimension, shape, accesses, isFolded, indexStrides)) {
                int[] longer = Arrays.copyOf(before, before.length + 1);
                longer[before.length] = dimension;
                merged.set(merged.size() - 1, longer);
            } else {
                merged.add(new int[] {dimension});
            }
        }
        bringKeptInside(merged, shape, isFolded);
        bringLongInside(merged, shape, isFolded);
        if (!merged.isEmpty() && !isFolded[merged.getLast()[0]]) {
            bringFoldedNext(merged, isFolded);
        }
        int count = Math.max(1, merged.size());
        long[] mergedShape = new long[count];
        Arrays.fill(mergedShape, 1);
        boolean[] mergedFolded = new boolean[count];
        for (int index = 0; index < merged.size(); index++) {
            for (int dimension : merged.get(index)) {
                mergedShape[index] *= shape[dimension];
            }
            mergedFolded[index] = isFolded[merged.get(index)[0]];
        }
        Plan.Mode mode;
        if (folded == null) {
            mode = Plan.Mode.MAP;
        } else if (merged.isEmpty() || mergedFolded[count - 1] || !anyFolded(mergedFolded)) {
            // A fold of one element, or over dimensions of one element, is a fold of an inner loop of one.
            mode = Plan.Mode.FOLD_INNER;
        } else {
            mode = Plan.Mode.FOLD_OUTER;
        }
        LoopOrder result = new LoopOrder(merged.toArray(int[][]::new), mergedShape, mergedFolded, null, mode);
        if (mode == Plan.Mode.FOLD_INNER && !mergedFolded[count - 1]) {
            result = result.withFoldedUnitDimension();
        }
        return new LoopOrder(
                result.merged,
                result.shape,
                result.folded,
                indexStrides == null ? null : result.order(indexStrides),
                mode);
    }

    private LoopOrder withFoldedUnitDimension() {
        if (merged.length == 0) {
            return new LoopOrder(merged, shape, new boolean[] {true}, null, mode);
        }
        int[][] longer = Arrays.copyOf(merged, merged.length + 1);
        longer[merged.length] = new int[0];
        long[] longerShape = Arrays.copyOf(shape, shape.length + 1);
        longerShape[shape.length] = 1;
        boolean[] longerFolded = Arrays.copyOf(folded, folded.length + 1);
        longerFolded[folded.length] = true;
        return new LoopOrder(longer, longerShape, longerFolded, null, mode);
    }

    private static boolean anyFolded(boolean[] folded) {
        for (boolean one : folded) {
            if (one) {
                return true;
            }
        }
        return false;
    }

    /**
     * Very short rows are folded across: a longer kept dimension becomes the inner loop. That fills the lanes, and adds
     * the few elements one after the other, as NumPy does.
     */
    private static void bringKeptInside(List<int[]> merged, long[] shape, boolean[] folded) {
        if (merged.size() < 2 || !folded[merged.getLast()[0]] || size(merged.getLast(), shape) >= SHORT_ROW) {
            return;
        }
        for (int from = merged.size() - 2; from >= 0; from--) {
            if (!folded[merged.get(from)[0]] && size(merged.get(from), shape) >= SHORT_ROW) {
                merged.add(merged.remove(from));
                return;
            }
        }
    }

    /** A loop of a few elements costs more to begin than strides cost: the next dimension becomes the inner loop. */
    private static void bringLongInside(List<int[]> merged, long[] shape, boolean[] folded) {
        int next = merged.size() - 2;
        if (next < 0 || folded[merged.getLast()[0]] || size(merged.getLast(), shape) >= SHORT_ROW) {
            return;
        }
        if (size(merged.get(next), shape) >= LONG_ROW) {
            merged.add(merged.remove(next));
        }
    }

    private static long size(int[] dimensions, long[] shape) {
        long size = 1;
        for (int dimension : dimensions) {
            size *= shape[dimension];
        }
        return size;
    }

    /** Rows are added to accumulators: the innermost folded dimension runs right outside the inner loop. */
    private static void bringFoldedNext(List<int[]> merged, boolean[] folded) {
        for (int from = merged.size() - 2; from >= 0; from--) {
            if (folded[merged.get(from)[0]]) {
                int[] moved = merged.remove(from);
                merged.add(merged.size() - 1, moved);
                return;
            }
        }
    }

    private static boolean follows(
            int outer,
            int inner,
            long[] shape,
            List<Access> accesses,
            boolean[] folded,
            long @Nullable [] indexStrides) {
        if (folded[outer] != folded[inner]) {
            return false;
        }
        if (indexStrides != null && indexStrides[outer] != indexStrides[inner] * shape[inner]) {
            return false;
        }
        for (Access access : accesses) {
            if (access.strides()[outer] != access.strides()[inner] * shape[inner]) {
                return false;
            }
        }
        return true;
    }

    long[] shape() {
        return shape;
    }

    boolean[] folded() {
        return folded;
    }

    long @Nullable [] indexStrides() {
        return indexStrides;
    }

    Plan.Mode mode() {
        return mode;
    }

    /** Strides along the group's dimensions, as strides along the loop's. */
    long[] order(long[] strides) {
        long[] result = new long[shape.length];
        for (int index = 0; index < merged.length; index++) {
            int[] dimensions = merged[index];
            result[index] = dimensions.length == 0 ? 0 : strides[dimensions[dimensions.length - 1]];
        }
        return result;
    }
}
