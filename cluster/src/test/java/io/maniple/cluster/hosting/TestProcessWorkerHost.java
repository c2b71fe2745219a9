package io.maniple.cluster.hosting;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestProcessWorkerHost {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @Test
    void keepsWorkersRunning() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Notes notes = new Notes();
        try (ProcessWorkerHost host = new ProcessWorkerHost()) {
            host.start(workers.command(), 3, notes);
            Map<Long, String> first = workers.await(3, SOON);
            assertThat(first.values()).containsOnly("127.0.0.1");
            long victim = first.keySet().iterator().next();
            Processes.signal("KILL", victim);
            Map<Long, String> second = workers.awaitOthers(3, Set.of(victim), SOON);
            assertThat(second.keySet())
                    .containsAll(
                            first.keySet().stream().filter(pid -> pid != victim).toList());
            assertThat(notes.notes).anySatisfy(note -> assertThat(note).contains("was killed by signal 9"));
        }
        assertThat(workers.running()).isEmpty();
        assertThat(notes.hasFailed()).isFalse();
    }

    @Test
    void givesUpOnWorkersThatDoNotStay() throws Exception {
        Notes notes = new Notes();
        try (ProcessWorkerHost host = new ProcessWorkerHost()) {
            host.start(new WorkerCommand(List.of("sh", "-c", "echo no room >&2; exit 7"), Map.of(), ""), 1, notes);
            assertThat(notes.awaitFailure(60))
                    .contains("does not stay")
                    .contains("exit status 7")
                    .contains("no room");
        }
    }

    @Test
    void saysWhatCannotBeRun() throws Exception {
        Notes notes = new Notes();
        try (ProcessWorkerHost host = new ProcessWorkerHost()) {
            host.start(new WorkerCommand(List.of("/nowhere/java"), Map.of(), ""), 2, notes);
            assertThat(notes.awaitFailure(20)).contains("cannot run a worker").contains("/nowhere/java");
        }
    }

    @Test
    void endsWorkersThatDoNotHeedTheEndOfTheirInput() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        WorkerCommand deaf = new WorkerCommand(
                List.of("sh", "-c", "echo here > \"$1/$$\"; exec sleep 600", "worker", directory.toString()),
                Map.of(),
                "");
        try (ProcessWorkerHost host = new ProcessWorkerHost()) {
            host.start(deaf, 1, new Notes());
            workers.await(1, SOON);
        }
        assertThat(workers.running()).isEmpty();
    }

    @Test
    void nothingIsLeftOfAKilledParent() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Process parent = program(directory);
        try {
            workers.await(2, SOON);
        } finally {
            parent.destroyForcibly().waitFor();
        }
        workers.await(0, SOON);
    }

    static Process program(Path directory, String... arguments) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                HostingProgram.class.getName(),
                directory.toString());
        builder.command().addAll(List.of(arguments));
        Path log = Files.createTempFile(directory, "program", ".log");
        return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }
}
