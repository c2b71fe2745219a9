package io.maniple.cluster.hosting;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A process that lives as long as its standard input is open: it ends when this one closes it, and when this one is killed,
 * for the kernel closes it then.
 */
final class ChildProcess {
    private final Process process;
    private final Writer input;
    private final Thread errors;
    private final LastLines lastLines = new LastLines();

    private ChildProcess(Process process, String name) {
        this.process = process;
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        this.errors = Thread.ofPlatform()
                .daemon()
                .name(name + "-stderr")
                .start(() -> lastLines.readAll(process.getErrorStream()));
    }

    /**
     * Starts a program and gives it its first line of input.
     *
     * @param output what reads its standard output to the end, in a thread of its own
     * @throws IOException it cannot be run
     */
    static ChildProcess start(
            List<String> arguments,
            Map<String, String> environment,
            String name,
            String firstLine,
            Consumer<InputStream> output)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(arguments);
        builder.environment().putAll(environment);
        Process process = builder.start();
        ChildProcess child = new ChildProcess(process, name);
        Thread.ofPlatform().daemon().name(name + "-stdout").start(() -> output.accept(process.getInputStream()));
        try {
            child.input.write(firstLine + "\n");
            child.input.flush();
        } catch (IOException e) {
            // It is gone already, and whoever waits for it will say so, with what it printed.
            child.closeInput();
        }
        return child;
    }

    long pid() {
        return process.pid();
    }

    /** Waits for its end; how it ended, for people. */
    String awaitEnd() throws InterruptedException {
        int status = process.waitFor();
        // All that it printed, unless a child of its own holds the pipe.
        errors.join(1000);
        return endedWith(status) + lastLines.described();
    }

    /** As a shell counts: 128 and the signal's number where a signal ended it. */
    static String endedWith(int status) {
        return status > 128 ? "was killed by signal " + (status - 128) : "ended with exit status " + status;
    }

    /** Asks it to end. */
    void closeInput() {
        try {
            input.close();
        } catch (IOException e) {
            // What could not be written any more: it has ended, or closed its input itself.
            lastLines.add("(" + e.getMessage() + ")");
        }
    }

    /** Asks it to end, and ends it if it does not in that time. It is gone then. */
    void end(long milliseconds) {
        closeInput();
        boolean interrupted = false;
        try {
            if (process.waitFor(milliseconds, TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        process.destroyForcibly();
        // A killed process goes at once; onExit is not interrupted.
        process.onExit().join();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
