package io.maniple.cluster;

import com.google.protobuf.UnsafeByteOperations;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.BatchCommand;
import io.maniple.bridge.proto.Command;
import io.maniple.bridge.proto.ContentCommand;
import io.maniple.bridge.proto.FileCommand;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Piece;
import io.maniple.bridge.proto.ProfileCommand;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.ReadCommand;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.RestoreCommand;
import io.maniple.bridge.proto.SaveCommand;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Spoiled;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.Planning;
import io.maniple.server.session.SessionTrace;
import io.maniple.server.session.WorkerSession;
import io.maniple.server.store.SparseMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's program on the workers of a cluster. Batches are verified here, written down and sent to all workers, who are
 * not waited for unless the client waits. When a worker is lost, all of them begin anew from the newest checkpoint and are
 * told again what came behind it.
 */
final class ClusterSession implements DetachedSession {
    private static final Logger LOGGER = LoggerFactory.getLogger(ClusterSession.class);
    /** Batches that the workers may be behind. */
    private static final long AHEAD = 64;

    private static final int PIECE_BYTES = 1 << 20;
    private static final int ATTEMPTS = 4;

    private final String name;
    private final Roster roster;
    private final MappingPolicy mapping;
    private final SessionOptions options;
    private final Planning planning;
    private final SparseMemory memory;
    private final MemoryQuota quota;
    private final LongUnaryOperator most;
    private final Duration patience;
    /** Of batches; the workers do not tell of their kernels. */
    private final SessionTrace trace;

    private final Checkpoints checkpoints;
    private final ReentrantLock busy = new ReentrantLock();
    private final SessionLog log = new SessionLog();
    /** Changed while a batch runs only; looked at by others, too. */
    private final Map<Long, Long> sizes = new ConcurrentHashMap<>();

    private final Map<Long, ManipleException> spoiled = new HashMap<>();
    private final List<Spoiled> untold = new ArrayList<>();
    private final Map<Long, ClientContent> uploads = new ConcurrentHashMap<>();
    private final Map<Long, SessionLog.FileEntry> files = new ConcurrentHashMap<>();
    private final AtomicLong lastUpload = new AtomicLong();

    private long lastBatch;
    private int sent;
    private long epoch;
    private int attempts;
    private long attempted = -1;
    private volatile @Nullable ShareStreams streams;
    private @Nullable ManipleException dead;
    private @Nullable ManipleException reason;

    ClusterSession(
            String name,
            Roster roster,
            MappingPolicy mapping,
            SessionOptions options,
            Planning planning,
            SparseMemory memory,
            MemoryQuota quota,
            LongUnaryOperator most,
            Duration patience,
            SessionTrace trace,
            Checkpoints checkpoints) {
        this.name = name;
        this.roster = roster;
        this.mapping = mapping;
        this.options = options;
        this.planning = planning;
        this.memory = memory;
        this.quota = quota;
        this.most = most;
        this.patience = patience;
        this.trace = trace;
        this.checkpoints = checkpoints;
    }

    // -- batches ----------------------------------------------------------------------------------------------------

    @Override
    public Reply execute(Batch batch) {
        busy.lock();
        try {
            return trace.noting(batch, recorder -> executeAlone(batch));
        } finally {
            busy.unlock();
        }
    }

    private Reply executeAlone(Batch batch) {
        if (dead != null) {
            throw dead;
        }
        planning.verify(batch, handle -> sizes.getOrDefault(handle, -1L));
        int before = log.size();
        Introduced introduced = introduce(batch);
        boolean awaited = batch.getSync() || batch.getObservationsCount() > 0;
        long number = lastBatch + 1;
        try {
            log.add(new SessionLog.BatchEntry(
                    number, batch.toBuilder().setNumber(number).build()));
            lastBatch = number;
            List<Reply> replies = deliver(number, awaited);
            batch.getBuffersList()
                    .forEach(fresh -> files.remove(fresh.getPlacement().getOffset()));
            free(batch, introduced.passing());
            if (!awaited) {
                return Reply.getDefaultInstance();
            }
            Reply reply = answer(batch, replies);
            checkpointIfDue();
            return reply;
        } catch (ManipleException refused) {
            // None of it was done: no worker is there that could have.
            log.cut(before);
            lastBatch = number - 1;
            batch.getBuffersList().forEach(fresh -> sizes.remove(fresh.getHandle()));
            introduced.uploads().forEach(upload -> uploads.put(upload.number(), upload));
            quota.give(introduced.taken());
            throw refused;
        }
    }

