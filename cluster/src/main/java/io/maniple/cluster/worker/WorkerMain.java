package io.maniple.cluster.worker;

import io.maniple.cluster.net.Credentials;
import io.maniple.server.distribution.Mappings;
import io.maniple.server.session.ServerSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A worker's command line. The first line of standard input is what lets it in; the worker ends when standard input does,
 * so that it never outlives whoever has started it.
 */
@Command(name = "maniple-worker", description = "A worker of a cluster; started by a server, not by hand.")
public final class WorkerMain implements Runnable {
    private static final Logger LOGGER = LoggerFactory.getLogger(WorkerMain.class);
    private static final int GONE = 1;

    @Option(names = "--server", required = true, description = "HOST:PORT of the server")
    private String server = "";

    @Option(names = "--host", description = "the address under which others reach this machine")
    private String host = "127.0.0.1";

    @Option(names = "--threads", description = "threads that compute")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--memory", description = "most memory for arrays, like 8g")
    private String memory = "";

    @Option(names = "--spill", description = "disk for arrays that memory has no room for: a size, auto or off")
    private String spill = "";

    @Option(names = "--spill-dir", description = "where it is")
    private Optional<Path> spillDirectory = Optional.empty();

    @Option(names = "--spill-at", description = "percents of the memory at which arrays go there")
    private String spillAt = "";

    @Option(names = "--engine", description = "auto, avx2 or portable")
    private String engine = ServerSettings.ENGINE_AUTO;

    @Option(names = "--blas", description = "the OpenBLAS to use")
    private Optional<Path> blas = Optional.empty();

    @Option(names = "--mapping", description = "how arrays and work are cut")
    private String mapping = Mappings.EVEN.name();

    @Option(names = "--mapping-jar", description = "where that is, unless it is our own")
    private Optional<Path> mappingJar = Optional.empty();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new WorkerMain()).execute(arguments));
    }

    @Override
    public void run() {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        try {
            String line = input.readLine();
            if (line == null) {
                return;
            }
            Thread.ofPlatform().daemon().name("maniple-parent").start(() -> awaitEnd(input));
            long bytes = memory.isEmpty()
                    ? ServerSettings.defaultMemoryBytes()
                    : ServerSettings.bytes(memory)
                            .orElseThrow(() -> new IllegalArgumentException("'" + memory + "' is no size"));
            WorkerProcess process = new WorkerProcess(
                    Credentials.ofLine(line),
                    new ServerSettings(
                            bytes,
                            threads,
                            blas.filter(java.nio.file.Files::exists),
                            engine,
                            ServerSettings.spilling(spill, spillDirectory, spillAt)),
                    mapping,
                    mappingJar);
            String reason = process.run(host, server);
            LOGGER.info("Ended: {}", reason);
            System.err.println("maniple worker: " + reason);
            Runtime.getRuntime().halt(GONE);
        } catch (IOException e) {
            System.err.println("maniple worker: " + e.getMessage());
            Runtime.getRuntime().halt(GONE);
        } catch (InterruptedException e) {
            Runtime.getRuntime().halt(GONE);
        }
    }

    /** What is computed is worth nothing any more: nothing is worth waiting for. */
    private static void awaitEnd(BufferedReader input) {
        try {
            while (input.read() >= 0) {
                // Nothing else is expected.
            }
        } catch (IOException e) {
            LOGGER.info("Standard input broke: {}", e.getMessage());
        }
        Runtime.getRuntime().halt(0);
    }
}
