package io.maniple.daemon;

import io.maniple.cluster.Cluster;
import io.maniple.cluster.ClusterSettings;
import io.maniple.cluster.hosting.HostingException;
import io.maniple.cluster.hosting.ProcessWorkerHost;
import io.maniple.cluster.hosting.SparkSettings;
import io.maniple.cluster.hosting.SparkWorkerHost;
import io.maniple.cluster.hosting.WorkerHost;
import io.maniple.daemon.config.ClusterChoice;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.config.SettingException;
import io.maniple.server.session.LocalSessionFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings up the workers that the settings ask for. */
final class ClusterStart {
    private static final Logger LOGGER = LoggerFactory.getLogger(ClusterStart.class);
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String WORKER = "io.maniple.cluster.worker.WorkerMain";
    /** As the client starts a server (python-shim); arrays and what travels lie outside the heap. */
    private static final List<String> FLAGS = List.of(
            "-XX:+UseSerialGC",
            "-Xms64m",
            "-Xmx1g",
            "-Xss32m",
            "-XX:MaxDirectMemorySize=1g",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-opens=java.base/java.nio=ALL-UNNAMED");

    private ClusterStart() {}

    static Cluster open(DaemonSettings settings, ClusterChoice choice) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), WORKER));
        command.addAll(List.of("--engine", settings.engine().engine()));
        settings.engine().blasLibrary().ifPresent(blas -> command.addAll(List.of("--blas", blas.toString())));
        return new Cluster(
                new ClusterSettings(
                        choice.workers(),
                        choice.listen(),
                        command,
                        choice.threads(),
                        choice.memory(),
                        checkpoints(choice),
                        choice.checkpointInterval(),
                        settings.engine().spilling(),
                        choice.mapping(),
                        choice.mappingJar(),
                        PATIENCE),
                new LocalSessionFactory(settings.engine()),
                settings.engine().memoryBytes(),
                settings.engine().spilling(),
                host(choice));
    }

    private static WorkerHost host(ClusterChoice choice) {
        if (choice.isLocal()) {
            return new ProcessWorkerHost();
        }
        try {
            return new SparkWorkerHost(
                    SparkSettings.ofEnvironment(System.getenv(), choice.master(), secret(choice), choice.threads())
                            .with(sparkSettings(choice)));
        } catch (HostingException e) {
            throw new SettingException(String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, String> sparkSettings(ClusterChoice choice) {
        if (choice.sparkSettings().isEmpty()) {
            return Map.of();
        }
        try {
            return SparkSettings.read(choice.sparkSettings().get());
        } catch (IOException e) {
            throw new SettingException("--spark-settings: " + SettingException.reason(e));
        }
    }

    private static @Nullable String secret(ClusterChoice choice) {
        if (choice.secretFile().isEmpty()) {
            return null;
        }
        Path file = choice.secretFile().get();
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new SettingException("cannot read " + file + ": " + SettingException.reason(e));
        }
    }

    private static Optional<Path> checkpoints(ClusterChoice choice) throws IOException {
        if (choice.checkpointDirectory().isPresent()) {
            return choice.checkpointDirectory();
        }
        if (!choice.isHere()) {
            LOGGER.warn(
                    "No --checkpoint-dir: when a worker is lost, each session's work is done again from its beginning");
            return Optional.empty();
        }
        Path directory = Files.createTempDirectory("maniple-checkpoints-");
        directory.toFile().deleteOnExit();
        return Optional.of(directory);
    }
}