    /**
     * What a batch brings.
     *
     * @param uploads its buffers that the client has filled; the quota knows them already
     * @param passing its other buffers that it frees, too: they last for a step or two, or are never in memory, and the
     *     workers see to that
     * @param taken bytes of the rest
     */
    private record Introduced(Set<ClientContent> uploads, Set<Long> passing, long taken) {}

    /** Notes the new buffers; those that the client has filled come before the batch. */
    private Introduced introduce(Batch batch) {
        Set<Long> freed = new HashSet<>();
        eachFreed(batch, freed::add);
        Set<ClientContent> named = new LinkedHashSet<>();
        Set<Long> passing = new HashSet<>();
        List<SessionLog.FileEntry> loaded = new ArrayList<>();
        long lasting = 0;
        for (NewBuffer buffer : batch.getBuffersList()) {
            if (buffer.hasPlacement()) {
                SessionLog.FileEntry file = files.get(buffer.getPlacement().getOffset());
                if (file == null || file.size() != buffer.getBytes()) {
                    ClientContent upload = uploads.get(buffer.getPlacement().getOffset());
                    if (upload == null
                            || !upload.isComplete()
                            || upload.bytes() != buffer.getBytes()
                            || !named.add(upload)) {
                        throw new ManipleException(
                                Status.INVALID_PROGRAM,
                                "no complete upload of " + buffer.getBytes() + " bytes has the number "
                                        + buffer.getPlacement().getOffset());
                    }
                    continue;
                }
                loaded.add(file);
            }
            if (freed.contains(buffer.getHandle())) {
                passing.add(buffer.getHandle());
            } else {
                // More than there is at all is refused below.
                lasting = lasting > Long.MAX_VALUE - buffer.getBytes() ? Long.MAX_VALUE : lasting + buffer.getBytes();
            }
        }
        quota.take(lasting, lasting, most);
        for (ClientContent upload : named) {
            uploads.remove(upload.number());
            log.add(new SessionLog.ContentEntry(upload));
        }
        loaded.forEach(log::add);
        batch.getBuffersList().forEach(buffer -> sizes.put(buffer.getHandle(), buffer.getBytes()));
        return new Introduced(named, passing, lasting);
    }

    private void free(Batch batch, Set<Long> passing) {
        eachFreed(batch, handle -> {
            Long bytes = sizes.remove(handle);
            if (bytes != null && !passing.contains(handle)) {
                quota.give(bytes);
            }
            spoiled.remove(handle);
        });
    }

    private static void eachFreed(Batch batch, LongConsumer consumer) {
        int operand = 0;
        for (int index = 0; index < batch.getOperationCount(); index++) {
            if (batch.getOperation(index) == 0) {
                consumer.accept(batch.getOperandBuffer(operand));
            }
            operand += batch.getOperandCount(index);
        }
    }

    /** Tells the workers of a batch and all they have not been told before it. */
    private List<Reply> deliver(long number, boolean awaited) {
        return onGang(own -> {
            if (awaited) {
                own.collect(number);
            }
            pump(own);
            if (awaited) {
                List<Reply> replies = own.replies(number);
                note(own);
                return replies;
            }
            own.awaitDone(number - AHEAD);
            return List.of();
        });
    }

    /** Something to be done with a complete gang. */
    @FunctionalInterface
    private interface Question<T> {
        T ask(ShareStreams streams) throws GangLostException, InterruptedException;
    }

    /** Asks a complete gang, and the next one where it is lost meanwhile. */
    private <T> T onGang(Question<T> question) {
        while (true) {
            ShareStreams own = connected();
            try {
                return question.ask(own);
            } catch (GangLostException lost) {
                lose(own, lost);
            } catch (InterruptedException e) {
                throw shuttingDown();
            }
        }
    }

