package io.maniple.cluster.hosting;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Processes in the place of workers: each leaves a file with its id as name and its host in it, and ends with its input. */
final class StandInWorkers {
    static final String SECRET = "open sesame";
    private static final String SCRIPT =
            "read -r secret; test \"$secret\" = \"$EXPECTED\" || { echo \"wrong secret\" >&2; exit 3; }; "
                    + "env > \"$1/env.$$\"; echo \"$3\" > \"$1/new.$$\"; mv \"$1/new.$$\" \"$1/$$\"; cat > /dev/null; rm \"$1/$$\"";

    private final Path directory;

    StandInWorkers(Path directory) {
        this.directory = directory;
    }

    WorkerCommand command() {
        return new WorkerCommand(
                List.of("sh", "-c", SCRIPT, "worker", directory.toString()), Map.of("EXPECTED", SECRET), SECRET);
    }

    /** The hosts of those that run, by process id. */
    Map<Long, String> running() throws IOException {
        Map<Long, String> found = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "[0-9]*")) {
            for (Path file : files) {
                long pid = Long.parseLong(file.getFileName().toString());
                try {
                    if (Processes.isAlive(pid)) {
                        found.put(pid, Files.readString(file).strip());
                    }
                } catch (NoSuchFileException e) {
                    // It has ended between the two.
                }
            }
        }
        return found;
    }

    String environmentOf(long pid) throws IOException {
        return Files.readString(directory.resolve("env." + pid));
    }

    Map<Long, String> await(int workers, Duration atMost) throws IOException, InterruptedException {
        return await(running -> running.size() == workers, atMost, workers + " workers");
    }

    /** Waits for so many, none of which is one of those. */
    Map<Long, String> awaitOthers(int workers, Set<Long> than, Duration atMost)
            throws IOException, InterruptedException {
        return await(
                running ->
                        running.size() == workers && running.keySet().stream().noneMatch(than::contains),
                atMost,
                workers + " workers without any of " + than);
    }

    private Map<Long, String> await(Predicate<Map<Long, String>> wanted, Duration atMost, String what)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        while (true) {
            Map<Long, String> running = running();
            if (wanted.test(running)) {
                return running;
            }
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within " + atMost + ": " + what + ", but " + running);
            }
            Thread.sleep(50);
        }
    }
}
