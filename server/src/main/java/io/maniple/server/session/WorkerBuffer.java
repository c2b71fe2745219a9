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
    private SparseMemory.@Nullable Area area;
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

    private SparseMemory.Area area() {
        SparseMemory.Area own = area;
        if (own == null) {
            own = memory.reserve(bytes(), true);
            area = own;
        }
        return own;
    }

    /** The address of the first byte. */
    long address() {
        return area().address();
    }

    /**
     * Bytes are about to be touched here.
     *
     * @throws ManipleException OUT_OF_MEMORY
     */
    void touch(Spans spans) {
        if (!spans.isEmpty()) {
            area().touch(spans);
        }
    }

    /**
     * Bytes are about to be written here.
     *
     * @throws ManipleException OUT_OF_MEMORY, or where what was there came back damaged from the disk
     */
    void open(Spans spans) {
        touch(spans);
        if (area != null) {
            area.open(spans);
        }
    }

    /** What was to be written is. */
    void close() {
        if (area != null) {
            area.close();
        }
    }

    /** @throws ManipleException where what is about to be read came back damaged from the disk */
    void verify(Spans spans) {
        if (area != null) {
            area.verify(spans);
        }
    }

    /** @throws ManipleException where what a step has read came back damaged from the disk */
    void verifyRead() {
        if (area != null) {
            area.verifyRead();
        }
    }

    /** What was touched here. */
    Spans touched() {
        return area == null ? Spans.NONE : area.touched();
    }

    void release() {
        if (area != null) {
            area.release();
        }
        area = null;
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
