package io.maniple.cluster.spark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A worker's process inside an executor: it lives as long as the executor does, at most. */
final class Lease {
    private static final int LINES = 20;
    private static final int END_SECONDS = 2;

    private final Process process;
    private final Writer input;
    private final @Nullable String gpus;
    private final Deque<String> lastLines = new ArrayDeque<>();
    private final Thread errors;

    private Lease(Process process, @Nullable String gpus) {
        this.process = process;
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        this.gpus = gpus;
        // What a worker prints is found in the executor's log, and so in Spark's UI.
        this.errors = relay(process.getErrorStream(), System.err, "maniple-worker-stderr");
        relay(process.getInputStream(), System.out, "maniple-worker-stdout");
    }

    /**
     * Starts a worker.
     *
     * @param host the address under which others reach this machine
     * @param gpus their indices as CUDA_VISIBLE_DEVICES has them, or null where Spark has given none
     * @throws IOException the program cannot be run here
     */
    static Lease begin(WorkerLaunch launch, String host, @Nullable String gpus) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(launch.arguments()));
        arguments.add("--host");
        arguments.add(host);
        ProcessBuilder builder = new ProcessBuilder(arguments);
        // Spark's own are none of the worker's business, and one of them is Spark's secret.
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("SPARK_") || name.startsWith("_SPARK_") || name.equals("CLASSPATH"));
        builder.environment().putAll(launch.environment());
        if (gpus != null) {
            builder.environment().put("CUDA_VISIBLE_DEVICES", gpus);
        }
        Lease lease = new Lease(builder.start(), gpus);
        try {
            lease.input.write(launch.secret() + "\n");
            lease.input.flush();
        } catch (IOException e) {
            // It has ended already; whoever asks for its state learns how.
            lease.remember(String.valueOf(e.getMessage()));
        }
        return lease;
    }

    @Nullable String gpus() {
        return gpus;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Whether it ends within that time. */
    boolean endsWithin(int milliseconds) throws InterruptedException {
        return process.waitFor(milliseconds, TimeUnit.MILLISECONDS);
    }

    /** How it ended, and what it printed last. */
    String describeEnd() throws InterruptedException {
        int status = process.waitFor();
        errors.join(1000);
        String how = status > 128 ? "was killed by signal " + (status - 128) : "ended with exit status " + status;
        synchronized (lastLines) {
            return how
                    + (lastLines.isEmpty()
                            ? "; it printed nothing"
                            : "; its last lines:\n  " + String.join("\n  ", lastLines));
        }
    }

    /** Asks it to end; it is gone when this returns. */
    void end() {
        try {
            input.close();
        } catch (IOException e) {
            remember(String.valueOf(e.getMessage()));
        }
        try {
            if (process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        process.onExit().join();
    }

    private Thread relay(InputStream from, PrintStream to, String name) {
        Thread thread = new Thread(
                () -> {
                    try (BufferedReader reader =
                            new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8))) {
                        String line;
                        while ((line = reader.readLine()) != null) {
                            to.println(line);
                            remember(line);
                        }
                    } catch (IOException e) {
                        remember(String.valueOf(e.getMessage()));
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void remember(String line) {
        synchronized (lastLines) {
            if (lastLines.size() == LINES) {
                lastLines.removeFirst();
            }
            lastLines.addLast(line.length() > 400 ? line.substring(0, 400) + " …" : line);
        }
    }
}
