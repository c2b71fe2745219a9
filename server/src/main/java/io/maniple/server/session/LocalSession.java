package io.maniple.server.session;

import com.google.protobuf.ByteString;
import io.maniple.bridge.memory.SharedMemoryException;
import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.DeviceUse;
import io.maniple.bridge.proto.FloatingPointError;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.engine.Compilers;
import io.maniple.server.engine.Engine;
import io.maniple.server.engine.PreparedPlan;
import io.maniple.server.engine.Workers;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Effects;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.trace.BatchRecorder;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's program on this machine.
 *
 * <p>A batch that is not sound is refused as a whole. Once it runs, a step that fails spoils what it would have
 * written, and whatever is computed from that; the rest goes on. Who looks at a spoiled buffer gets the failure, so
 * nothing is ever silently wrong.
 */
final class LocalSession implements DetachedSession {
    private static final Logger LOGGER = LoggerFactory.getLogger(LocalSession.class);
    static final String INTERRUPTED = "the computation was interrupted";

    private final SessionOptions options;
    private final SessionMemory memory;
    private final Turns.Seat seat;
    private final Engine engine;
    private final Compilers compilers;
    private final Planning planning;
    private final Profile profile = new Profile();
    private final Explanation explanation = new Explanation();
    private final @Nullable SessionTrace trace;
    private static final int MOST_ERRORS = 64;
    private final Set<FloatingPointError> errors = new LinkedHashSet<>();
    /** Held while a batch runs or a buffer is read: neither sees the memory of the other change. */
    private final ReentrantLock busy = new ReentrantLock();

    private volatile boolean interrupted;
    /** A failure to compute what the client reads from shared memory without asking; told at the next sync. */
    private @Nullable ManipleException untold;

    private boolean sharedMemorySpoiled;
    /** The number of the last batch that was run. */
    private long lastNumber;

    private final DeviceSource devices;
    private @Nullable DeviceSession device;

    /** @param trace where what runs is noted; null: nowhere */
    LocalSession(
            SessionOptions options,
            Limits limits,
            SessionMemory memory,
            Turns.Seat seat,
            Engine engine,
            Compilers compilers,
            @Nullable SessionTrace trace,
            DeviceSource devices) {
        this.devices = devices;
        this.options = options;
        this.memory = memory;
        this.seat = seat;
        this.engine = engine;
        this.compilers = compilers;
        this.planning = new Planning(options, limits, compilers, trace != null, devices.isWanted());
        this.trace = trace;
    }

    @Override
    public Reply execute(Batch batch) {
        busy.lock();
        try {
            return trace == null
                    ? executeAlone(batch, null)
                    : trace.noting(batch, recorder -> executeAlone(batch, recorder));
        } finally {
            busy.unlock();
        }
    }

    private Reply executeAlone(Batch batch, @Nullable BatchRecorder recorder) {
        interrupted = false;
        if (device == null && devices.isWanted()) {
            device = devices.find(memory).orElse(null);
        }
        Planning.Planned planned = planning.plan(batch, memory::bytes, () -> interrupted);
        if (recorder != null) {
            recorder.planned(!planned.reused());
        }
        if (planned.reused()) {
            profile.planReused();
        }
        memory.create(batch.getBuffersList());
        noteWrites(batch);
        run(batch, planned, recorder);
        if (planned.description() != null) {
            planned.description().describe(planned.structure(), batch.getSourcesList(), memory);
        }
        return observe(batch);
    }

    /** What the client has announced in batches that were discarded is not known. */
    private void noteWrites(Batch batch) {
        if (options.getAnnouncesWrites() && batch.getNumber() == lastNumber + 1) {
            memory.writtenByClient(batch.getWrittenList());
        } else {
            memory.writtenByClient();
        }
        lastNumber = batch.getNumber();
    }

    private void run(Batch batch, Planning.Planned planned, @Nullable BatchRecorder recorder) {
        BatchStructure structure = planned.structure();
        PreparedPlan prepared = planned.plan();
        List<Plan.Step> steps = prepared.plan().steps();
        try (SessionMemory.BatchMemory batchMemory = memory.new BatchMemory(structure, prepared.plan())) {
            // First, to make room.
            for (int buffer : prepared.plan().unused()) {
                batchMemory.free(buffer, structure);
            }
            if (device != null) {
                device.begin(prepared, batchMemory);
            }
            for (int index = 0; index < steps.size(); index++) {
                Plan.Step step = steps.get(index);
                ManipleException failure = spoiled(step, batchMemory);
                if (failure == null) {
                    failure = attempt(prepared, index, batch, batchMemory, recorder);
                    if (recorder != null && planned.description() != null) {
                        recorder.stepEnded(planned.description().step(index), batch.getSourcesList(), failure != null);
                    }
                }
                if (failure != null) {
                    for (int buffer : Effects.written(step)) {
                        Buffer spoiled = batchMemory.buffer(buffer);
                        spoiled.fail(failure);
                        if (spoiled.region() != null) {
                            sharedMemorySpoiled = true;
                            untold = untold == null ? failure : untold;
                        }
                    }
                }
                for (int buffer : step.frees()) {
                    batchMemory.free(buffer, structure);
                }
            }
            ManipleException lost = device == null ? null : batchMemory.settleShared();
            if (lost != null) {
                sharedMemorySpoiled = true;
                untold = untold == null ? lost : untold;
            }
        }
    }

