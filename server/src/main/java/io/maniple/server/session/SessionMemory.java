package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedRegion;
import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Placement;
import io.maniple.bridge.proto.Status;
import io.maniple.server.engine.Memory;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Effects;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.store.Extent;
import io.maniple.server.store.PrivateMemory;
import io.maniple.server.store.Spill;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** The buffers of one session, by handle. */
final class SessionMemory implements AutoCloseable {
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final AtomicLong LAST_NUMBER = new AtomicLong();

    private final long number = LAST_NUMBER.incrementAndGet();
    private final PrivateMemory privateMemory;
    private final @Nullable SharedMemory shared;
    private final MemoryQuota quota;
    /** Changed while a batch runs only; looked at by others, too. */
    private final Map<Long, Buffer> buffers = new ConcurrentHashMap<>();

    private @Nullable DeviceStore device;
    /** What the client has sent or is sending, until a batch introduces it. */
    private final Map<Long, Upload> uploads = new ConcurrentHashMap<>();

    private final AtomicLong lastUpload = new AtomicLong();
    private final AtomicLong spilledBytes = new AtomicLong();
    private final Spill spill;
    private volatile long peakBytes;
    private volatile long peakSpilled;

    /** @param complete else it is still written to, and no buffer's content yet */
    private record Upload(PrivateMemory.Block block, long bytes, boolean complete) {}

    /**
     * @param shared null if the client sees no memory of this machine
     * @param quota of private memory; what goes to disk has one of its own, in proportion. Nobody else takes from it
     */
    SessionMemory(PrivateMemory privateMemory, @Nullable SharedMemory shared, MemoryQuota quota) {
        this.privateMemory = privateMemory;
        this.shared = shared;
        this.quota = quota;
        this.spill = privateMemory.spill();
    }

    /** A device has copies of buffers from now on. */
    DeviceStore useDevice(Residents residents) {
        DeviceStore store = new DeviceStore(residents, this, number);
        device = store;
        return store;
    }

    /** Memory for a buffer, if it has none, whose content is about to come from the device. */
    void provide(Buffer buffer) {
        if (!buffer.hasMemory()) {
            allocate(buffer);
        }
    }

    /** The client may have written to these shared buffers: the device's copies are no longer current. */
    void writtenByClient(List<Long> handles) {
        if (device != null) {
            for (long handle : handles) {
                Buffer buffer = buffers.get(handle);
                if (buffer != null && buffer.region() != null) {
                    device.writtenOnHost(buffer);
                }
            }
        }
    }

    /** The client may have written to any shared buffer. */
    void writtenByClient() {
        if (device != null) {
            for (Buffer buffer : buffers.values()) {
                if (buffer.region() != null) {
                    device.writtenOnHost(buffer);
                }
            }
        }
    }

    /** Makes what only the device has current at the host. */
    private void settle(Buffer buffer) {
        if (buffer.isHostStale()) {
            Objects.requireNonNull(device).toHost(buffer);
        }
    }

    /** Private memory held now. */
    long bytes() {
        return quota.held();
    }

    /** Memory for a buffer to come; any thread. */
    DetachedSession.Upload upload(long bytes) {
        if (bytes < 0) {
            throw new ManipleException(Status.INVALID_PROGRAM, "a buffer of " + bytes + " bytes");
        }
        PrivateMemory.Block block = take(bytes, true);
        long upload = lastUpload.incrementAndGet();
        uploads.put(upload, new Upload(block, bytes, false));
        return new DetachedSession.Upload(upload, EVERYTHING.asSlice(block.address(), bytes));
    }

    /** An upload is filled; any thread. */
    void complete(long upload) {
        uploads.computeIfPresent(upload, (key, given) -> {
            if (given.block().extent() != null) {
                given.block().extent().close();
            }
            return new Upload(given.block(), given.bytes(), true);
        });
    }

    /** Frees an upload that was not introduced; any thread. */
    void discard(long upload) {
        Upload given = uploads.remove(upload);
        if (given != null) {
            give(given.block());
        }
    }

    /** @param checked whether it is read by what is told when steps begin and end */
    private PrivateMemory.Block take(long bytes, boolean checked) {
        boolean movable = spill.isOn() && bytes >= Spill.SMALLEST;
        long beside = spill.isOn() && shared != null ? shared.usedBytes() : 0;
        LongUnaryOperator mark = movable ? spill::spillMark : spill::refuseMark;
        long taken = PrivateMemory.blockBytes(bytes);
        if (quota.tryTake(bytes, taken, beside, mark)) {
            PrivateMemory.Block block =
                    privateMemory.allocateWithin(mark.applyAsLong(privateMemory.limit()), bytes, number);
            if (block != null) {
                notePeak();
                return block;
            }
            quota.give(taken);
        }
        if (movable) {
            return takeOnDisk(bytes, checked);
        }
        throw noRoom(bytes);
    }

