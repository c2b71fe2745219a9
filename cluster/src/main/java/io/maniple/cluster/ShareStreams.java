package io.maniple.cluster;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.maniple.bridge.proto.BatchDone;
import io.maniple.bridge.proto.CancelCommand;
import io.maniple.bridge.proto.Command;
import io.maniple.bridge.proto.Event;
import io.maniple.bridge.proto.OpenShare;
import io.maniple.bridge.proto.Piece;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Spoiled;
import io.maniple.cluster.net.Calls;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A session's streams to all workers of one gang. Commands are sent by one thread at a time. */
final class ShareStreams implements AutoCloseable {
    private final Gang gang;
    private final Stream[] streams;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private final long[] done;
    private final Map<Long, Reply[]> replies = new HashMap<>();
    private final List<Spoiled> spoiled = new ArrayList<>();
    private final int[] reads;
    private final int[] saves;
    private final int[] restores;
    private final List<String> failures = new ArrayList<>();
    private @Nullable Consumer<Piece> reader;
    private @Nullable ProfileReply profile;
    private @Nullable String explanation;
    private @Nullable String lost;

    ShareStreams(Gang gang, String session, SessionOptions options) {
        this.gang = gang;
        this.done = new long[gang.size()];
        this.reads = new int[gang.size()];
        this.saves = new int[gang.size()];
        this.restores = new int[gang.size()];
        this.streams = new Stream[gang.size()];
        for (Gang.Member member : gang.members()) {
            streams[member.rank()] = new Stream(member);
            streams[member.rank()].send(Command.newBuilder()
                    .setOpen(OpenShare.newBuilder()
                            .setSession(session)
                            .setEpoch(gang.epoch())
                            .setRank(member.rank())
                            .addAllPeers(gang.addresses())
                            .setOptions(options))
                    .build());
        }
    }

    Gang gang() {
        return gang;
    }

    private final class Stream extends ClientCall.Listener<Event> {
        private final int rank;
        private final String address;
        private final ClientCall<Command, Event> call;

        Stream(Gang.Member member) {
            this.rank = member.rank();
            this.address = member.address();
            this.call = member.channel().newCall(Calls.DRIVE, CallOptions.DEFAULT);
            call.start(this, new Metadata());
            call.request(16);
        }

        /** Cancelling comes from another thread than the rest. */
        synchronized void send(Command command) {
            call.sendMessage(command);
        }

