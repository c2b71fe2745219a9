package io.maniple.server.session;

import io.maniple.server.distribution.Ownership;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.store.SparseMemory;
import org.jspecify.annotations.Nullable;

/** A buffer as one of several workers has it: address space for all of it, and the parts that were touched here. */
final class WorkerBuffer {
    private final SparseMemory memory;
    private final Ownership ownership;
    private long address;
    private Spans touched = Spans.NONE;
    private @Nullable ManipleException failure;

    WorkerBuffer(SparseMemory memory, long bytes, int workers) {
        this.memory = memory;
        this.ownership = new Ownership(bytes, workers);
    }

    long bytes() {
        return ownership.bytes();
    }

    Ownership ownership() {
        return ownership;
    }

    /** The address of the first byte. */
    long address() {
        if (address == 0) {
            address = memory.reserve(bytes());
        }
        return address;
    }

    /**
     * Bytes are about to be touched here.
     *
     * @throws ManipleException OUT_OF_MEMORY
     */
    void touch(Spans spans) {
        if (!touched.covers(spans)) {
            Spans more = touched.and(spans);
            memory.touch(more.bytes() - touched.bytes());
            touched = more;
        }
    }

    /** What was touched here. */
    Spans touched() {
        return touched;
    }

    void release() {
        if (address != 0) {
            memory.release(address, bytes(), touched.bytes());
        }
        address = 0;
        touched = Spans.NONE;
    }

    @Nullable ManipleException failure() {
        return failure;
    }

    void fail(ManipleException cause) {
        if (failure == null) {
            failure = cause;
        }
    }
}
