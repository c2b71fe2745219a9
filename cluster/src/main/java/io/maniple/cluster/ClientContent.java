package io.maniple.cluster;

import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.store.SparseMemory;
import java.lang.foreign.MemorySegment;

/** An array that the client has sent or is sending, in the server's memory. */
final class ClientContent {
    private final SparseMemory.Area area;
    private final long number;
    private final long bytes;
    private boolean released;
    private volatile boolean complete;

    ClientContent(SparseMemory memory, long number, long bytes) {
        this.number = number;
        this.bytes = bytes;
        this.area = memory.reserve(bytes, true);
        try {
            area.touch(Spans.range(0, bytes));
        } catch (ManipleException noMemory) {
            area.release();
            throw noMemory;
        }
    }

    long number() {
        return number;
    }

    long bytes() {
        return bytes;
    }

    MemorySegment content() {
        return MemorySegment.ofAddress(area.address()).reinterpret(bytes);
    }

    /** Nobody writes to it any more. */
    void complete() {
        area.close();
        complete = true;
    }

    boolean isComplete() {
        return complete;
    }

    /** @throws ManipleException where it came back damaged from the disk */
    void verify(Spans part) {
        area.verify(part);
    }

    synchronized void release() {
        if (!released) {
            released = true;
            area.release();
        }
    }
}
