package io.maniple.cluster.spark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Spark's driver: a process of its own, which hosts workers in the executors of a Spark application as long as its standard
 * input is open. The first line of that says what is asked for ({@link Launch}); what happens is told on standard output
 * ({@link Events}); Spark's log goes to standard error.
 */
public final class SparkHost {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    /** So long may ending take, once nobody is there any more; then it ends at once. */
    private static final int END_SECONDS = 12;

    /** As many times as long as this process took to start may an executor take. */
    private static final int STARTS = 3;

    private static final long LATECOMER_MILLISECONDS = 5000;
    private static final int WORKERS_END_SECONDS = 5;
    private static final int LOOK_MILLISECONDS = 1000;
    /** No executor and no master for so long: neither will come. */
    private static final int GONE_SECONDS = 15;

    private final Launch launch;
    private final Events events;
    private final CountDownLatch inputEnded = new CountDownLatch(1);

    private SparkHost(Launch launch, Events events) {
        this.launch = launch;
        this.events = events;
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream out = System.out;
        // Whatever Spark prints is not an event.
        System.setOut(System.err);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line = input.readLine();
        if (arguments.length > 0 || line == null) {
            System.err.println("Started by the daemon alone, which says on standard input what it asks for.");
            System.exit(USAGE);
            return;
        }
        SparkHost host = new SparkHost(Launch.parse(line), new Events(out));
        Thread watch = new Thread(() -> host.awaitEndOf(input), "maniple-input");
        watch.setDaemon(true);
        watch.start();
        int status;
        try {
            status = host.run();
        } catch (Exception e) {
            // Spark's own exceptions are not declared.
            e.printStackTrace();
            host.events.lost("Spark's driver failed: " + firstLine(e));
            status = FAILED;
        }
        System.exit(status);
    }

    private void awaitEndOf(BufferedReader input) {
        try {
            while (input.readLine() != null) {
                // Nothing else is said to us.
            }
        } catch (IOException e) {
            System.err.println("standard input: " + e.getMessage());
        }
        inputEnded.countDown();
        try {
            TimeUnit.SECONDS.sleep(END_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(FAILED);
    }

    private int run() throws InterruptedException {
        Standalone standalone = Standalone.of(launch.master());
        String localHost = standalone == null ? null : standalone.localAddress();
        SparkConf conf = configure(localHost);
        if (!isConfidential(conf, localHost)) {
            events.refused("the secret of the workers would go over the network in the clear: give the cluster a secret"
                    + " (spark.authenticate) and its file to --cluster-secret-file");
            return FAILED;
        }
        if (standalone != null) {
            String refusal = standalone.refusal(conf, localHost == null ? "127.0.0.1" : localHost);
            if (refusal != null) {
                events.refused(refusal);
                return FAILED;
            }
        }
        Slots slots = new Slots();
        ApplicationListener listener = new ApplicationListener(events, slots, launch.threads());
        JavaSparkContext context;
        try {
            context = new JavaSparkContext(conf);
        } catch (Exception e) {
            // Spark's own exceptions are not declared.
            e.printStackTrace();
            events.refused("Spark does not start an application at " + launch.master() + ": " + firstLine(e));
            return FAILED;
        }
        try {
            context.sc().addSparkListener(listener);
            context.sc().uiWebUrl().foreach(url -> {
                events.ui(url);
                return null;
            });
            return host(context, slots, listener, standalone);
        } finally {
            context.stop();
        }
    }

    private int host(
            JavaSparkContext context, Slots slots, ApplicationListener listener, @Nullable Standalone standalone)
            throws InterruptedException {
        if (!awaitSlots(slots, listener, standalone != null)) {
            return inputEnded.getCount() == 0 ? OK : FAILED;
        }
        Gang gang = new Gang(context, launch, events);
        Thread job = new Thread(gang::run, "maniple-gang");
        job.setDaemon(true);
        job.start();
        try {
            return watch(slots, listener, standalone);
        } finally {
            gang.stop();
            job.join(TimeUnit.SECONDS.toMillis(WORKERS_END_SECONDS));
        }
    }

    /**
     * Whether the cluster has room for all workers; says so if not. That an executor has been granted is not told, only that
     * it is there; so where all is slow more time is given, by what this process has taken to start.
     */
    private boolean awaitSlots(Slots slots, ApplicationListener listener, boolean isStandalone)
            throws InterruptedException {
        long started = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        long patience = Math.max(TimeUnit.SECONDS.toMillis(launch.slotSeconds()), STARTS * started);
        int before = 0;
        long begun = System.nanoTime();
        long since = begun;
        while (inputEnded.getCount() > 0) {
            int available = slots.await(launch.workers(), 100);
            if (available >= launch.workers()) {
                return true;
            }
            if (isOver(listener)) {
                return false;
            }
            if (available != before) {
                before = available;
                since = System.nanoTime();
                if (isStandalone) {
                    // Such a master grants all that it has at once: the others began to start when this one did.
                    patience = Math.max(LATECOMER_MILLISECONDS, 2 * TimeUnit.NANOSECONDS.toMillis(since - begun));
                }
            } else if (System.nanoTime() - since > TimeUnit.MILLISECONDS.toNanos(patience)) {
                events.slots(launch.workers(), available);
                return false;
            }
        }
        return false;
    }

    /** Whether nothing more is to be expected; says why. */
    private boolean isOver(ApplicationListener listener) {
        String hopeless = listener.hopeless();
        if (hopeless != null) {
            events.refused(hopeless);
        } else if (listener.over.getCount() == 0) {
            events.lost("Spark ended the application");
        } else {
            return false;
        }
        return true;
    }

    /** Until the end of input, or until there is nothing to wait for any more; the exit status. */
    private int watch(Slots slots, ApplicationListener listener, @Nullable Standalone standalone)
            throws InterruptedException {
        long room = System.nanoTime();
        boolean said = false;
        while (!inputEnded.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS)) {
            if (isOver(listener)) {
                return FAILED;
            }
            int available = slots.available();
            if (available >= launch.workers()) {
                room = System.nanoTime();
                said = false;
                continue;
            }
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - room);
            if (!said && seconds >= launch.slotSeconds()) {
                events.waiting(launch.workers(), available);
                said = true;
            }
            if (available == 0 && seconds >= GONE_SECONDS && standalone != null && !standalone.listens()) {
                events.lost("the Spark master has gone, and all executors with it");
                return FAILED;
            }
        }
        return OK;
    }

