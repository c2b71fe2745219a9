package io.maniple.daemon.watch;

import io.maniple.server.trace.BatchTrace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The last batches of all sessions, those that are closed, too. Any thread. */
public final class RecentWork {
    private static final int MOST_BATCHES = 4_000;
    private static final int MOST_STEPS = 20_000;

    private final ArrayDeque<Work> work = new ArrayDeque<>();
    private int steps;

    /** A batch of a session. */
    public record Work(String session, String user, BatchTrace batch) {
        long end() {
            return batch.epochNanoseconds() + batch.nanoseconds();
        }
    }

    synchronized void add(Work done) {
        work.add(done);
        steps += done.batch().steps().size();
        while (work.size() > MOST_BATCHES || steps > MOST_STEPS && work.size() > 1) {
            steps -= work.remove().batch().steps().size();
        }
    }

    /** Those that ended after a moment (nanoseconds since 1970), newest first, until they have so many steps. */
    public synchronized List<Work> since(long moment, int mostSteps, Predicate<Work> wanted) {
        List<Work> found = new ArrayList<>();
        int count = 0;
        for (Work done : (Iterable<Work>) work::descendingIterator) {
            if (count >= mostSteps) {
                break;
            }
            // Sessions end their batches side by side: one that is older may stand behind one that is not.
            if (done.end() >= moment && wanted.test(done)) {
                found.add(done);
                count += done.batch().steps().size();
            }
        }
        return found;
    }
}
