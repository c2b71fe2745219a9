package io.maniple.daemon.session;

import io.maniple.bridge.proto.Answer;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.LoadReply;
import io.maniple.bridge.proto.LoadRequest;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.daemon.security.User;
import io.maniple.daemon.watch.SessionObserver;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.Replies;
import io.maniple.server.session.SessionWorker;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * A session whose client is somewhere else. It outlives the streams that carry its calls: every call has a number and is
 * executed once, and its answer is kept until the client has it.
 */
public final class RemoteSession {
    /** So many answers may wait for the client to say that it has them. */
    private static final int KEPT_ANSWERS = 1024;

    /** Of the heap, which all sessions share. */
    private static final long KEPT_BYTES = 8L << 20;

    private static final int UPLOADS = 64;
    private static final int SHORT_ID = 8;

    private final String id;
    private final String name;
    private final User user;
    private final MemoryQuota memory;
    private final String client;
    private final DetachedSession session;
    private final SessionWorker worker;
    private final Limits limits;
    private final DataFiles files;
    private final SessionObserver.Watch watch;
    private volatile @Nullable Journal journal;
    /** What uploads are called that another daemon has taken; their numbers here. */
    private final Map<Long, Long> renumbered = new ConcurrentHashMap<>();

    private final long opened = System.currentTimeMillis();

    /** Held while a call is answered: one at a time, whichever stream it came on. */
    private final ReentrantLock calls = new ReentrantLock();

    // Guarded by calls.
    private final TreeMap<Long, Answer> kept = new TreeMap<>();
    private long keptBytes;
    private long failedCall;
    private Reply failure = Replies.OK;

    private volatile long received;
    private volatile boolean closed;
    private volatile boolean ended;

    // Guarded by this.
    private final Map<String, Incoming> uploads = new HashMap<>();

