package io.maniple.bridge.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A piece of memory that both sides map, once. Not thread-safe: its session's lock guards it. */
final class Segment {
    static final int NO_DESCRIPTOR = -1;

    private final int id;
    private final String path;
    private final Optional<Path> file;
    private final Arena arena;
    private final MemorySegment memory;
    private int descriptor;

    /**
     * @param path how the client opens it
     * @param file what to remove when the client has it
     * @param descriptor what to close then; -1 for none
     * @param arena ends the mapping
     */
    Segment(int id, String path, Optional<Path> file, int descriptor, Arena arena, MemorySegment memory) {
        this.id = id;
        this.path = path;
        this.file = file;
        this.descriptor = descriptor;
        this.arena = arena;
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
            Linux.close(descriptor);
            descriptor = NO_DESCRIPTOR;
        }
    }

    void close() {
        handedOver();
        Linux.discard(memory);
        arena.close();
    }

    static void removeQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Another server's start removes it.
        }
    }
}
