package io.maniple.server.session;

import io.maniple.bridge.proto.SessionOptions;
import io.maniple.server.trace.ExecutionListener;

/** Opens sessions of clients elsewhere. */
public interface DetachedSessionFactory extends SessionFactory {
    /**
     * A session of a client elsewhere.
     *
     * @param quota of memory; no other session takes from it
     * @param listener is told of every batch
     * @throws IllegalArgumentException if there is no such engine
     */
    DetachedSession openDetached(SessionOptions options, MemoryQuota quota, ExecutionListener listener);

    /**
     * Measures the memory of the machine that computes, between the steps of sessions: bytes read and written a second.
     * Takes a moment. NaN where there is no such machine.
     */
    double measureBandwidth();

    /** Bytes of memory that all sessions hold now. */
    long memoryBytes();

    /** Bytes of arrays on disk, of all sessions. */
    long spilledBytes();

    /** Most bytes of arrays on disk. */
    long spillLimit();

    /** What the GPU of this machine holds, and has done. */
    default DeviceStatus device() {
        return DeviceStatus.NONE;
    }
}
