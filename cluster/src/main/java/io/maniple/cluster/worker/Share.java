package io.maniple.cluster.worker;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.BatchCommand;
import io.maniple.bridge.proto.BatchDone;
import io.maniple.bridge.proto.Command;
import io.maniple.bridge.proto.ContentCommand;
import io.maniple.bridge.proto.Event;
import io.maniple.bridge.proto.FileCommand;
import io.maniple.bridge.proto.OpenShare;
import io.maniple.bridge.proto.Piece;
import io.maniple.bridge.proto.ReadCommand;
import io.maniple.bridge.proto.ReadDone;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.RestoreCommand;
import io.maniple.bridge.proto.RestoreDone;
import io.maniple.bridge.proto.SaveCommand;
import io.maniple.bridge.proto.SaveDone;
import io.maniple.cluster.net.GrpcPeers;
import io.maniple.server.distribution.Peers;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.WorkerSession;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A session's share on this worker: carries out the server's commands one after the other, on a thread of its own. */
final class Share extends ServerCall.Listener<Command> {
    private static final Logger LOGGER = LoggerFactory.getLogger(Share.class);
    /** Commands that may wait here. */
    private static final int AHEAD = 128;

    private static final int PIECE_BYTES = 1 << 20;

    private final ServerCall<Command, Event> call;
    private final WorkerProcess process;
    private final LinkedBlockingQueue<Optional<Command>> commands = new LinkedBlockingQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ready = lock.newCondition();
    private volatile boolean cancelled;
    private volatile @Nullable WorkerSession session;
    private volatile @Nullable GrpcPeers peers;

    Share(ServerCall<Command, Event> call, WorkerProcess process) {
        this.call = call;
        this.process = process;
        call.sendHeaders(new Metadata());
        call.request(AHEAD);
        Thread.ofPlatform().daemon().name("maniple-share").start(this::work);
    }

    // -- called by the network's threads ----------------------------------------------------------------------------

    @Override
    public void onMessage(Command command) {
        if (command.hasCancel()) {
            WorkerSession running = session;
            if (running != null) {
                running.interrupt();
            }
            call.request(1);
        } else {
            commands.add(Optional.of(command));
        }
    }

    @Override
    public void onHalfClose() {
        commands.add(Optional.empty());
    }

    @Override
    public void onCancel() {
        cancelled = true;
        WorkerSession running = session;
        if (running != null) {
            running.interrupt();
        }
        GrpcPeers waiting = peers;
        if (waiting != null) {
            waiting.abandon("the server has given this session up");
        }
        commands.add(Optional.empty());
        onReady();
    }