    private SparkConf configure(@Nullable String localHost) {
        SparkConf conf = new SparkConf()
                .setMaster(launch.master())
                .setAppName("Maniple")
                .setJars(new String[] {ownJar().toString()})
                // A slot is one worker's.
                .set("spark.executor.instances", String.valueOf(launch.workers()))
                .set("spark.executor.cores", String.valueOf(launch.threads()))
                .set("spark.task.cpus", String.valueOf(launch.threads()))
                .set("spark.cores.max", String.valueOf((long) launch.workers() * launch.threads()))
                .set("spark.dynamicAllocation.enabled", "false")
                // An executor does nothing but hold on to a worker.
                .set("spark.executor.memory", "512m")
                .set("spark.executor.defaultJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
                // Never given up: whether to go on is not Spark's decision.
                .set("spark.stage.maxConsecutiveAttempts", "1000000")
                .set("spark.task.maxFailures", "1000000")
                .set("spark.executor.maxNumFailures", "1000000")
                .set("spark.excludeOnFailure.enabled", "false")
                .set("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "2s")
                .set("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "1000000")
                // A machine that is silent for so long is lost.
                .set("spark.executor.heartbeatInterval", "2s")
                .set("spark.executor.heartbeat.maxFailures", "10")
                .set("spark.network.timeout", "20s")
                .set("spark.network.timeoutInterval", "2s")
                .set("spark.ui.port", "0")
                .set("spark.ui.killEnabled", "false")
                .set("spark.ui.showConsoleProgress", "false")
                .set("spark.log.level", "WARN");
        if (localHost != null) {
            conf.set("spark.driver.host", localHost).set("spark.driver.bindAddress", localHost);
        }
        if (launch.secret() != null) {
            conf.set("spark.authenticate", "true").set("spark.authenticate.secret", launch.secret());
        } else if (!launch.master().startsWith("spark:")) {
            // YARN and Kubernetes give each application a secret of its own.
            conf.set("spark.authenticate", "true");
        }
        launch.settings().forEach(conf::set);
        if (conf.getBoolean("spark.authenticate", false)) {
            // The workers' secret travels with the task: never in the clear, neither on the network nor on a disk.
            conf.set("spark.network.crypto.enabled", "true")
                    .set("spark.network.crypto.saslFallback", "false")
                    .setIfMissing("spark.network.crypto.cipher", "AES/GCM/NoPadding")
                    .set("spark.io.encryption.enabled", "true");
        }
        return conf;
    }

    /** Whether nobody can read on the way what goes to the executors. */
    private static boolean isConfidential(SparkConf conf, @Nullable String localHost) {
        return conf.getBoolean("spark.authenticate", false)
                || conf.getBoolean("spark.ssl.rpc.enabled", false)
                || localHost != null && localHost.startsWith("127.");
    }

    private static String firstLine(Throwable failure) {
        return String.valueOf(failure.getMessage()).lines().findFirst().orElse(failure.toString());
    }

    private static Path ownJar() {
        try {
            return Path.of(SparkHost.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
