package io.maniple.cluster.hosting;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
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

    /**
     * With Spark where the launcher has found it: in the environment variables MANIPLE_SPARK_HOME, MANIPLE_SPARK_JAVA and
     * MANIPLE_SPARK_HOST_JAR.
     *
     * @param threads of each worker; less than 1: a slot is one core
     * @throws HostingException one of them is missing
     */
    public static SparkSettings ofEnvironment(
            Map<String, String> environment, String master, @Nullable String secret, int threads)
            throws HostingException {
        return new SparkSettings(
                master,
                place(environment, "MANIPLE_SPARK_JAVA"),
                place(environment, "MANIPLE_SPARK_HOME"),
                place(environment, "MANIPLE_SPARK_HOST_JAR"),
                secret,
                Math.max(1, threads),
                usualSlotWait(master),
                Map.of());
    }

    /** The same with settings of Spark's beside these, and before them. */
    public SparkSettings with(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(settings);
        all.putAll(more);
        return new SparkSettings(master, java, sparkHome, hostJar, secret, threads, slotWait, all);
    }

    /**
     * Reads settings of Spark's from a file like its spark-defaults.conf: a name and a value on each line.
     *
     * @throws IOException the file cannot be read, or has something else in it
     */
    public static Map<String, String> read(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage());
        }
        Map<String, String> settings = new HashMap<>();
        for (String name : properties.stringPropertyNames()) {
            if (!name.startsWith("spark.")) {
                throw new IOException(
                        file + " has '" + name + "', which is no setting of Spark's: these begin with spark.");
            }
            settings.put(name, properties.getProperty(name).strip());
        }
        return settings;
    }

    private static Path place(Map<String, String> environment, String name) throws HostingException {
        String place = environment.getOrDefault(name, "");
        if (place.isEmpty()) {
            throw new HostingException(
                    "Spark was not found when this daemon was started: pip install 'maniple[cluster]', or set SPARK_HOME,"
                            + " and start it with 'maniple server --master URL'; see docs/cluster.md (" + name
                            + " is not set)");
        }
        return Path.of(place);
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
