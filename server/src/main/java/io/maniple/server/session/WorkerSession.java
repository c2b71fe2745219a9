package io.maniple.server.session;

import com.google.protobuf.ByteString;
import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.FloatingPointError;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Placement;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Mappings;
import io.maniple.server.distribution.Ownership;
import io.maniple.server.distribution.Peers;
import io.maniple.server.distribution.Spans;
import io.maniple.server.distribution.Touch;
import io.maniple.server.engine.Compilers;
import io.maniple.server.engine.Division;
import io.maniple.server.engine.Engine;
import io.maniple.server.engine.Memory;
import io.maniple.server.engine.SharedPlan;
import io.maniple.server.engine.StepShare;
import io.maniple.server.engine.Workers;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Effects;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.SparseMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's program as one of several workers runs it. All workers get the same commands in the same order and keep the
 * same books of who has what; before a step each sends what others need of it, and behind it each knows what the others
 * have written. The same batch cut among any number of workers has the same results, to the bit.
 *
 * <p>A step that fails on one worker spoils what it would have written there, and what is computed from that, wherever: a
 * parcel of spoiled content says so. Which buffers are spoiled is told with every answer.
 */
public final class WorkerSession implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(WorkerSession.class);
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final int MOST_ERRORS = 64;
    /** What is smaller goes to everybody at once. */
    private static final long EVERYWHERE_BYTES = 1L << 20;
    /** The failure of a step whose operands were spoiled elsewhere; the worker there has the reason. */
    public static final String ELSEWHERE = "another worker failed";

    private final SessionOptions options;
    private final Peers peers;
    private final MappingPolicy mapping;
    private final SparseMemory memory;
    private final Turns.Seat seat;
    private final Engine engine;
    private final Compilers compilers;
    private final Planning planning;
    private final Profile profile = new Profile();
    private final Explanation explanation = new Explanation();
    private final Map<Long, WorkerBuffer> buffers = new HashMap<>();
    private final Map<Long, WorkerBuffer> uploads = new HashMap<>();
    private final Map<Object, SharedPlan> shared = new IdentityHashMap<>();
    private final Set<FloatingPointError> errors = new LinkedHashSet<>();
    private final Map<Long, ManipleException> spoiled = new LinkedHashMap<>();
    private volatile boolean interrupted;
    private long peakBytes;
    private long peakSpilled;

    /**
     * The answer to a batch.
     *
     * @param spoiled the buffers that have been spoiled here since the last answer, and why
     */
    public record Outcome(Reply reply, Map<Long, ManipleException> spoiled) {}

    WorkerSession(
            SessionOptions options,
            Limits limits,
            Peers peers,
            MappingPolicy mapping,
            SparseMemory memory,
            Turns.Seat seat,
            Engine engine,
            Compilers compilers) {
        this.options = options;
        this.peers = peers;
        this.mapping = mapping;
        this.memory = memory;
        this.seat = seat;
        this.engine = engine;
        this.compilers = compilers;
        this.planning = new Planning(options, limits, compilers, false);
    }

    private long everybody() {
        return Ownership.all(peers.size());
    }

    static long only(int worker) {
        return 1L << worker;
    }

    // -- content that comes and goes --------------------------------------------------------------------------------

    /** Where a worker's part of an upload begins: everybody gets all of a small one. */
    public static Spans partOf(long bytes, int worker, int workers, MappingPolicy mapping) {
        return bytes <= EVERYWHERE_BYTES
                ? Spans.range(0, bytes)
                : Spans.range(
                        Mappings.begin(mapping, bytes, worker, workers),
                        Mappings.begin(mapping, bytes, worker + 1, workers));
    }

    /** Takes some bytes of this worker's part of an upload. */
    public void take(long upload, long bytes, long offset, MemorySegment content) {
        WorkerBuffer buffer = uploads.computeIfAbsent(upload, key -> new WorkerBuffer(memory, bytes, peers.size()));
        try {
            buffer.open(Spans.range(offset, offset + content.byteSize()));
            MemorySegment.copy(content, 0, EVERYTHING, buffer.address() + offset, content.byteSize());
        } catch (ManipleException noMemory) {
            buffer.fail(noMemory);
        }
    }

    /**
     * Reads this worker's part of an upload from a file.
     *
     * @param begin where in the file the upload's first byte is
     * @param modified milliseconds since 1970 at which the file was written that is meant
     */
    public void takeFile(long upload, long bytes, Path file, long begin, long modified) {
        WorkerBuffer buffer = uploads.computeIfAbsent(upload, key -> new WorkerBuffer(memory, bytes, peers.size()));
        Spans part = partOf(bytes, peers.rank(), peers.size(), mapping);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (Files.getLastModifiedTime(file).toMillis() != modified) {
                throw new IOException("it was changed meanwhile, or is not the one that the server sees");
            }
            buffer.open(part);
            for (int range = 0; range < part.ranges(); range++) {
                long length = part.end(range) - part.begin(range);
                FileContent.read(
                        channel,
                        begin + part.begin(range),
                        EVERYTHING.asSlice(buffer.address() + part.begin(range), length));
            }
        } catch (ManipleException noMemory) {
            buffer.fail(noMemory);
        } catch (IOException e) {
            LOGGER.warn("The file {} cannot be read here: {}", file, e.getMessage());
            buffer.fail(new ManipleException(
                    Status.INVALID_PROGRAM,
                    "the file '" + file.getFileName() + "' cannot be read by worker " + peers.rank()
                            + ": the directories of --data must be the same on all machines"));
        }
    }

    /** What of a buffer is shown. */
    @FunctionalInterface
    public interface Reader {
        void read(long offset, MemorySegment content);
    }

    /** Shows what this worker answers for of a range of a buffer. */
    public void read(long handle, long offset, long length, Reader reader) {
        WorkerBuffer buffer = buffers.get(handle);
        if (buffer == null) {
            return;
        }
        Spans own = buffer.ownership().keeper(peers.rank()).within(offset, offset + length);
        try {
            buffer.verify(own);
        } catch (ManipleException damaged) {
            buffer.fail(damaged);
            spoiled.put(handle, damaged);
            return;
        }
        for (int range = 0; range < own.ranges(); range++) {
            reader.read(
                    own.begin(range),
                    EVERYTHING.asSlice(buffer.address() + own.begin(range), own.end(range) - own.begin(range)));
        }
    }

    private void create(List<NewBuffer> introduced) {
        for (NewBuffer fresh : introduced) {
            WorkerBuffer buffer = new WorkerBuffer(memory, fresh.getBytes(), peers.size());
            if (fresh.hasPlacement()) {
                WorkerBuffer upload = uploads.remove(fresh.getPlacement().getOffset());
                buffer = upload == null ? buffer : upload;
                for (int worker = 0; worker < peers.size(); worker++) {
                    Spans part = partOf(fresh.getBytes(), worker, peers.size(), mapping);
                    buffer.ownership().written(part, fresh.getBytes() <= EVERYWHERE_BYTES ? everybody() : only(worker));
                }
            } else if (!fresh.getContent().isEmpty()) {
                try {
                    buffer.open(Spans.range(0, fresh.getBytes()));
                    MemorySegment.copy(
                            MemorySegment.ofBuffer(fresh.getContent().asReadOnlyByteBuffer()),
                            0,
                            EVERYTHING,
                            buffer.address(),
                            fresh.getBytes());
                } catch (ManipleException noMemory) {
                    buffer.fail(noMemory);
                }
            }
            buffer.close();
            buffers.put(fresh.getHandle(), buffer);
            tell(fresh.getHandle(), buffer);
        }
    }

    private void tell(long handle, WorkerBuffer buffer) {
        if (buffer.failure() != null) {
            spoiled.put(handle, buffer.failure());
        }
    }

    /** Buffers that were spoiled on other workers. */
    public void spoil(Map<Long, ManipleException> elsewhere) {
        elsewhere.forEach((handle, failure) -> {
            WorkerBuffer buffer = buffers.get(handle);
            if (buffer != null) {
                buffer.fail(failure);
            }
        });
    }

    // -- batches ----------------------------------------------------------------------------------------------------

    /**
     * Runs this worker's part of a batch that was verified. The observed contents are in the first worker's answer.
     *
     * @throws Peers.PeersException if a peer is lost: the session is of no use any more
     */
    public Outcome execute(Batch batch) {
        interrupted = false;
        // Not given up here: all workers must do the same.
        Planning.Planned planned = planning.plan(
                batch,
                handle -> {
                    WorkerBuffer buffer = buffers.get(handle);
                    return buffer == null ? -1 : buffer.bytes();
                },
                () -> false);
        if (planned.reused()) {
            profile.planReused();
        }
        create(batch.getBuffersList());
        BatchRun run = new BatchRun(batch, planned);
        run.run();
        Reply reply = observe(batch);
        Map<Long, ManipleException> told = new LinkedHashMap<>(spoiled);
        spoiled.clear();
        peakBytes = Math.max(peakBytes, memory.touched());
        peakSpilled = Math.max(peakSpilled, memory.spill().used());
        return new Outcome(reply, told);
    }

    private Reply observe(Batch batch) {
        Reply.Builder reply = Reply.newBuilder();
        Travel travel = new Travel(peers);
        for (Observation observation : batch.getObservationsList()) {
            WorkerBuffer buffer = buffers.get(observation.getHandle());
            if (buffer != null && observation.getLength() > 0) {
                long end = observation.getOffset() + observation.getLength();
                travel.fetch(0, buffer, Spans.range(observation.getOffset(), end));
            }
        }
        ManipleException failure = travel.exchange(null);
        ManipleException damaged = travel.end();
        failure = failure == null ? damaged : failure;
        if (failure != null && peers.rank() == 0) {
            return reply.setStatus(failure.status())
                    .setMessage(String.valueOf(failure.getMessage()))
                    .build();
        }
        for (Observation observation : batch.getObservationsList()) {
            WorkerBuffer buffer = buffers.get(observation.getHandle());
            if (buffer == null) {
                return reply.setStatus(Status.UNKNOWN_BUFFER)
                        .setMessage("buffer " + observation.getHandle() + " was freed and then observed")
                        .build();
            }
            if (observation.getLength() == 0) {
                reply.addPlacements(Placement.newBuilder()
                        .setHandle(observation.getHandle())
                        .setBytes(buffer.bytes()));
            } else if (peers.rank() == 0) {
                reply.addContents(ByteString.copyFrom(EVERYTHING
                        .asSlice(buffer.address() + observation.getOffset(), observation.getLength())
                        .asByteBuffer()));
            }
        }
        if (batch.getSync() || batch.getObservationsCount() > 0) {
            reply.addAllErrors(errors);
            errors.clear();
        }
        return reply.build();
    }

    /** One batch. */
    private final class BatchRun implements Memory {
        private final Batch batch;
        private final SharedPlan plan;
        private final BatchStructure structure;
        private final WorkerBuffer[] numbered;
        private final long[] handles;
        /** What the workers write in the present step, where that follows from what they have found. */
        private @Nullable List<List<Touch>> moved;

        BatchRun(Batch batch, Planning.Planned planned) {
            this.batch = batch;
            this.structure = planned.structure();
            List<Long> temporaries = planned.plan().plan().temporaries();
            numbered = new WorkerBuffer[structure.buffers() + temporaries.size()];
            handles = new long[structure.buffers()];
            for (int number = 0; number < numbered.length; number++) {
                if (number < handles.length) {
                    handles[number] = structure.handle(number);
                    numbered[number] = buffers.get(handles[number]);
                } else {
                    numbered[number] = new WorkerBuffer(memory, temporaries.get(number - handles.length), peers.size());
                }
            }
            if (!planned.reused()) {
                // Plans that were forgotten are not worth keeping their divisions.
                if (shared.size() > 1_024) {
                    shared.clear();
                }
            }
            plan = shared.computeIfAbsent(
                    planned.plan(),
                    key -> new SharedPlan(
                            planned.plan(),
                            compilers,
                            peers.size(),
                            peers.rank(),
                            mapping,
                            number -> numbered[number].bytes(),
                            options.getSpreadAll()));
        }

        @Override
        public long address(int buffer) {
            return numbered[buffer].address();
        }

        @Override
        public Scratch scratch(long bytes) {
            SparseMemory.Area area = memory.reserve(bytes, false);
            try {
                area.touch(Spans.range(0, bytes));
            } catch (ManipleException noMemory) {
                area.release();
                throw noMemory;
            }
            return new Scratch() {
                @Override
                public long address() {
                    return area.address();
                }

                @Override
                public void close() {
                    area.release();
                }
            };
        }

        private void free(int number) {
            if (number < handles.length) {
                buffers.remove(handles[number]);
            }
            numbered[number].release();
        }

        void run() {
            Plan steps = plan.prepared().plan();
            try {
                steps.unused().forEach(this::free);
                for (int index = 0; index < steps.steps().size(); index++) {
                    step(steps.steps().get(index), index);
                    steps.steps().get(index).frees().forEach(this::free);
                }
            } finally {
                for (int number = handles.length; number < numbered.length; number++) {
                    numbered[number].release();
                }
            }
        }

        private void step(Plan.Step step, int index) {
            Division division = plan.division(index, batch.getScalarsList());
            int rank = peers.rank();
            int alone = division instanceof Division.Alone ? chosen(division.reads(0)) : -1;
            boolean takesPart = alone < 0 || alone == rank;
            String source = Profile.name(batch.getSourcesList(), Effects.source(step));
            Travel travel = new Travel(peers);
            for (int worker = 0; worker < peers.size(); worker++) {
                if (alone < 0 || alone == worker) {
                    for (Touch touch : division.reads(worker)) {
                        travel.fetch(worker, numbered[touch.buffer()], touch.spans());
                    }
                }
            }
            if (options.getExplain()) {
                String by = alone < 0 ? division.place() : "by worker " + alone + " alone";
                String how = mapping.name().equals(Mappings.EVEN.name()) ? "" : " by the mapping " + mapping.name();
                explanation.add(step, batch.getSourcesList(), "; " + by + how + "; " + travel.described());
            }
            ManipleException failure = takesPart ? spoiled(step) : null;
            ManipleException arrived = travel.exchange(source);
            failure = failure == null && takesPart ? arrived : failure;
            if (takesPart) {
                memory.spill().busy();
                try {
                    failure = attempt(step, index, division, failure, source);
                } finally {
                    memory.spill().idle();
                }
                closeWritten(division);
            }
            ManipleException damaged = travel.end();
            failure = failure == null && takesPart ? damaged : failure;
            record(division, alone);
            moved = null;
            if (failure != null) {
                fail(step, failure);
            }
        }

        /** The worker that does a step alone which reads these: the policy's choice, by what each has of them. */
        private int chosen(List<Touch> reads) {
            long[] held = new long[peers.size()];
            for (int worker = 0; worker < held.length; worker++) {
                int asked = worker;
                for (Touch touch : reads) {
                    for (int range = 0; range < touch.spans().ranges(); range++) {
                        numbered[touch.buffer()]
                                .ownership()
                                .visit(
                                        touch.spans().begin(range),
                                        touch.spans().end(range),
                                        (begin, end, mask) -> held[asked] += (mask >>> asked & 1) * (end - begin));
                    }
                }
            }
            return mapping.alone(held);
        }

        private @Nullable ManipleException spoiled(Plan.Step step) {
            for (int buffer : Effects.read(step)) {
                ManipleException failure = numbered[buffer].failure();
                if (failure != null) {
                    return failure;
                }
            }
            return null;
        }

        /** Who has what behind the step; the same on all workers, whatever came of it. */
        private void record(Division division, int alone) {
            for (int worker = 0; worker < peers.size(); worker++) {
                if (alone < 0 || alone == worker) {
                    for (Touch touch : moved == null ? division.writes(worker) : moved.get(worker)) {
                        numbered[touch.buffer()].ownership().written(touch.spans(), only(worker));
                    }
                }
            }
            for (Touch touch : division.results()) {
                numbered[touch.buffer()].ownership().written(touch.spans(), everybody());
            }
        }

        private void fail(Plan.Step step, ManipleException failure) {
            for (int number : Effects.written(step)) {
                numbered[number].fail(failure);
                if (number < handles.length) {
                    spoiled.putIfAbsent(handles[number], failure);
                }
            }
        }

        private @Nullable ManipleException attempt(
                Plan.Step step, int index, Division division, @Nullable ManipleException before, String source) {
            ManipleException failure = before;
            long begin = System.nanoTime();
            StepShare share = null;
            try {
                if (failure == null) {
                    try {
                        open(division);
                        StepShare own = engine.share(plan, index, batch.getScalarsList(), this);
                        share = own;
                        compute(own::compute);
                    } catch (RuntimeException | OutOfMemoryError | StackOverflowError thrown) {
                        failure = told(thrown, index, source);
                    }
                }
                ManipleException arrived = exchangePartials(division, share, failure, source);
                failure = failure == null ? arrived : failure;
                if (failure == null && share != null) {
                    try {
                        StepShare own = share;
                        own.exchange(new Rounds(division, source));
                        compute(own::finish);
                        report(own.guilty());
                    } catch (RuntimeException | OutOfMemoryError | StackOverflowError thrown) {
                        failure = told(thrown, index, source);
                    }
                }
            } finally {
                if (share != null) {
                    share.close();
                }
            }
            if (failure == null && options.getProfile()) {
                note(step, System.nanoTime() - begin);
            }
            return failure;
        }

        /** The exchanges that a share makes itself. */
        private final class Rounds implements StepShare.Exchanges {
            private final Division division;
            private final String source;

            Rounds(Division division, String source) {
                this.division = division;
                this.source = source;
            }

            @Override
            public void compute(Runnable work) {
                BatchRun.this.compute(work);
            }

            @Override
            public void spread(long address, List<Spans> byWorker, @Nullable RuntimeException failure) {
                Travel travel = new Travel(peers);
                travel.spread(failure == null ? address : 0, byWorker, failure != null);
                ManipleException arrived = travel.exchange(source);
                throwFirst(failure, arrived);
            }

            @Override
            public void exchange(
                    List<Peers.Parcel> outgoing, List<Peers.Parcel> incoming, @Nullable RuntimeException failure) {
                boolean[] spoiled = new boolean[outgoing.size()];
                Arrays.fill(spoiled, failure != null);
                boolean any = false;
                for (boolean arrived : peers.exchange(outgoing, spoiled, incoming)) {
                    any |= arrived;
                }
                throwFirst(failure, any ? new ManipleException(Status.INTERNAL, ELSEWHERE, source) : null);
            }

            private static void throwFirst(@Nullable RuntimeException failure, @Nullable ManipleException arrived) {
                if (failure != null) {
                    throw failure;
                }
                if (arrived != null) {
                    throw arrived;
                }
            }

            @Override
            public void written(List<Spans> byWorker) {
                Touch target = Objects.requireNonNull(division.target());
                long first = target.spans().begin(0);
                List<List<Touch>> touches = new ArrayList<>();
                for (Spans spans : byWorker) {
                    touches.add(
                            spans.isEmpty()
                                    ? List.of()
                                    : List.of(new Touch(
                                            target.buffer(),
                                            Spans.range(first + spans.begin(0), first + spans.end(0)))));
                }
                moved = touches;
                for (Touch touch : touches.get(peers.rank())) {
                    numbered[touch.buffer()].open(touch.spans());
                }
            }
        }

        private void open(Division division) {
            for (Touch touch : division.writes(peers.rank())) {
                numbered[touch.buffer()].open(touch.spans());
            }
            for (Touch touch : division.results()) {
                numbered[touch.buffer()].open(touch.spans());
            }
        }

        private void closeWritten(Division division) {
            division.writes(peers.rank()).forEach(touch -> numbered[touch.buffer()].close());
            division.results().forEach(touch -> numbered[touch.buffer()].close());
        }

        /** Asked often by the threads that compute, which wait here while memory is too full. */
        private boolean isCancelled() {
            memory.spill().pause();
            return interrupted;
        }

        private void compute(Runnable work) {
            if (interrupted) {
                throw new CancellationException();
            }
            ScopedValue.where(Workers.CANCELLED, this::isCancelled).run(() -> seat.run(() -> interrupted, work));
        }

        private ManipleException told(Throwable thrown, int index, String source) {
            return switch (thrown) {
                case Peers.PeersException lost -> throw lost;
                case ManipleException known -> known.at(source);
                case CancellationException interruption ->
                    new ManipleException(Status.CANCELLED, LocalSession.INTERRUPTED, source, interruption);
                default -> {
                    LOGGER.error("step {} of batch {} failed", index, batch.getNumber(), thrown);
                    yield new ManipleException(
                            Status.INTERNAL,
                            "an operation failed inside a worker; its log has the details",
                            source,
                            thrown);
                }
            };
        }

        private @Nullable ManipleException exchangePartials(
                Division division, @Nullable StepShare share, @Nullable ManipleException failure, String source) {
            Travel travel = new Travel(peers);
            switch (division) {
                case Division.Boxes boxes -> {
                    int number = 0;
                    List<StepShare.Partials> own = share == null ? List.of() : share.partials();
                    for (List<Spans> byWorker : boxes.partials()) {
                        if (byWorker.stream().allMatch(Spans::isEmpty)) {
                            continue;
                        }
                        travel.spread(failure == null ? own.get(number++).address() : 0, byWorker, failure != null);
                    }
                }
                case Division.Blocks blocks -> {
                    if (blocks.results().isEmpty()) {
                        return null;
                    }
                    List<StepShare.Partials> own = share == null ? List.of() : share.partials();
                    if (own.isEmpty()) {
                        travel.spread(0, blocks.someBytes(), true);
                    }
                    for (StepShare.Partials partials : own) {
                        travel.spread(failure == null ? partials.address() : 0, partials.byWorker(), failure != null);
                    }
                }
                default -> {
                    if (division.shown().isEmpty()) {
                        return null;
                    }
                    long address = failure == null && share != null
                            ? share.partials().getFirst().address()
                            : 0;
                    travel.spread(address, division.shown(), failure != null);
                }
            }
            return travel.exchange(source);
        }

        private void report(List<Diagnosis.Suspect> guilty) {
            for (Diagnosis.Suspect suspect : guilty) {
                if (errors.size() < MOST_ERRORS) {
                    errors.add(FloatingPointError.newBuilder()
                            .setKindValue(suspect.kind())
                            .setOperation(suspect.operation())
                            .setSource(Profile.name(batch.getSourcesList(), suspect.source()))
                            .build());
                }
            }
        }

        private void note(Plan.Step step, long nanoseconds) {
            switch (step) {
                case Plan.KernelStep kernel -> profile.kernel(kernel, batch.getSourcesList(), nanoseconds, "");
                case Plan.CascadeStep cascade -> profile.cascade(cascade, batch.getSourcesList(), nanoseconds, "");
                case Plan.RoutineStep routine ->
                    profile.routine(
                            routine.operation().name(),
                            routine.instruction().source(),
                            batch.getSourcesList(),
                            LocalSession.largest(routine.instruction()),
                            nanoseconds,
                            "");
            }
        }
    }

    // -- checkpoints ------------------------------------------------------------------------------------------------

    /**
     * Writes what this worker answers for.
     *
     * @return bytes of content
     */
    public long save(Path file) throws IOException {
        return new WorkerCheckpoint(peers).save(file, buffers);
    }

    /** Takes up where a checkpoint was made; the session has nothing yet. */
    public void restore(List<Path> files) throws IOException {
        new WorkerCheckpoint(peers).restore(files, buffers, bytes -> new WorkerBuffer(memory, bytes, peers.size()));
    }

    // -- the rest ---------------------------------------------------------------------------------------------------

    /** Cancels the running batch; any thread. */
    public void interrupt() {
        interrupted = true;
    }

    public ProfileReply profile() {
        return profile.reply()
                .setKernelsCompiled(compilers.compiledCount())
                .setPeakBytes(peakBytes)
                .setPeakSpilledBytes(peakSpilled)
                .build();
    }

    public String explain() {
        return explanation.text();
    }

    /** Frees everything; never while a batch runs. */
    @Override
    public void close() {
        buffers.values().forEach(WorkerBuffer::release);
        buffers.clear();
        uploads.values().forEach(WorkerBuffer::release);
        uploads.clear();
    }
}
