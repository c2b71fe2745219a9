package io.maniple.daemon.bulk;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Bytes to and from a client. Used by one thread, but for {@link #close}. */
sealed interface Line extends AutoCloseable permits PlainLine, TlsLine {
    /**
     * Waits for more from the client.
     *
     * @throws IOException where there will be none
     */
    void await() throws IOException;

    /** Takes what has arrived, without waiting; nothing where what arrived is not complete yet. */
    void take(ByteBuffer target) throws IOException;

    /** Returns when the operating system has everything. */
    void send(ByteBuffer source) throws IOException;

    /** Whoever waits gets an exception. Any thread. */
    @Override
    void close();
}
