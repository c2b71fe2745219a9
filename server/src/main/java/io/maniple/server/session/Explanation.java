package io.maniple.server.session;

import io.maniple.server.plan.Plan;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** What the kernels of a session do, for people; equal kernels are counted, not repeated. */
final class Explanation {
    private static final int MOST_KERNELS = 10_000;

    private final Map<String, Long> kernels = new LinkedHashMap<>();

    synchronized void add(Plan plan, List<String> sources) {
        plan.steps().forEach(step -> add(step, sources, ""));
    }

    /** @param where the step ran, as a remark behind what it is; may be empty */
    synchronized void add(Plan.Step step, List<String> sources, String where) {
        String text = switch (step) {
            case Plan.KernelStep kernel -> describe(kernel, sources);
            case Plan.CascadeStep cascade -> describe(cascade, sources);
            case Plan.RoutineStep routine ->
                "routine " + routine.operation().name() + " at "
                        + place(sources, routine.instruction().source()) + "\n";
        };
        if (!where.isEmpty()) {
            int end = text.indexOf('\n');
            text = text.substring(0, end) + where + text.substring(end);
        }
        if (kernels.size() < MOST_KERNELS || kernels.containsKey(text)) {
            kernels.merge(text, 1L, Long::sum);
        }
    }

    private static String place(List<String> sources, int source) {
        String name = Profile.name(sources, source);
        return name.isEmpty() ? "?" : name;
    }

    private static String describe(Plan.CascadeStep cascade, List<String> sources) {
        StringBuilder text = new StringBuilder("cascade of ")
                .append(cascade.stages().size())
                .append(" kernels by blocks of ")
                .append(cascade.block())
                .append(cascade.block() == 1 ? " row, " : " rows, ")
                .append(cascade.locals().size())
                .append(cascade.locals().size() == 1 ? " array" : " arrays")
                .append(" in the cache only\n");
        for (Plan.Stage stage : cascade.stages()) {
            describe(stage.whole(), sources)
                    .lines()
                    .forEach(line -> text.append("  ").append(line).append('\n'));
        }
        return text.toString();
    }

    private static String describe(Plan.KernelStep step, List<String> sources) {
        StringBuilder text = new StringBuilder("kernel over ").append(Arrays.toString(step.shape()));
        if (step.mode() != Plan.Mode.MAP) {
            text.append(step.mode() == Plan.Mode.FOLD_INNER ? ", folding rows" : ", adding up rows");
        }
        long read = step.bindings().stream().filter(Plan.Binding::loaded).count();
        long written = step.bindings().stream().filter(Plan.Binding::stored).count();
        text.append(": reads ").append(read).append(", writes ").append(written).append(", ");
        text.append(step.elided())
                .append(step.elided() == 1 ? " temporary" : " temporaries")
                .append(" removed\n");
        Map<String, StringJoiner> byLine = new LinkedHashMap<>();
        for (Plan.Described member : step.members()) {
            byLine.computeIfAbsent(place(sources, member.source()), line -> new StringJoiner(", "))
                    .add(member.operation());
        }
        byLine.forEach((line, operations) ->
                text.append("    ").append(line).append(": ").append(operations).append('\n'));
        return text.toString();
    }

    synchronized String text() {
        StringBuilder text = new StringBuilder();
        kernels.forEach((kernel, count) -> {
            if (count > 1) {
                text.append(count).append(" × ");
            }
            text.append(kernel);
        });
        return text.toString();
    }
}
