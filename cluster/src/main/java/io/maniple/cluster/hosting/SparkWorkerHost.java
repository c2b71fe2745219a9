package io.maniple.cluster.hosting;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Workers in the executors of a Spark cluster. Spark's driver is a process of its own, so that no class of Spark's meets one
 * of ours: this starts it, tells what it says, and starts it again a few times if it is lost, and all workers with it.
 */
public final class SparkWorkerHost implements WorkerHost {
    private static final String MAIN = "io.maniple.cluster.spark.SparkHost";
    /** A driver that ran for so long had started well. */
    private static final Duration WELL = Duration.ofMinutes(5);
    /** So often may it be lost before it has run well. */
    private static final int ATTEMPTS = 4;

    private static final long DELAY_MILLISECONDS = 2_000;
    /** Beyond what the driver gives itself to end its workers. */
    private static final long END_MILLISECONDS = 15_000;

    private final SparkSettings settings;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Object lock = new Object();
    private volatile @Nullable String uiUrl;
    private @Nullable Thread keeper;
    private @Nullable ChildProcess driver;
    /** Why it is of no use to go on; of the keeper's thread and the one that reads, one after the other. */
    private volatile @Nullable HostingException failure;

    public SparkWorkerHost(SparkSettings settings) {
        this.settings = settings;
    }

    /** Spark's own page about the application that hosts the workers, or null as long as there is none. */
    public @Nullable String uiUrl() {
        return uiUrl;
    }

    @Override
    public void start(WorkerCommand command, int workers, Listener listener) {
        synchronized (lock) {
            if (keeper != null) {
                throw new IllegalStateException("started already");
            }
            keeper = Thread.ofPlatform()
                    .daemon()
                    .name("maniple-spark-host")
                    .start(() -> keep(command, workers, listener));
        }
    }

