package io.maniple.server.store;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/**
 * The server's own memory for arrays: a pool of blocks in huge pages, handed out again while their pages are warm
 * (touching a fresh 240 MB costs 100 ms of page faults, as much as many a computation).
 */
public final class PrivateMemory {
    private static final long HUGE_PAGE = 2L << 20;
    private static final long SMALL = 256L << 10;
    /** Small blocks are cut from chunks of this size. */
    private static final long CHUNK = 4L << 20;

    private final long limit;
    private final TreeMap<Long, ArrayDeque<Block>> free = new TreeMap<>();
    private long mapped;
    private long used;

    /**
     * A piece of memory.
     *
     * @param owner the number of the session it was last handed to, so that another one never sees what it held; 0 for
     *     none
     */
    public record Block(long address, long bytes, boolean cut, long owner) {}

    /** @param limit most bytes to take from the system */
    public PrivateMemory(long limit) {
        this.limit = limit;
    }

    public long limit() {
        return limit;
    }

    public synchronized long used() {
        return used;
    }

    /**
     * Memory of at least the given size, aligned to 64 bytes, its contents unspecified but never another session's.
     *
     * @throws ManipleException OUT_OF_MEMORY, before anything is taken, if the limit forbids it
     */
    public Block allocate(long bytes, long session) {
        Block block = take(blockBytes(bytes), bytes);
        if (block.owner() != 0 && block.owner() != session) {
            MemorySegment.ofAddress(block.address()).reinterpret(block.bytes()).fill((byte) 0);
        }
        return new Block(block.address(), block.bytes(), block.cut(), session);
    }

    /** The size of the block that an array of so many bytes gets. */
    public static long blockBytes(long bytes) {
        return sizeClass(Math.max(64, bytes));
    }

    private synchronized Block take(long size, long asked) {
        ArrayDeque<Block> queue = free.get(size);
        if (queue != null && !queue.isEmpty()) {
            used += size;
            return queue.pop();
        }
        if (size <= SMALL) {
            long address = map(CHUNK, asked);
            ArrayDeque<Block> blocks = free.computeIfAbsent(size, key -> new ArrayDeque<>());
            for (long offset = size; offset + size <= CHUNK; offset += size) {
                blocks.push(new Block(address + offset, size, true, 0));
            }
            used += size;
            return new Block(address, size, true, 0);
        }
        long address = map(size, asked);
        used += size;
        return new Block(address, size, false, 0);
    }

    private long map(long size, long asked) {
        if (mapped + size > limit) {
            trim(mapped + size - limit);
        }
        if (mapped + size > limit) {
            throw outOfMemory(asked);
        }
        long address;
        if (size >= HUGE_PAGE) {
            // Over-mapped by one huge page and cut to its alignment, or the kernel could not use huge pages.
            long raw = Libc.map(size + HUGE_PAGE);
            if (raw == 0) {
                throw outOfMemory(asked);
            }
            address = (raw + HUGE_PAGE - 1) & -HUGE_PAGE;
            if (address > raw) {
                Libc.unmap(raw, address - raw);
            }
            long tail = raw + size + HUGE_PAGE - (address + size);
            if (tail > 0) {
                Libc.unmap(address + size, tail);
            }
            Libc.adviseHugePages(address, size);
        } else {
            address = Libc.map(size);
            if (address == 0) {
                throw outOfMemory(asked);
            }
        }
        mapped += size;
        return address;
    }

    private ManipleException outOfMemory(long asked) {
        return new ManipleException(
                Status.OUT_OF_MEMORY,
                "an array of " + asked + " bytes does not fit: " + used + " bytes are in use and the server's limit is "
                        + limit + " bytes (maniple server --memory, MANIPLE_MEMORY)",
                "");
    }

    /** Gives unused large blocks back to the system until so many bytes are free, largest first. */
    private void trim(long wanted) {
        long freed = 0;
        for (Map.Entry<Long, ArrayDeque<Block>> entry : free.descendingMap().entrySet()) {
            ArrayDeque<Block> kept = new ArrayDeque<>();
            for (Block block : entry.getValue()) {
                if (freed < wanted && !block.cut()) {
                    Libc.unmap(block.address(), block.bytes());
                    mapped -= block.bytes();
                    freed += block.bytes();
                } else {
                    kept.add(block);
                }
            }
            entry.setValue(kept);
        }
    }

    public synchronized void release(Block block) {
        used -= block.bytes();
        free.computeIfAbsent(block.bytes(), key -> new ArrayDeque<>()).push(block);
    }

    /** Gives everything unused back to the system. */
    public synchronized void trimAll() {
        trim(Long.MAX_VALUE);
    }

    /** Four sizes between two powers of two waste at most a quarter and keep the pool's blocks interchangeable. */
    static long sizeClass(long bytes) {
        long power = Long.highestOneBit(Math.max(64, bytes - 1));
        long step = Math.max(64, power / 4);
        long size = (bytes + step - 1) / step * step;
        return size >= HUGE_PAGE ? (size + 4095) & -4096L : size >= SMALL ? (size + 4095) & -4096L : size;
    }
}
