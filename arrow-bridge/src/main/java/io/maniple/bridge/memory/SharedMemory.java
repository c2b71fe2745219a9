package io.maniple.bridge.memory;

import io.maniple.bridge.memory.SharedMemory.Home.Slab;
import io.maniple.bridge.memory.SharedMemory.Home.Whole;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The shared memory of one session. Its segments are its own: no other client ever sees them, not even reused, so
 * nothing has to be wiped between sessions. Within the session freed regions are reused, because the first touch of a
 * page costs far more than its use; beyond {@link SharedMemorySettings#cachedBytes} the longest unused go back to
 * the system.
 *
 * <p>Large regions have a segment each; small ones share slabs, each of one size class. Thread-safe.
 */
public final class SharedMemory implements AutoCloseable {
    static final long SLAB_BYTES = 4L << 20;
    static final long LARGEST_SMALL = SLAB_BYTES / 4;

    private final SegmentSource source;
    private final Map<Position, SharedRegion> reserved = new HashMap<>();
    private final Map<Position, SharedRegion> bound = new HashMap<>();
    private final Map<Integer, Home> homes = new HashMap<>();
    private final Map<Long, LinkedHashSet<Slab>> slabsWithRoom = new HashMap<>();
    private final Deque<Segment> cached = new ArrayDeque<>();
    private final List<Segment> toAnnounce = new ArrayList<>();
    private final List<Segment> announced = new ArrayList<>();
    private final List<Integer> dropped = new ArrayList<>();
    private long usedBytes;
    private long cachedBytes;
    private boolean closed;

    /** What a segment is used for. */
    sealed interface Home {
        record Whole(Segment segment) implements Home {}

        final class Slab implements Home {
            private final Segment segment;
            private final long size;
            private final int slots;
            private final Deque<Long> freed = new ArrayDeque<>();
            private int fresh;

            Slab(Segment segment, long size) {
                this.segment = segment;
                this.size = size;
                this.slots = Math.toIntExact(segment.bytes() / size);
            }

            /** The offset of a slot; the one freed last is the most likely to be in a cache still. */
            long take() {
                return freed.isEmpty() ? fresh++ * size : freed.pop();
            }

            boolean isFull() {
                return fresh == slots && freed.isEmpty();
            }

            boolean isEmpty() {
                return freed.size() == fresh;
            }
        }
    }

    private record Position(int segment, long offset) {}

    public SharedMemory(SegmentSource source) {
        this.source = source;
    }

    /** A region for a buffer of the session. Its content is arbitrary. */
    public synchronized SharedRegion allocate(long bytes) {
        SharedRegion region = take(bytes);
        bound.put(position(region), region);
        return region;
    }

    /** A region that the client fills; it stays the client's until {@link #bind} or {@link #cancel}. */
    public synchronized SharedRegion reserve(long bytes) {
        SharedRegion region = take(bytes);
        reserved.put(position(region), region);
        return region;
    }

    /** Turns a reservation into a buffer's region, the caller's to release; empty if there is no such reservation. */
    public synchronized Optional<SharedRegion> bind(int segment, long offset, long bytes) {
        Position position = new Position(segment, offset);
        SharedRegion region = reserved.get(position);
        if (region == null || bytes < 0 || bytes > region.bytes()) {
            return Optional.empty();
        }
        reserved.remove(position);
        bound.put(position, region);
        return Optional.of(region);
    }

    /** Frees a reservation that was not bound; false if there is none. */
    public synchronized boolean cancel(int segment, long offset) {
        SharedRegion region = reserved.remove(new Position(segment, offset));
        if (region != null) {
            giveBack(region);
        }
        return region != null;
    }

    /** Frees a region that was allocated or bound. */
    public synchronized void release(SharedRegion region) {
        if (closed) {
            return;
        }
        if (!bound.remove(position(region), region)) {
            throw new IllegalStateException("not allocated, or released twice: " + region);
        }
        giveBack(region);
    }

    /** The segments the client does not know yet; to be told in the next answer. */
    public synchronized List<io.maniple.bridge.proto.Segment> takeAnnouncements() {
        List<io.maniple.bridge.proto.Segment> descriptions =
                toAnnounce.stream().map(Segment::describe).toList();
        announced.addAll(toAnnounce);
        toAnnounce.clear();
        return descriptions;
    }

    /** The segments that are gone since the last call; the client unmaps them. */
    public synchronized List<Integer> takeDropped() {
        List<Integer> gone = List.copyOf(dropped);
        dropped.clear();
        return gone;
    }

    /** The client calls again, so it has mapped all that was announced to it. */
    public synchronized void announcementsReceived() {
        announced.forEach(Segment::handedOver);
        announced.clear();
    }

    /** What reservations and buffers take, rounding included. */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** What is kept for reuse. */
    public synchronized long cachedBytes() {
        return cachedBytes;
    }

    /** Why segments do not come from where they should; empty while all is well. */
    public Optional<String> warning() {
        return source.warning();
    }

    /** Frees everything, whoever still holds it. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Home home : homes.values()) {
            source.discard(
                    switch (home) {
                        case Whole whole -> whole.segment();
                        case Slab slab -> slab.segment;
                    });
        }
        cached.forEach(source::discard);
        homes.clear();
        cached.clear();
        reserved.clear();
        bound.clear();
        slabsWithRoom.clear();
        usedBytes = 0;
        cachedBytes = 0;
    }

    private SharedRegion take(long bytes) {
        if (closed) {
            throw new SharedMemoryException("the session is closed");
        }
        if (bytes < 0 || bytes > source.settings().limitBytes()) {
            throw new SharedMemoryException(String.format(
                    Locale.ROOT,
                    "%,d bytes of shared memory asked for, %,d is the limit",
                    bytes,
                    source.settings().limitBytes()));
        }
        long capacity = SizeClasses.roundUp(bytes);
        SharedRegion region = capacity <= LARGEST_SMALL ? takeSlot(bytes, capacity) : takeSegment(bytes, capacity);
        usedBytes += region.capacity();
        return region;
    }

    private SharedRegion takeSegment(long bytes, long capacity) {
        Segment segment = cachedOrNew(capacity);
        homes.put(segment.id(), new Whole(segment));
        return new SharedRegion(this, segment, 0, bytes, capacity);
    }

    private SharedRegion takeSlot(long bytes, long capacity) {
        LinkedHashSet<Slab> slabs = room(capacity);
        if (slabs.isEmpty()) {
            Segment segment = cachedOrNew(SLAB_BYTES);
            Slab slab = new Slab(segment, capacity);
            homes.put(segment.id(), slab);
            slabs.add(slab);
        }
        Slab slab = slabs.getFirst();
        long offset = slab.take();
        if (slab.isFull()) {
            slabs.remove(slab);
        }
        return new SharedRegion(this, slab.segment, offset, bytes, capacity);
    }

    private Segment cachedOrNew(long bytes) {
        Iterator<Segment> latestFirst = cached.descendingIterator();
        while (latestFirst.hasNext()) {
            Segment segment = latestFirst.next();
            if (segment.bytes() == bytes) {
                latestFirst.remove();
                cachedBytes -= bytes;
                return segment;
            }
        }
        Segment segment = createMakingRoom(bytes);
        toAnnounce.add(segment);
        return segment;
    }

    private Segment createMakingRoom(long bytes) {
        while (true) {
            try {
                return source.create(bytes);
            } catch (SharedMemoryException e) {
                if (cached.isEmpty()) {
                    throw e;
                }
                dropOldest();
            }
        }
    }

    private void giveBack(SharedRegion region) {
        usedBytes -= region.capacity();
        switch (Objects.requireNonNull(homes.get(region.segment()))) {
            case Whole whole -> keep(whole.segment());
            case Slab slab -> {
                slab.freed.push(region.offset());
                if (slab.isEmpty()) {
                    room(slab.size).remove(slab);
                    keep(slab.segment);
                } else {
                    room(slab.size).add(slab);
                }
            }
        }
    }

    private LinkedHashSet<Slab> room(long size) {
        return slabsWithRoom.computeIfAbsent(size, key -> new LinkedHashSet<>());
    }

    private void keep(Segment segment) {
        homes.remove(segment.id());
        cached.addLast(segment);
        cachedBytes += segment.bytes();
        while (cachedBytes > source.settings().cachedBytes()) {
            dropOldest();
        }
    }

    private void dropOldest() {
        Segment segment = cached.removeFirst();
        cachedBytes -= segment.bytes();
        if (!toAnnounce.remove(segment)) {
            announced.remove(segment);
            dropped.add(segment.id());
        }
        source.discard(segment);
    }

    private static Position position(SharedRegion region) {
        return new Position(region.segment(), region.offset());
    }
}
