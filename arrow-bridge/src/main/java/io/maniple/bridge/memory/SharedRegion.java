package io.maniple.bridge.memory;

import io.maniple.bridge.proto.Placement;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * A piece of a segment that holds one buffer. Its memory must not be touched after {@link #release}: the pages may
 * belong to another buffer, or to nobody.
 */
public final class SharedRegion {
    private final SharedMemory owner;
    private final Segment segment;
    private final long offset;
    private final long bytes;
    private final long capacity;

    SharedRegion(SharedMemory owner, Segment segment, long offset, long bytes, long capacity) {
        this.owner = owner;
        this.segment = segment;
        this.offset = offset;
        this.bytes = bytes;
        this.capacity = capacity;
    }

    public int segment() {
        return segment.id();
    }

    /** Bytes from the beginning of the segment; a multiple of 64. */
    public long offset() {
        return offset;
    }

    public long bytes() {
        return bytes;
    }

    public MemorySegment memory() {
        return segment.memory().asSlice(offset, bytes);
    }

    /** How the client is told. */
    public Placement placement(long handle) {
        return Placement.newBuilder()
                .setHandle(handle)
                .setSegment(segment())
                .setOffset(offset)
                .setBytes(bytes)
                .build();
    }

    /** Frees it for reuse within the session. */
    public void release() {
        owner.release(this);
    }

    Segment home() {
        return segment;
    }

    long capacity() {
        return capacity;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "region of %,d bytes at %d:%d", bytes, segment(), offset);
    }
}
