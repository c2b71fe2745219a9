package io.maniple.server.engine;

import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Mappings;
import java.util.function.IntToLongFunction;

/** Where each worker's part of a buffer is, and how loops and rows of items are cut along that. */
final class Homes {
    private final int workers;
    private final MappingPolicy mapping;
    private final IntToLongFunction bytes;

    /** @param bytes the size of a buffer, by its number in the plan */
    Homes(int workers, MappingPolicy mapping, IntToLongFunction bytes) {
        this.workers = workers;
        this.mapping = mapping;
        this.bytes = bytes;
    }

    int workers() {
        return workers;
    }

    /** Where a worker's part of a buffer begins. */
    long home(int buffer, int worker) {
        return begin(bytes.applyAsLong(buffer), worker);
    }

    private long begin(long count, int worker) {
        return Mappings.begin(mapping, count, worker, workers);
    }

    /**
     * Cuts a dimension where a view's elements are at home.
     *
     * @param stride of the view along it; 0: nothing says where, but the policy
     */
    void cut(int buffer, long first, long stride, long size, long[] low, long[] high) {
        if (stride == 0) {
            for (int worker = 0; worker < workers; worker++) {
                low[worker] = begin(size, worker);
                high[worker] = begin(size, worker + 1);
            }
            return;
        }
        long farthest = Math.abs(stride);
        for (int worker = 0; worker < workers; worker++) {
            long begin = home(buffer, worker);
            long end = home(buffer, worker + 1);
            if (stride > 0) {
                low[worker] = worker == 0 ? 0 : Math.clamp(-Math.floorDiv(first - begin, farthest), 0, size);
                high[worker] =
                        worker == workers - 1 ? size : Math.clamp(-Math.floorDiv(first - end, farthest), 0, size);
            } else {
                low[worker] = worker == workers - 1 ? 0 : Math.clamp(Math.floorDiv(first - end, farthest) + 1, 0, size);
                high[worker] = worker == 0 ? size : Math.clamp(Math.floorDiv(first - begin, farthest) + 1, 0, size);
            }
        }
    }

    /** Cuts items of which nothing says where they belong. */
    long[] anywhere(long count) {
        long[] cuts = new long[workers + 1];
        for (int worker = 1; worker <= workers; worker++) {
            cuts[worker] = begin(count, worker);
        }
        return cuts;
    }

    /** Where an item begins in the reference's buffer. */
    @FunctionalInterface
    interface Place {
        long of(long item);
    }

    /** Cuts a row of items, so that each goes where its first byte is at home. */
    long[] cuts(long count, int buffer, Place place) {
        if (count == 0 || place.of(count - 1) < place.of(0)) {
            return anywhere(count);
        }
        long[] cuts = new long[workers + 1];
        for (int worker = 1; worker < workers; worker++) {
            long boundary = home(buffer, worker);
            long low = cuts[worker - 1];
            long high = count;
            while (low < high) {
                long middle = (low + high) >>> 1;
                if (place.of(middle) < boundary) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            cuts[worker] = low;
        }
        cuts[workers] = count;
        return cuts;
    }
}
