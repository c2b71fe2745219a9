package io.maniple.cluster.spark;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.ExceptionFailure;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.jspecify.annotations.Nullable;

/** Turns what Spark tells of our application into events. */
final class ApplicationListener extends SparkListener {
    /** A worker that ran for so long had started well. */
    private static final long WELL_MILLISECONDS = 10_000;
    /** In so many attempts in a row may a worker end before it has run well: then it would for ever. */
    private static final int ATTEMPTS = 10;

    /** So many executors in a row may end before they are there. */
    private static final int STILLBORN = 20;

    private final Events events;
    private final Slots slots;
    private final int threads;
    private final Set<Long> briefAttempts = new HashSet<>();
    private int stillborn;
    private final AtomicReference<@Nullable String> hopeless = new AtomicReference<>();
    /** Opened when there is no sense in going on: Spark has ended the application, or workers do not stay. */
    final CountDownLatch over = new CountDownLatch(1);

    ApplicationListener(Events events, Slots slots, int threads) {
        this.events = events;
        this.slots = slots;
        this.threads = threads;
    }

    /** Why no worker stays, or null. */
    @Nullable String hopeless() {
        return hopeless.get();
    }

    @Override
    public void onExecutorAdded(SparkListenerExecutorAdded added) {
        int room = added.executorInfo().totalCores() / threads;
        slots.add(added.executorId(), room);
        events.executorAdded(added.executorId(), added.executorInfo().executorHost(), room);
    }

    /** Spark tells of executors that never got to us, too: a Java that does not start, say. */
    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
        if (slots.remove(removed.executorId())) {
            stillborn = 0;
        } else if (++stillborn == STILLBORN) {
            hopeless.set("Spark's executors do not stay: " + STILLBORN
                    + " of them ended at their start, the last one with \"" + firstLine(removed.reason())
                    + "\"; their logs in the work directory of Spark's workers say more");
            over.countDown();
        }
        events.executorRemoved(removed.executorId(), firstLine(removed.reason()));
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart start) {
        events.started(start.taskInfo().executorId(), start.taskInfo().host());
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        if (!(end.reason() instanceof ExceptionFailure failure)) {
            // Killed with the gang, or lost with its executor, of which there is an event of its own.
            return;
        }
        String reason = failure.description();
        events.attemptFailed(reason);
        if (end.taskInfo().duration() >= WELL_MILLISECONDS) {
            briefAttempts.clear();
            return;
        }
        briefAttempts.add((long) end.stageId() << 32 | end.stageAttemptId());
        if (briefAttempts.size() >= ATTEMPTS) {
            hopeless.set("the workers do not stay: in " + ATTEMPTS
                    + " attempts in a row one of them ended at its start; " + reason);
            over.countDown();
        }
    }

    @Override
    public void onApplicationEnd(SparkListenerApplicationEnd end) {
        over.countDown();
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }
}
