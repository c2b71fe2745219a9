package io.maniple.cluster;

import io.maniple.server.store.SparseMemory;
import java.lang.foreign.MemorySegment;

/** An array that the client has sent or is sending, in the server's memory. */
final class ClientContent {
    private final SparseMemory memory;
    private final long number;
    private final long bytes;
    private final long address;
    private boolean released;
    private volatile boolean complete;

    ClientContent(SparseMemory memory, long number, long bytes) {
        this.memory = memory;
        this.number = number;
        this.bytes = bytes;
        memory.touch(bytes);
        this.address = memory.reserve(bytes);
    }

    long number() {
        return number;
    }

    long bytes() {
        return bytes;
    }

    MemorySegment content() {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** Nobody writes to it any more. */
    void complete() {
        complete = true;
    }

    boolean isComplete() {
        return complete;
    }

    synchronized void release() {
        if (!released) {
            released = true;
            memory.release(address, bytes, bytes);
        }
    }
}