    private static ManipleException shuttingDown() {
        Thread.currentThread().interrupt();
        return new ManipleException(Status.SHUTTING_DOWN, "the server is shutting down");
    }

    /** Streams to a complete gang. */
    private ShareStreams connected() {
        ShareStreams own = streams;
        while (own == null) {
            try {
                Gang gang = roster.await(epoch, patience);
                epoch = gang.epoch();
                own = new ShareStreams(gang, name, options);
                streams = own;
                sent = 0;
                if (!checkpoints.newest().isEmpty()) {
                    restore(own);
                }
            } catch (GangLostException lost) {
                lose(java.util.Objects.requireNonNull(own), lost);
                own = null;
            } catch (InterruptedException e) {
                throw shuttingDown();
            }
        }
        return own;
    }

    private void restore(ShareStreams own) throws GangLostException, InterruptedException {
        String failure = own.restore(Command.newBuilder()
                .setRestore(RestoreCommand.newBuilder()
                        .addAllPaths(checkpoints.newest().stream()
                                .map(Path::toString)
                                .toList()))
                .build());
        if (failure != null) {
            dead = new ManipleException(Status.INTERNAL, "the arrays cannot be restored: " + failure);
            throw dead;
        }
    }

    /** A worker is gone. What the first batch that was not done does may be the reason. */
    private void lose(ShareStreams own, GangLostException lost) {
        long next = own.done() + 1;
        note(own);
        own.close();
        streams = null;
        attempts = attempted == next ? attempts + 1 : 1;
        attempted = next;
        LOGGER.warn("Session {} begins anew, attempt {} of batch {}: {}", name, attempts, next, lost.getMessage());
        if (attempts >= ATTEMPTS) {
            dead = new ManipleException(
                    Status.INTERNAL,
                    "workers were lost " + attempts + " times at the same batch of operations, the last time because "
                            + lost.getMessage() + "; the session is given up",
                    sourceOf(next));
            throw dead;
        }
    }

    private String sourceOf(long number) {
        for (int index = 0; index < log.size(); index++) {
            if (log.get(index) instanceof SessionLog.BatchEntry entry && entry.number() == number) {
                for (int source : entry.batch().getSourceList()) {
                    if (source > 0 && source <= entry.batch().getSourcesCount()) {
                        return entry.batch().getSources(source - 1);
                    }
                }
            }
        }
        return "";
    }

    private void pump(ShareStreams own) throws GangLostException, InterruptedException {
        while (sent < log.size()) {
            switch (log.get(sent)) {
                case SessionLog.ContentEntry content -> scatter(own, content.upload());
                case SessionLog.FileEntry file ->
                    own.sendAll(Command.newBuilder()
                            .setFile(FileCommand.newBuilder()
                                    .setUpload(file.upload())
                                    .setBytes(file.size())
                                    .setPath(file.file().toString())
                                    .setBegin(file.begin())
                                    .setModified(file.modified()))
                            .build());
                case SessionLog.BatchEntry entry -> {
                    note(own);
                    BatchCommand.Builder command = BatchCommand.newBuilder().setBatch(entry.batch());
                    command.addAllSpoiled(untold);
                    untold.clear();
                    own.sendAll(Command.newBuilder().setBatch(command).build());
                    if (sent + 1 < log.size()) {
                        // Told again: never more ahead than otherwise.
                        own.awaitDone(entry.number() - AHEAD);
                    }
                }
            }
            sent++;
        }
    }

