package io.maniple.cuda.driver;

/**
 * One device. Addresses are the device's own, sizes are bytes. Work is queued in order on a stream and done later; a
 * failure of queued work is thrown by the next call that notices it. May be called by any thread.
 */
public interface Driver extends AutoCloseable {
    DeviceProperties properties();

    /** Device memory that nobody uses, other programs' included. */
    long freeBytes() throws DeviceException;

    /**
     * Takes device memory, its contents unspecified, aligned to 256 bytes.
     *
     * @param bytes at least 1
     * @throws DeviceException OUT_OF_MEMORY, or LOST
     */
    long allocate(long bytes) throws DeviceException;

    /** Gives memory back; what is queued may still use it. */
    void free(long address) throws DeviceException;

    /** A new queue. */
    Stream stream() throws DeviceException;

    /** A moment in a queue, to be recorded. */
    Event event() throws DeviceException;

    /**
     * Makes code ready to be launched.
     *
     * @param code what the compiler of this device makes
     */
    Module load(byte[] code) throws DeviceException;

    @Override
    void close();

    /** A queue of work. */
    interface Stream extends AutoCloseable {
        /** Queues a copy from the host; when it returns, the host's memory may change. */
        void upload(long host, long device, long bytes) throws DeviceException;

        /** Queues a copy to the host; it is there once {@link #synchronize()} has returned. */
        void download(long device, long host, long bytes) throws DeviceException;

        void copy(long from, long to, long bytes) throws DeviceException;

        void zero(long device, long bytes) throws DeviceException;

        /** Queues a kernel. */
        void launch(Function function, Grid grid, byte[] argument) throws DeviceException;

        /**
         * Queues products of matrices.
         *
         * @return false if the device cannot do them: nothing was queued
         */
        boolean multiply(Product product) throws DeviceException;

        /**
         * Queues Fourier transforms.
         *
         * @return false if the device cannot do them: nothing was queued
         */
        boolean transform(Transform transform) throws DeviceException;

        /** What is queued from now on waits for the event. */
        void await(Event event) throws DeviceException;

        /** Waits for all that is queued; throws what any of it failed with. */
        void synchronize() throws DeviceException;

        @Override
        void close();
    }

    /** A moment in a queue. */
    interface Event extends AutoCloseable {
        /** Puts it behind all that the stream has queued. */
        void record(Stream stream) throws DeviceException;

        /** Waits until the stream has come there. */
        void synchronize() throws DeviceException;

        /** Seconds from this event to a later one, both reached. */
        double secondsTo(Event later) throws DeviceException;

        @Override
        void close();
    }

    /** Loaded code. */
    interface Module extends AutoCloseable {
        /** @param name of a kernel, which takes one structure by value */
        Function function(String name) throws DeviceException;

        @Override
        void close();
    }

    /** A kernel that can be launched. */
    interface Function {}

    /**
     * How many threads run a kernel.
     *
     * @param blocksX at least 1
     * @param blocksY 1 to 65,535
     * @param threadsX of a block, along x
     * @param threadsY of a block, along y
     */
    record Grid(int blocksX, int blocksY, int threadsX, int threadsY) {
        public Grid {
            if (blocksX < 1 || blocksY < 1 || blocksY > 65_535 || threadsX < 1 || threadsY < 1) {
                throw new IllegalArgumentException(
                        "a grid of " + blocksX + " × " + blocksY + " blocks of " + threadsX + " × " + threadsY);
            }
        }
    }
}
