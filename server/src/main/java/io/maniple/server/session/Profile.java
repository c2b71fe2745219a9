package io.maniple.server.session;

import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.ProfileRow;
import io.maniple.server.plan.Plan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where a session's time goes, by the user's lines. */
final class Profile {
    /** Lines beyond that are counted together. */
    private static final int MOST_ROWS = 50_000;

    private record Key(String source, String operation, String device) {}

    private static final class Row {
        private long calls;
        private long elements;
        private long nanoseconds;
    }

    private final Map<Key, Row> rows = new LinkedHashMap<>();
    private long kernels;
    private long plansReused;

    /**
     * A kernel's time is shared equally between the instructions fused into it.
     *
     * @param device where it ran: "gpu", or nothing for the processor
     */
    synchronized void kernel(Plan.KernelStep step, List<String> sources, long nanoseconds, String device) {
        kernels++;
        int members = Math.max(1, step.members().size());
        for (Plan.Described member : step.members()) {
            add(name(sources, member.source()), member.operation(), step.elements(), nanoseconds / members, device);
        }
    }

    /** Its time is shared between the kernels by the elements that their instructions have. */
    synchronized void cascade(Plan.CascadeStep cascade, List<String> sources, long nanoseconds, String device) {
        double all = 0;
        for (Plan.Stage stage : cascade.stages()) {
            all += weight(stage);
        }
        for (Plan.Stage stage : cascade.stages()) {
            kernel(stage.whole(), sources, Math.round(nanoseconds * (weight(stage) / all)), device);
        }
    }

    private static double weight(Plan.Stage stage) {
        return (double) Math.max(1, stage.whole().elements())
                * Math.max(1, stage.whole().members().size());
    }

    synchronized void routine(
            String operation, int source, List<String> sources, long elements, long nanoseconds, String device) {
        kernels++;
        add(name(sources, source), operation, elements, nanoseconds, device);
    }

    synchronized void planReused() {
        plansReused++;
    }

    private void add(String source, String operation, long elements, long nanoseconds, String device) {
        Key key = new Key(source, operation, device);
        // Sources are whatever the client calls them.
        Row row = rows.computeIfAbsent(
                rows.size() < MOST_ROWS || rows.containsKey(key) ? key : new Key("", operation, device),
                fresh -> new Row());
        row.calls++;
        row.elements += elements;
        row.nanoseconds += nanoseconds;
    }

    static String name(List<String> sources, int source) {
        return source > 0 && source <= sources.size() ? sources.get(source - 1) : "";
    }

    synchronized ProfileReply.Builder reply() {
        ProfileReply.Builder reply =
                ProfileReply.newBuilder().setKernels(kernels).setPlansReused(plansReused);
        rows.forEach((key, row) -> reply.addRows(ProfileRow.newBuilder()
                .setSource(key.source())
                .setOperation(key.operation())
                .setCalls(row.calls)
                .setElements(row.elements)
                .setNanoseconds(row.nanoseconds)
                .setDevice(key.device())));
        return reply;
    }
}
