package io.maniple.server.session;

import io.maniple.server.distribution.Peers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Workers that are threads of one process. */
final class ThreadPeers implements Peers {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private record Message(byte[] content, boolean spoiled) {}

    private final int rank;
    private final List<List<LinkedBlockingQueue<Message>>> queues;

    private ThreadPeers(int rank, List<List<LinkedBlockingQueue<Message>>> queues) {
        this.rank = rank;
        this.queues = queues;
    }

    static List<ThreadPeers> of(int size) {
        List<List<LinkedBlockingQueue<Message>>> queues = new ArrayList<>();
        for (int from = 0; from < size; from++) {
            queues.add(new ArrayList<>());
            for (int to = 0; to < size; to++) {
                queues.get(from).add(new LinkedBlockingQueue<>());
            }
        }
        List<ThreadPeers> peers = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            peers.add(new ThreadPeers(rank, queues));
        }
        return peers;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return queues.size();
    }

    @Override
    public boolean[] exchange(List<Parcel> outgoing, boolean[] spoiled, List<Parcel> incoming) {
        try {
            for (int number = 0; number < outgoing.size(); number++) {
                Parcel parcel = outgoing.get(number);
                ByteArrayOutputStream content = new ByteArrayOutputStream();
                for (int piece = 0; piece < parcel.addresses().length && !spoiled[number]; piece++) {
                    content.writeBytes(MEMORY.asSlice(parcel.addresses()[piece], parcel.lengths()[piece])
                            .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                }
                queues.get(rank).get(parcel.peer()).add(new Message(content.toByteArray(), spoiled[number]));
            }
            boolean[] bad = new boolean[incoming.size()];
            for (int number = 0; number < bad.length; number++) {
                Parcel parcel = incoming.get(number);
                Message message = queues.get(parcel.peer()).get(rank).poll(20, TimeUnit.SECONDS);
                if (message == null) {
                    throw new PeersException("worker " + parcel.peer() + " said nothing to " + rank);
                }
                bad[number] = message.spoiled();
                ByteArrayInputStream content = new ByteArrayInputStream(message.content());
                for (int piece = 0; piece < parcel.addresses().length && !message.spoiled(); piece++) {
                    byte[] bytes = new byte[(int) parcel.lengths()[piece]];
                    if (content.readNBytes(bytes, 0, bytes.length) != bytes.length) {
                        throw new PeersException("too little was sent");
                    }
                    if (parcel.addresses()[piece] != 0) {
                        MemorySegment.copy(
                                MemorySegment.ofArray(bytes), 0, MEMORY, parcel.addresses()[piece], bytes.length);
                    }
                }
                if (content.available() > 0) {
                    throw new PeersException("too much was sent");
                }
            }
            return bad;
        } catch (InterruptedException e) {
            throw new PeersException("interrupted");
        }
    }
}
