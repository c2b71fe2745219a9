package io.maniple.cluster.hosting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/** Drills with real processes; seconds are bounds against hanging, not promises. */
class TestSparkWorkerHost {
    private static final Duration SOON = Duration.ofSeconds(90);
    private static final Duration LONG = Duration.ofSeconds(150);

    @TempDir
    static Path shared;

    @TempDir
    Path directory;

    private static SparkOnThisMachine spark;

    @BeforeAll
    static void start() throws Exception {
        assumeTrue(
                SparkOnThisMachine.isHere(),
                "Spark is not in .build/spark: ./test, ./run cluster or 'setup cluster' of scripts/setup.sh put it there");
        assertThat(SparkOnThisMachine.hostJar())
                .as("these tests want the jar: run mvn verify")
                .isRegularFile();
        spark = new SparkOnThisMachine(shared, 2);
    }

    @AfterAll
    static void stop() {
        if (spark != null) {
            spark.close();
        }
    }

    @Test
    void hostsWorkersAndReplacesWhatIsKilled() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Notes notes = new Notes();
        SparkWorkerHost host = new SparkWorkerHost(spark.settings(spark.secret));
        try (host) {
            host.start(workers.command(), 2, notes);
            Map<Long, String> first = workers.await(2, SOON);
            assertThat(first.values()).containsExactlyInAnyOrder("127.0.0.2", "127.0.0.3");
            assertThat(host.uiUrl()).startsWith("http://");
            for (long pid : first.keySet()) {
                assertThat(workers.environmentOf(pid)).doesNotContain("SPARK").doesNotContain(spark.secret);
            }

            // One worker ends: another one comes, and the one that is well stays.
            long victim = first.keySet().iterator().next();
            Processes.signal("KILL", victim);
            Map<Long, String> second = workers.awaitOthers(2, Set.of(victim), SOON);
            long survivor = other(first, victim);
            assertThat(second).containsKey(survivor);
            assertThat(notes.notes)
                    .anySatisfy(note ->
                            assertThat(note).contains("was killed by signal 9").contains(first.get(victim)));

            // An executor is killed: its worker goes with it.
            ProcessHandle executor = spark.executor(0);
            long hosted = pidOn("127.0.0.2", second);
            Processes.signal("KILL", executor.pid());
            Map<Long, String> third = workers.awaitOthers(2, Set.of(hosted), SOON);
            assertThat(third).containsKey(other(second, hosted));
        }
        assertThat(workers.running()).isEmpty();
        assertThat(notes.hasFailed()).isFalse();
    }

    @Test
    void saysHowManySlotsAreMissing() throws Exception {
        Notes notes = new Notes();
        SparkSettings settings = new SparkSettings(
                spark.url,
                SparkOnThisMachine.java(),
                SparkOnThisMachine.home(),
                SparkOnThisMachine.hostJar(),
                spark.secret,
                1,
                Duration.ofSeconds(10),
                Map.of());
        try (SparkWorkerHost host = new SparkWorkerHost(settings)) {
            host.start(new StandInWorkers(directory).command(), 4, notes);
            assertThat(notes.awaitFailure(60)).contains("asked for 4 workers, the cluster has 2 slots");
        }
    }

    @Test
    void aWrongSecretIsRefusedAtOnce() throws Exception {
        Notes notes = new Notes();
        long begun = System.nanoTime();
        try (SparkWorkerHost host = new SparkWorkerHost(spark.settings("not that one"))) {
            host.start(new StandInWorkers(directory).command(), 2, notes);
            assertThat(notes.awaitFailure(60)).contains("refuses the cluster's secret");
            System.out.println("refused after " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun) + " ms");
        }
    }

    @Test
    void nobodyListensThere() throws Exception {
        Notes notes = new Notes();
        SparkSettings settings = new SparkSettings(
                "spark://127.0.0.1:1",
                SparkOnThisMachine.java(),
                SparkOnThisMachine.home(),
                SparkOnThisMachine.hostJar(),
                spark.secret,
                1,
                Duration.ofSeconds(10),
                Map.of());
        try (SparkWorkerHost host = new SparkWorkerHost(settings)) {
            host.start(new StandInWorkers(directory).command(), 2, notes);
            assertThat(notes.awaitFailure(60)).contains("127.0.0.1:1 cannot be reached");
        }
    }

    @Test
    void nothingIsLeftOfAKilledDaemon() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Process daemon = daemon();
        ProcessHandle driver;
        try {
            workers.await(2, SOON);
            driver = daemon.children().findFirst().orElseThrow();
        } finally {
            daemon.destroyForcibly().waitFor();
        }
        workers.await(0, Duration.ofSeconds(30));
        driver.onExit().get(30, TimeUnit.SECONDS);
    }

    @Test
    void onlyOurOwnClassesMeetSparks() throws Exception {
        try (ZipFile jar = new ZipFile(SparkOnThisMachine.hostJar().toFile())) {
            assertThat(jar.stream().filter(entry -> entry.getName().endsWith(".class")))
                    .isNotEmpty()
                    .allSatisfy(entry -> assertThat(entry.getName()).startsWith("io/maniple/cluster/spark/"));
        }
        assertThat(System.getProperty("java.class.path"))
                .doesNotContain("spark-core")
                .doesNotContain("scala-library");
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "MANIPLE_LONG", matches = "1")
    void aKilledDriverIsReplaced() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Process daemon = daemon();
        try {
            Map<Long, String> first = workers.await(2, SOON);
            Processes.signal("KILL", daemon.children().findFirst().orElseThrow().pid());
            workers.awaitOthers(2, first.keySet(), SOON);
        } finally {
            daemon.destroyForcibly().waitFor();
        }
        workers.await(0, Duration.ofSeconds(30));
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "MANIPLE_LONG", matches = "1")
    void aStoppedExecutorIsReplaced() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        try (SparkWorkerHost host = new SparkWorkerHost(spark.settings(spark.secret))) {
            host.start(workers.command(), 2, new Notes());
            Map<Long, String> first = workers.await(2, SOON);
            Processes.signal("STOP", spark.executor(1).pid());
            Map<Long, String> second = workers.awaitOthers(2, Set.of(pidOn("127.0.0.3", first)), LONG);
            assertThat(second).containsKey(pidOn("127.0.0.2", first));
        }
        assertThat(workers.running()).isEmpty();
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "MANIPLE_LONG", matches = "1")
    void aMachineIsLostAndAnotherOneComes() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        try (SparkOnThisMachine own = new SparkOnThisMachine(Files.createDirectory(directory.resolve("spark")), 2);
                SparkWorkerHost host = new SparkWorkerHost(own.settings(own.secret))) {
            host.start(workers.command(), 2, new Notes());
            Map<Long, String> first = workers.await(2, SOON);
            long lost = pidOn("127.0.0.3", first);
            ProcessHandle executor = own.executor(1);
            Processes.signal("KILL", own.worker(1).pid());
            Processes.signal("KILL", executor.pid());
            workers.await(1, SOON);
            own.startWorker();
            Map<Long, String> second = workers.awaitOthers(2, Set.of(lost), LONG);
            assertThat(second.values()).containsExactlyInAnyOrder("127.0.0.2", "127.0.0.4");
            assertThat(second).containsKey(pidOn("127.0.0.2", first));
        }
        assertThat(workers.running()).isEmpty();
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "MANIPLE_LONG", matches = "1")
    void allExecutorsAreKilledAtOnce() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        try (SparkWorkerHost host = new SparkWorkerHost(spark.settings(spark.secret))) {
            host.start(workers.command(), 2, new Notes());
            Map<Long, String> first = workers.await(2, SOON);
            Processes.signal("KILL", spark.executor(0).pid());
            Processes.signal("KILL", spark.executor(1).pid());
            workers.awaitOthers(2, first.keySet(), LONG);
        }
        assertThat(workers.running()).isEmpty();
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "MANIPLE_LONG", matches = "1")
    void aWorkerSeesTheGpusOfItsSlot() throws Exception {
        StandInWorkers workers = new StandInWorkers(directory);
        Path discovery = Files.writeString(
                directory.resolve("gpus.sh"), "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"4\", \"7\"]}'\n");
        Files.setPosixFilePermissions(discovery, PosixFilePermissions.fromString("rwx------"));
        String resources =
                "spark.worker.resource.gpu.amount 2\nspark.worker.resource.gpu.discoveryScript " + discovery + "\n";
        try (SparkOnThisMachine own =
                        new SparkOnThisMachine(Files.createDirectory(directory.resolve("spark")), 1, resources);
                SparkWorkerHost host = new SparkWorkerHost(own.settings(own.secret)
                        .with(Map.of(
                                "spark.executor.resource.gpu.amount", "2", "spark.task.resource.gpu.amount", "2")))) {
            host.start(workers.command(), 1, new Notes());
            Map<Long, String> running = workers.await(1, SOON);
            long pid = running.keySet().iterator().next();
            assertThat(workers.environmentOf(pid)).contains("\nCUDA_VISIBLE_DEVICES=4,7\n");
        }
    }

    private Process daemon() throws Exception {
        return TestProcessWorkerHost.program(
                directory,
                spark.url,
                SparkOnThisMachine.java().toString(),
                SparkOnThisMachine.home().toString(),
                SparkOnThisMachine.hostJar().toString(),
                spark.secret);
    }

    private static long other(Map<Long, String> workers, long pid) {
        return workers.keySet().stream().filter(one -> one != pid).findFirst().orElseThrow();
    }

    private static long pidOn(String host, Map<Long, String> workers) {
        return workers.entrySet().stream()
                .filter(worker -> worker.getValue().equals(host))
                .findFirst()
                .orElseThrow()
                .getKey();
    }
}
