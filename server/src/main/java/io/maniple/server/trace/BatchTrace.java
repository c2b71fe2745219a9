package io.maniple.server.trace;

import java.time.Instant;
import java.util.List;

/**
 * When a batch ran, and what of it.
 *
 * @param number the client's
 * @param instructions how many it had
 * @param epochNanoseconds when it began, since 1970
 * @param planNanoseconds how long verifying, planning and compiling took
 * @param planned whether a plan was made for it; one of its structure was known otherwise
 * @param nanoseconds how long all of it took
 * @param steps in order; those that ran, failed ones too
 * @param stepsLeftOut how many more there were
 * @param failure the name of the status with which it was refused, or empty
 */
public record BatchTrace(
        long number,
        int instructions,
        long epochNanoseconds,
        long planNanoseconds,
        boolean planned,
        long nanoseconds,
        List<StepTrace> steps,
        int stepsLeftOut,
        String failure) {
    public BatchTrace {
        steps = List.copyOf(steps);
    }

    /**
     * One step of a batch.
     *
     * @param sources the user's lines ("file:line") it comes from, at least one; the first is the one that failures are
     *     told with. Unknown ones are empty.
     * @param waitedNanoseconds how long it waited for its turn on the machine
     * @param begin nanoseconds from the batch's beginning
     * @param nanoseconds how long it ran
     */
    public record StepTrace(
            StepSummary summary,
            List<String> sources,
            long waitedNanoseconds,
            long begin,
            long nanoseconds,
            boolean failed) {}

    /** Nanoseconds since 1970. */
    public static long now() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** Nanoseconds that its steps have computed. */
    public long computedNanoseconds() {
        long sum = 0;
        for (StepTrace step : steps) {
            sum += step.nanoseconds();
        }
        return sum;
    }
}
