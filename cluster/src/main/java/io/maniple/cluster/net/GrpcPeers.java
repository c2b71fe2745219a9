package io.maniple.cluster.net;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.maniple.bridge.proto.Heartbeat;
import io.maniple.server.distribution.Peers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The other workers of a session, each behind a stream of its own. What is large is sent while it is received. */
public final class GrpcPeers implements Peers, AutoCloseable {
    /** Less is sent before anything is received: it fits into what the network holds. */
    private static final long SMALL = 64 << 10;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final String session;
    private final long epoch;
    private final int rank;
    private final int size;
    private final Inboxes inboxes;
    private final IntFunction<Channel> channels;
    private final @Nullable Outbox[] outboxes;
    private volatile @Nullable String broken;

    /** @param channels to each worker, by rank */
    public GrpcPeers(String session, long epoch, int rank, int size, Inboxes inboxes, IntFunction<Channel> channels) {
        this.session = session;
        this.epoch = epoch;
        this.rank = rank;
        this.size = size;
        this.inboxes = inboxes;
        this.channels = channels;
        this.outboxes = new Outbox[size];
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean[] exchange(List<Parcel> outgoing, boolean[] spoiled, List<Parcel> incoming) {
        List<Thread> senders = new ArrayList<>();
        List<RuntimeException> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int number = 0; number < outgoing.size(); number++) {
            Parcel parcel = outgoing.get(number);
            boolean bad = spoiled[number];
            Outbox outbox = outbox(parcel.peer());
            if (bad || parcel.bytes() <= SMALL) {
                outbox.send(parcel, bad);
            } else {
                senders.add(Thread.startVirtualThread(() -> {
                    try {
                        outbox.send(parcel, false);
                    } catch (RuntimeException failure) {
                        failures.add(failure);
                    }
                }));
            }
        }
        boolean[] arrived = new boolean[incoming.size()];
        for (int number = 0; number < arrived.length; number++) {
            arrived[number] = receive(incoming.get(number));
        }
        for (Thread sender : senders) {
            try {
                sender.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PeersException("interrupted");
            }
        }
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
        return arrived;
    }

    private Outbox outbox(int peer) {
        Outbox known = outboxes[peer];
        if (known == null) {
            known = new Outbox(peer);
            outboxes[peer] = known;
        }
        return known;
    }

    /** @return whether what came is spoiled */
    private boolean receive(Parcel parcel) {
        Inbox inbox = inboxes.of(session, epoch, parcel.peer());
        int piece = 0;
        long done = 0;
        long left = parcel.bytes();
        while (true) {
            Tile tile;
            try {
                tile = inbox.take();
            } catch (PeersException lost) {
                throw new PeersException("worker " + parcel.peer() + " is lost: " + lost.getMessage());
            }
            byte[] content = tile.received();
            int at = 1;
            left -= content.length - 1;
            while (at < content.length && piece < parcel.addresses().length) {
                int length = (int) Math.min(content.length - at, parcel.lengths()[piece] - done);
                long address = parcel.addresses()[piece];
                if (address != 0) {
                    MemorySegment.copy(content, at, MEMORY, ValueLayout.JAVA_BYTE, address + done, length);
                }
                at += length;
                done += length;
                if (done == parcel.lengths()[piece]) {
                    piece++;
                    done = 0;
                }
            }
            if (tile.isLast()) {
                if (left != 0 && !tile.isSpoiled() && parcel.isExact()) {
                    // Never to be believed: the books differ.
                    throw new PeersException(
                            "worker " + parcel.peer() + " sent " + -left + " bytes more than expected");
                }
                return tile.isSpoiled();
            }
        }
    }

    /** A stream to one peer. */
    private final class Outbox {
        private final int peer;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final ClientCall<Tile, Heartbeat> call;
        private @Nullable String failure;

        Outbox(int peer) {
            this.peer = peer;
            this.call = channels.apply(peer).newCall(Calls.PUSH, CallOptions.DEFAULT);
            Metadata headers = new Metadata();
            headers.put(Calls.SHARE, Inboxes.name(session, epoch, rank));
            call.start(
                    new ClientCall.Listener<>() {
                        @Override
                        public void onReady() {
                            signal(null);
                        }

                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            signal(status.isOk() ? "it has left the session" : String.valueOf(status.getDescription()));
                        }
                    },
                    headers);
            call.request(1);
        }

        private void signal(@Nullable String reason) {
            lock.lock();
            try {
                failure = failure == null ? reason : failure;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void send(Parcel parcel, boolean spoiled) {
            if (spoiled) {
                awaitReady();
                call.sendMessage(Tile.outgoing(true, true, new long[0], new long[0]));
                return;
            }
            long[] addresses = new long[64];
            long[] lengths = new long[64];
            int pieces = 0;
            long bytes = 0;
            int count = parcel.addresses().length;
            for (int piece = 0; piece < count; piece++) {
                long address = parcel.addresses()[piece];
                long left = parcel.lengths()[piece];
                while (left > 0) {
                    long length = Math.min(left, Tile.MOST_BYTES - bytes);
                    if (pieces == addresses.length) {
                        addresses = Arrays.copyOf(addresses, 2 * pieces);
                        lengths = Arrays.copyOf(lengths, 2 * pieces);
                    }
                    addresses[pieces] = address;
                    lengths[pieces++] = length;
                    address += length;
                    left -= length;
                    bytes += length;
                    if (bytes == Tile.MOST_BYTES && (left > 0 || piece < count - 1)) {
                        put(false, addresses, lengths, pieces);
                        pieces = 0;
                        bytes = 0;
                    }
                }
            }
            put(true, addresses, lengths, pieces);
        }

        private void put(boolean last, long[] addresses, long[] lengths, int pieces) {
            awaitReady();
            call.sendMessage(
                    Tile.outgoing(last, false, Arrays.copyOf(addresses, pieces), Arrays.copyOf(lengths, pieces)));
        }

        private void awaitReady() {
            lock.lock();
            try {
                while (!call.isReady()) {
                    String reason = failure == null ? broken : failure;
                    if (reason != null) {
                        throw new PeersException("worker " + peer + " is lost: " + reason);
                    }
                    boolean ignored = changed.await(100, TimeUnit.MILLISECONDS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PeersException("interrupted");
            } finally {
                lock.unlock();
            }
        }

        void close() {
            if (failure == null) {
                call.halfClose();
            }
        }
    }

    /** Ends waiting exchanges; any thread. */
    public void abandon(String reason) {
        broken = reason;
        inboxes.close(session, epoch);
    }

    @Override
    public void close() {
        for (Outbox outbox : outboxes) {
            if (outbox != null) {
                outbox.close();
            }
        }
        inboxes.close(session, epoch);
    }
}
