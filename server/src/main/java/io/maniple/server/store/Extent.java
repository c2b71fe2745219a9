package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * A mapped piece of the file of arrays beyond memory. Each MiB has a checksum (CRC-32C), made when it leaves memory and
 * compared when it is found there again, behind the step that has read it and before anybody learns of its result.
 *
 * <p>What is being written has none: it is opened before and closed behind the step that writes it, and what has left memory
 * meanwhile is summed then.
 */
public final class Extent {
    static final int CHUNK = 1 << 20;
    private static final int PAGE = 4_096;

    /** Of a chunk: its content may differ from its sum. */
    private static final byte UNKNOWN = 0;
    /** It has left memory; what comes back is to be compared. */
    private static final byte OUT = 1;
    /** It has the content of its sum. */
    private static final byte KNOWN = 2;

    private final Spill owner;
    private final long address;
    private final long bytes;
    private final long offset;
    private final int descriptor;
    private final boolean checked;

    // Guarded by this.
    private final byte[] states;
    private final int[] sums;
    private final boolean[] open;
    /** Whether it has left memory since it was opened. */
    private final boolean[] unsummed;

    private boolean anyOpen = true;
    private boolean damaged;
    private boolean gone;

    Extent(Spill owner, long address, long bytes, long offset, int descriptor, boolean checked) {
        this.owner = owner;
        this.address = address;
        this.bytes = bytes;
        this.offset = offset;
        this.descriptor = descriptor;
        this.checked = checked;
        int chunks = Math.toIntExact((bytes + CHUNK - 1) / CHUNK);
        this.states = new byte[chunks];
        this.sums = new int[chunks];
        this.open = new boolean[chunks];
        this.unsummed = new boolean[chunks];
        java.util.Arrays.fill(open, true);
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

    private int length(int chunk) {
        return (int) Math.min(CHUNK, bytes - (long) chunk * CHUNK);
    }

    /**
     * Bytes are about to be written by a step.
     *
     * @throws ManipleException where what is there now came back damaged: it may be read, too
     */
    public synchronized void open(long begin, long end) {
        if (!checked) {
            return;
        }
        compare(begin, end);
        for (int chunk = (int) (begin / CHUNK); chunk < chunks(end); chunk++) {
            open[chunk] = true;
        }
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
            if (open[chunk]) {
                open[chunk] = false;
                states[chunk] = UNKNOWN;
                if (unsummed[chunk] && !there[chunk]) {
                    sums[chunk] = sum(chunk);
                    states[chunk] = OUT;
                }
                unsummed[chunk] = false;
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
            if (there[chunk]) {
                compareOne(chunk);
            } else if (states[chunk] == KNOWN) {
                // The system has taken it out of memory by itself.
                states[chunk] = OUT;
            }
        }
        refuseIfDamaged();
    }

    /**
     * Compares what is about to be read, and not by a step.
     *
     * @throws ManipleException where it is not what was written
     */
    public synchronized void verify(long begin, long end) {
        if (checked && !gone) {
            compare(begin, end);
        }
    }

    private void compare(long begin, long end) {
        for (int chunk = (int) (begin / CHUNK); chunk < chunks(end); chunk++) {
            if (!open[chunk] && states[chunk] == OUT && sum(chunk) != sums[chunk]) {
                damaged = true;
            }
        }
        refuseIfDamaged();
    }

    private int chunks(long end) {
        return (int) Math.min(states.length, (end + CHUNK - 1) / CHUNK);
    }

    private void compareOne(int chunk) {
        if (states[chunk] == OUT && !open[chunk]) {
            if (sum(chunk) == sums[chunk]) {
                states[chunk] = KNOWN;
            } else {
                damaged = true;
            }
        }
    }

    private void refuseIfDamaged() {
        if (damaged) {
            throw new ManipleException(
                    Status.INTERNAL,
                    "an array that did not fit into memory came back from the disk damaged: its checksum is wrong");
        }
    }

    /**
     * Gives back what memory has of it; the file keeps it.
     *
     * @return bytes given back
     */
    synchronized long drop() {
        if (gone) {
            return 0;
        }
        long dropped = 0;
        boolean[] there = resident();
        for (int chunk = 0; chunk < states.length; chunk++) {
            if (!there[chunk]) {
                continue;
            }
            compareOne(chunk);
            int length = length(chunk);
            if (open[chunk]) {
                unsummed[chunk] = true;
            } else {
                if (checked && states[chunk] == UNKNOWN) {
                    sums[chunk] = sum(chunk);
                }
                states[chunk] = OUT;
            }
            Libc.dropPages(address + (long) chunk * CHUNK, length);
            dropped += length;
        }
        owner.left(dropped);
        return dropped;
    }

    /** Of the content as the file, or what the system has not yet written of it, shows it. */
    private int sum(int chunk) {
        try (Arena arena = Arena.ofConfined()) {
            int length = length(chunk);
            MemorySegment copy = arena.allocate(length, PAGE);
            if (!Libc.read(descriptor, copy, offset + (long) chunk * CHUNK)) {
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
