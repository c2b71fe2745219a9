package io.maniple.daemon.watch;

import io.maniple.bridge.proto.Fallback;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What clients computed with NumPy in this daemon's place, by user and function, since the start. Any thread. */
public final class Fallbacks {
    /** Clients choose the names. */
    private static final int MOST_FUNCTIONS = 500;

    private static final int NAME_CHARACTERS = 100;
    private static final int SOURCE_CHARACTERS = 300;

    private final Map<String, Map<Key, Row>> byUser = new HashMap<>();
    private long calls;

    private record Key(String function, String reason) {}

    /**
     * Calls of one function that were not deferred for one reason.
     *
     * @param source the line ("file:line") of one of them
     */
    public record Row(String function, String reason, String source, long calls, long elements, long nanoseconds) {
        private Row plus(Row other) {
            return new Row(
                    function,
                    reason,
                    source,
                    calls + other.calls,
                    elements + other.elements,
                    nanoseconds + other.nanoseconds);
        }
    }

    synchronized void add(String user, List<Fallback> told) {
        Map<Key, Row> rows = byUser.computeIfAbsent(user, name -> new HashMap<>());
        for (Fallback one : told) {
            calls += Math.max(0, one.getCalls());
            Key key = new Key(beginning(one.getFunction()), beginning(one.getReason()));
            if (rows.size() < MOST_FUNCTIONS || rows.containsKey(key)) {
                Row row = new Row(
                        key.function(),
                        key.reason(),
                        end(one.getSource()),
                        Math.max(0, one.getCalls()),
                        Math.max(0, one.getElements()),
                        Math.max(0, one.getNanoseconds()));
                rows.merge(key, row, Row::plus);
            }
        }
    }

    private static String beginning(String name) {
        return name.length() <= NAME_CHARACTERS ? name : name.substring(0, NAME_CHARACTERS - 1) + "…";
    }

    /** It has the line. */
    private static String end(String source) {
        return source.length() <= SOURCE_CHARACTERS
                ? source
                : "…" + source.substring(source.length() - SOURCE_CHARACTERS + 1);
    }

    /** The most costly first; of all users where none is given. */
    public synchronized List<Row> rows(Optional<String> user, int most) {
        Map<Key, Row> sums = new HashMap<>();
        byUser.forEach((name, rows) -> {
            if (user.isEmpty() || user.get().equals(name)) {
                rows.forEach((key, row) -> sums.merge(key, row, Row::plus));
            }
        });
        List<Row> sorted = new ArrayList<>(sums.values());
        sorted.sort((left, right) -> {
            int byTime = Long.compare(right.nanoseconds(), left.nanoseconds());
            return byTime != 0 ? byTime : Long.compare(right.calls(), left.calls());
        });
        return sorted.subList(0, Math.min(most, sorted.size()));
    }

    public synchronized long calls() {
        return calls;
    }
}
