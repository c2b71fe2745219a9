package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Address space for whole arrays of which only a part is ever touched: pages come with their first use. What is touched is
 * announced; what is given back keeps its pages for the next array of its size. What memory has no room for is mapped from
 * disk, whole chunks of it that were not touched before.
 */
public final class SparseMemory implements AutoCloseable {
    private static final long PAGE = 4_096;
    private static final long HUGE_PAGE = 2L << 20;
    private static final int MOST_KEPT = 64;

    private final long limit;
    private final Spill spill;
    private final Map<Long, ArrayDeque<Long>> kept = new HashMap<>();
    private final Map<Long, Long> keptTouched = new HashMap<>();
    private int keptCount;
    private long touched;
    private long touchedKept;

    /** @param limit most bytes that may be touched at a time */
    public SparseMemory(long limit) {
        this(limit, SpillSettings.off());
    }

    public SparseMemory(long limit, SpillSettings spilling) {
        this.limit = limit;
        this.spill = new Spill(spilling, limit);
    }

    public long limit() {
        return limit;
    }

    /** Where goes what does not fit. */
    public Spill spill() {
        return spill;
    }

    /** Bytes of memory that arrays have touched. */
    public synchronized long touched() {
        return touched;
    }

    /** Address space for one array. Used by one thread at a time. */
    public final class Area {
        private final long address;
        private final long bytes;
        private final boolean checked;
        private final List<Piece> pieces = new ArrayList<>();
        private Spans announced = Spans.NONE;
        private long inMemory;

        /** A part that is on disk. */
        private record Piece(long begin, Extent extent) {}

        private Area(long address, long bytes, boolean checked) {
            this.address = address;
            this.bytes = bytes;
            this.checked = checked;
        }

        /** Of the first byte. */
        public long address() {
            return address;
        }

        /** What was touched of it. */
        public Spans touched() {
            return announced;
        }

        /**
         * Announces that bytes will be touched.
         *
         * @throws ManipleException OUT_OF_MEMORY, before anything is taken
         */
        public void touch(Spans spans) {
            if (!announced.covers(spans)) {
                Spans more = announced.and(spans);
                grow(this, spans, more.bytes() - announced.bytes());
                announced = more;
            }
        }

        /**
         * Bytes are about to be written.
         *
         * @throws ManipleException where what is there came back damaged from the disk
         */
        public void open(Spans spans) {
            each(spans, Extent::open);
        }

        /** All that was opened is written. */
        public void close() {
            pieces.forEach(piece -> piece.extent().close());
        }

        /**
         * Compares what is about to be read with what was written.
         *
         * @throws ManipleException where it came back damaged from the disk
         */
        public void verify(Spans spans) {
            each(spans, Extent::verify);
        }

        /**
         * Compares what a step has read with what was written.
         *
         * @throws ManipleException where it came back damaged from the disk
         */
        public void verifyRead() {
            pieces.forEach(piece -> piece.extent().verifyRead());
        }

        private interface Part {
            void visit(Extent extent, long begin, long end);
        }

        private void each(Spans spans, Part part) {
            for (Piece piece : pieces) {
                long begin = piece.begin();
                Spans inside = spans.within(begin, begin + piece.extent().bytes());
                for (int range = 0; range < inside.ranges(); range++) {
                    part.visit(piece.extent(), inside.begin(range) - begin, inside.end(range) - begin);
                }
            }
        }

        /** Gives everything back. */
        public void release() {
            SparseMemory.this.release(this);
        }
    }

    /**
     * Address space, its content unspecified.
     *
     * @param checked whether what comes back from the disk is compared: else it is nobody's but a step's
     */
    public synchronized Area reserve(long bytes, boolean checked) {
        long size = size(bytes);
        ArrayDeque<Long> known = kept.get(size);
        if (known != null && !known.isEmpty()) {
            long address = known.pop();
            keptCount--;
            Long pages = keptTouched.remove(address);
            touchedKept -= pages == null ? 0 : pages;
            return new Area(address, bytes, checked);
        }
        long address = Libc.reserve(size);
        if (address == 0) {
            throw new ManipleException(
                    Status.OUT_OF_MEMORY, "the system has no address space for an array of " + bytes + " bytes");
        }
        if (size >= 2 * HUGE_PAGE) {
            Libc.adviseHugePages(address, size);
        }
        return new Area(address, bytes, checked);
    }

