package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A mapped piece of the file of arrays beyond memory. Each MiB has a checksum (CRC-32C), made when it has left memory and
 * compared when it is found there again, behind the step that has read it and before anybody learns of its result.
 *
 * <p>What is being written has none: it is opened before and closed behind the step that writes it. Memory is given back
 * without a look at what it is, since whoever computes may be faster than any sum; the books are put right afterwards.
 */
public final class Extent {
    static final int CHUNK = 1 << 20;
    private static final int PAGE = 4_096;

    /** Of a chunk: its content may differ from its sum. */
    private static final byte UNKNOWN = 0;
    /** It has left memory; what comes back is to be compared. */
    private static final byte OUT = 1;
    /** Memory has the content of its sum. */
    private static final byte KNOWN = 2;
    /** A step writes it. */
    private static final byte OPEN = 3;

    private final long address;
    private final long bytes;
    private final long offset;
    private final int descriptor;
    private final boolean checked;

    // Guarded by this.
    private final byte[] states;
    private final int[] sums;
    private boolean anyOpen = true;
    /** Whether memory was given back since the books were right. */
    private boolean dropped;

    private boolean damaged;
    private boolean gone;

    Extent(long address, long bytes, long offset, int descriptor, boolean checked) {
        this.address = address;
        this.bytes = bytes;
        this.offset = offset;
        this.descriptor = descriptor;
        this.checked = checked;
        int chunks = Math.toIntExact((bytes + CHUNK - 1) / CHUNK);
        this.states = new byte[chunks];
        this.sums = new int[chunks];
        Arrays.fill(states, OPEN);
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    long offset() {
        return offset;
    }

    synchronized void unmap() {
        gone = true;
        Libc.unmap(address, bytes);
    }

    /** Nothing is done with its addresses any more. */
    synchronized void leave() {
        gone = true;
    }

    /**
     * Bytes are about to be written by a step.
     *
     * @throws ManipleException where what is there now came back damaged: it may be read, too
     */
    public synchronized void open(long begin, long end) {
        if (!checked || gone) {
            return;
        }
        verify(begin, end);
        Arrays.fill(states, (int) (begin / CHUNK), chunks(end), OPEN);
        anyOpen = true;
    }

    /** The step that wrote is done. */
    public synchronized void close() {
        if (!checked || !anyOpen || gone) {
            return;
        }
        anyOpen = false;
        boolean[] there = resident();
        for (int chunk = 0; chunk < states.length; chunk++) {
            if (states[chunk] == OPEN) {
                states[chunk] = UNKNOWN;
                if (dropped && !there[chunk]) {
                    makeSum(chunk);
                }
            }
        }
    }

    /**
     * Compares what a step has read.
     *
     * @throws ManipleException where it was not what had been written
     */
    public synchronized void verifyRead() {
        if (!checked || gone) {
            return;
        }
        boolean[] there = resident();
        for (int chunk = 0; chunk < states.length; chunk++) {
            switch (states[chunk]) {
                case OUT, KNOWN -> {
                    boolean unseen = dropped || there[chunk] && states[chunk] == OUT;
                    if (unseen && sum(chunk) != sums[chunk]) {
                        damaged = true;
                    }
                    // Else the system has taken it out of memory by itself.
                    states[chunk] = there[chunk] ? KNOWN : OUT;
                }
                case UNKNOWN -> {
                    if (dropped && !there[chunk]) {
                        makeSum(chunk);
                    }
                }
                default -> {}
            }
        }
        dropped = anyOpen && dropped;
        refuseIfDamaged();
    }

    /**
     * Compares what is about to be read, and not by a step.
     *
     * @throws ManipleException where it is not what was written
     */
    public synchronized void verify(long begin, long end) {
        if (!checked || gone) {
            return;
        }
        for (int chunk = (int) (begin / CHUNK); chunk < chunks(end); chunk++) {
            boolean left = states[chunk] == OUT || dropped && states[chunk] == KNOWN;
            if (left && sum(chunk) != sums[chunk]) {
                damaged = true;
            }
        }
        refuseIfDamaged();
    }

    private int chunks(long end) {
        return (int) Math.min(states.length, (end + CHUNK - 1) / CHUNK);
    }

    private void refuseIfDamaged() {
        if (damaged) {
            throw new ManipleException(
                    Status.INTERNAL,
                    "an array that did not fit into memory came back from the disk damaged: its checksum is wrong");
        }
    }

    /** Gives back what memory has of it; the file keeps it. */
    synchronized void drop() {
        if (!gone) {
            dropped = true;
            Libc.dropPages(address, bytes);
        }
    }

    /**
     * Makes the sum of one chunk that has left memory.
     *
     * @param from the chunk to begin at
     * @return the chunk to go on from; negative if there is nothing to do
     */
    synchronized int makeNextSum(int from) {
        if (checked && dropped && !gone) {
            for (int chunk = from; chunk < states.length; chunk++) {
                if (states[chunk] == UNKNOWN) {
                    // It may be in memory again: nobody writes to it.
                    makeSum(chunk);
                    return chunk + 1;
                }
            }
        }
        return -1;
    }

    private void makeSum(int chunk) {
        sums[chunk] = sum(chunk);
        states[chunk] = OUT;
    }

    /** Of the content as the file, or what the system has not yet written of it, shows it. */
    private int sum(int chunk) {
        try (Arena arena = Arena.ofConfined()) {
            long begin = (long) chunk * CHUNK;
            MemorySegment copy = arena.allocate(Math.min(CHUNK, bytes - begin), PAGE);
            if (!Libc.read(descriptor, copy, offset + begin)) {
                damaged = true;
                return 0;
            }
            CRC32C sum = new CRC32C();
            sum.update(copy.asByteBuffer());
            return (int) sum.getValue();
        }
    }

    /** Which chunks memory has a page of. */
    private boolean[] resident() {
        return PageMap.present(address, bytes, CHUNK);
    }
}
