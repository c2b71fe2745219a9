package io.maniple.cluster.hosting;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** In the place of a daemon, to be killed: hosts two workers, on Spark or without it, until somebody ends it. */
final class HostingProgram {
    private HostingProgram() {}

    public static void main(String[] arguments) throws InterruptedException {
        WorkerCommand command = new StandInWorkers(Path.of(arguments[0])).command();
        WorkerHost host = arguments.length == 1
                ? new ProcessWorkerHost()
                : new SparkWorkerHost(new SparkSettings(
                        arguments[1],
                        Path.of(arguments[2]),
                        Path.of(arguments[3]),
                        Path.of(arguments[4]),
                        arguments[5],
                        1,
                        Duration.ofSeconds(30),
                        Map.of()));
        host.start(command, 2, new Notes());
        Thread.sleep(Duration.ofMinutes(10));
    }
}
