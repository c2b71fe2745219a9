package io.maniple.server.engine;

/** The memory of the buffers of one batch, as the engine sees it. */
public interface Memory {
    /**
     * The address of a buffer's first byte; memory is allocated at the first call.
     *
     * @param buffer its number in the batch's plan
     */
    long address(int buffer);

    /** Memory for the engine's own use; given back by {@link Scratch#close()}. */
    Scratch scratch(long bytes);

    /** Memory for a while. */
    interface Scratch extends AutoCloseable {
        long address();

        @Override
        void close();
    }
}
