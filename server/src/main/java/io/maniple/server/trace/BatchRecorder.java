package io.maniple.server.trace;

import io.maniple.bridge.proto.Status;
import io.maniple.server.trace.BatchTrace.StepTrace;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Notes when the parts of one batch run. For one thread. */
public final class BatchRecorder {
    private static final int MOST_STEPS = 1_000;
    private static final int SOURCE_CHARACTERS = 300;

    private final long number;
    private final int instructions;
    private final long epochNanoseconds = BatchTrace.now();
    private final long begin = System.nanoTime();
    private final List<StepTrace> steps = new ArrayList<>();
    private long planNanoseconds;
    private boolean planned;
    private int leftOut;
    private String failure = "";

    private long asked;
    private long began;
    private long passed;

    public BatchRecorder(long number, int instructions) {
        this.number = number;
        this.instructions = instructions;
    }

    /** @param made whether the plan is new */
    public void planned(boolean made) {
        planNanoseconds = System.nanoTime() - begin;
        planned = made;
    }

    /** A step waits for its turn. */
    public void stepAsked() {
        asked = System.nanoTime();
        began = asked;
        passed = 0;
    }

    /** It is its turn. */
    public void stepBegan() {
        began = System.nanoTime();
    }

    /** So long it let others go first since. */
    public void stepPassed(long nanoseconds) {
        passed = nanoseconds;
    }

    /** @param sources the batch's */
    public void stepEnded(StepSummary summary, List<String> sources, boolean failed) {
        if (steps.size() >= MOST_STEPS) {
            leftOut++;
            return;
        }
        long end = System.nanoTime();
        steps.add(new StepTrace(
                summary,
                named(summary.sources(), sources),
                began - asked + passed,
                began - begin,
                end - began - passed,
                failed));
    }

    /** Each once, at least one. */
    private static List<String> named(int[] numbers, List<String> sources) {
        if (numbers.length <= 1) {
            return List.of(numbers.length == 0 ? "" : line(sources, numbers[0]));
        }
        Set<String> names = new LinkedHashSet<>();
        for (int number : numbers) {
            names.add(line(sources, number));
        }
        return List.copyOf(names);
    }

    /** A line of the user's program ("file:line") by its number in a batch, not longer than is kept; empty if unknown. */
    public static String line(List<String> sources, int number) {
        String name = number > 0 && number <= sources.size() ? sources.get(number - 1) : "";
        // The end has the line.
        return name.length() <= SOURCE_CHARACTERS ? name : "…" + name.substring(name.length() - SOURCE_CHARACTERS + 1);
    }

    /** The batch was refused. */
    public void failed(Status status) {
        failure = status.name();
    }

    public BatchTrace ended() {
        return new BatchTrace(
                number,
                instructions,
                epochNanoseconds,
                planNanoseconds,
                planned,
                System.nanoTime() - begin,
                steps,
                leftOut,
                failure);
    }
}
