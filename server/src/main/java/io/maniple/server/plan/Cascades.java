package io.maniple.server.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds kernels that follow on each other and can run block of rows by block of rows (see {@link Plan.CascadeStep}):
 * softmax's maximum, exponentials and sum; distances of all pairs that are folded at once; a stencil's updates in
 * place, whose rows are shifted against each other.
 *
 * <p>A buffer's rows are its bytes cut at multiples of one stride. Two kernels go together if each access to a buffer
 * that one of them writes stays within one row an iteration, and the same row for both.
 */
final class Cascades {
    /** Below this, what kernels hand on stays in the cache anyway. */
    private static final long LEAST_HANDED_ON = 1L << 20;
    /** What a block hands on: it is to stay in the second-level cache. */
    private static final long BLOCK_BYTES = 192L << 10;
    /** Rows larger than this gain nothing. */
    private static final long LARGEST_ROW = 512L << 10;
    /** Smaller blocks cost more than they gain. */
    private static final long LEAST_BLOCK_ELEMENTS = 8_192;

    private static final long LEAST_ROWS = 16;

    /** Results of a fold over rows of which each block has a copy. */
    private static final long MOST_PARTIAL_RESULTS = 8_192;

    private static final int MOST_STAGES = 32;

    /** How a buffer's rows stand: row of coordinate 0, and bytes a row. */
    private record Rows(long rowBytes, long firstRow) {}

    /** Of a buffer whose accesses do not stand in the same rows: no harm as long as nobody writes it. */
    private static final Rows ASKEW = new Rows(-1, 0);

    /** A group's place: the dimension that is its rows, and the coordinate of its first row. */
    private record Place(Group group, int dimension, long first) {
        long count() {
            return group.shape()[dimension];
        }
    }

    /** An access of a group, by the row it stays in. */
    private record Touch(Access access, boolean writes) {}

    private final List<Group> groups;
    private final Lifetimes lifetimes;
    private final int limit;
    private final boolean always;

    private final List<Place> places = new ArrayList<>();
    private final Map<Integer, Rows> rows = new HashMap<>();
    /** Buffers of this run by what it does with them; true if some group writes. */
    private final Map<Integer, Boolean> touched = new HashMap<>();
    /** Buffers that some group folds its rows into: nobody else may touch them. */
    private final Set<Integer> closed = new HashSet<>();

    private Cascades(List<Group> groups, Lifetimes lifetimes, int limit, boolean always) {
        this.groups = groups;
        this.lifetimes = lifetimes;
        this.limit = limit;
        this.always = always;
    }

    /**
     * What is known of the batch's buffers.
     *
     * @param inner whether a buffer begins in this batch and dies in it
     * @param firstUse the first group that touches it
     * @param lastUse the last one
     */
    record Lifetimes(IntPredicate inner, int[] firstUse, int[] lastUse) {
        boolean within(int buffer, int begin, int end) {
            return inner.test(buffer) && firstUse[buffer] >= begin && lastUse[buffer] < end;
        }
    }

    /**
     * The cascade that begins with a group, before its kernels are made.
     *
     * @param stages how many groups it takes
     * @param dimensions each group's dimension that is its rows
     * @param firsts each group's first coordinate
     */
    record Found(int stages, int[] dimensions, long[] firsts, long rows, long block, List<Plan.Local> locals) {}

    /** @param always whether it need not pay */
    static @Nullable Found at(int begin, List<Group> groups, Lifetimes lifetimes, boolean always) {
        Group first = groups.get(begin);
        if (first.routine() != null) {
            return null;
        }
        for (int dimension = 0; dimension < first.shape().length; dimension++) {
            int limit = MOST_STAGES;
            // A shorter one may pay where the longest does not.
            while (limit >= 2) {
                Cascades cascades = new Cascades(groups, lifetimes, limit, always);
                Found found = cascades.grow(begin, dimension);
                if (found != null) {
                    return found;
                }
                limit = cascades.places.size() - 1;
            }
        }
        return null;
    }

    private @Nullable Found grow(int begin, int dimension) {
        if (!add(new Place(groups.get(begin), dimension, 0))) {
            return null;
        }
        for (int index = begin + 1; index < groups.size() && places.size() < limit; index++) {
            Group group = groups.get(index);
            if (group.routine() != null || !join(group)) {
                break;
            }
        }
        return places.size() < 2 ? null : found(begin);
    }

    private boolean join(Group group) {
        for (int dimension = 0; dimension < group.shape().length; dimension++) {
            Long first = firstCoordinate(group, dimension);
            if (first != null && add(new Place(group, dimension, first))) {
                return true;
            }
        }
        return false;
    }

    /** Where a group's rows begin, by the buffers it shares with the groups before; null if it shares none. */
    private @Nullable Long firstCoordinate(Group group, int dimension) {
        for (Touch touch : touches(group)) {
            Rows known = rows.get(touch.access().buffer());
            if (known != null && links(touch)) {
                Long row = row(touch.access(), group, dimension, known.rowBytes());
                return row == null ? null : row - known.firstRow();
            }
        }
        return null;
    }

    /** Whether a touch meets what a group before wrote, or writes what one before touched. */
    private boolean links(Touch touch) {
        Boolean written = touched.get(touch.access().buffer());
        return written != null && (written || touch.writes());
    }

