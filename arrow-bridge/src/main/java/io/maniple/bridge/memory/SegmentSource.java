package io.maniple.bridge.memory;

import io.maniple.bridge.memory.Linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/** Creates the segments of all sessions, within the limit they share. */
public final class SegmentSource {
    private static final String PREFIX = "maniple-";

    private final SharedMemorySettings settings;
    private final AtomicLong usedBytes = new AtomicLong();
    private final AtomicInteger lastSegment = new AtomicInteger();
    private final AtomicReference<String> warning = new AtomicReference<>();

    public SegmentSource(SharedMemorySettings settings) {
        this.settings = settings;
    }

    public SharedMemorySettings settings() {
        return settings;
    }

    /** What all segments take, those kept for reuse included. */
    public long usedBytes() {
        return usedBytes.get();
    }

    /** Why segments do not come from where they should; empty while all is well. */
    public Optional<String> warning() {
        return Optional.ofNullable(warning.get());
    }

    /** Removes files that a server left behind when it was killed between making and handing over a segment. */
    public void removeAbandonedFiles() {
        for (Path directory : settings.directories()) {
            try (Stream<Path> files = Files.list(directory)) {
                files.filter(SegmentSource::isAbandoned).forEach(Segment::removeQuietly);
            } catch (IOException | RuntimeException e) {
                // A directory that cannot be listed is reported when a segment is wanted from it.
            }
        }
    }

    Segment create(long bytes) {
        take(bytes);
        try {
            return createWithoutAccounting(bytes);
        } catch (RuntimeException | Error e) {
            usedBytes.addAndGet(-bytes);
            throw e;
        }
    }

    void discard(Segment segment) {
        segment.close();
        usedBytes.addAndGet(-segment.bytes());
    }

    private void take(long bytes) {
        long limit = settings.limitBytes();
        usedBytes.updateAndGet(used -> {
            if (bytes > limit - used) {
                throw new SharedMemoryException(
                        "%,d bytes of shared memory asked for, %,d of %,d are in use".formatted(bytes, used, limit));
            }
            return used + bytes;
        });
    }

    private Segment createWithoutAccounting(long bytes) {
        int id = lastSegment.incrementAndGet();
        List<String> failures = new ArrayList<>();
        if (settings.memoryFiles()) {
            try {
                int descriptor = Linux.createMemoryFile(PREFIX + id);
                String path = "/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor;
                return fill(id, descriptor, path, Optional.empty(), bytes);
            } catch (SystemCallException e) {
                failures.add(e.getMessage());
            }
        }
        for (Path directory : settings.directories()) {
            Path file = directory.resolve(PREFIX + ProcessHandle.current().pid() + "-" + id);
            try {
                int descriptor = Linux.createFile(file.toString());
                Segment segment = fill(id, descriptor, file.toString(), Optional.of(file), bytes);
                if (!failures.isEmpty()) {
                    warning.compareAndSet(
                            null,
                            "shared memory comes from %s, which may be slower: %s"
                                    .formatted(directory, String.join("; ", failures)));
                }
                return segment;
            } catch (SystemCallException e) {
                failures.add(directory + ": " + e.getMessage());
            }
        }
        throw new SharedMemoryException(
                "no place for %,d bytes of shared memory: %s".formatted(bytes, String.join("; ", failures)));
    }

    private static Segment fill(int id, int descriptor, String path, Optional<Path> file, long bytes)
            throws SystemCallException {
        try {
            Linux.allocate(descriptor, bytes);
            MemorySegment memory = Linux.map(descriptor, bytes);
            return new Segment(id, path, file, descriptor, memory);
        } catch (SystemCallException | RuntimeException | Error e) {
            file.ifPresent(Segment::removeQuietly);
            Linux.close(descriptor);
            throw e;
        }
    }

    private static boolean isAbandoned(Path file) {
        String[] parts = file.getFileName().toString().split("-");
        if (parts.length != 3 || !file.getFileName().toString().startsWith(PREFIX)) {
            return false;
        }
        try {
            Integer.parseInt(parts[2]);
            return ProcessHandle.of(Long.parseLong(parts[1])).isEmpty() && Files.isRegularFile(file);
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
