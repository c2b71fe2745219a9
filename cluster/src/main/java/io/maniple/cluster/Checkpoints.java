package io.maniple.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checkpoints of one session: a directory that all workers see, with the newest complete one in it. */
final class Checkpoints implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Checkpoints.class);
    /** At most this part of the time goes into checkpoints. */
    private static final int SHARE = 20;

    private final @Nullable Path directory;
    private final long interval;
    private final long logBytes;
    private long last = System.nanoTime();
    private long cost;
    private long number;
    private List<Path> newest = List.of();

    /**
     * @param directory of the session; empty: none are made
     * @param logBytes of the log that make one due at once
     */
    Checkpoints(Optional<Path> directory, Duration interval, long logBytes) {
        this.directory = directory.orElse(null);
        this.interval = interval.toNanos();
        this.logBytes = logBytes;
    }

    /**
     * The directory of a session of this process, in one that others may use, too.
     *
     * @param session its name, which begins with the process's number
     */
    static Path folder(Path directory, String session) {
        return directory.resolve(host() + "@" + session);
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** Removes what processes of this machine have left that were killed. */
    static void removeAbandoned(Path directory) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, host() + "@*-*")) {
            for (Path folder : found) {
                String name = folder.getFileName().toString();
                String process = name.substring(host().length() + 1, name.indexOf("-", host().length() + 1));
                if (process.matches("\\d{1,9}")
                        && ProcessHandle.of(Long.parseLong(process)).isEmpty()) {
                    delete(folder);
                }
            }
        } catch (IOException e) {
            LOGGER.warn("Old checkpoints could not be looked for: {}", e.getMessage());
        }
    }

    boolean isDue(SessionLog log) {
        if (directory == null || log.size() == 0) {
            return false;
        }
        long since = System.nanoTime() - last;
        return log.bytes() > logBytes || since > Math.max(interval, SHARE * cost);
    }

    /** Where the workers are to write the next one, by rank. */
    List<Path> next(int workers) throws IOException {
        Path base = java.util.Objects.requireNonNull(directory);
        number++;
        Path folder = base.resolve(Long.toString(number));
        Files.createDirectories(folder);
        List<Path> files = new ArrayList<>();
        for (int rank = 0; rank < workers; rank++) {
            files.add(folder.resolve("worker-" + rank));
        }
        return files;
    }

    /** The next one is complete, and takes the place of the one before. */
    void done(List<Path> files, long nanoseconds) {
        List<Path> before = newest;
        newest = files;
        cost = nanoseconds;
        last = System.nanoTime();
        if (!before.isEmpty()) {
            delete(before.getFirst().getParent());
        }
    }

    /** It could not be made; the one before stays. */
    void failed(List<Path> files) {
        last = System.nanoTime();
        delete(files.getFirst().getParent());
    }

    /** The files of the newest one; none if there is none. */
    List<Path> newest() {
        return newest;
    }

    private static void delete(@Nullable Path folder) {
        if (folder == null || !Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            LOGGER.warn("A checkpoint could not be removed: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        delete(directory);
    }
}
