package io.maniple.bridge.memory;

import io.maniple.bridge.memory.Linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A piece of memory that both sides map, once. Not thread-safe: its session's lock guards it. */
final class Segment {
    private static final int NO_DESCRIPTOR = -1;

    private final int id;
    private final String path;
    private final Optional<Path> file;
    private final MemorySegment memory;
    private int descriptor;

    Segment(int id, String path, Optional<Path> file, int descriptor, MemorySegment memory) {
        this.id = id;
        this.path = path;
        this.file = file;
        this.descriptor = descriptor;
        this.memory = memory;
    }

    int id() {
        return id;
    }

    long bytes() {
        return memory.byteSize();
    }

    MemorySegment memory() {
        return memory;
    }

    io.maniple.bridge.proto.Segment describe() {
        return io.maniple.bridge.proto.Segment.newBuilder()
                .setId(id)
                .setPath(path)
                .setBytes(bytes())
                .build();
    }

    /** The client has it mapped: neither the name nor the descriptor is needed any more. */
    void handedOver() {
        file.ifPresent(Segment::removeQuietly);
        if (descriptor != NO_DESCRIPTOR) {
            try {
                Linux.close(descriptor);
            } catch (SystemCallException e) {
                throw new IllegalStateException(e);
            }
            descriptor = NO_DESCRIPTOR;
        }
    }

    void close() {
        handedOver();
        try {
            Linux.discard(memory);
        } catch (SystemCallException e) {
            // The file system cannot punch holes; the pages go when the client unmaps them too.
        }
        try {
            Linux.unmap(memory);
        } catch (SystemCallException e) {
            throw new IllegalStateException(e);
        }
    }

    static void removeQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Another server's start removes it.
        }
    }
}
