package io.maniple.bridge.memory;

import java.nio.file.Path;
import java.util.List;

/**
 * Where shared memory comes from and how much of it there may be.
 *
 * @param limitBytes all sessions together
 * @param cachedBytes what one session keeps for reuse after its buffers were freed; fresh pages cost far more than
 *     reused ones
 * @param memoryFiles whether to try memfd first, which the size of /dev/shm does not limit
 * @param directories where to try files otherwise, in order
 */
public record SharedMemorySettings(long limitBytes, long cachedBytes, boolean memoryFiles, List<Path> directories) {

    public static final long DEFAULT_CACHED_BYTES = 1L << 30;

    public SharedMemorySettings {
        if (limitBytes <= 0) {
            throw new IllegalArgumentException("limitBytes must be positive: " + limitBytes);
        }
        if (cachedBytes < 0) {
            throw new IllegalArgumentException("cachedBytes must not be negative: " + cachedBytes);
        }
        directories = List.copyOf(directories);
        if (!memoryFiles && directories.isEmpty()) {
            throw new IllegalArgumentException("neither memory files nor a directory allowed");
        }
    }

    /** Memory files, then /dev/shm, then the temporary directory. */
    public static SharedMemorySettings ofLimit(long limitBytes) {
        List<Path> directories = List.of(Path.of("/dev/shm"), Path.of(System.getProperty("java.io.tmpdir")));
        return new SharedMemorySettings(limitBytes, DEFAULT_CACHED_BYTES, true, directories);
    }
}
