package io.maniple.daemon.config;

import io.maniple.server.distribution.Mappings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The cluster that sessions run on.
 *
 * @param master what hosts the workers: a Spark master's URL, or local[N]
 * @param threads of each worker; 0: it decides
 * @param memory of each worker, bytes; 0: it decides
 * @param listen the address under which workers reach this server
 * @param isLocal whether they are plain processes of this machine
 * @param mapping how arrays and work are cut
 * @param mappingJar where that is, unless it is our own
 * @param isHere whether all workers are on this machine
 */
public record ClusterChoice(
        String master,
        int workers,
        int threads,
        long memory,
        String listen,
        boolean isLocal,
        boolean isHere,
        Optional<Path> secretFile,
        Optional<Path> sparkSettings,
        Optional<Path> checkpointDirectory,
        Duration checkpointInterval,
        String mapping,
        Optional<Path> mappingJar) {
    private static final Pattern LOCAL = Pattern.compile("local\\[(\\d+)]");
    private static final Pattern LOOPBACK = Pattern.compile("spark://(127\\.[0-9.]+|localhost)[:,].*");
    private static final int MOST_WORKERS = 64;

    static Optional<ClusterChoice> of(SettingValues values, long memory) {
        String master = values.text(Setting.MASTER);
        if (master.isEmpty()) {
            return Optional.empty();
        }
        Matcher local = LOCAL.matcher(master);
        boolean isLocal = local.matches();
        if (!isLocal && !master.startsWith("spark://") && !master.startsWith("k8s://") && !master.equals("yarn")) {
            throw new SettingException("--master " + master + ": it is spark://HOST:PORT, yarn, k8s://… or local[N]");
        }
        int workers = isLocal ? Integer.parseInt(local.group(1)) : values.number(Setting.WORKERS, 0);
        if (workers < 1 || workers > MOST_WORKERS) {
            throw new SettingException(
                    isLocal
                            ? "--master " + master + ": 1 to " + MOST_WORKERS + " workers are possible"
                            : "--workers: say how many, 1 to " + MOST_WORKERS);
        }
        boolean isHere = isLocal || LOOPBACK.matcher(master).matches();
        String listen = values.text(Setting.CLUSTER_LISTEN);
        if (listen.isEmpty()) {
            if (!isHere) {
                throw new SettingException(
                        "--cluster-listen: the workers need an address of this machine to reach this server");
            }
            listen = "127.0.0.1";
        }
        Optional<Path> secret = values.path(Setting.CLUSTER_SECRET_FILE);
        secret.ifPresent(DaemonSettings::secret);
        Optional<Path> sparkSettings = values.path(Setting.SPARK_SETTINGS);
        sparkSettings.ifPresent(file -> {
            if (!Files.isReadable(file)) {
                throw new SettingException("--spark-settings: " + file + " cannot be read");
            }
        });
        Optional<Path> checkpoints = values.path(Setting.CHECKPOINT_DIR);
        checkpoints.ifPresent(directory -> {
            if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
                throw new SettingException(
                        "--checkpoint-dir: " + directory + " is no directory that can be written to");
            }
        });
        String mapping = values.text(Setting.MAPPING);
        Optional<Path> mappingJar = values.path(Setting.MAPPING_JAR);
        try {
            Mappings.find(mapping, mappingJar);
        } catch (IllegalArgumentException e) {
            throw new SettingException("--mapping: " + e.getMessage());
        }
        int processors = Runtime.getRuntime().availableProcessors();
        return Optional.of(new ClusterChoice(
                master,
                workers,
                values.number(Setting.WORKER_THREADS, isHere ? Math.max(1, processors / workers) : 0),
                values.bytes(Setting.WORKER_MEMORY, isHere ? memory / workers : 0),
                listen,
                isLocal,
                isHere,
                secret,
                sparkSettings,
                checkpoints,
                values.time(Setting.CHECKPOINT_INTERVAL),
                mapping,
                mappingJar));
    }
}
