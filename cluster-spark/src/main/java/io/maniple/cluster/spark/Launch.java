package io.maniple.cluster.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for: the one line of JSON that comes first on standard input.
 *
 * @param master the cluster's URL
 * @param secret Spark's own, of the whole cluster; null where Spark makes one for each application, or wants none
 * @param workers how many
 * @param threads the cores that each of them is given
 * @param slotSeconds so long may it take until the cluster has room for all of them
 * @param settings Spark's, which go before ours
 */
record Launch(
        String master,
        @Nullable String secret,
        int workers,
        int threads,
        int slotSeconds,
        Map<String, String> settings,
        WorkerLaunch worker) {

    static Launch parse(String line) throws IOException {
        JsonNode root = new ObjectMapper().readTree(line);
        JsonNode worker = root.required("worker");
        List<String> arguments = new ArrayList<>();
        worker.required("arguments").forEach(argument -> arguments.add(argument.asText()));
        JsonNode secret = root.path("secret");
        return new Launch(
                root.required("master").asText(),
                secret.isTextual() ? secret.asText() : null,
                root.required("workers").asInt(),
                root.required("threads").asInt(),
                root.required("slotSeconds").asInt(),
                strings(root.required("settings")),
                new WorkerLaunch(
                        arguments.toArray(String[]::new),
                        strings(worker.required("environment")),
                        worker.required("secret").asText()));
    }

    private static Map<String, String> strings(JsonNode object) {
        Map<String, String> strings = new HashMap<>();
        object.properties()
                .forEach(entry -> strings.put(entry.getKey(), entry.getValue().asText()));
        return strings;
    }

    /** Without the secrets. */
    @Override
    public String toString() {
        return "Launch[" + workers + " workers at " + master + "]";
    }
}
