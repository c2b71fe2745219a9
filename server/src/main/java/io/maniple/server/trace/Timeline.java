package io.maniple.server.trace;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** The last batches of a session, as many as fit a bound. Any thread. */
public final class Timeline {
    /** What one batch and one step are counted with, beside their texts. */
    private static final int BATCH_BYTES = 200;

    private static final int STEP_BYTES = 120;

    /** A batch in its order, from 1. */
    public record Entry(long number, BatchTrace batch) {}

    /**
     * Batches that followed on one.
     *
     * @param leftOut how many of them are not kept any more
     * @param more whether there are others behind these
     */
    public record Part(List<Entry> entries, long leftOut, boolean more) {}

    private record Held(Entry entry, long bytes) {}

    private final long most;
    private final ArrayDeque<Held> batches = new ArrayDeque<>();
    private long bytes;
    private long last;

    /** @param most bytes of memory, about */
    public Timeline(long most) {
        this.most = most;
    }

    public synchronized void add(BatchTrace batch) {
        long size = size(batch);
        batches.add(new Held(new Entry(++last, batch), size));
        bytes += size;
        while (bytes > most && batches.size() > 1) {
            bytes -= batches.remove().bytes();
        }
    }

    private static long size(BatchTrace batch) {
        long size = BATCH_BYTES;
        for (BatchTrace.StepTrace step : batch.steps()) {
            size += STEP_BYTES;
            for (String source : step.sources()) {
                size += source.length();
            }
        }
        return size;
    }

    /** What followed on a batch, at most so many steps and one batch more. */
    public synchronized Part after(long number, int steps) {
        List<Entry> found = new ArrayList<>();
        int count = 0;
        for (Held held : batches) {
            if (held.entry().number() > number) {
                if (count >= steps) {
                    return new Part(found, leftOut(number), true);
                }
                found.add(held.entry());
                count += 1 + held.entry().batch().steps().size();
            }
        }
        return new Part(found, leftOut(number), false);
    }

    private long leftOut(long number) {
        return batches.isEmpty() ? 0 : Math.max(0, batches.getFirst().entry().number() - 1 - number);
    }
}