    private synchronized void grow(Area area, Spans spans, long fresh) {
        long mark = spill.spillMark(limit);
        if (touched + fresh + touchedKept > mark) {
            drop();
        }
        if (touched + fresh > mark && spill.isOn() && area.bytes >= Spill.SMALLEST) {
            List<Area.Piece> mapped = new ArrayList<>();
            long onDisk;
            try {
                onDisk = mapUntouched(area, spans, mapped::add);
                if (touched + fresh - onDisk > spill.refuseMark(limit)) {
                    throw noRoom(fresh);
                }
            } catch (ManipleException refused) {
                mapped.forEach(piece -> {
                    Libc.reserveAt(piece.extent().address(), piece.extent().bytes());
                    spill.forget(piece.extent());
                });
                throw refused;
            }
            area.pieces.addAll(mapped);
            touched += fresh - onDisk;
            area.inMemory += fresh - onDisk;
            return;
        }
        if (touched + fresh > spill.refuseMark(limit)) {
            throw noRoom(fresh);
        }
        touched += fresh;
        area.inMemory += fresh;
    }

    private ManipleException noRoom(long fresh) {
        return new ManipleException(
                Status.OUT_OF_MEMORY,
                fresh + " bytes more do not fit: the worker holds " + touched + " bytes and may hold " + limit
                        + (spill.isOn()
                                ? ", and " + spill.used() + " bytes on disk of " + spill.limit() + " (--spill)"
                                : ""));
    }

    /** @return how many of the bytes lie in chunks that are on disk */
    private long mapUntouched(Area area, Spans spans, Consumer<Area.Piece> mapped) {
        long[] onDisk = new long[1];
        long begin = -1;
        long end = -1;
        for (int range = 0; range < spans.ranges(); range++) {
            long first = spans.begin(range) / Extent.CHUNK * Extent.CHUNK;
            for (long chunk = Math.max(first, end); chunk < spans.end(range); chunk += Extent.CHUNK) {
                if (!area.announced
                        .within(chunk, Math.min(area.bytes, chunk + Extent.CHUNK))
                        .isEmpty()) {
                    continue;
                }
                if (chunk != end) {
                    map(area, begin, end, mapped);
                    begin = chunk;
                }
                end = Math.min(area.bytes, chunk + Extent.CHUNK);
                onDisk[0] += spans.within(chunk, end).bytes();
            }
        }
        map(area, begin, end, mapped);
        // Those in chunks that were on disk already.
        for (Area.Piece piece : area.pieces) {
            long last = piece.begin() + piece.extent().bytes();
            onDisk[0] += spans.within(piece.begin(), last).bytes()
                    - spans.common(area.announced).within(piece.begin(), last).bytes();
        }
        return onDisk[0];
    }

    private void map(Area area, long begin, long end, Consumer<Area.Piece> mapped) {
        if (begin < end) {
            mapped.accept(new Area.Piece(begin, spill.map(area.address + begin, end - begin, area.checked)));
        }
    }

    private synchronized void release(Area area) {
        touched -= area.inMemory;
        if (!area.pieces.isEmpty()) {
            area.pieces.forEach(piece -> spill.forget(piece.extent()));
            Libc.unmap(area.address, size(area.bytes));
            return;
        }
        if (keptCount >= MOST_KEPT || touched + touchedKept + area.inMemory > spill.spillMark(limit)) {
            Libc.unmap(area.address, size(area.bytes));
            return;
        }
        kept.computeIfAbsent(size(area.bytes), key -> new ArrayDeque<>()).push(area.address);
        keptTouched.put(area.address, area.inMemory);
        touchedKept += area.inMemory;
        keptCount++;
    }

    private void drop() {
        kept.forEach((size, addresses) -> addresses.forEach(address -> Libc.unmap(address, size)));
        kept.clear();
        keptTouched.clear();
        keptCount = 0;
        touchedKept = 0;
    }

    private static long size(long bytes) {
        return Math.max(1, (bytes + PAGE - 1) / PAGE) * PAGE;
    }

    /** Gives back what is kept; the arrays themselves have been released. */
    @Override
    public synchronized void close() {
        drop();
    }
}
