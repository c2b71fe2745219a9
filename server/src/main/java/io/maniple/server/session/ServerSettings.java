package io.maniple.server.session;

import io.maniple.server.store.SpillSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What all sessions share.
 *
 * @param memoryBytes limit of the memory for arrays; default: 75 % of the machine's (or the container's)
 * @param threads threads that compute; default: the available processors
 * @param blasLibrary the OpenBLAS to use; default: none, the server looks for one itself
 * @param engine "auto" (the fastest that works here, the default), "avx2" (no wider vectors) or "portable"
 * @param spilling what becomes of arrays that memory has no room for
 */
public record ServerSettings(
        long memoryBytes, int threads, Optional<Path> blasLibrary, String engine, SpillSettings spilling) {
    public static final String ENGINE_AUTO = "auto";
    public static final String ENGINE_AVX2 = "avx2";
    public static final String ENGINE_PORTABLE = "portable";

    private static final List<String> ENGINES = List.of(ENGINE_AUTO, ENGINE_AVX2, ENGINE_PORTABLE);
    private static final Pattern DIGITS = Pattern.compile("\\d+");
    private static final long SMALLEST_MEMORY = 16L << 20;
    private static final int MOST_THREADS = 1024;

    public ServerSettings {
        if (memoryBytes < SMALLEST_MEMORY) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT, "memory must be at least %,d bytes, not %,d", SMALLEST_MEMORY, memoryBytes));
        }
        if (threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException(
                    String.format(Locale.ROOT, "threads must be 1 to %d, not %d", MOST_THREADS, threads));
        }
        checkEngine(engine);
    }

    /** Nothing goes to disk. */
    public ServerSettings(long memoryBytes, int threads, Optional<Path> blasLibrary, String engine) {
        this(memoryBytes, threads, blasLibrary, engine, SpillSettings.off());
    }

    private static void checkEngine(String engine) {
        if (!ENGINES.contains(engine)) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT, "engine must be one of %s, not '%s'", String.join(", ", ENGINES), engine));
        }
    }

    /**
     * The engine of a session that asks for one; the server's own limits it.
     *
     * @param asked an engine, or the empty string for the server's own
     * @throws IllegalArgumentException if there is no such engine
     */
    public String engineFor(String asked) {
        if (asked.isEmpty()) {
            return engine;
        }
        checkEngine(asked);
        return ENGINES.get(Math.max(ENGINES.indexOf(engine), ENGINES.indexOf(asked)));
    }

    public static ServerSettings defaults() {
        return new ServerSettings(
                defaultMemoryBytes(),
                Runtime.getRuntime().availableProcessors(),
                Optional.empty(),
                ENGINE_AUTO,
                spilling("", Optional.empty(), ""));
    }

    /**
     * What becomes of arrays that memory has no room for, as people write it.
     *
     * @param size of them on disk: bytes, "off" or "auto"; empty: auto
     * @param directory empty: the default
     * @param marks empty: the default
     * @throws IllegalArgumentException what is wrong, for people
     */
    public static SpillSettings spilling(String size, Optional<Path> directory, String marks) {
        long bytes = switch (size) {
            case "", "auto" -> SpillSettings.AUTOMATIC;
            case "off" -> 0;
            default ->
                bytes(size)
                        .filter(number -> number >= 0)
                        .orElseThrow(() -> new IllegalArgumentException(
                                "--spill is a size such as 8g, auto or off, not '" + size + "'"));
        };
        Path where = directory.orElseGet(SpillSettings::defaultDirectory);
        if (directory.isPresent() && (!Files.isDirectory(where) || !Files.isWritable(where))) {
            throw new IllegalArgumentException("--spill-dir " + where + " is no directory that can be written to");
        }
        return SpillSettings.of(bytes, where, marks.isEmpty() ? SpillSettings.DEFAULT_MARKS : marks);
    }

    /** Bytes as people write them, with k, m, g or t for powers of 1024; empty if it is no size. */
    public static Optional<Long> bytes(String text) {
        int unit = text.isEmpty() ? -1 : "kmgt".indexOf(Character.toLowerCase(text.charAt(text.length() - 1)));
        try {
            return Optional.of(Math.multiplyExact(
                    Long.parseLong(unit < 0 ? text : text.substring(0, text.length() - 1)), 1L << (10 * (unit + 1))));
        } catch (ArithmeticException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Read from the kernel's own files: Java's management classes would be the slowest part of the start. */
    public static long defaultMemoryBytes() {
        long machine = firstNumber(Path.of("/proc/meminfo"), "MemTotal:") * 1024;
        long container = firstNumber(Path.of("/sys/fs/cgroup/memory.max"), "");
        long total = container > 0 ? Math.min(machine, container) : machine;
        return Math.max(SMALLEST_MEMORY, total / 4 * 3);
    }

    /** The number behind the prefix; 0 if there is none ("max", in a container without a limit). */
    private static long firstNumber(Path file, String prefix) {
        try {
            for (String line : Files.readAllLines(file)) {
                String value = line.startsWith(prefix)
                        ? line.substring(prefix.length()).strip()
                        : "";
                Matcher digits = DIGITS.matcher(value);
                if (digits.lookingAt()) {
                    return Long.parseLong(digits.group());
                }
            }
        } catch (IOException | NumberFormatException e) {
            // No such file on this system: no limit known.
        }
        return 0;
    }
}