    /** Adds a group if all it shares with the groups before stands in the same rows. */
    private boolean add(Place place) {
        Group group = place.group();
        if (group.shape()[place.dimension()] < 2 || !indexStaysInRow(place) || !foldsFit(place)) {
            return false;
        }
        Map<Integer, Rows> fresh = new HashMap<>();
        for (Touch touch : touches(group)) {
            Access access = touch.access();
            if (closed.contains(access.buffer())) {
                return false;
            }
            Rows known = rows.containsKey(access.buffer()) ? rows.get(access.buffer()) : fresh.get(access.buffer());
            Rows own = aligned(access, place, known);
            if (known == null || !known.equals(own)) {
                fresh.put(access.buffer(), known == null && own != null ? own : ASKEW);
            }
        }
        for (Touch touch : touches(group)) {
            int buffer = touch.access().buffer();
            boolean shared = touched.containsKey(buffer);
            boolean written = touch.writes() || Boolean.TRUE.equals(touched.get(buffer));
            if (shared && written && ASKEW.equals(fresh.getOrDefault(buffer, rows.get(buffer)))) {
                return false;
            }
        }
        rows.putAll(fresh);
        for (Touch touch : touches(group)) {
            touched.merge(touch.access().buffer(), touch.writes(), Boolean::logicalOr);
        }
        if (foldsRows(place)) {
            for (Access fold : group.folds()) {
                closed.add(fold.buffer());
            }
        }
        places.add(place);
        return true;
    }

    private static boolean foldsRows(Place place) {
        boolean[] folded = place.group().folded();
        return folded != null && folded[place.dimension()];
    }

    /** Folding the rows themselves is possible where each block can have results of its own. */
    private boolean foldsFit(Place place) {
        if (!foldsRows(place)) {
            return true;
        }
        Group group = place.group();
        for (Access fold : group.folds()) {
            if (touched.containsKey(fold.buffer())) {
                return false;
            }
            for (Access other : group.reads()) {
                if (other.buffer() == fold.buffer()) {
                    return false;
                }
            }
        }
        boolean[] folded = group.folded();
        long results = 1;
        for (int dimension = 0; dimension < group.shape().length; dimension++) {
            results *= folded == null || folded[dimension] ? 1 : group.shape()[dimension];
        }
        return results <= MOST_PARTIAL_RESULTS;
    }

    private static boolean indexStaysInRow(Place place) {
        long[] index = place.group().indexStrides();
        return index == null || index[place.dimension()] == 0;
    }

    private static List<Touch> touches(Group group) {
        List<Touch> touches = new ArrayList<>();
        group.reads().forEach(access -> touches.add(new Touch(access, false)));
        group.writes().forEach(access -> touches.add(new Touch(access, true)));
        group.folds().forEach(access -> touches.add(new Touch(access, true)));
        return touches;
    }

    /** How the buffer's rows would stand for this access; null if it does not stay in one row an iteration. */
    private static @Nullable Rows aligned(Access access, Place place, @Nullable Rows known) {
        long rowBytes = access.strides().length == 0 ? 0 : access.strides()[place.dimension()];
        if (rowBytes <= 0 || known != null && known.rowBytes() != rowBytes) {
            return null;
        }
        Long row = row(access, place.group(), place.dimension(), rowBytes);
        return row == null ? null : new Rows(rowBytes, row - place.first());
    }

    /** The buffer's row that iteration 0 stays in. */
    private static @Nullable Long row(Access access, Group group, int dimension, long rowBytes) {
        if (rowBytes <= 0 || access.strides()[dimension] != rowBytes) {
            return null;
        }
        long low = access.offset();
        long high = low + access.type().bytes() - 1;
        for (int other = 0; other < group.shape().length; other++) {
            long reach = other == dimension ? 0 : (group.shape()[other] - 1) * access.strides()[other];
            low += Math.min(0, reach);
            high += Math.max(0, reach);
        }
        long row = Math.floorDiv(low, rowBytes);
        return row == Math.floorDiv(high, rowBytes) ? row : null;
    }

    private @Nullable Found found(int begin) {
        long lowest = places.stream().mapToLong(Place::first).min().orElse(0);
        long highest = places.stream()
                .mapToLong(place -> place.first() + place.count())
                .max()
                .orElse(0);
        long count = highest - lowest;
        Map<Integer, Integer> users = new HashMap<>();
        for (Place place : places) {
            Set<Integer> buffers = touches(place.group()).stream()
                    .map(touch -> touch.access().buffer())
                    .collect(Collectors.toSet());
            buffers.forEach(buffer -> users.merge(buffer, 1, Integer::sum));
        }
        long handedOn = 0;
        List<Plan.Local> locals = new ArrayList<>();
        for (Map.Entry<Integer, Integer> entry : users.entrySet()) {
            int buffer = entry.getKey();
            Rows standing = rows.get(buffer);
            if (entry.getValue() < 2 || standing == null || standing.equals(ASKEW)) {
                continue;
            }
            handedOn += standing.rowBytes();
            if (touched.getOrDefault(buffer, false) && lifetimes.within(buffer, begin, begin + places.size())) {
                locals.add(new Plan.Local(buffer, standing.rowBytes(), standing.firstRow() + lowest));
            }
        }
        long elements = places.stream()
                .mapToLong(place -> place.group().elements() / place.count())
                .max()
                .orElse(1);
        if (always) {
            // Small blocks whose number is seldom a divisor of the rows' number.
            return found(lowest, count, Math.min(count, 1 + places.size() % 3), locals);
        }
        if (handedOn * count < LEAST_HANDED_ON || handedOn > LARGEST_ROW || count < LEAST_ROWS) {
            return null;
        }
        long block = Math.max(1, BLOCK_BYTES / handedOn);
        if (block * elements < LEAST_BLOCK_ELEMENTS) {
            return null;
        }
        return found(lowest, count, Math.min(block, Math.max(1, count / LEAST_ROWS)), locals);
    }

    private Found found(long lowest, long count, long block, List<Plan.Local> locals) {
        return new Found(
                places.size(),
                places.stream().mapToInt(Place::dimension).toArray(),
                places.stream().mapToLong(place -> place.first() - lowest).toArray(),
                count,
                block,
                locals);
    }
}
