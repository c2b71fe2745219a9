package io.maniple.cluster.hosting;

/**
 * Places workers on machines, keeps so many of them running and says what an operator should know. What a worker does is
 * none of its concern: a worker is a process that ends when its standard input does.
 */
public interface WorkerHost extends AutoCloseable {
    /** Told by threads of the host's own. */
    interface Listener {
        /** Something happened that belongs into the log: a machine came, a worker was started again. */
        void note(String message);

        /** The cluster cannot do what was asked, and no worker will come any more. */
        void failed(HostingException failure);
    }

    /**
     * Asks for workers and returns at once. From then on so many of them run, each in a slot of its own: one that ends is
     * started again, wherever there is room. Called once.
     */
    void start(WorkerCommand command, int workers, Listener listener);

    /** Ends all workers; none is left when it returns. */
    @Override
    void close();
}
