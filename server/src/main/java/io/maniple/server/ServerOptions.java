package io.maniple.server;

import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.server.session.ServerSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The server's command line, which its Python client writes. Parsed by hand: a library for it would take as long as
 * the rest of the start.
 *
 * @param discovery where clients find the port and the token
 * @param idle how long to stay without a session
 */
record ServerOptions(
        Path discovery, Path log, Duration idle, SharedMemorySettings sharedMemory, ServerSettings settings) {

    static final String USAGE = """
            usage: maniple-server --discovery FILE --log FILE [options]
              --discovery FILE       where clients find the port and the token; written with mode 0600
              --log FILE             the log, appended to
              --idle SECONDS         leave after so long without a session (default: 600)
              --memory SIZE          memory for arrays, such as 512m or 8g (default: 75 % of the machine's)
              --spill SIZE           disk for arrays that memory has no room for: a size, off, or auto (default: eight
                                     times the memory, at most half of what is free)
              --spill-dir DIR        where it is (default: /var/tmp)
              --spill-at P,P,P       percents of the memory: from the first on new arrays go to disk, at the second
                                     computing waits, at the third what cannot go there is refused (default: 60,80,90)
              --threads N            threads that compute (default: all processors)
              --blas PATH            the OpenBLAS library to use
              --engine NAME          auto, avx2 or portable (default: auto)
              --shared-memory PLACES where shared memory comes from, tried in order; memfd or directories,
                                     separated by commas (default: memfd,/dev/shm and the temporary directory)""";

    private static final Duration DEFAULT_IDLE = Duration.ofMinutes(10);
    private static final String MEMORY_FILES = "memfd";
    private static final List<String> NAMES = List.of(
            "--discovery",
            "--log",
            "--idle",
            "--memory",
            "--spill",
            "--spill-dir",
            "--spill-at",
            "--threads",
            "--blas",
            "--engine",
            "--shared-memory");

    /**
     * @throws IllegalArgumentException what is wrong with it, for people
     */
    static ServerOptions parse(String[] arguments) {
        Map<String, String> values = new TreeMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            String name = arguments[i];
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("unknown option '" + name + "'");
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(name + " needs a value");
            }
            values.put(name, arguments[i + 1]);
        }
        ServerSettings settings = new ServerSettings(
                optional(values, "--memory").map(ServerOptions::bytes).orElseGet(ServerSettings::defaultMemoryBytes),
                optional(values, "--threads")
                        .map(text -> number("--threads", text).intValue())
                        .orElseGet(Runtime.getRuntime()::availableProcessors),
                optional(values, "--blas").map(Path::of),
                values.getOrDefault("--engine", ServerSettings.ENGINE_AUTO),
                ServerSettings.spilling(
                        values.getOrDefault("--spill", ""),
                        optional(values, "--spill-dir").map(Path::of),
                        values.getOrDefault("--spill-at", "")));
        return new ServerOptions(
                required(values, "--discovery"),
                required(values, "--log"),
                optional(values, "--idle")
                        .map(text -> Duration.ofMillis(
                                Math.round(number("--idle", text).doubleValue() * 1000)))
                        .orElse(DEFAULT_IDLE),
                optional(values, "--shared-memory")
                        .map(places -> sharedMemory(places, settings.memoryBytes()))
                        .orElseGet(() -> SharedMemorySettings.ofLimit(settings.memoryBytes())),
                settings);
    }

    private static Optional<String> optional(Map<String, String> values, String name) {
        return Optional.ofNullable(values.get(name));
    }

    private static Path required(Map<String, String> values, String name) {
        return optional(values, name)
                .map(Path::of)
                .orElseThrow(() -> new IllegalArgumentException(name + " is required"));
    }

    private static Double number(String name, String text) {
        try {
            double value = Double.parseDouble(text);
            if (value >= 0 && value <= Integer.MAX_VALUE) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Reported below, as is a number out of range.
        }
        throw new IllegalArgumentException(String.format(Locale.ROOT, "%s needs a number, not '%s'", name, text));
    }

    private static long bytes(String text) {
        return ServerSettings.bytes(text)
                .orElseThrow(() -> new IllegalArgumentException(
                        String.format(Locale.ROOT, "--memory needs a size such as 512m or 8g, not '%s'", text)));
    }

    private static SharedMemorySettings sharedMemory(String places, long limitBytes) {
        List<Path> directories = new ArrayList<>();
        boolean memoryFiles = false;
        for (String place : places.split(",")) {
            if (place.equals(MEMORY_FILES)) {
                memoryFiles = true;
            } else {
                directories.add(Path.of(place));
            }
        }
        return new SharedMemorySettings(
                limitBytes, SharedMemorySettings.DEFAULT_CACHED_BYTES, memoryFiles, directories);
    }
}
