package io.maniple.bridge.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/** Creates the segments of all sessions, within the limit they share. */
public final class SegmentSource {
    private static final String PREFIX = "maniple-";

    private static final long WARM_UP_BYTES = 1 << 16;
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

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

    /** Makes a segment for nothing, so that the first client does not wait for the system calls' bindings. */
    public void warmUp() {
        try {
            discard(create(WARM_UP_BYTES));
        } catch (SharedMemoryException e) {
            // The first client who needs some is told.
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
                throw new SharedMemoryException(String.format(
                        Locale.ROOT,
                        "%,d bytes of shared memory asked for, %,d of %,d are in use",
                        bytes,
                        used,
                        limit));
            }
            return used + bytes;
        });
    }

    private Segment createWithoutAccounting(long bytes) {
        int id = lastSegment.incrementAndGet();
        List<String> failures = new ArrayList<>();
        if (settings.memoryFiles()) {
            try {
                return inMemoryFile(id, bytes);
            } catch (IOException e) {
                failures.add(e.getMessage());
            }
        }
        for (Path directory : settings.directories()) {
            try {
                Segment segment = inFile(id, directory, bytes);
                if (!failures.isEmpty()) {
                    warning.compareAndSet(
                            null,
                            String.format(
                                    Locale.ROOT,
                                    "shared memory comes from %s, which may be slower: %s",
                                    directory,
                                    String.join("; ", failures)));
                }
                return segment;
            } catch (IOException e) {
                failures.add(directory + ": " + describe(e));
            }
        }
        throw new SharedMemoryException(String.format(
                Locale.ROOT, "no place for %,d bytes of shared memory: %s", bytes, String.join("; ", failures)));
    }

    /** The client opens it through the server's table of descriptors. */
    private static Segment inMemoryFile(int id, long bytes) throws IOException {
        int descriptor = Linux.createMemoryFile(PREFIX + id);
        try {
            Linux.allocate(descriptor, bytes);
            Path path = Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor);
            return map(id, path, Optional.empty(), descriptor, bytes);
        } catch (IOException | RuntimeException | Error e) {
            Linux.close(descriptor);
            throw e;
        }
    }

    private static Segment inFile(int id, Path directory, long bytes) throws IOException {
        Path file = directory.resolve(PREFIX + ProcessHandle.current().pid() + "-" + id);
        Files.createFile(file, OWNER_ONLY);
        try {
            int descriptor = Linux.open(file.toString());
            try {
                Linux.allocate(descriptor, bytes);
            } finally {
                Linux.close(descriptor);
            }
            return map(id, file, Optional.of(file), Segment.NO_DESCRIPTOR, bytes);
        } catch (IOException | RuntimeException | Error e) {
            Segment.removeQuietly(file);
            throw e;
        }
    }

    private static String describe(IOException failure) {
        return switch (failure) {
            case AccessDeniedException denied -> "permission denied";
            case NoSuchFileException missing -> "no such directory";
            default -> String.valueOf(failure.getMessage());
        };
    }

    // The segment closes the arena, which ends the mapping.
    @SuppressWarnings("MustBeClosedChecker")
    private static Segment map(int id, Path path, Optional<Path> file, int descriptor, long bytes) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            return new Segment(id, path.toString(), file, descriptor, arena, memory);
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
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
