package io.maniple.server.distribution;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A set of bytes of a buffer, as ranges in ascending order that neither overlap nor touch. Immutable. */
public final class Spans {
    public static final Spans NONE = new Spans(new long[0]);

    /** Views with more ranges than this are taken as one range from their first byte to their last. */
    public static final int MOST_RANGES = 65_536;

    /** Begin and end of each range in turn. */
    private final long[] bounds;

    private Spans(long[] bounds) {
        this.bounds = bounds;
    }

    /** From {@code begin} to before {@code end}. */
    public static Spans range(long begin, long end) {
        return begin >= end ? NONE : new Spans(new long[] {begin, end});
    }

    /** Equal ranges, one behind the other. */
    public static List<Spans> equalParts(long bytes, int count) {
        List<Spans> parts = new ArrayList<>();
        for (int part = 0; part < count; part++) {
            parts.add(range(bytes * part, bytes * (part + 1)));
        }
        return parts;
    }

    /**
     * The bytes of a view.
     *
     * @param offset of its first element
     * @param shape elements along each dimension
     * @param strides bytes along each dimension
     * @param gap ranges that lie no farther apart than this become one
     */
    public static Spans ofView(long offset, long[] shape, long[] strides, int itemBytes, long gap) {
        long first = offset;
        int rank = 0;
        long[] sizes = new long[shape.length];
        long[] steps = new long[shape.length];
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (shape[dimension] == 0) {
                return NONE;
            }
            if (shape[dimension] == 1 || strides[dimension] == 0) {
                continue;
            }
            // A dimension walked backwards has the same bytes.
            if (strides[dimension] < 0) {
                first += (shape[dimension] - 1) * strides[dimension];
            }
            sizes[rank] = shape[dimension];
            steps[rank++] = Math.abs(strides[dimension]);
        }
        sortBySteps(sizes, steps, rank);
        // The innermost dimensions without wide gaps are one run.
        long run = itemBytes;
        int inner = 0;
        while (inner < rank && steps[inner] <= run + gap) {
            run += (sizes[inner] - 1) * steps[inner];
            inner++;
        }
        long count = 1;
        long reach = run;
        for (int dimension = inner; dimension < rank; dimension++) {
            count = Math.min(Long.MAX_VALUE / sizes[dimension], count) * sizes[dimension];
            reach += (sizes[dimension] - 1) * steps[dimension];
        }
        if (count == 1) {
            return range(first, first + run);
        }
        if (count > MOST_RANGES) {
            return range(first, first + reach);
        }
        Builder builder = new Builder(gap);
        long[] counter = new long[rank];
        for (long number = 0; number < count; number++) {
            long begin = first;
            for (int dimension = inner; dimension < rank; dimension++) {
                begin += counter[dimension] * steps[dimension];
            }
            builder.add(begin, begin + run);
            for (int dimension = inner; dimension < rank && ++counter[dimension] == sizes[dimension]; dimension++) {
                counter[dimension] = 0;
            }
        }
        return builder.build();
    }

    private static void sortBySteps(long[] sizes, long[] steps, int rank) {
        for (int right = 1; right < rank; right++) {
            for (int left = right; left > 0 && steps[left - 1] > steps[left]; left--) {
                long step = steps[left];
                steps[left] = steps[left - 1];
                steps[left - 1] = step;
                long size = sizes[left];
                sizes[left] = sizes[left - 1];
                sizes[left - 1] = size;
            }
        }
    }

    /** Collects ranges in any order. */
    public static final class Builder {
        private final long gap;
        private long[] collected = new long[16];
        private int length;
        private boolean sorted = true;

        /** @param gap ranges that lie no farther apart than this become one */
        public Builder(long gap) {
            this.gap = gap;
        }

        public Builder add(long begin, long end) {
            if (begin >= end) {
                return this;
            }
            if (length > 0 && sorted && begin >= collected[length - 2] && begin <= collected[length - 1] + gap) {
                collected[length - 1] = Math.max(collected[length - 1], end);
                return this;
            }
            sorted &= length == 0 || begin > collected[length - 1];
            if (length == collected.length) {
                collected = Arrays.copyOf(collected, 2 * length);
            }
            collected[length++] = begin;
            collected[length++] = end;
            return this;
        }

        public Builder add(Spans spans) {
            for (int range = 0; range < spans.ranges(); range++) {
                add(spans.begin(range), spans.end(range));
            }
            return this;
        }

        public Spans build() {
            if (length == 0) {
                return NONE;
            }
            return new Spans(sorted ? Arrays.copyOf(collected, length) : merged());
        }

        private long[] merged() {
            Long[] order = new Long[length / 2];
            Arrays.setAll(order, range -> (long) range);
            Arrays.sort(
                    order, (left, right) -> Long.compare(collected[(int) (2 * left)], collected[(int) (2 * right)]));
            long[] bounds = new long[length];
            int used = 0;
            for (long range : order) {
                long begin = collected[(int) (2 * range)];
                long end = collected[(int) (2 * range) + 1];
                if (used > 0 && begin <= bounds[used - 1] + gap) {
                    bounds[used - 1] = Math.max(bounds[used - 1], end);
                } else {
                    bounds[used++] = begin;
                    bounds[used++] = end;
                }
            }
            return Arrays.copyOf(bounds, used);
        }
    }

    public int ranges() {
        return bounds.length / 2;
    }

    public long begin(int range) {
        return bounds[2 * range];
    }

    public long end(int range) {
        return bounds[2 * range + 1];
    }

    public boolean isEmpty() {
        return bounds.length == 0;
    }

    public long bytes() {
        long bytes = 0;
        for (int range = 0; range < ranges(); range++) {
            bytes += end(range) - begin(range);
        }
        return bytes;
    }

    public Spans and(Spans other) {
        return isEmpty()
                ? other
                : other.isEmpty() ? this : new Builder(0).add(this).add(other).build();
    }

    /** Whether both have a byte in common. */
    public boolean meets(Spans other) {
        int left = 0;
        int right = 0;
        while (left < ranges() && right < other.ranges()) {
            if (end(left) <= other.begin(right)) {
                left++;
            } else if (other.end(right) <= begin(left)) {
                right++;
            } else {
                return true;
            }
        }
        return false;
    }

    /** Whether all of the other set is in this one. */
    public boolean covers(Spans other) {
        int own = 0;
        for (int range = 0; range < other.ranges(); range++) {
            while (own < ranges() && end(own) < other.end(range)) {
                own++;
            }
            if (own == ranges() || begin(own) > other.begin(range)) {
                return false;
            }
        }
        return true;
    }

    /** What both have. */
    public Spans common(Spans other) {
        Builder builder = new Builder(0);
        for (int range = 0; range < other.ranges(); range++) {
            builder.add(within(other.begin(range), other.end(range)));
        }
        return builder.build();
    }

    /** What of this set lies in a range. */
    public Spans within(long begin, long end) {
        Builder builder = new Builder(0);
        for (int range = 0; range < ranges(); range++) {
            builder.add(Math.max(begin, begin(range)), Math.min(end, end(range)));
        }
        return builder.build();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Spans spans && Arrays.equals(bounds, spans.bounds);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bounds);
    }

    @Override
    public String toString() {
        return Arrays.toString(bounds);
    }
}