    private void scatter(ShareStreams own, ClientContent upload) throws GangLostException, InterruptedException {
        MemorySegment content = upload.content();
        int workers = own.gang().size();
        for (int rank = 0; rank < workers; rank++) {
            Spans part = WorkerSession.partOf(upload.bytes(), rank, workers, mapping);
            upload.verify(part);
            for (int range = 0; range < part.ranges(); range++) {
                for (long at = part.begin(range); at < part.end(range); at += PIECE_BYTES) {
                    MemorySegment piece = content.asSlice(at, Math.min(PIECE_BYTES, part.end(range) - at));
                    own.send(
                            rank,
                            Command.newBuilder()
                                    .setContent(ContentCommand.newBuilder()
                                            .setUpload(upload.number())
                                            .setBytes(upload.bytes())
                                            .setOffset(at)
                                            .setContent(UnsafeByteOperations.unsafeWrap(piece.asByteBuffer())))
                                    .build());
                }
            }
        }
    }

    /** Notes what workers have told of spoiled buffers; the others will be told with the next batch. */
    private void note(ShareStreams own) {
        List<Spoiled> told = own.takeSpoiled();
        for (Spoiled one : told) {
            if (!one.getMessage().equals(WorkerSession.ELSEWHERE)) {
                reason = new ManipleException(one.getStatus(), one.getMessage(), one.getSource());
            }
        }
        for (Spoiled one : told) {
            ManipleException failure = new ManipleException(one.getStatus(), one.getMessage(), one.getSource());
            if (one.getMessage().equals(WorkerSession.ELSEWHERE) && reason != null) {
                failure = reason;
            }
            if (sizes.containsKey(one.getHandle()) && spoiled.putIfAbsent(one.getHandle(), failure) == null) {
                untold.add(one.toBuilder()
                        .setStatus(failure.status())
                        .setMessage(String.valueOf(failure.getMessage()))
                        .setSource(failure.source())
                        .build());
            }
        }
    }

    /** One answer of all workers'. */
    private Reply answer(Batch batch, List<Reply> replies) {
        Reply first = replies.getFirst();
        for (Observation observation : batch.getObservationsList()) {
            ManipleException failure = spoiled.get(observation.getHandle());
            if (failure != null) {
                return Reply.newBuilder()
                        .setStatus(failure.status())
                        .setMessage(String.valueOf(failure.getMessage()))
                        .setSource(failure.source())
                        .build();
            }
        }
        for (Reply reply : replies) {
            if (reply.getStatus() != Status.OK) {
                return reply;
            }
        }
        LinkedHashMap<io.maniple.bridge.proto.FloatingPointError, Boolean> errors = new LinkedHashMap<>();
        replies.forEach(reply -> reply.getErrorsList().forEach(error -> errors.put(error, true)));
        return first.toBuilder().clearErrors().addAllErrors(errors.keySet()).build();
    }