    private final Map<String, Incoming> complete = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Incoming> eldest) {
            return size() > UPLOADS;
        }
    };

    private @Nullable Runnable stream;

    /** When something happened last. Written without a lock: uploads do, which are locked themselves. */
    private volatile long since = System.nanoTime();

    /**
     * @param memory what it may hold
     * @param worker runs its batches
     * @param limits of what it is sent
     * @param watch is told what happens here
     */
    RemoteSession(
            String id,
            String name,
            User user,
            MemoryQuota memory,
            String client,
            DetachedSession session,
            SessionWorker worker,
            Limits limits,
            DataFiles files,
            SessionObserver.Watch watch) {
        this.id = id;
        this.name = name;
        this.user = user;
        this.memory = memory;
        this.limits = limits;
        this.client = client;
        this.session = session;
        this.files = files;
        this.watch = watch;
        this.worker = worker;
    }

    public String id() {
        return id;
    }

    /** What the client calls it; only to find it again when it was opened and the answer was lost. */
    String name() {
        return name;
    }

    /** What people call it; without the rest it opens nothing. */
    public String shortId() {
        return shortened(id);
    }

    static String shortened(String id) {
        return id.substring(0, SHORT_ID);
    }

    /** What this thread logs from now on is about this session. */
    static void logAs(String id, User user) {
        MDC.put("session", id);
        MDC.put("user", user.name());
    }

    public User user() {
        return user;
    }

    /** What the client says of itself. */
    public String client() {
        return client;
    }

    /** Most memory that it may hold. */
    public long quota() {
        return memory.limit();
    }

    void memoryLimit(long bytes) {
        memory.limit(bytes);
    }

    /** Bytes held now. */
    public long memoryBytes() {
        return session.memoryBytes();
    }

    /** Bytes of arrays on disk now. */
    public long spilledBytes() {
        return session.spilledBytes();
    }

    public int pending() {
        return worker.pending();
    }

    /** The largest buffers, largest first. */
    public List<DetachedSession.BufferInfo> largestBuffers(int most) {
        return session.largestBuffers(most);
    }

    /** What is kept of when its batches ran, as a file for Perfetto or Chrome's tracing page. */
    public String timelineFile() {
        return session.timelineFile();
    }

    /** Milliseconds since 1970. */
    public long opened() {
        return opened;
    }

    /** The number of the last call that has arrived. */
    public long received() {
        return received;
    }

    /** The client has said that it is done. */
    public boolean ended() {
        return ended;
    }

    // -- streams
    // -----------------------------------------------------------------------------------------------------------

    /** Takes the place of the stream there was, which is ended by the action it came with. */
    public void attach(Runnable end) {
        Runnable before;
        synchronized (this) {
            before = stream;
            stream = end;
            since = System.nanoTime();
        }
        if (before != null) {
            before.run();
        }
    }

    /** Notes the end of a stream, unless another one has taken its place. */
    @SuppressWarnings("ReferenceEquality")
    public synchronized void detach(Runnable end) {
        if (stream == end) {
            stream = null;
            since = System.nanoTime();
        }
    }

    public synchronized boolean isAttached() {
        return stream != null;
    }

    /** How long nothing has happened: no call, no stream. */
    public long idleNanoseconds() {
        return worker.pending() > 0 ? 0 : System.nanoTime() - since;
    }

    private void touch() {
        since = System.nanoTime();
    }

    // -- calls
    // -------------------------------------------------------------------------------------------------------------

    /**
     * Answers a call, or gives the answer that it had.
     *
     * @throws ManipleException where the numbers show that a call was lost: the stream is of no use any more
     */
    public Answer answer(Call call) throws InterruptedException {
        calls.lockInterruptibly();
        try {
            touch();
            logAs(shortId(), user);
            while (!kept.isEmpty() && kept.firstKey() <= call.getAcknowledged()) {
                keptBytes -= kept.pollFirstEntry().getValue().getSerializedSize();
            }
            if (call.getNumber() <= received) {
                Answer again = kept.get(call.getNumber());
                if (again == null) {
                    throw new ManipleException(
                            Status.INVALID_PROGRAM, "call " + call.getNumber() + " was answered and acknowledged");
                }
                return again;
            }
            if (call.getNumber() != received + 1) {
                throw new ManipleException(
                        Status.INVALID_PROGRAM, "call " + call.getNumber() + " follows on call " + received);
            }
            if (kept.size() >= KEPT_ANSWERS || keptBytes > KEPT_BYTES) {
                throw new ManipleException(Status.LIMIT_EXCEEDED, "too many answers were not acknowledged");
            }
            received = call.getNumber();
            if (call.getFallbacksCount() > 0) {
                watch.fallbacks(call.getFallbacksList());
            }
            Journal own = journal;
            if (own != null) {
                own.call(call);
            }
            Answer answer = carryOut(call);
            if (own != null) {
                note(own, call, answer);
            }
            kept.put(call.getNumber(), answer);
            keptBytes += answer.getSerializedSize();
            return answer;
        } finally {
            MDC.clear();
            calls.unlock();
            touch();
        }
    }

    private static void note(Journal journal, Call call, Answer answer) {
        if (answer.hasLoad() && answer.getLoad().getStatus() == Status.OK) {
            journal.loaded(call.getNumber(), answer.getLoad());
        } else if (answer.hasReply() && answer.getReply().getStatus() != Status.OK) {
            // What was queued behind it may have been done or not: that depends on the moment.
            journal.forget(
                    "a batch failed or was interrupted: " + answer.getReply().getMessage());
        }
    }

    /** From now on it is written down what happens here. */
    void writeDown(Journal where) {
        journal = where;
    }

    /** Does again what another daemon has done. */
    void repeat(Call call) throws InterruptedException {
        Answer ignored = answer(call);
        while (worker.pending() > 0) {
            Thread.sleep(1);
        }
    }

    /** A file was opened by the last call: what was made of it then has other numbers now. */
    void repeatLoad(long number, LoadReply before) throws IOException {
        Answer answer = kept.getOrDefault(number, Answer.getDefaultInstance());
        LoadReply now = answer.getLoad();
        if (!answer.hasLoad()
                || now.getStatus() != Status.OK
                || now.getBytes() != before.getBytes()
                || now.getColumnsCount() != before.getColumnsCount()) {
            throw new IOException("a file that it has opened is not there any more, or has changed");
        }
        renumbered.put(before.getNumber(), now.getNumber());
        for (int column = 0; column < before.getColumnsCount(); column++) {
            renumbered.put(
                    before.getColumns(column).getNumber(),
                    now.getColumns(column).getNumber());
        }
        kept.put(number, answer.toBuilder().setLoad(before).build());
    }

    /** Takes an upload again. */
    void repeatUpload(String name, long number, long bytes, Journal.Content content) throws IOException {
        Incoming incoming = upload(name, bytes);
        content.into(incoming.memory);
        incoming.received = bytes;
        renumbered.put(number, incoming.number());
        complete(name);
    }

    /** Gives no number again that another daemon has given. */
    void numbersBegin(long last) {
        while (true) {
            DetachedSession.Upload burnt = session.upload(0);
            session.discard(burnt.number());
            if (burnt.number() >= last) {
                return;
            }
        }
    }

    private Batch numbered(Batch batch) {
        if (renumbered.isEmpty()) {
            return batch;
        }
        Batch.Builder changed = batch.toBuilder();
        changed.getBuffersBuilderList().stream()
                .filter(NewBuffer.Builder::hasPlacement)
                .forEach(buffer -> {
                    Long number = renumbered.remove(buffer.getPlacement().getOffset());
                    if (number != null) {
                        buffer.getPlacementBuilder().setOffset(number);
                    }
                });
        return changed.build();
    }

    private Answer carryOut(Call call) throws InterruptedException {
        Answer.Builder answer = Answer.newBuilder().setNumber(call.getNumber());
        switch (call.getWhatCase()) {
            case BATCH -> answer.setReply(submit(call));
            case PROFILE -> answer.setProfile(session.profile());
            case EXPLAIN -> answer.setExplanation(session.explain());
            case TIMELINE ->
                answer.setTimeline(session.timeline(call.getTimeline().getAfter()));
            case LOAD -> answer.setLoad(load(call.getLoad()));
            case CLOSE -> {
                ended = true;
                answer.setReply(Replies.OK);
            }
            case WHAT_NOT_SET -> answer.setReply(Replies.failure(Status.INVALID_PROGRAM, "an unknown kind of call"));
        }
        return answer.build();
    }

    /**
     * Calls are on their way while those before them are carried out: after a failure they are refused, until the client
     * shows that it knows.
     */
    private Reply submit(Call call) throws InterruptedException {
        if (call.getAcknowledged() < failedCall) {
            return failure;
        }
        int bytes = call.getBatch().getSerializedSize();
        Reply reply = bytes <= limits.getBatchBytes()
                ? worker.submit(numbered(call.getBatch()))
                : Replies.failure(
                        Status.LIMIT_EXCEEDED,
                        "a batch of " + bytes + " bytes; at most " + limits.getBatchBytes() + " are allowed");
        if (reply.getStatus() != Status.OK) {
            failedCall = call.getNumber();
            failure = reply;
            watch.failed(reply.getStatus(), reply.getMessage(), reply.getSource());
        }
        return reply;
    }

    private LoadReply load(LoadRequest request) {
        try {
            return files.load(request, session);
        } catch (ManipleException e) {
            watch.failed(e.status(), String.valueOf(e.getMessage()), "");
            return LoadReply.newBuilder()
                    .setStatus(e.status())
                    .setMessage(String.valueOf(e.getMessage()))
                    .build();
        }
    }

    /** Cancels what runs and what is queued. */
    public void interrupt() {
        worker.interrupt();
    }

    // -- contents
    // ----------------------------------------------------------------------------------------------------------

    /** A buffer's content on its way to the server. */
    public final class Incoming {
        private final long number;
        private final long bytes;
        private final MemorySegment memory;
        private long received;
        private boolean gone;

        private Incoming(DetachedSession.Upload upload) {
            this.number = upload.number();
            this.bytes = upload.memory().byteSize();
            this.memory = upload.memory();
        }

        public long number() {
            return number;
        }

        public synchronized long received() {
            return received;
        }

        /**
         * Takes the next bytes.
         *
         * @throws ManipleException where they do not follow on those before, or are too many
         */
        public synchronized void take(long offset, MemorySegment content) {
            if (gone) {
                throw new ManipleException(Status.UNKNOWN_SESSION, "the session is closed");
            }
            if (offset != received || content.byteSize() > bytes - received) {
                throw new ManipleException(
                        Status.INVALID_PROGRAM,
                        content.byteSize() + " bytes at " + offset + " of an upload of " + bytes + " that has "
                                + received);
            }
            MemorySegment.copy(content, 0, memory, received, content.byteSize());
            received += content.byteSize();
            touch();
        }

        /**
         * Lets the next bytes be written where they belong; the session is not closed meanwhile.
         *
         * @param filler writes at the beginning of what it is given, without waiting, and returns how many bytes
         * @throws ManipleException where another transfer was faster, or the session is closed
         */
        public synchronized long fill(long offset, ToLongFunction<MemorySegment> filler) {
            if (gone) {
                throw new ManipleException(Status.UNKNOWN_SESSION, "the session is closed");
            }
            if (offset != received) {
                throw new ManipleException(
                        Status.INVALID_PROGRAM, "two transfers of one upload, at " + offset + " and " + received);
            }
            long count = filler.applyAsLong(memory.asSlice(received));
            received += count;
            touch();
            return count;
        }

        private synchronized void abandon() {
            gone = true;
        }
    }

    /**
     * The upload with the client's name, a new one if there is none.
     *
     * @throws ManipleException before anything is taken, where there is no room
     */
    public synchronized Incoming upload(String name, long bytes) {
        if (closed) {
            throw new ManipleException(Status.UNKNOWN_SESSION, "the session is closed");
        }
        Incoming known = complete.containsKey(name) ? complete.get(name) : uploads.get(name);
        if (known == null) {
            if (uploads.size() >= UPLOADS) {
                throw new ManipleException(Status.LIMIT_EXCEEDED, UPLOADS + " uploads are under way");
            }
            try {
                known = new Incoming(session.upload(bytes));
            } catch (ManipleException refused) {
                watch.failed(refused.status(), String.valueOf(refused.getMessage()), "");
                throw refused;
            }
            uploads.put(name, known);
        }
        if (known.bytes != bytes) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM, "an upload of " + known.bytes + " bytes goes on with " + bytes);
        }
        return known;
    }

    /** How far an upload came; 0 if it is not known. */
    public synchronized long uploaded(String name) {
        Incoming known = complete.containsKey(name) ? complete.get(name) : uploads.get(name);
        return known == null ? 0 : known.received();
    }

    /**
     * An upload is complete: from now on a batch may name it, once. It is known by its name for a while, in case its
     * client did not get the answer.
     */
    public synchronized void complete(String name) {
        Incoming known = uploads.remove(name);
        if (known != null) {
            session.complete(known.number());
            Journal own = journal;
            if (own != null) {
                own.upload(name, known.number(), known.memory);
            }
            complete.put(name, known);
        }
    }

    /** Gives up an upload that is not complete; nothing if there is none. */
    public void discard(String name) {
        Incoming known;
        synchronized (this) {
            known = uploads.remove(name);
        }
        if (known != null) {
            // Whoever writes to it is done when this returns.
            known.abandon();
            session.discard(known.number());
        }
    }

    /**
     * Looks at a buffer's content, while no batch runs.
     *
     * @throws ManipleException what the client is told
     */
    public void read(long handle, Consumer<MemorySegment> reader) {
        try {
            session.read(handle, reader);
        } finally {
            touch();
        }
    }

    public boolean isClosed() {
        return closed;
    }

    /** Cancels everything and frees it; returns when that is done. */
    void close(String reason) {
        Runnable end;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            end = stream;
            stream = null;
            uploads.values().forEach(Incoming::abandon);
            uploads.clear();
        }
        worker.close();
        session.close();
        Journal own = journal;
        if (own != null) {
            own.close();
        }
        watch.closed(reason);
        if (end != null) {
            end.run();
        }
    }
}
