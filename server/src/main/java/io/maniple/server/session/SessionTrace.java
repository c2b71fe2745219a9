package io.maniple.server.session;

import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.Version;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.trace.BatchRecorder;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.ChromeTrace;
import io.maniple.server.trace.ExecutionListener;
import io.maniple.server.trace.Timeline;
import java.util.function.Function;

/** Notes when a session's batches run, for its timeline and for whoever listens. */
public final class SessionTrace {
    /** Steps in one answer: some megabytes of text. */
    private static final int STEPS_AN_ANSWER = 5_000;

    /** Of the heap, for the timeline of a session that asks for one. */
    private static final long TIMELINE_BYTES = 64L << 20;
    /** The same where there are many sessions. */
    private static final long SHARED_TIMELINE_BYTES = 8L << 20;
    /** What is kept of a session that does not ask, for operators. */
    private static final long RECENT_BYTES = 1L << 20;

    private final long origin = BatchTrace.now();
    private final Timeline timeline;
    private final ExecutionListener listener;

    /** @param bytes most memory for the timeline, about */
    private SessionTrace(long bytes, ExecutionListener listener) {
        this.timeline = new Timeline(bytes);
        this.listener = listener;
    }

    /** Of a session of this machine's own user, who wants a timeline. */
    static SessionTrace local() {
        return new SessionTrace(TIMELINE_BYTES, batch -> {});
    }

    /** Of a session of a client elsewhere. */
    public static SessionTrace detached(SessionOptions options, ExecutionListener listener) {
        return new SessionTrace(options.getTimeline() ? SHARED_TIMELINE_BYTES : RECENT_BYTES, listener);
    }

    /** Executes a batch, and notes it. */
    public Reply noting(Batch batch, Function<BatchRecorder, Reply> execution) {
        BatchRecorder recorder = new BatchRecorder(batch.getNumber(), batch.getOperationCount());
        try {
            Reply reply = execution.apply(recorder);
            if (reply.getStatus() != Status.OK) {
                recorder.failed(reply.getStatus());
            }
            return reply;
        } catch (ManipleException refused) {
            recorder.failed(refused.status());
            throw refused;
        } catch (RuntimeException | Error failure) {
            recorder.failed(Status.INTERNAL);
            throw failure;
        } finally {
            BatchTrace ended = recorder.ended();
            timeline.add(ended);
            listener.executed(ended);
        }
    }

    /** All that is kept, as a file for Perfetto or Chrome's tracing page. */
    public String file() {
        ChromeTrace trace = new ChromeTrace(origin, "Maniple server " + Version.current());
        trace.add(timeline.after(0, Integer.MAX_VALUE).entries());
        return trace.file();
    }

    /** What followed on a batch. */
    public TimelineReply reply(long after) {
        Timeline.Part part = timeline.after(after, STEPS_AN_ANSWER);
        ChromeTrace trace = new ChromeTrace(origin, "Maniple server " + Version.current());
        trace.add(part.entries());
        return TimelineReply.newBuilder()
                .setEvents(trace.events())
                .setLast(
                        part.entries().isEmpty()
                                ? after
                                : part.entries().getLast().number())
                .setMore(part.more())
                .setLeftOut(part.leftOut())
                .setOrigin(origin)
                .setNow(BatchTrace.now())
                .build();
    }
}