    @Override
    public void onReady() {
        lock.lock();
        try {
            ready.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // -- the share's own thread ---------------------------------------------------------------------------------------

    private void work() {
        try {
            Optional<Command> command = commands.take();
            while (command.isPresent() && !cancelled) {
                call.request(1);
                carryOut(command.get());
                command = commands.take();
            }
        } catch (Peers.PeersException lost) {
            LOGGER.warn("A session ends: {}", lost.getMessage());
            send(Event.newBuilder().setLost(String.valueOf(lost.getMessage())).build());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error failure) {
            LOGGER.error("A session ends", failure);
            send(Event.newBuilder()
                    .setLost("a worker failed; its log has the details")
                    .build());
        } finally {
            close();
        }
    }

    private void close() {
        if (peers != null) {
            peers.close();
        }
        if (session != null) {
            session.close();
        }
        if (!cancelled) {
            call.close(Status.OK, new Metadata());
        }
    }

    private void carryOut(Command command) {
        switch (command.getWhatCase()) {
            case OPEN -> open(command.getOpen());
            case BATCH -> batch(command.getBatch());
            case CONTENT -> content(command.getContent());
            case FILE -> {
                FileCommand file = command.getFile();
                session()
                        .takeFile(
                                file.getUpload(),
                                file.getBytes(),
                                Path.of(file.getPath()),
                                file.getBegin(),
                                file.getModified());
            }
            case READ -> read(command.getRead());
            case PROFILE ->
                send(
                        command.getProfile().getExplain()
                                ? Event.newBuilder()
                                        .setExplanation(session().explain())
                                        .build()
                                : Event.newBuilder()
                                        .setProfile(session().profile())
                                        .build());
            case SAVE -> save(command.getSave());
            case RESTORE -> restore(command.getRestore());
            case CANCEL, WHAT_NOT_SET -> LOGGER.warn("An unknown command");
        }
    }

    private WorkerSession session() {
        WorkerSession own = session;
        if (own == null) {
            throw new IllegalStateException("a session's first command is to open it");
        }
        return own;
    }

    private void open(OpenShare open) {
        List<String> addresses = open.getPeersList();
        GrpcPeers others = new GrpcPeers(
                open.getSession(),
                open.getEpoch(),
                open.getRank(),
                addresses.size(),
                process.inboxes(),
                rank -> process.channel(addresses.get(rank)));
        peers = others;
        session = process.factory().openShared(open.getOptions(), others, process.mapping(), process.memory());
    }

    private void batch(BatchCommand command) {
        Batch batch = command.getBatch();
        Map<Long, ManipleException> elsewhere = new LinkedHashMap<>();
        for (io.maniple.bridge.proto.Spoiled spoiled : command.getSpoiledList()) {
            elsewhere.put(
                    spoiled.getHandle(),
                    new ManipleException(spoiled.getStatus(), spoiled.getMessage(), spoiled.getSource()));
        }
        session().spoil(elsewhere);
        BatchDone.Builder done = BatchDone.newBuilder().setNumber(batch.getNumber());
        try {
            WorkerSession.Outcome outcome = session().execute(batch);
            done.setReply(outcome.reply());
            outcome.spoiled()
                    .forEach((handle, failure) -> done.addSpoiled(io.maniple.bridge.proto.Spoiled.newBuilder()
                            .setHandle(handle)
                            .setStatus(failure.status())
                            .setMessage(String.valueOf(failure.getMessage()))
                            .setSource(failure.source())));
        } catch (ManipleException refused) {
            done.setReply(Reply.newBuilder()
                    .setStatus(refused.status())
                    .setMessage(String.valueOf(refused.getMessage()))
                    .setSource(refused.source()));
        }
        send(Event.newBuilder().setBatch(done).build());
    }

    private void content(ContentCommand command) {
        ByteString content = command.getContent();
        session()
                .take(
                        command.getUpload(),
                        command.getBytes(),
                        command.getOffset(),
                        MemorySegment.ofBuffer(content.asReadOnlyByteBuffer()));
    }

    private void read(ReadCommand command) {
        session().read(command.getHandle(), command.getOffset(), command.getLength(), (offset, content) -> {
            for (long at = 0; at < content.byteSize() && !cancelled; at += PIECE_BYTES) {
                MemorySegment piece = content.asSlice(at, Math.min(PIECE_BYTES, content.byteSize() - at));
                awaitReady();
                // Written out before sendMessage returns.
                send(Event.newBuilder()
                        .setPiece(Piece.newBuilder()
                                .setOffset(offset + at)
                                .setContent(UnsafeByteOperations.unsafeWrap(piece.asByteBuffer())))
                        .build());
            }
        });
        send(Event.newBuilder()
                .setRead(ReadDone.newBuilder().setNumber(command.getNumber()))
                .build());
    }

    private void save(SaveCommand command) {
        SaveDone.Builder done = SaveDone.newBuilder().setNumber(command.getNumber());
        try {
            done.setBytes(session().save(Path.of(command.getPath())));
        } catch (IOException e) {
            done.setFailure(String.valueOf(e.getMessage()));
        }
        send(Event.newBuilder().setSave(done).build());
    }

    private void restore(RestoreCommand command) {
        RestoreDone.Builder done = RestoreDone.newBuilder();
        try {
            session().restore(command.getPathsList().stream().map(Path::of).toList());
        } catch (IOException | ManipleException e) {
            done.setFailure(String.valueOf(e.getMessage()));
        }
        send(Event.newBuilder().setRestore(done).build());
    }

    private void send(Event event) {
        if (!cancelled) {
            call.sendMessage(event);
        }
    }

    private void awaitReady() {
        lock.lock();
        try {
            while (!call.isReady() && !cancelled) {
                boolean ignored = ready.await(100, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }
}