        @Override
        public void onMessage(Event event) {
            lock.lock();
            try {
                take(rank, event);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            call.request(1);
        }

        @Override
        public void onReady() {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            lock.lock();
            try {
                if (lost == null) {
                    lost = "worker " + rank + " at " + address + " is gone (" + status.getCode()
                            + (status.getDescription() == null ? "" : ": " + status.getDescription()) + ")";
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void take(int rank, Event event) {
        switch (event.getWhatCase()) {
            case BATCH -> {
                BatchDone batch = event.getBatch();
                done[rank] = batch.getNumber();
                spoiled.addAll(batch.getSpoiledList());
                Reply[] collected = replies.get(batch.getNumber());
                if (collected != null) {
                    collected[rank] = batch.getReply();
                }
            }
            case PIECE -> {
                Consumer<Piece> taker = reader;
                if (taker != null) {
                    taker.accept(event.getPiece());
                }
            }
            case READ -> reads[rank]++;
            case PROFILE -> profile = event.getProfile();
            case EXPLANATION -> explanation = event.getExplanation();
            case SAVE -> {
                saves[rank]++;
                if (!event.getSave().getFailure().isEmpty()) {
                    failures.add(event.getSave().getFailure());
                }
            }
            case RESTORE -> {
                restores[rank]++;
                if (!event.getRestore().getFailure().isEmpty()) {
                    failures.add(event.getRestore().getFailure());
                }
            }
            case LOST -> lost = lost == null ? event.getLost() : lost;
            case WHAT_NOT_SET -> lost = lost == null ? "a worker said something unknown" : lost;
        }
    }

    void sendAll(Command command) throws GangLostException, InterruptedException {
        for (int rank = 0; rank < streams.length; rank++) {
            send(rank, command);
        }
    }

    void send(int rank, Command command) throws GangLostException, InterruptedException {
        await(streams[rank].call::isReady);
        streams[rank].send(command);
    }

    private void await(BooleanSupplier condition) throws GangLostException, InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!condition.getAsBoolean()) {
                if (lost != null) {
                    throw new GangLostException(lost);
                }
                boolean ignored = changed.await(100, TimeUnit.MILLISECONDS);
            }
            if (lost != null) {
                throw new GangLostException(lost);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The last batch that all workers have done. */
    long done() {
        lock.lock();
        try {
            long least = Long.MAX_VALUE;
            for (long number : done) {
                least = Math.min(least, number);
            }
            return least;
        } finally {
            lock.unlock();
        }
    }

    /** Everybody's answer to a batch is to be kept; to be said before it is sent. */
    void collect(long number) {
        lock.lock();
        try {
            replies.put(number, new Reply[streams.length]);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for everybody's answer to a batch. */
    List<Reply> replies(long number) throws GangLostException, InterruptedException {
        awaitDone(number);
        lock.lock();
        try {
            Reply[] collected = replies.remove(number);
            return collected == null ? List.of() : List.of(collected);
        } finally {
            lock.unlock();
        }
    }

    void awaitDone(long number) throws GangLostException, InterruptedException {
        await(() -> done() >= number);
    }

    /** What has been spoiled since the last time this was asked. */
    List<Spoiled> takeSpoiled() {
        lock.lock();
        try {
            List<Spoiled> taken = List.copyOf(spoiled);
            spoiled.clear();
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /** Sends a command that makes everybody show pieces, and waits for the last one. */
    void read(Command command, Consumer<Piece> taker) throws GangLostException, InterruptedException {
        lock.lock();
        int before = reads[0];
        reader = taker;
        lock.unlock();
        try {
            sendAll(command);
            awaitAll(reads, before + 1);
        } finally {
            lock.lock();
            reader = null;
            lock.unlock();
        }
    }

    private void awaitAll(int[] counts, int wanted) throws GangLostException, InterruptedException {
        await(() -> {
            for (int count : counts) {
                if (count < wanted) {
                    return false;
                }
            }
            return true;
        });
    }

    /** @return what went wrong; null if nothing did */
    @Nullable String save(List<Command> commands) throws GangLostException, InterruptedException {
        return ask(commands, saves);
    }

    /** @return what went wrong; null if nothing did */
    @Nullable String restore(Command command) throws GangLostException, InterruptedException {
        List<Command> commands = new ArrayList<>();
        for (int rank = 0; rank < streams.length; rank++) {
            commands.add(command);
        }
        return ask(commands, restores);
    }

    private @Nullable String ask(List<Command> commands, int[] counts) throws GangLostException, InterruptedException {
        lock.lock();
        int before = counts[0];
        failures.clear();
        lock.unlock();
        for (int rank = 0; rank < streams.length; rank++) {
            send(rank, commands.get(rank));
        }
        awaitAll(counts, before + 1);
        lock.lock();
        try {
            return failures.isEmpty() ? null : failures.getFirst();
        } finally {
            lock.unlock();
        }
    }

    ProfileReply profile(Command command) throws GangLostException, InterruptedException {
        profile = null;
        send(0, command);
        await(() -> profile != null);
        return java.util.Objects.requireNonNull(profile);
    }

    String explanation(Command command) throws GangLostException, InterruptedException {
        explanation = null;
        send(0, command);
        await(() -> explanation != null);
        return java.util.Objects.requireNonNull(explanation);
    }

    /** Any thread. */
    void cancel() {
        for (Stream stream : streams) {
            stream.send(Command.newBuilder()
                    .setCancel(CancelCommand.getDefaultInstance())
                    .build());
        }
    }

    boolean isLost() {
        lock.lock();
        try {
            return lost != null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        boolean broken = isLost();
        for (Stream stream : streams) {
            if (broken) {
                stream.call.cancel("the session goes on elsewhere", null);
            } else {
                stream.call.halfClose();
            }
        }
    }
}
