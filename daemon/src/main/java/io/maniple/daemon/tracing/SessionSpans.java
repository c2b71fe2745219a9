package io.maniple.daemon.tracing;

import io.maniple.bridge.proto.Fallback;
import io.maniple.bridge.proto.Status;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.BatchTrace.StepTrace;
import io.maniple.server.trace.StepSummary;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The spans of one session: batches below it, and below each batch its plan and its kernels. */
final class SessionSpans implements SessionObserver.Watch {
    /** Of one batch; how many more there were is an attribute of its span. */
    private static final int KERNELS = 256;

    private static final AttributeKey<Long> NUMBER = AttributeKey.longKey("maniple.batch.number");
    private static final AttributeKey<Long> INSTRUCTIONS = AttributeKey.longKey("maniple.batch.instructions");
    private static final AttributeKey<Long> STEPS = AttributeKey.longKey("maniple.batch.steps");
    private static final AttributeKey<Long> LEFT_OUT = AttributeKey.longKey("maniple.batch.steps_left_out");
    private static final AttributeKey<Boolean> NEW = AttributeKey.booleanKey("maniple.plan.new");
    private static final AttributeKey<String> KIND = AttributeKey.stringKey("maniple.kernel.kind");
    private static final AttributeKey<Long> OPERATIONS = AttributeKey.longKey("maniple.kernel.operations");
    private static final AttributeKey<Long> ELEMENTS = AttributeKey.longKey("maniple.kernel.elements");
    private static final AttributeKey<Long> READ = AttributeKey.longKey("maniple.kernel.bytes_read");
    private static final AttributeKey<Long> WRITTEN = AttributeKey.longKey("maniple.kernel.bytes_written");
    private static final AttributeKey<Long> WAITED = AttributeKey.longKey("maniple.kernel.waited_ns");
    private static final AttributeKey<String> FILE = AttributeKey.stringKey("code.file.path");
    private static final AttributeKey<Long> LINE = AttributeKey.longKey("code.line.number");
    private static final AttributeKey<String> REASON = AttributeKey.stringKey("maniple.session.end");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> MESSAGE = AttributeKey.stringKey("exception.message");

    private final Tracer tracer;
    private final Span session;
    private final Context below;

    SessionSpans(Tracer tracer, Span session) {
        this.tracer = tracer;
        this.session = session;
        this.below = Context.root().with(session);
    }

    @Override
    public void executed(BatchTrace batch) {
        long begin = batch.epochNanoseconds();
        int left = batch.stepsLeftOut() + Math.max(0, batch.steps().size() - KERNELS);
        Span span = start("maniple.batch", below, begin)
                .setAttribute(NUMBER, batch.number())
                .setAttribute(INSTRUCTIONS, (long) batch.instructions())
                .setAttribute(STEPS, (long) batch.steps().size() + batch.stepsLeftOut())
                .startSpan();
        if (left > 0) {
            span.setAttribute(LEFT_OUT, (long) left);
        }
        if (!batch.failure().isEmpty()) {
            span.setStatus(StatusCode.ERROR, batch.failure()).setAttribute(ERROR, batch.failure());
        }
        Context inner = below.with(span);
        if (batch.planNanoseconds() > 0) {
            end(
                    start("maniple.plan", inner, begin)
                            .setAttribute(NEW, batch.planned())
                            .startSpan(),
                    begin + batch.planNanoseconds());
        }
        for (StepTrace step :
                batch.steps().subList(0, Math.min(KERNELS, batch.steps().size()))) {
            kernel(step, inner, begin);
        }
        end(span, begin + batch.nanoseconds());
    }

    private void kernel(StepTrace step, Context batch, long batchBegin) {
        StepSummary summary = step.summary();
        long begin = batchBegin + step.begin();
        SpanBuilder builder = start("maniple." + summary.kind().text() + " " + summary.name(), batch, begin)
                .setAttribute(KIND, summary.kind().text())
                .setAttribute(OPERATIONS, (long) summary.operations())
                .setAttribute(ELEMENTS, summary.elements())
                .setAttribute(READ, summary.readBytes())
                .setAttribute(WRITTEN, summary.writtenBytes())
                .setAttribute(WAITED, step.waitedNanoseconds());
        String source = step.sources().getFirst();
        int colon = source.lastIndexOf(':');
        if (colon > 0) {
            builder.setAttribute(FILE, source.substring(0, colon));
            try {
                builder.setAttribute(LINE, Long.parseLong(source.substring(colon + 1)));
            } catch (NumberFormatException e) {
                builder.setAttribute(FILE, source);
            }
        }
        Span span = builder.startSpan();
        if (step.failed()) {
            span.setStatus(StatusCode.ERROR);
        }
        end(span, begin + step.nanoseconds());
    }

    private SpanBuilder start(String name, Context parent, long epochNanoseconds) {
        return tracer.spanBuilder(name).setParent(parent).setStartTimestamp(epochNanoseconds, TimeUnit.NANOSECONDS);
    }

    private static void end(Span span, long epochNanoseconds) {
        span.end(epochNanoseconds, TimeUnit.NANOSECONDS);
    }

    @Override
    public void failed(Status status, String message, String source) {
        session.addEvent("failure", Attributes.of(ERROR, status.name(), MESSAGE, message));
    }

    @Override
    public void fallbacks(List<Fallback> fallbacks) {}

    @Override
    public void closed(String reason) {
        session.setAttribute(REASON, reason).end();
    }
}
