package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedRegion;
import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Placement;
import io.maniple.bridge.proto.Status;
import io.maniple.server.engine.Memory;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.store.PrivateMemory;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The buffers of one session, by handle. */
final class SessionMemory implements AutoCloseable {
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final AtomicLong LAST_NUMBER = new AtomicLong();

    private final long number = LAST_NUMBER.incrementAndGet();
    private final PrivateMemory privateMemory;
    private final SharedMemory shared;
    private final Map<Long, Buffer> buffers = new HashMap<>();
    private long privateBytes;
    private volatile long peakBytes;

    SessionMemory(PrivateMemory privateMemory, SharedMemory shared) {
        this.privateMemory = privateMemory;
        this.shared = shared;
    }

    long peakBytes() {
        return peakBytes;
    }

    /** The size of a buffer, or -1. */
    long bytes(long handle) {
        Buffer buffer = buffers.get(handle);
        return buffer == null ? -1 : buffer.bytes();
    }

    @Nullable Buffer find(long handle) {
        return buffers.get(handle);
    }

    /** Introduces all or none of them. */
    void create(List<NewBuffer> introduced) {
        int created = 0;
        try {
            for (; created < introduced.size(); created++) {
                create(introduced.get(created));
            }
        } catch (RuntimeException refused) {
            introduced.subList(0, created).forEach(fresh -> free(fresh.getHandle()));
            throw refused;
        }
    }

    private void create(NewBuffer fresh) {
        Buffer buffer = new Buffer(fresh.getBytes());
        if (fresh.hasPlacement()) {
            Placement placement = fresh.getPlacement();
            buffer.home(shared.bind(placement.getSegment(), placement.getOffset(), fresh.getBytes())
                    .orElseThrow(() -> new ManipleException(
                            Status.INVALID_PROGRAM,
                            "no reservation of " + fresh.getBytes() + " bytes at " + placement.getSegment() + ":"
                                    + placement.getOffset())));
        } else if (!fresh.getContent().isEmpty()) {
            try {
                allocate(buffer);
                MemorySegment.copy(
                        MemorySegment.ofBuffer(fresh.getContent().asReadOnlyByteBuffer()),
                        0,
                        EVERYTHING,
                        buffer.address(),
                        fresh.getBytes());
            } catch (ManipleException noMemory) {
                // Only what reads it fails: the batch's frees, which would make room, are still to come.
                buffer.fail(noMemory);
            }
        }
        buffers.put(fresh.getHandle(), buffer);
    }

    private void allocate(Buffer buffer) {
        PrivateMemory.Block block = privateMemory.allocate(buffer.bytes(), number);
        buffer.home(block);
        count(block.bytes());
    }

    private void count(long bytes) {
        privateBytes += bytes;
        peakBytes = Math.max(peakBytes, privateBytes + shared.usedBytes());
    }

    void free(long handle) {
        Buffer buffer = buffers.remove(handle);
        if (buffer != null) {
            release(buffer);
        }
    }

    private void release(Buffer buffer) {
        PrivateMemory.Block block = buffer.block();
        SharedRegion region = buffer.region();
        buffer.homeless();
        if (block != null) {
            privateBytes -= block.bytes();
            privateMemory.release(block);
        }
        if (region != null) {
            region.release();
        }
    }

    /** Moves a buffer to shared memory, where it stays. */
    Placement share(long handle, Buffer buffer) {
        SharedRegion region = buffer.region();
        if (region == null) {
            region = shared.allocate(buffer.bytes());
            PrivateMemory.Block block = buffer.block();
            if (block != null) {
                Copies.parallel(block.address(), region.memory().address(), buffer.bytes());
                privateBytes -= block.bytes();
                privateMemory.release(block);
            } else {
                region.memory().fill((byte) 0);
            }
            buffer.home(region);
            count(0);
        }
        return region.placement(handle);
    }

    /** Bytes of a buffer; zeros where nothing was ever written. */
    byte[] read(Buffer buffer, long offset, int length) {
        byte[] content = new byte[length];
        if (buffer.hasMemory()) {
            MemorySegment.copy(EVERYTHING, buffer.address() + offset, MemorySegment.ofArray(content), 0, length);
        }
        return content;
    }

    /** The memory of one batch: the session's buffers and the plan's temporaries. */
    final class BatchMemory implements Memory, AutoCloseable {
        private final Buffer[] numbered;
        private final int firstTemporary;

        BatchMemory(BatchStructure structure, Plan plan) {
            firstTemporary = structure.buffers();
            numbered = new Buffer[structure.buffers() + plan.temporaries().size()];
            for (int number = 0; number < structure.buffers(); number++) {
                numbered[number] = buffers.get(structure.handle(number));
            }
            for (int number = structure.buffers(); number < numbered.length; number++) {
                numbered[number] = new Buffer(plan.temporaries().get(number - structure.buffers()));
            }
        }

        Buffer buffer(int number) {
            return numbered[number];
        }

        @Override
        public long address(int buffer) {
            Buffer found = numbered[buffer];
            if (!found.hasMemory()) {
                allocate(found);
            }
            return found.address();
        }

        @Override
        public Scratch scratch(long bytes) {
            PrivateMemory.Block block = privateMemory.allocate(bytes, number);
            count(block.bytes());
            return new Scratch() {
                @Override
                public long address() {
                    return block.address();
                }

                @Override
                public void close() {
                    privateBytes -= block.bytes();
                    privateMemory.release(block);
                }
            };
        }

        void free(int number, BatchStructure structure) {
            if (number < structure.buffers()) {
                SessionMemory.this.free(structure.handle(number));
            } else {
                release(numbered[number]);
            }
        }

        /** Frees what is left of the plan's temporaries. */
        @Override
        public void close() {
            for (int number = firstTemporary; number < numbered.length; number++) {
                if (numbered[number].hasMemory()) {
                    release(numbered[number]);
                }
            }
        }
    }

    @Override
    public void close() {
        buffers.values().forEach(this::release);
        buffers.clear();
        privateMemory.trimAll();
    }
}
