package io.maniple.cluster.hosting;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Spark cluster and how to get at it.
 *
 * @param master its URL as Spark has it: {@code spark://HOST:PORT[,HOST:PORT…]}, {@code yarn}, {@code k8s://https://HOST:PORT}
 * @param java the command that runs Spark's driver: the Java of Spark's choice, 17 or newer
 * @param sparkHome the directory whose {@code jars} are Spark's
 * @param hostJar our cluster-spark jar, which goes to the executors
 * @param secret what Spark's parts show each other, for clusters whose secret is made beforehand (standalone ones): the same
 *     that its master and workers were started with. Null where the settings say otherwise or Spark makes one itself
 * @param threads the cores that each worker is given: the size of a slot
 * @param slotWait so long may it take at the start until the cluster has room for all workers
 * @param settings Spark's own ({@code spark.…}), which go before ours
 */
public record SparkSettings(
        String master,
        Path java,
        Path sparkHome,
        Path hostJar,
        @Nullable String secret,
        int threads,
        Duration slotWait,
        Map<String, String> settings) {
    public SparkSettings {
        if (threads < 1) {
            throw new IllegalArgumentException("a worker has at least one thread, not " + threads);
        }
        settings = Map.copyOf(settings);
    }

    /** How long nodes may take to come: a standalone cluster's are there, others' are started for us. */
    public static Duration usualSlotWait(String master) {
        return Duration.ofSeconds(master.startsWith("spark://") ? 10 : 180);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "SparkSettings[" + master + "]";
    }
}
