package io.maniple.server.session;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What all sessions share.
 *
 * @param memoryBytes limit of the memory for arrays; default: 75 % of the machine's (or the container's)
 * @param threads threads that compute; default: the available processors
 * @param blasLibrary the OpenBLAS to use; default: none, the server looks for one itself
 * @param engine "auto" (the fastest that works here, the default) or "portable"
 */
public record ServerSettings(long memoryBytes, int threads, Optional<Path> blasLibrary, String engine) {
    public static final String ENGINE_AUTO = "auto";
    public static final String ENGINE_PORTABLE = "portable";

    private static final List<String> ENGINES = List.of(ENGINE_AUTO, ENGINE_PORTABLE);
    private static final long SMALLEST_MEMORY = 16L << 20;
    private static final int MOST_THREADS = 1024;

    public ServerSettings {
        if (memoryBytes < SMALLEST_MEMORY) {
            throw new IllegalArgumentException(
                    "memory must be at least %,d bytes, not %,d".formatted(SMALLEST_MEMORY, memoryBytes));
        }
        if (threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException("threads must be 1 to %d, not %d".formatted(MOST_THREADS, threads));
        }
        if (!ENGINES.contains(engine)) {
            throw new IllegalArgumentException(
                    "engine must be one of %s, not '%s'".formatted(String.join(", ", ENGINES), engine));
        }
    }

    public static ServerSettings defaults() {
        return new ServerSettings(
                defaultMemoryBytes(), Runtime.getRuntime().availableProcessors(), Optional.empty(), ENGINE_AUTO);
    }

    public static long defaultMemoryBytes() {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return Math.max(SMALLEST_MEMORY, system.getTotalMemorySize() / 4 * 3);
    }
}