    private PrivateMemory.Block takeOnDisk(long bytes, boolean checked) {
        long before;
        do {
            before = spilledBytes.get();
            if (bytes > spill.limit(quota.limit()) - before) {
                throw noRoom(bytes);
            }
        } while (!spilledBytes.compareAndSet(before, before + bytes));
        try {
            spill.consider(quota.limit());
            // A device writes to what a step only reads.
            PrivateMemory.Block block = privateMemory.allocateOnDisk(bytes, number, checked && device == null);
            spilledBytes.addAndGet(block.bytes() - bytes);
            peakSpilled = Math.max(peakSpilled, spilledBytes.get());
            return block;
        } catch (ManipleException noDisk) {
            spilledBytes.addAndGet(-bytes);
            throw noDisk;
        }
    }

    private ManipleException noRoom(long bytes) {
        String onDisk = spill.isOn()
                ? ", and " + spilledBytes.get() + " bytes on disk of " + spill.limit(quota.limit())
                        + " (--spill, MANIPLE_SPILL)"
                : "";
        // Where one session may have all, it is the server's limit that is met.
        boolean isLimited = quota.isShared() || quota.limit() < privateMemory.limit();
        String refused = isLimited ? quota.refusal(bytes) : null;
        return new ManipleException(
                Status.OUT_OF_MEMORY, (refused != null ? refused : privateMemory.refusal(bytes)) + onDisk);
    }

    private void give(PrivateMemory.Block block) {
        if (block.extent() == null) {
            quota.give(block.bytes());
        } else {
            spilledBytes.addAndGet(-block.bytes());
        }
        privateMemory.release(block);
    }

    /** Bytes on disk now. */
    long spilledBytes() {
        return spilledBytes.get();
    }

    /** The most there were. */
    long peakSpilled() {
        return peakSpilled;
    }

    /** Waits while memory is too full; to be called often while a step runs. */
    void pause() {
        spill.pause();
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

    /** The largest of them, largest first; any thread. */
    List<DetachedSession.BufferInfo> largest(int most) {
        PriorityQueue<DetachedSession.BufferInfo> found =
                new PriorityQueue<>(Comparator.comparingLong(DetachedSession.BufferInfo::bytes));
        buffers.forEach((handle, buffer) -> {
            if (buffer.hasMemory() && (found.size() < most || found.element().bytes() < buffer.bytes())) {
                found.add(new DetachedSession.BufferInfo(handle, buffer.bytes(), buffer.content(), buffer.source()));
                if (found.size() > most) {
                    found.remove();
                }
            }
        });
        List<DetachedSession.BufferInfo> sorted = new ArrayList<>(found);
        sorted.sort(Comparator.comparingLong(DetachedSession.BufferInfo::bytes)
                .reversed()
                .thenComparingLong(DetachedSession.BufferInfo::handle));
        return sorted;
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
            place(buffer, fresh.getPlacement());
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

    /** Gives a buffer what the client has filled: a region of shared memory, or what it has sent. */
    private void place(Buffer buffer, Placement placement) {
        if (shared != null) {
            buffer.home(shared.bind(placement.getSegment(), placement.getOffset(), buffer.bytes())
                    .orElseThrow(() -> new ManipleException(
                            Status.INVALID_PROGRAM,
                            "no reservation of " + buffer.bytes() + " bytes at " + placement.getSegment() + ":"
                                    + placement.getOffset())));
            return;
        }
        Upload upload = uploads.get(placement.getOffset());
        if (upload == null || !upload.complete() || upload.bytes() != buffer.bytes()) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM,
                    "no complete upload of " + buffer.bytes() + " bytes has the number " + placement.getOffset());
        }
        uploads.remove(placement.getOffset());
        buffer.home(upload.block());
    }

    private void allocate(Buffer buffer) {
        buffer.home(take(buffer.bytes(), true));
    }

    private void notePeak() {
        long held = quota.held() + (shared == null ? 0 : shared.usedBytes());
        peakBytes = Math.max(peakBytes, held);
    }

    void free(long handle) {
        Buffer buffer = buffers.remove(handle);
        if (buffer != null) {
            release(buffer);
        }
    }

    private void release(Buffer buffer) {
        if (buffer.device() != null) {
            Objects.requireNonNull(device).drop(buffer);
        }
        PrivateMemory.Block block = buffer.block();
        SharedRegion region = buffer.region();
        buffer.homeless();
        if (block != null) {
            give(block);
        }
        if (region != null) {
            region.release();
        }
    }

