package io.maniple.server.session;

import io.maniple.bridge.proto.SessionOptions;

/** Opens sessions of clients elsewhere. */
public interface DetachedSessionFactory extends SessionFactory {
    /**
     * A session of a client elsewhere.
     *
     * @param quota most bytes of memory it may hold
     * @throws IllegalArgumentException if there is no such engine
     */
    DetachedSession openDetached(SessionOptions options, long quota);

    /** Bytes that all sessions hold now. */
    long memoryBytes();
}
