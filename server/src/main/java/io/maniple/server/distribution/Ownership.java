package io.maniple.server.distribution;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Who has the current content of which bytes of a buffer. At first everybody has: nothing was written yet. Up to {@value
 * #MOST_WORKERS} workers.
 */
public final class Ownership {
    public static final int MOST_WORKERS = 64;

    private final long bytes;
    /** By its first byte, a range's holders, a bit each; it ends where the next one begins. Neighbours differ. */
    private final TreeMap<Long, Long> holders = new TreeMap<>();

    public Ownership(long bytes, int workers) {
        if (workers < 1 || workers > MOST_WORKERS) {
            throw new IllegalArgumentException(workers + " workers; 1 to " + MOST_WORKERS + " are possible");
        }
        this.bytes = bytes;
        holders.put(0L, all(workers));
    }

    public static long all(int workers) {
        return workers == MOST_WORKERS ? -1L : (1L << workers) - 1;
    }

    public long bytes() {
        return bytes;
    }

    /** From now on only these have the bytes. */
    public void written(Spans spans, long mask) {
        for (int range = 0; range < spans.ranges(); range++) {
            set(spans.begin(range), Math.min(bytes, spans.end(range)), mask, false);
        }
    }

    /** From now on these have the bytes, too. */
    public void copied(Spans spans, long mask) {
        for (int range = 0; range < spans.ranges(); range++) {
            set(spans.begin(range), Math.min(bytes, spans.end(range)), mask, true);
        }
    }

    private void set(long begin, long end, long mask, boolean add) {
        if (begin >= end) {
            return;
        }
        split(begin);
        split(end);
        if (add) {
            for (Map.Entry<Long, Long> entry :
                    holders.subMap(begin, true, end, false).entrySet()) {
                entry.setValue(entry.getValue() | mask);
            }
        } else {
            holders.subMap(begin, true, end, false).clear();
            holders.put(begin, mask);
        }
        join(begin, end);
    }

    private void split(long at) {
        if (at > 0 && at < bytes && !holders.containsKey(at)) {
            holders.put(at, holders.floorEntry(at).getValue());
        }
    }

    private void join(long begin, long end) {
        Map.Entry<Long, Long> before = holders.lowerEntry(begin);
        Long last = before == null ? null : before.getValue();
        List<Long> superfluous = new ArrayList<>();
        for (Map.Entry<Long, Long> entry :
                holders.subMap(begin, true, end, true).entrySet()) {
            if (entry.getValue().equals(last)) {
                superfluous.add(entry.getKey());
            }
            last = entry.getValue();
        }
        superfluous.forEach(holders::remove);
    }

    /** What is done with a range. */
    @FunctionalInterface
    public interface Visitor {
        void visit(long begin, long end, long mask);
    }

    /** Goes through a range by holders. */
    public void visit(long begin, long end, Visitor visitor) {
        long limit = Math.min(bytes, end);
        Map.Entry<Long, Long> entry = holders.floorEntry(begin);
        while (entry != null && entry.getKey() < limit) {
            Map.Entry<Long, Long> next = holders.higherEntry(entry.getKey());
            long stop = next == null ? bytes : next.getKey();
            long from = Math.max(begin, entry.getKey());
            long to = Math.min(limit, stop);
            if (from < to) {
                visitor.visit(from, to, entry.getValue());
            }
            entry = next;
        }
    }

    /** How many ranges with different holders there are. */
    public int ranges() {
        return holders.size();
    }

    /** Bytes that a worker has. */
    public long held(int worker) {
        long[] sum = new long[1];
        visit(0, bytes, (begin, end, mask) -> sum[0] += (mask >>> worker & 1) * (end - begin));
        return sum[0];
    }

    /** The bytes that a worker answers for: every byte has one such worker. */
    public Spans keeper(int worker) {
        Spans.Builder builder = new Spans.Builder(0);
        visit(0, bytes, (begin, end, mask) -> {
            if (keeperOf(mask) == worker) {
                builder.add(begin, end);
            }
        });
        return builder.build();
    }

    /** Of all that hold a range the one that answers for it. */
    public static int keeperOf(long mask) {
        return Long.numberOfTrailingZeros(mask);
    }

    /** Who sends a range to a worker that has not got it: the holders take turns, so that no one serves all. */
    public static int source(long mask, int worker) {
        int holders = Long.bitCount(mask);
        long rest = mask;
        for (int skip = worker % holders; skip > 0; skip--) {
            rest &= rest - 1;
        }
        return Long.numberOfTrailingZeros(rest);
    }
}