    /** Moves a buffer to shared memory, where it stays; without any it stays where it is, to be read. */
    Placement share(long handle, Buffer buffer) {
        if (shared == null) {
            return Placement.newBuilder()
                    .setHandle(handle)
                    .setBytes(buffer.bytes())
                    .build();
        }
        SharedRegion region = buffer.region();
        if (region == null) {
            region = shared.allocate(buffer.bytes());
            PrivateMemory.Block block = buffer.block();
            boolean stale = buffer.isHostStale();
            if (stale) {
                try {
                    Objects.requireNonNull(device)
                            .toHost(buffer, region.memory().address());
                } catch (ManipleException lost) {
                    region.release();
                    throw lost;
                }
            }
            if (block != null && stale) {
                give(block);
            } else if (block != null) {
                Copies.parallel(block.address(), region.memory().address(), buffer.bytes());
                try {
                    Spill.verifyRead(block.extent());
                } catch (ManipleException damaged) {
                    region.release();
                    throw damaged;
                }
                give(block);
            } else if (!stale) {
                region.memory().fill((byte) 0);
            }
            buffer.home(region);
            notePeak();
        } else {
            settle(buffer);
        }
        return region.placement(handle);
    }

    /** All of a buffer; zeros where nothing was ever written. */
    MemorySegment whole(Buffer buffer) {
        settle(buffer);
        if (!buffer.hasMemory()) {
            allocate(buffer);
            EVERYTHING.asSlice(buffer.address(), buffer.bytes()).fill((byte) 0);
        }
        verify(buffer, 0, buffer.bytes());
        return EVERYTHING.asSlice(buffer.address(), buffer.bytes());
    }

    /** Bytes of a buffer; zeros where nothing was ever written. */
    byte[] read(Buffer buffer, long offset, int length) {
        byte[] content = new byte[length];
        if (buffer.isHostStale()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment copy = arena.allocate(Math.max(1, length));
                Objects.requireNonNull(device).read(buffer, offset, length, copy.address());
                MemorySegment.copy(copy, 0, MemorySegment.ofArray(content), 0, length);
            }
        } else if (buffer.hasMemory()) {
            verify(buffer, offset, offset + length);
            MemorySegment.copy(EVERYTHING, buffer.address() + offset, MemorySegment.ofArray(content), 0, length);
        }
        return content;
    }

    private static void verify(Buffer buffer, long begin, long end) {
        PrivateMemory.Block block = buffer.block();
        if (block != null && block.extent() != null) {
            block.extent().verify(begin, end);
        }
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
            settle(found);
            if (!found.hasMemory()) {
                allocate(found);
            }
            return found.address();
        }

        private @Nullable Extent extent(int number) {
            PrivateMemory.Block block = numbered[number].block();
            return block == null ? null : block.extent();
        }

        /**
         * Runs a step; what it touches on disk is watched meanwhile.
         *
         * @throws ManipleException where what it reads or changes came back damaged from the disk
         */
        void during(Plan.Step step, Runnable work) {
            if (!spill.isOn()) {
                work.run();
                return;
            }
            spill.busy();
            try {
                if (spilledBytes.get() > 0) {
                    for (int number : Effects.written(step)) {
                        Extent extent = extent(number);
                        if (extent != null) {
                            extent.open(0, extent.bytes());
                        }
                    }
                }
                work.run();
            } finally {
                spill.idle();
                if (spilledBytes.get() > 0) {
                    close(step);
                }
            }
            if (spilledBytes.get() > 0) {
                for (int number : Effects.read(step)) {
                    // What is written, too, was looked at before.
                    Spill.verifyRead(extent(number));
                }
            }
        }

        private void close(Plan.Step step) {
            for (int number : Effects.written(step)) {
                Extent extent = extent(number);
                if (extent != null) {
                    extent.close();
                }
            }
        }

        @Override
        public Scratch scratch(long bytes) {
            PrivateMemory.Block block = take(bytes, false);
            return new Scratch() {
                @Override
                public long address() {
                    return block.address();
                }

                @Override
                public void close() {
                    give(block);
                }
            };
        }

        /** Makes current what the client reads in shared memory without asking; the first failure. */
        @Nullable ManipleException settleShared() {
            ManipleException failure = null;
            for (int number = 0; number < firstTemporary; number++) {
                Buffer buffer = numbered[number];
                if (buffer.region() != null && buffer.isHostStale()) {
                    try {
                        settle(buffer);
                    } catch (ManipleException lost) {
                        buffer.fail(lost);
                        failure = failure == null ? lost : failure;
                    }
                }
            }
            return failure;
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
                if (numbered[number].hasMemory() || numbered[number].device() != null) {
                    release(numbered[number]);
                }
            }
        }
    }

    @Override
    public void close() {
        buffers.values().forEach(this::release);
        buffers.clear();
        uploads.keySet().forEach(this::discard);
        privateMemory.trimAll();
    }
}