    private static @Nullable ManipleException spoiled(Plan.Step step, SessionMemory.BatchMemory batchMemory) {
        for (int buffer : Effects.read(step)) {
            ManipleException failure = batchMemory.buffer(buffer).failure();
            if (failure != null) {
                return failure;
            }
        }
        return null;
    }

    private @Nullable ManipleException attempt(
            PreparedPlan prepared,
            int index,
            Batch batch,
            SessionMemory.BatchMemory batchMemory,
            @Nullable BatchRecorder recorder) {
        Plan.Step step = prepared.plan().steps().get(index);
        String source = Profile.name(batch.getSourcesList(), Effects.source(step));
        if (recorder != null) {
            recorder.stepAsked();
        }
        if (interrupted) {
            return new ManipleException(Status.CANCELLED, INTERRUPTED, source);
        }
        long begin = System.nanoTime();
        boolean[] there = new boolean[1];
        long[] passed = new long[1];
        try {
            ScopedValue.where(Workers.CANCELLED, this::isCancelled)
                    .run(() -> passed[0] = seat.run(() -> interrupted, () -> {
                        if (recorder != null) {
                            recorder.stepBegan();
                        }
                        batchMemory.during(step, () -> there[0] = compute(prepared, index, batch, batchMemory));
                    }));
            if (recorder != null) {
                recorder.stepPassed(passed[0]);
            }
        } catch (ManipleException failure) {
            return failure.at(source);
        } catch (CancellationException interruption) {
            return new ManipleException(Status.CANCELLED, INTERRUPTED, source, interruption);
        } catch (SharedMemoryException failure) {
            return new ManipleException(
                    Status.SHARED_MEMORY_UNAVAILABLE, String.valueOf(failure.getMessage()), source, failure);
        } catch (RuntimeException | OutOfMemoryError | StackOverflowError failure) {
            LOGGER.error("step {} of batch {} failed", index, batch.getNumber(), failure);
            return new ManipleException(
                    Status.INTERNAL, "an operation failed inside the server; its log has the details", source, failure);
        }
        if (options.getExplain()) {
            explanation.add(step, batch.getSourcesList(), where(prepared, index, there[0]));
        }
        if (options.getProfile()) {
            if (there[0] && device != null) {
                // What a step takes is known only when it is waited for.
                errors.addAll(device.settle());
            }
            String where = there[0] ? "gpu" : "";
            long nanoseconds = System.nanoTime() - begin - passed[0];
            switch (step) {
                case Plan.KernelStep kernel -> profile.kernel(kernel, batch.getSourcesList(), nanoseconds, where);
                case Plan.CascadeStep cascade -> profile.cascade(cascade, batch.getSourcesList(), nanoseconds, where);
                case Plan.RoutineStep routine ->
                    profile.routine(
                            routine.operation().name(),
                            routine.instruction().source(),
                            batch.getSourcesList(),
                            largest(routine.instruction()),
                            nanoseconds,
                            where);
            }
        }
        return null;
    }

    /** Asked often by the threads that compute, which wait here while memory is too full. */
    private boolean isCancelled() {
        memory.pause();
        return interrupted;
    }

    private String where(PreparedPlan prepared, int index, boolean there) {
        DeviceSession used = device;
        if (used == null) {
            return "";
        }
        return there ? ", on the GPU by " + used.launches(prepared, index) : ", on the processor";
    }

    /** @return whether the device does it */
    private boolean compute(PreparedPlan prepared, int index, Batch batch, SessionMemory.BatchMemory batchMemory) {
        if (device != null) {
            if (device.run(prepared, index, batch, batchMemory)) {
                return true;
            }
            // A device that has failed takes with it what only it had.
            Plan.Step step = prepared.plan().steps().get(index);
            ManipleException failure = spoiled(step, batchMemory);
            if (failure != null) {
                throw failure;
            }
            report(engine.run(prepared, index, batch.getScalarsList(), batchMemory), batch.getSourcesList());
            device.writtenOnHost(Effects.written(step), batchMemory);
            return false;
        }
        report(engine.run(prepared, index, batch.getScalarsList(), batchMemory), batch.getSourcesList());
        return false;
    }

