package io.maniple.server.session;

import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.Ownership;
import io.maniple.server.distribution.Peers;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What has to travel between the workers before something can be done. */
final class Travel {
    private final Peers peers;
    private final Map<Integer, Pieces> outgoing = new HashMap<>();
    private final Map<Integer, Pieces> incoming = new HashMap<>();
    private final List<Runnable> copies = new ArrayList<>();
    private long bytes;
    /** What this worker reads. */
    private final Set<WorkerBuffer> reads = new LinkedHashSet<>();

    private @Nullable ManipleException failure;

    private static final class Pieces {
        private final List<Long> addresses = new ArrayList<>();
        private final List<Long> lengths = new ArrayList<>();
        private boolean spoiled;

        private void add(long address, long length) {
            addresses.add(address);
            lengths.add(length);
        }

        private Peers.Parcel parcel(int peer) {
            return new Peers.Parcel(
                    peer,
                    addresses.stream().mapToLong(Long::longValue).toArray(),
                    lengths.stream().mapToLong(Long::longValue).toArray());
        }
    }

    Travel(Peers peers) {
        this.peers = peers;
    }

    /** A worker needs bytes of a buffer; it has them behind the exchange. */
    void fetch(int worker, WorkerBuffer buffer, Spans spans) {
        if (worker == peers.rank()) {
            reads.add(buffer);
            try {
                buffer.touch(spans);
            } catch (ManipleException noMemory) {
                failure = failure == null ? noMemory : failure;
            }
        }
        Spans.Builder missing = new Spans.Builder(0);
        for (int range = 0; range < spans.ranges(); range++) {
            buffer.ownership().visit(spans.begin(range), spans.end(range), (begin, end, mask) -> {
                if ((mask & WorkerSession.only(worker)) != 0) {
                    return;
                }
                missing.add(begin, end);
                int source = Ownership.source(mask, worker);
                if (source == peers.rank()) {
                    Pieces pieces = outgoing.computeIfAbsent(worker, key -> new Pieces());
                    pieces.add(buffer.address() + begin, end - begin);
                    pieces.spoiled |= isSpoiled(buffer, begin, end);
                } else if (worker == peers.rank()) {
                    // Without room for it the content is dropped.
                    incoming.computeIfAbsent(source, key -> new Pieces())
                            .add(failure == null ? buffer.address() + begin : 0, end - begin);
                }
            });
        }
        // Those who only get it now send it to nobody.
        Spans fetched = missing.build();
        bytes += fetched.bytes();
        if (worker == peers.rank() && failure == null) {
            try {
                buffer.open(fetched);
            } catch (ManipleException damaged) {
                failure = damaged;
            }
        }
        copies.add(() -> buffer.ownership().copied(fetched, WorkerSession.only(worker)));
    }

    /** What is fetched by all workers together, for people. */
    String described() {
        return bytes == 0 ? "nothing is fetched" : bytes + " bytes are fetched";
    }

    private boolean isSpoiled(WorkerBuffer buffer, long begin, long end) {
        try {
            buffer.verify(Spans.range(begin, end));
        } catch (ManipleException damaged) {
            buffer.fail(damaged);
        }
        return buffer.failure() != null;
    }

    /**
     * What was fetched and read is done with.
     *
     * @return why it meant nothing; null if it did
     */
    @Nullable ManipleException end() {
        try {
            reads.forEach(WorkerBuffer::close);
            reads.forEach(WorkerBuffer::verifyRead);
            return null;
        } catch (ManipleException damaged) {
            return damaged;
        }
    }

    /** What a worker makes in place at everybody's. */
    void spread(long address, List<Spans> byWorker, boolean spoiled) {
        for (int peer = 0; peer < peers.size(); peer++) {
            if (peer == peers.rank()) {
                continue;
            }
            add(outgoing, peer, address, byWorker.get(peers.rank()));
            add(incoming, peer, address, byWorker.get(peer));
        }
        outgoing.values().forEach(pieces -> pieces.spoiled |= spoiled);
    }

    private void add(Map<Integer, Pieces> parcels, int peer, long address, Spans spans) {
        for (int range = 0; range < spans.ranges(); range++) {
            parcels.computeIfAbsent(peer, key -> new Pieces())
                    .add(address == 0 ? 0 : address + spans.begin(range), spans.end(range) - spans.begin(range));
        }
    }

    /**
     * @param source the user's line that waits for it
     * @return why what was fetched means nothing; null if it does
     */
    @Nullable ManipleException exchange(@Nullable String source) {
        copies.forEach(Runnable::run);
        if (outgoing.isEmpty() && incoming.isEmpty()) {
            return failure;
        }
        List<Peers.Parcel> out = new ArrayList<>();
        boolean[] bad = new boolean[outgoing.size()];
        for (Map.Entry<Integer, Pieces> entry : outgoing.entrySet()) {
            bad[out.size()] = entry.getValue().spoiled;
            out.add(entry.getValue().parcel(entry.getKey()));
        }
        List<Peers.Parcel> in = new ArrayList<>();
        incoming.forEach((peer, pieces) -> in.add(pieces.parcel(peer)));
        for (boolean arrived : peers.exchange(out, bad, in)) {
            if (arrived && failure == null) {
                failure = new ManipleException(Status.INTERNAL, WorkerSession.ELSEWHERE, source == null ? "" : source);
            }
        }
        return failure;
    }
}
