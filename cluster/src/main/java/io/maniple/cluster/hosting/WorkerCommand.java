package io.maniple.cluster.hosting;

import java.util.List;
import java.util.Map;

/**
 * How a worker is started. The host appends {@code --host ADDRESS}, the address under which others reach the machine that
 * it runs on, writes {@link #secret()} and a line feed to the worker's standard input, and keeps that open as long as the
 * worker is to run: its end, however it comes, ends the worker.
 *
 * @param arguments the program and its arguments; never secrets
 * @param environment beside the machine's own
 * @param secret what the worker shows to be let in, one line of text
 */
public record WorkerCommand(List<String> arguments, Map<String, String> environment, String secret) {
    public WorkerCommand {
        arguments = List.copyOf(arguments);
        environment = Map.copyOf(environment);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "WorkerCommand" + arguments;
    }
}
