package io.maniple.cluster.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The workers of this executor. When one worker of a gang is lost Spark ends all tasks of the gang and starts it again;
 * the workers that are well, and the arrays that they hold, stay for the next task in the same executor.
 */
final class Leases {
    /** A worker that no task has taken again after this time is ended. */
    private static final int IDLE_SECONDS = 30;

    /** With a mark of the time since when it waits. */
    private static final Map<Lease, Object> idle = new HashMap<>();

    private static final Set<Lease> all = new HashSet<>();

    static {
        // An executor that is told to end takes its workers along, also those that do not heed the end of their input.
        Runtime.getRuntime().addShutdownHook(new Thread(Leases::endAll, "maniple-end-workers"));
    }

    private Leases() {}

    /** A worker that has been left here, or a new one. */
    static synchronized Lease take(WorkerLaunch launch, String host, @Nullable String gpus) throws IOException {
        for (Lease lease : List.copyOf(idle.keySet())) {
            if (lease.isAlive() && Objects.equals(lease.gpus(), gpus)) {
                idle.remove(lease);
                return lease;
            }
        }
        Lease lease = Lease.begin(launch, host, gpus);
        all.add(lease);
        return lease;
    }

    /** Keeps a worker for the next task. */
    static synchronized void leave(Lease lease) {
        Object since = new Object();
        idle.put(lease, since);
        Thread timer = new Thread(() -> endIdle(lease, since), "maniple-idle-worker");
        timer.setDaemon(true);
        timer.start();
    }

    static void end(Lease lease) {
        synchronized (Leases.class) {
            all.remove(lease);
        }
        lease.end();
    }

    private static void endIdle(Lease lease, Object since) {
        try {
            TimeUnit.SECONDS.sleep(IDLE_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (Leases.class) {
            if (!idle.remove(lease, since)) {
                return;
            }
        }
        end(lease);
    }

    private static void endAll() {
        List<Lease> left;
        synchronized (Leases.class) {
            left = List.copyOf(all);
        }
        left.forEach(Lease::end);
    }
}
