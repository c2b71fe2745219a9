package io.maniple.server;

import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.session.SessionFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The server's command line, as the Python client writes it. */
@Command(
        name = "maniple-server",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs NumPy programs for the local user's Maniple clients.")
public final class ServerCommand implements Callable<Integer> {
    private static final String MEMORY_FILES = "memfd";

    private final Function<ServerSettings, SessionFactory> factory;

    @Spec
    private CommandLine.Model.CommandSpec spec;

    @Option(
            names = "--discovery",
            required = true,
            paramLabel = "FILE",
            description = "Where clients find the port and the token; written with mode 0600.")
    private Path discovery;

    @Option(names = "--log", required = true, paramLabel = "FILE", description = "The log, appended to.")
    private Path log;

    @Option(
            names = "--idle",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "Leave after so long without a session (default: ${DEFAULT-VALUE}).")
    private double idleSeconds;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Memory for arrays, such as 8g (default: 75 %% of the machine's).")
    private Long memoryBytes;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute (default: all processors).")
    private Integer threads;

    @Option(names = "--blas", paramLabel = "PATH", description = "The OpenBLAS library to use.")
    private Path blasLibrary;

    @Option(
            names = "--engine",
            paramLabel = "NAME",
            defaultValue = ServerSettings.ENGINE_AUTO,
            description = "auto or portable (default: ${DEFAULT-VALUE}).")
    private String engine;

    @Option(
            names = "--shared-memory",
            paramLabel = "PLACE",
            split = ",",
            defaultValue = "memfd,/dev/shm,${sys:java.io.tmpdir}",
            description = "Where shared memory comes from, tried in order (default: ${DEFAULT-VALUE}).")
    private List<String> places;

    private ServerCommand(Function<ServerSettings, SessionFactory> factory) {
        this.factory = factory;
    }

    /** Runs the server until it is told to stop, or has been idle for long enough. Returns the exit status. */
    public static int run(String[] arguments, Function<ServerSettings, SessionFactory> factory) {
        CommandLine command = new CommandLine(new ServerCommand(factory));
        command.getCommandSpec().version("maniple-server " + Version.current());
        return command.execute(arguments);
    }

    @Override
    public Integer call() throws Exception {
        ServerSettings settings;
        SharedMemorySettings memory;
        try {
            ServerSettings defaults = ServerSettings.defaults();
            settings = new ServerSettings(
                    memoryBytes == null ? defaults.memoryBytes() : memoryBytes,
                    threads == null ? defaults.threads() : threads,
                    Optional.ofNullable(blasLibrary),
                    engine);
            memory = memorySettings(settings.memoryBytes());
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage());
        }
        Logs.to(log);
        Duration idle = Duration.ofMillis(Math.round(idleSeconds * 1000));
        return new ServerProcess(discovery, log, idle, memory, settings, factory).run();
    }

    private SharedMemorySettings memorySettings(long limitBytes) {
        List<Path> directories = new ArrayList<>();
        for (String place : places) {
            if (!place.equals(MEMORY_FILES)) {
                directories.add(Path.of(place));
            }
        }
        return new SharedMemorySettings(
                limitBytes, SharedMemorySettings.DEFAULT_CACHED_BYTES, places.contains(MEMORY_FILES), directories);
    }

    /** Bytes, with k, m, g or t for powers of 1024. */
    static final class ByteSize implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            int unit = text.isEmpty() ? -1 : "kmgt".indexOf(Character.toLowerCase(text.charAt(text.length() - 1)));
            String number = unit < 0 ? text : text.substring(0, text.length() - 1);
            try {
                return Math.multiplyExact(Long.parseLong(number), 1L << (10 * (unit + 1)));
            } catch (ArithmeticException | NumberFormatException e) {
                throw new TypeConversionException("'%s' is not a size such as 512m or 8g".formatted(text));
            }
        }
    }
}
