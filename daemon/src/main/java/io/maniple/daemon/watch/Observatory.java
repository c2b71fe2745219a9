package io.maniple.daemon.watch;

import io.maniple.bridge.proto.Fallback;
import io.maniple.bridge.proto.Status;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** What the dashboard and the metrics know of the work: how much, what last, and what went wrong. */
public final class Observatory implements SessionObserver {
    private final RecentWork work = new RecentWork();
    private final RecentErrors errors = new RecentErrors();
    private final Fallbacks fallbacks = new Fallbacks();
    private final Throughput throughput = new Throughput();
    private final Map<String, Throughput> byUser = new ConcurrentHashMap<>();
    private final LongAdder batches = new LongAdder();
    private final LongAdder plans = new LongAdder();
    private final LongAdder kernels = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder nanoseconds = new LongAdder();
    private final LongAdder refusedLogins = new LongAdder();

    @Override
    public Watch opened(Opened session) {
        String id = session.id();
        String user = session.user().name();
        Throughput own = byUser.computeIfAbsent(user, name -> new Throughput());
        return new Watch() {
            @Override
            public void executed(BatchTrace batch) {
                batches.increment();
                if (batch.planned()) {
                    plans.increment();
                }
                for (StepTrace step : batch.steps()) {
                    bytes.add(step.summary().bytes());
                    nanoseconds.add(step.nanoseconds());
                }
                kernels.add(batch.steps().size() + batch.stepsLeftOut());
                throughput.add(batch);
                own.add(batch);
                work.add(new RecentWork.Work(id, user, batch));
            }

            @Override
            public void failed(Status status, String message, String source) {
                errors.add(id, user, status.name(), message, source);
            }

            @Override
            public void fallbacks(List<Fallback> told) {
                fallbacks.add(user, told);
            }

            @Override
            public void closed(String reason) {}
        };
    }

    /** A session was not opened. */
    public void refused(String user, Status status, String message) {
        errors.add("", user, status.name(), message, "");
    }

    /** Somebody came to the dashboard with a token that is nobody's. */
    public void loginRefused(String address) {
        refusedLogins.increment();
        errors.add("", "", "UNAUTHENTICATED", "a login with a wrong token, from " + address, "");
    }

    public RecentWork work() {
        return work;
    }

    public RecentErrors errors() {
        return errors;
    }

    public Fallbacks fallbacks() {
        return fallbacks;
    }

    public Throughput throughput() {
        return throughput;
    }

    /** One user's part of it. */
    public Throughput throughput(String user) {
        return byUser.getOrDefault(user, new Throughput());
    }

    public long batches() {
        return batches.sum();
    }

    /** Plans that were made; for the other batches one was known. */
    public long plans() {
        return plans.sum();
    }

    /** Steps of plans: fused kernels, cascades of them, routines. */
    public long kernels() {
        return kernels.sum();
    }

    /** Bytes of arrays that they read and wrote. */
    public long bytes() {
        return bytes.sum();
    }

    /** How long they took together. */
    public long nanoseconds() {
        return nanoseconds.sum();
    }

    public long refusedLogins() {
        return refusedLogins.sum();
    }
}