    private void checkpointIfDue() {
        ShareStreams own = streams;
        if (own == null || !checkpoints.isDue(log)) {
            return;
        }
        long begin = System.nanoTime();
        List<Path> files = List.of();
        try {
            files = checkpoints.next(own.gang().size());
            List<Command> commands = new ArrayList<>();
            for (Path file : files) {
                commands.add(Command.newBuilder()
                        .setSave(SaveCommand.newBuilder().setPath(file.toString()))
                        .build());
            }
            String failure = own.save(commands);
            if (failure != null) {
                throw new IOException(failure);
            }
            checkpoints.done(files, System.nanoTime() - begin);
            log.clear();
            sent = 0;
        } catch (IOException e) {
            LOGGER.warn("Session {} has no new checkpoint: {}", name, e.getMessage());
            if (!files.isEmpty()) {
                checkpoints.failed(files);
            }
        } catch (GangLostException lost) {
            checkpoints.failed(files);
            lose(own, lost);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // -- contents ---------------------------------------------------------------------------------------------------

    @Override
    public Upload upload(long bytes) {
        if (bytes < 0) {
            throw new ManipleException(Status.INVALID_PROGRAM, "a buffer of " + bytes + " bytes");
        }
        quota.take(bytes, bytes, most);
        ClientContent fresh;
        try {
            fresh = new ClientContent(memory, lastUpload.incrementAndGet(), bytes);
        } catch (ManipleException refused) {
            quota.give(bytes);
            throw refused;
        }
        uploads.put(fresh.number(), fresh);
        return new Upload(fresh.number(), fresh.content());
    }

    /** The workers read it, each its part: the file must be one that all of them see. */
    @Override
    public long load(Path file, long begin, long bytes) throws IOException {
        // It counts from when a batch names it: before, it is only looked at.
        quota.take(bytes, 0, most);
        long number = lastUpload.incrementAndGet();
        files.put(
                number,
                new SessionLog.FileEntry(
                        number,
                        file,
                        begin,
                        bytes,
                        Files.getLastModifiedTime(file).toMillis()));
        return number;
    }

    @Override
    public void complete(long number) {
        ClientContent filled = uploads.get(number);
        if (filled != null) {
            filled.complete();
        }
    }

    @Override
    public void discard(long number) {
        files.remove(number);
        ClientContent given = uploads.remove(number);
        if (given != null) {
            given.release();
            quota.give(given.bytes());
        }
    }

    @Override
    public void read(long handle, Consumer<MemorySegment> reader) {
        busy.lock();
        try {
            if (dead != null) {
                throw dead;
            }
            Long bytes = sizes.get(handle);
            if (bytes == null) {
                throw new ManipleException(
                        Status.UNKNOWN_BUFFER, "this session has no buffer with the handle " + handle);
            }
            SparseMemory.Area area = memory.reserve(bytes, false);
            try {
                area.touch(Spans.range(0, bytes));
                MemorySegment content = MemorySegment.ofAddress(area.address()).reinterpret(bytes);
                fetch(handle, bytes, content);
                ManipleException failure = spoiled.get(handle);
                if (failure != null) {
                    throw failure;
                }
                reader.accept(content);
            } finally {
                area.release();
            }
        } finally {
            busy.unlock();
        }
    }

    private void fetch(long handle, long bytes, MemorySegment content) {
        ReadCommand.Builder command = ReadCommand.newBuilder().setHandle(handle).setLength(bytes);
        boolean ignored = onGang(own -> {
            pump(own);
            own.read(Command.newBuilder().setRead(command).build(), piece -> put(piece, content));
            note(own);
            return true;
        });
    }

    private static void put(Piece piece, MemorySegment content) {
        MemorySegment bytes = MemorySegment.ofBuffer(piece.getContent().asReadOnlyByteBuffer());
        MemorySegment.copy(bytes, 0, content, piece.getOffset(), bytes.byteSize());
    }

    @Override
    public long memoryBytes() {
        return quota.held();
    }

    /** The workers tell of theirs, of all sessions together. */
    @Override
    public long spilledBytes() {
        return 0;
    }

    @Override
    public List<BufferInfo> largestBuffers(int most) {
        return sizes.entrySet().stream()
                .sorted(Map.Entry.<Long, Long>comparingByValue().reversed())
                .limit(most)
                .map(entry -> new BufferInfo(entry.getKey(), entry.getValue(), "", ""))
                .toList();
    }

    // -- the rest ---------------------------------------------------------------------------------------------------

    @Override
    public ProfileReply profile() {
        return ask(own -> own.profile(Command.newBuilder()
                .setProfile(ProfileCommand.getDefaultInstance())
                .build()));
    }

    @Override
    public TimelineReply timeline(long after) {
        return trace.reply(after);
    }

    @Override
    public String timelineFile() {
        return trace.file();
    }

    @Override
    public String explain() {
        return ask(own -> own.explanation(Command.newBuilder()
                .setProfile(ProfileCommand.newBuilder().setExplain(true))
                .build()));
    }

    private <T> T ask(Question<T> question) {
        busy.lock();
        try {
            return onGang(own -> {
                pump(own);
                return question.ask(own);
            });
        } finally {
            busy.unlock();
        }
    }

    @Override
    public void interrupt() {
        ShareStreams own = streams;
        if (own != null) {
            own.cancel();
        }
    }

    @Override
    public void close() {
        busy.lock();
        try {
            ShareStreams own = streams;
            if (own != null) {
                own.close();
                streams = null;
            }
            log.clear();
            uploads.keySet().forEach(this::discard);
            sizes.values().forEach(quota::give);
            sizes.clear();
            checkpoints.close();
        } finally {
            busy.unlock();
        }
    }
}
