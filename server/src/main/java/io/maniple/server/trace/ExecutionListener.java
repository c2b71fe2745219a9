package io.maniple.server.trace;

/** Is told what a session has executed. Called by the thread that executes: it must be quick, and must not fail. */
@FunctionalInterface
public interface ExecutionListener {
    void executed(BatchTrace batch);
}