    private void report(List<Diagnosis.Suspect> guilty, List<String> sources) {
        for (Diagnosis.Suspect suspect : guilty) {
            if (errors.size() < MOST_ERRORS) {
                errors.add(DeviceReports.error(suspect, sources));
            }
        }
    }

    static long largest(Instruction instruction) {
        long elements = 0;
        for (Operand operand : instruction.operands()) {
            if (operand instanceof Operand.View view) {
                elements = Math.max(elements, view.layout().elements());
            }
        }
        return elements;
    }

    private Reply observe(Batch batch) {
        Reply.Builder reply = Reply.newBuilder();
        for (Observation observation : batch.getObservationsList()) {
            Buffer buffer = memory.find(observation.getHandle());
            if (buffer == null) {
                return failed(new ManipleException(
                        Status.UNKNOWN_BUFFER, "buffer " + observation.getHandle() + " was freed and then observed"));
            }
            ManipleException failure = buffer.failure();
            if (failure != null) {
                return failed(failure);
            }
            try {
                if (observation.getLength() > 0) {
                    reply.addContents(ByteString.copyFrom(
                            memory.read(buffer, observation.getOffset(), (int) observation.getLength())));
                } else {
                    reply.addPlacements(memory.share(observation.getHandle(), buffer));
                }
            } catch (SharedMemoryException unavailable) {
                return failed(new ManipleException(
                        Status.SHARED_MEMORY_UNAVAILABLE, String.valueOf(unavailable.getMessage())));
            } catch (ManipleException lost) {
                return failed(lost);
            }
        }
        if (batch.getSync() && untold != null) {
            ManipleException failure = untold;
            untold = null;
            return failed(failure);
        }
        if (batch.getSync() || batch.getObservationsCount() > 0) {
            DeviceSession used = device;
            if (used != null) {
                errors.addAll(used.settle());
            }
            reply.setWarning(devices.takeWarning()
                    .or(() -> used == null ? Optional.empty() : used.takeWarning())
                    .orElse(""));
            reply.addAllErrors(errors);
            errors.clear();
        }
        if (sharedMemorySpoiled) {
            reply.setFailedBatch(batch.getNumber());
        }
        return reply.build();
    }

    private static Reply failed(ManipleException failure) {
        return Reply.newBuilder()
                .setStatus(failure.status())
                .setMessage(String.valueOf(failure.getMessage()))
                .setSource(failure.source())
                .build();
    }

    @Override
    public ProfileReply profile() {
        ProfileReply.Builder reply = profile.reply()
                .setKernelsCompiled(compilers.compiledCount())
                .setPeakBytes(memory.peakBytes())
                .setPeakSpilledBytes(memory.peakSpilled());
        DeviceSession used = device;
        if (used != null) {
            reply.setDevice(used.use());
        } else if (!devices.failure().isEmpty()) {
            reply.setDevice(DeviceUse.newBuilder().setFailure(devices.failure()));
        }
        return reply.build();
    }

    @Override
    public String explain() {
        DeviceSession used = device;
        return used == null ? explanation.text() : explanation.text() + used.describe();
    }

    @Override
    public TimelineReply timeline(long after) {
        return trace == null ? TimelineReply.getDefaultInstance() : trace.reply(after);
    }

    @Override
    public String timelineFile() {
        return Objects.requireNonNull(trace, "a detached session keeps a trace").file();
    }

    @Override
    public List<BufferInfo> largestBuffers(int most) {
        return memory.largest(most);
    }

    @Override
    public Upload upload(long bytes) {
        return memory.upload(bytes);
    }

    @Override
    public void complete(long number) {
        memory.complete(number);
    }

    @Override
    public void discard(long number) {
        memory.discard(number);
    }

    @Override
    public void read(long handle, Consumer<MemorySegment> reader) {
        busy.lock();
        try {
            readAlone(handle, reader);
        } finally {
            busy.unlock();
        }
    }

    private void readAlone(long handle, Consumer<MemorySegment> reader) {
        Buffer buffer = memory.find(handle);
        if (buffer == null) {
            throw new ManipleException(Status.UNKNOWN_BUFFER, "this session has no buffer with the handle " + handle);
        }
        ManipleException failure = buffer.failure();
        if (failure != null) {
            throw failure;
        }
        reader.accept(memory.whole(buffer));
    }

    @Override
    public long memoryBytes() {
        return memory.bytes();
    }

    @Override
    public long spilledBytes() {
        return memory.spilledBytes();
    }

    @Override
    public void interrupt() {
        interrupted = true;
    }

    @Override
    public void close() {
        busy.lock();
        try {
            memory.close();
            if (device != null) {
                device.close();
            }
        } finally {
            busy.unlock();
        }
    }
}
