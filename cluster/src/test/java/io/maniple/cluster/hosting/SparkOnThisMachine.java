package io.maniple.cluster.hosting;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A standalone Spark: a master on 127.0.0.1 and workers of one core each on 127.0.0.2, .3, …, all processes of their own. */
final class SparkOnThisMachine implements AutoCloseable {
    private static final Path HOME = Path.of("../.build/spark").toAbsolutePath().normalize();

    final String secret = HexFormat.of().toHexDigits(new Random().nextLong());
    final String url;
    private final Path directory;
    private final Path properties;
    private final Process master;
    private final List<Process> workers = new ArrayList<>();

    SparkOnThisMachine(Path directory, int workers) throws Exception {
        this(directory, workers, "");
    }

    /** With further settings of the master and the workers, a line each. */
    SparkOnThisMachine(Path directory, int workers, String more) throws Exception {
        this.directory = directory;
        properties = directory.resolve("spark.conf");
        Files.writeString(properties, """
                spark.authenticate true
                spark.network.crypto.enabled true
                spark.network.crypto.saslFallback false
                spark.network.crypto.cipher AES/GCM/NoPadding
                spark.master.rest.enabled false
                spark.deploy.maxExecutorRetries -1
                """ + more);
        int port = freePort();
        int webPort = freePort();
        url = "spark://127.0.0.1:" + port;
        master = java(
                "127.0.0.1",
                "org.apache.spark.deploy.master.Master",
                List.of("--host", "127.0.0.1", "--port", "" + port, "--webui-port", "" + webPort));
        for (int worker = 0; worker < workers; worker++) {
            startWorker();
        }
        awaitWorkers(webPort, workers);
    }

    static boolean isHere() {
        return Files.isDirectory(HOME.resolve("jars"));
    }

    static Path java() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }

    static Path home() {
        return HOME;
    }

    /** Our jar, from the class path of this test, on which nothing of Spark's is. */
    static Path hostJar() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.contains("cluster-spark"))
                .map(Path::of)
                .findFirst()
                .orElseThrow();
    }

    SparkSettings settings(String secret) {
        return new SparkSettings(url, java(), home(), hostJar(), secret, 1, Duration.ofSeconds(30), Map.of());
    }

    /** The one on the next address. */
    void startWorker() throws IOException {
        String address = "127.0.0." + (2 + workers.size());
        workers.add(java(
                address,
                "org.apache.spark.deploy.worker.Worker",
                List.of(
                        "--host",
                        address,
                        "--cores",
                        "1",
                        "--memory",
                        "1g",
                        "--webui-port",
                        "0",
                        "--work-dir",
                        directory.resolve("work-" + address).toString(),
                        url)));
    }

    Process worker(int index) {
        return workers.get(index);
    }

    /** The process of the executor on a worker. */
    ProcessHandle executor(int worker) {
        return workers.get(worker).children().findFirst().orElseThrow();
    }

    private Process java(String address, String main, List<String> arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(java().toString(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(SparkJava.FLAGS);
        command.addAll(List.of("-cp", HOME.resolve("jars") + "/*", main, "--properties-file", properties.toString()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment()
                .putAll(Map.of(
                        "_SPARK_AUTH_SECRET",
                        secret,
                        "SPARK_HOME",
                        HOME.toString(),
                        "SPARK_SCALA_VERSION",
                        "2.13",
                        "SPARK_LOCAL_IP",
                        address,
                        "SPARK_LOCAL_DIRS",
                        directory.toString(),
                        "JAVA_HOME",
                        System.getProperty("java.home")));
        Path log = directory.resolve(main.substring(main.lastIndexOf('.') + 1) + "-" + address + ".log");
        return builder.redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private static void awaitWorkers(int webPort, int workers) throws Exception {
        URI state = URI.create("http://127.0.0.1:" + webPort + "/json/");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        String wanted = "\"aliveworkers\" : " + workers;
        while (true) {
            try (InputStream answer = state.toURL().openStream()) {
                if (new String(answer.readAllBytes(), StandardCharsets.UTF_8).contains(wanted)) {
                    return;
                }
            } catch (IOException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
            }
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("Spark's workers do not come");
            }
            Thread.sleep(100);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        List<ProcessHandle> all = new ArrayList<>();
        for (Process process : workers) {
            process.descendants().forEach(all::add);
            all.add(process.toHandle());
        }
        all.add(master.toHandle());
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(handle -> handle.onExit().join());
    }
}