    private void keep(WorkerCommand command, int workers, Listener listener) {
        try {
            check();
            int brief = 0;
            while (!isClosed()) {
                long begun = System.nanoTime();
                String end = runDriver(command, workers, listener);
                if (isClosed()) {
                    return;
                }
                HostingException refused = failure;
                if (refused != null) {
                    throw refused;
                }
                brief = System.nanoTime() - begun >= WELL.toNanos() ? 1 : brief + 1;
                if (brief == ATTEMPTS) {
                    throw new HostingException(
                            "Spark's driver was lost " + ATTEMPTS + " times in a row; the last one " + end);
                }
                listener.note("Spark's driver, and all workers with it, has gone: it " + end + "\nIt is started again");
                if (closed.await(DELAY_MILLISECONDS * brief, TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (HostingException e) {
            if (!isClosed()) {
                listener.failed(e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void check() throws HostingException {
        if (!Files.isExecutable(settings.java())) {
            throw new HostingException("no Java for Spark at " + settings.java());
        }
        if (!Files.isDirectory(settings.sparkHome().resolve("jars"))) {
            throw new HostingException(
                    "no Spark at " + settings.sparkHome()
                            + ": it has no directory 'jars'. Install it with pip install 'maniple[cluster]', or set SPARK_HOME");
        }
        if (!Files.isReadable(settings.hostJar())) {
            throw new HostingException("the jar for Spark's executors is not at " + settings.hostJar());
        }
    }

    /** Runs a driver to its end; how it ended. */
    private String runDriver(WorkerCommand command, int workers, Listener listener)
            throws HostingException, InterruptedException {
        Path scratch;
        try {
            scratch = Files.createTempDirectory("maniple-spark-");
        } catch (IOException e) {
            throw new HostingException("cannot make a directory for Spark's driver: " + e.getMessage());
        }
        try {
            ChildProcess process;
            CountDownLatch told = new CountDownLatch(1);
            Consumer<InputStream> reader = output -> {
                try {
                    readEvents(output, listener);
                } finally {
                    told.countDown();
                }
            };
            synchronized (lock) {
                if (isClosed()) {
                    return "was not started";
                }
                process = ChildProcess.start(
                        driverCommand(), environment(scratch), "maniple-spark", launch(command, workers), reader);
                driver = process;
            }
            String end = process.awaitEnd();
            told.await(1, TimeUnit.SECONDS);
            return end;
        } catch (IOException e) {
            throw new HostingException("cannot run Spark's driver: " + e.getMessage());
        } finally {
            remove(scratch);
        }
    }

    private List<String> driverCommand() {
        List<String> command = new ArrayList<>();
        command.add(settings.java().toString());
        command.addAll(
                List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"));
        command.addAll(SparkJava.FLAGS);
        List<String> classPath = new ArrayList<>();
        // As spark-submit does: YARN's addresses are in these directories.
        for (String name : List.of("HADOOP_CONF_DIR", "YARN_CONF_DIR")) {
            String directory = System.getenv(name);
            if (directory != null && !directory.isEmpty()) {
                classPath.add(directory);
            }
        }
        classPath.add(settings.sparkHome().resolve("jars") + File.separator + "*");
        classPath.add(settings.hostJar().toString());
        command.addAll(List.of("-cp", String.join(File.pathSeparator, classPath), MAIN));
        return command;
    }

    private Map<String, String> environment(Path scratch) {
        Map<String, String> environment = new HashMap<>();
        environment.put("SPARK_HOME", settings.sparkHome().toString());
        environment.put("SPARK_SCALA_VERSION", "2.13");
        environment.put("SPARK_LOCAL_DIRS", scratch.toString());
        return environment;
    }

    private String launch(WorkerCommand command, int workers) {
        Map<String, Object> worker = Map.of(
                "arguments", command.arguments(),
                "environment", command.environment(),
                "secret", command.secret());
        Map<String, Object> launch = new HashMap<>();
        launch.put("master", settings.master());
        launch.put("secret", settings.secret());
        launch.put("workers", workers);
        launch.put("threads", settings.threads());
        launch.put("slotSeconds", settings.slotWait().toSeconds());
        launch.put("settings", settings.settings());
        launch.put("worker", worker);
        try {
            return new ObjectMapper().writeValueAsString(launch);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private void readEvents(InputStream output, Listener listener) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(output, StandardCharsets.UTF_8))) {
            String line;
            while ((line = lines.readLine()) != null) {
                tell(SparkEvent.parse(line), listener);
            }
        } catch (IOException e) {
            if (!isClosed()) {
                listener.note("Spark's driver cannot be understood: " + e.getMessage());
            }
        }
    }

    private void tell(SparkEvent event, Listener listener) {
        switch (event) {
            case SparkEvent.Ui ui -> {
                uiUrl = ui.url();
                listener.note("Spark's page about this application: " + ui.url());
            }
            case SparkEvent.ExecutorAdded added ->
                listener.note("Spark's executor " + added.executor() + " on " + added.host() + " has room for "
                        + added.slots() + (added.slots() == 1 ? " worker" : " workers"));
            case SparkEvent.ExecutorRemoved removed ->
                listener.note("Spark's executor " + removed.executor() + " is lost: " + removed.reason());
            case SparkEvent.Started started ->
                listener.note("a worker is hosted by executor " + started.executor() + " on " + started.host());
            case SparkEvent.AttemptFailed attempt -> listener.note(attempt.reason());
            case SparkEvent.Waiting waiting ->
                listener.note(tooFew(waiting.asked(), waiting.available()) + "; waiting for it to have them again");
            case SparkEvent.Slots slots ->
                failure = new HostingException(tooFew(slots.asked(), slots.available())
                        + ": ask for fewer, add nodes, or end what else runs there (a slot is "
                        + settings.threads() + (settings.threads() == 1 ? " core" : " cores")
                        + " and 512 MiB of memory for Spark)");
            case SparkEvent.Refused refused -> failure = new HostingException(refused.reason());
            case SparkEvent.Lost lost -> listener.note(lost.reason());
            case SparkEvent.Other other -> listener.note("Spark's driver says: " + other.line());
        }
    }

    private static String tooFew(int asked, int available) {
        return "asked for " + asked + (asked == 1 ? " worker" : " workers") + ", the cluster has " + available
                + (available == 1 ? " slot" : " slots");
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private static void remove(Path directory) {
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // The driver's own end removes files at the same time; what is left is in the temporary directory.
            directory.toFile().deleteOnExit();
        }
    }

    @Override
    public void close() {
        ChildProcess running;
        Thread waiting;
        synchronized (lock) {
            closed.countDown();
            running = driver;
            waiting = keeper;
        }
        if (running != null) {
            running.end(END_MILLISECONDS);
        }
        boolean interrupted = false;
        // A listener may close the host from within its call.
        while (waiting != null && waiting != Thread.currentThread() && waiting.isAlive()) {
            try {
                waiting.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
