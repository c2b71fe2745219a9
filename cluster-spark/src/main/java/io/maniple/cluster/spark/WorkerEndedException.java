package io.maniple.cluster.spark;

/** A worker ended although it was to go on; the message says on which machine and how. */
final class WorkerEndedException extends Exception {
    private static final long serialVersionUID = 1L;

    WorkerEndedException(String message) {
        super(message);
    }
}
