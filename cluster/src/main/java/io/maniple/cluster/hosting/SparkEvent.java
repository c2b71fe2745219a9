package io.maniple.cluster.hosting;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What Spark's driver tells, one JSON object a line: its side of this is io.maniple.cluster.spark.Events. */
sealed interface SparkEvent {
    /** Spark's own page about the application. */
    record Ui(String url) implements SparkEvent {}

    record ExecutorAdded(String executor, String host, int slots) implements SparkEvent {}

    record ExecutorRemoved(String executor, String reason) implements SparkEvent {}

    /** A task that hosts a worker runs. */
    record Started(String executor, String host) implements SparkEvent {}

    record AttemptFailed(String reason) implements SparkEvent {}

    /** Room that was there is missing, and waited for. */
    record Waiting(int asked, int available) implements SparkEvent {}

    /** There was never enough room: the last event. */
    record Slots(int asked, int available) implements SparkEvent {}

    /** Trying again would not help: the last event. */
    record Refused(String reason) implements SparkEvent {}

    /** Spark has gone: the last event. */
    record Lost(String reason) implements SparkEvent {}

    /** A line that is none of these, because something has printed it past Spark's log. */
    record Other(String line) implements SparkEvent {}

    ObjectMapper MAPPER = new ObjectMapper();

    static SparkEvent parse(String line) {
        try {
            JsonNode event = MAPPER.readTree(line);
            return switch (event.path("event").asText()) {
                case "ui" -> new Ui(text(event, "url"));
                case "executor-added" ->
                    new ExecutorAdded(text(event, "executor"), text(event, "host"), number(event, "slots"));
                case "executor-removed" -> new ExecutorRemoved(text(event, "executor"), text(event, "reason"));
                case "started" -> new Started(text(event, "executor"), text(event, "host"));
                case "attempt-failed" -> new AttemptFailed(text(event, "reason"));
                case "waiting" -> new Waiting(number(event, "asked"), number(event, "available"));
                case "slots" -> new Slots(number(event, "asked"), number(event, "available"));
                case "refused" -> new Refused(text(event, "reason"));
                case "lost" -> new Lost(text(event, "reason"));
                default -> new Other(line);
            };
        } catch (JsonProcessingException | IllegalArgumentException e) {
            return new Other(line);
        }
    }

    private static String text(JsonNode event, String field) {
        return event.required(field).asText();
    }

    private static int number(JsonNode event, String field) {
        return event.required(field).asInt();
    }
}
