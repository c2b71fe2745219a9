package io.maniple.cluster.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** What happens, for the process that started this one: one JSON object a line. */
final class Events {
    private final PrintStream out;
    private final ObjectMapper mapper = new ObjectMapper();

    Events(PrintStream out) {
        this.out = out;
    }

    void ui(String url) {
        print("ui", Map.of("url", url));
    }

    void executorAdded(String executor, String host, int slots) {
        print("executor-added", Map.of("executor", executor, "host", host, "slots", slots));
    }

    void executorRemoved(String executor, String reason) {
        print("executor-removed", Map.of("executor", executor, "reason", reason));
    }

    void started(String executor, String host) {
        print("started", Map.of("executor", executor, "host", host));
    }

    void attemptFailed(String reason) {
        print("attempt-failed", Map.of("reason", reason));
    }

    void waiting(int asked, int available) {
        print("waiting", Map.of("asked", asked, "available", available));
    }

    /** The cluster has too few slots: nothing more comes. */
    void slots(int asked, int available) {
        print("slots", Map.of("asked", asked, "available", available));
    }

    /** It cannot be done, and trying again would not help: nothing more comes. */
    void refused(String reason) {
        print("refused", Map.of("reason", reason));
    }

    /** Spark has ended the application, or has gone: nothing more comes. */
    void lost(String reason) {
        print("lost", Map.of("reason", reason));
    }

    private synchronized void print(String event, Map<String, ?> fields) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("event", event);
        object.putAll(fields);
        try {
            out.println(mapper.writeValueAsString(object));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        out.flush();
    }
}
