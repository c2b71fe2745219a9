package io.maniple.server.trace;

import io.maniple.server.json.Json;
import io.maniple.server.trace.BatchTrace.StepTrace;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A timeline in the format that Perfetto and Chrome's tracing page open ("Trace Event Format", 2016): complete events,
 * in microseconds, each kernel inside its batch.
 */
public final class ChromeTrace {
    /** The server's row among the processes of a trace; a client's own is 1. */
    private static final int PROCESS = 2;

    private static final int THREAD = 1;
    /** Shorter waits only clutter. */
    private static final long SHOWN_WAIT = 100_000;

    private final long origin;
    private final StringBuilder events = new StringBuilder();

    /** @param origin nanoseconds since 1970 from which times are counted */
    public ChromeTrace(long origin, String processName) {
        this.origin = origin;
        name("process_name", processName);
        name("thread_name", "batches");
    }

    private void name(String what, String name) {
        begin();
        Json.write(
                events,
                json -> json.field("ph", "M")
                        .field("name", what)
                        .field("pid", PROCESS)
                        .field("tid", THREAD)
                        .object("args", arguments -> arguments.field("name", name)));
    }

    private void begin() {
        events.append(events.isEmpty() ? "[" : ",\n");
    }

    public void add(List<Timeline.Entry> entries) {
        entries.forEach(entry -> add(entry.batch()));
    }

    private void add(BatchTrace batch) {
        long start = batch.epochNanoseconds() - origin;
        event("batch " + batch.number(), "batch", start, batch.nanoseconds(), json -> {
            json.field("instructions", batch.instructions())
                    .field("steps", batch.steps().size() + batch.stepsLeftOut());
            if (!batch.failure().isEmpty()) {
                json.field("failure", batch.failure());
            }
        });
        if (batch.planNanoseconds() > 0) {
            event(
                    batch.planned() ? "plan" : "plan (known)",
                    "plan",
                    start,
                    batch.planNanoseconds(),
                    json -> json.field("new", batch.planned()));
        }
        for (StepTrace step : batch.steps()) {
            if (step.waitedNanoseconds() > SHOWN_WAIT) {
                long asked = start + step.begin() - step.waitedNanoseconds();
                event("waiting for its turn", "wait", asked, step.waitedNanoseconds(), json -> {});
            }
            event(
                    step.summary().name(),
                    step.summary().kind().text(),
                    start + step.begin(),
                    step.nanoseconds(),
                    json -> describe(step, json));
        }
    }

    private static void describe(StepTrace step, Json json) {
        StepSummary summary = step.summary();
        json.field("source", step.sources().getFirst())
                .texts("lines", step.sources())
                .field("operations", summary.operations())
                .field("elements", summary.elements())
                .field("bytes_read", summary.readBytes())
                .field("bytes_written", summary.writtenBytes())
                // Bytes a nanosecond are gigabytes a second.
                .field("GB_per_second", Math.round(1e3 * summary.bytes() / Math.max(1, step.nanoseconds())) / 1e3);
        if (step.failed()) {
            json.field("failed", true);
        }
    }

    private void event(String name, String category, long begin, long nanoseconds, Consumer<Json> arguments) {
        begin();
        Json.write(
                events,
                json -> json.field("ph", "X")
                        .field("name", name)
                        .field("cat", category)
                        .field("pid", PROCESS)
                        .field("tid", THREAD)
                        .number("ts", microseconds(begin))
                        .number("dur", microseconds(nanoseconds))
                        .object("args", arguments));
    }

    /** With all digits: nested events must not stick out of each other by rounding. */
    private static String microseconds(long nanoseconds) {
        long whole = Math.floorDiv(nanoseconds, 1_000L);
        return String.format(Locale.ROOT, "%d.%03d", whole, nanoseconds - 1_000 * whole);
    }

    /** A JSON list of events. */
    public String events() {
        return events + "]";
    }

    /** A file of its own. */
    public String file() {
        return "{\"displayTimeUnit\": \"ms\", \"traceEvents\": " + events() + "}\n";
    }
}
