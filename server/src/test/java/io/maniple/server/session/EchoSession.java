package io.maniple.server.session;

import com.google.protobuf.ByteString;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedRegion;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Placement;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Computes nothing: gives back what it was given, as a stand-in for a real session. Operation 0 frees, {@link #SLEEP}
 * takes as many milliseconds as the scalar says, {@link #FAIL} fails.
 */
final class EchoSession implements Session {
    static final int FREE = 0;
    static final int SLEEP = 1;
    static final int FAIL = 2;

    private final SharedMemory memory;
    private final Map<Long, SharedRegion> buffers = new HashMap<>();
    private final AtomicBoolean interrupted = new AtomicBoolean();
    private long batches;

    EchoSession(SharedMemory memory) {
        this.memory = memory;
    }

    @Override
    public Reply execute(Batch batch) {
        interrupted.set(false);
        batches++;
        for (NewBuffer buffer : batch.getBuffersList()) {
            buffers.put(buffer.getHandle(), place(buffer));
        }
        int operand = 0;
        for (int i = 0; i < batch.getOperationCount(); i++) {
            run(batch, i, operand);
            operand += batch.getOperandCount(i);
        }
        Reply.Builder reply = Reply.newBuilder();
        for (Observation observation : batch.getObservationsList()) {
            SharedRegion region = buffer(observation.getHandle());
            if (observation.getLength() == 0) {
                reply.addPlacements(region.placement(observation.getHandle()));
            } else {
                MemorySegment part = region.memory().asSlice(observation.getOffset(), observation.getLength());
                reply.addContents(ByteString.copyFrom(part.asByteBuffer()));
            }
        }
        return reply.build();
    }

    private SharedRegion place(NewBuffer buffer) {
        if (buffer.hasPlacement()) {
            Placement placement = buffer.getPlacement();
            return memory.bind(placement.getSegment(), placement.getOffset(), buffer.getBytes())
                    .orElseThrow(() -> new ManipleException(Status.UNKNOWN_BUFFER, "no such reservation"));
        }
        SharedRegion region = memory.allocate(buffer.getBytes());
        MemorySegment.copy(
                MemorySegment.ofArray(buffer.getContent().toByteArray()),
                ValueLayout.JAVA_BYTE,
                0,
                region.memory(),
                ValueLayout.JAVA_BYTE,
                0,
                buffer.getContent().size());
        return region;
    }

    private void run(Batch batch, int instruction, int operand) {
        switch (batch.getOperation(instruction)) {
            case FREE -> {
                buffer(batch.getOperandBuffer(operand)).release();
                buffers.remove(batch.getOperandBuffer(operand));
            }
            case SLEEP ->
                sleep(batch.getScalars(batch.getOperandLayout(operand)).getLow());
            case FAIL ->
                throw new ManipleException(
                        Status.INDEX_OUT_OF_RANGE,
                        "asked to fail",
                        batch.getSource(instruction) == 0 ? "" : batch.getSources(batch.getSource(instruction) - 1));
            default -> throw new ManipleException(Status.INVALID_PROGRAM, "unknown operation");
        }
    }

    private SharedRegion buffer(long handle) {
        SharedRegion region = buffers.get(handle);
        if (region == null) {
            throw new ManipleException(Status.UNKNOWN_BUFFER, "no buffer " + handle);
        }
        return region;
    }

    private void sleep(long milliseconds) {
        long end = System.nanoTime() + milliseconds * 1_000_000;
        while (System.nanoTime() < end) {
            if (interrupted.get()) {
                throw new ManipleException(Status.CANCELLED, "interrupted");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public ProfileReply profile() {
        return ProfileReply.newBuilder().setKernels(batches).build();
    }

    @Override
    public String explain() {
        return "echo\nC:\\new\r\nend";
    }

    @Override
    public void interrupt() {
        interrupted.set(true);
    }

    @Override
    public void close() {
        buffers.values().forEach(SharedRegion::release);
    }
}
