package io.maniple.server.store;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

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
    private final Spill spill;
    private final TreeMap<Long, ArrayDeque<Block>> free = new TreeMap<>();
    private long mapped;
    private long used;

    /**
     * A piece of memory.
     *
     * @param owner the number of the session it was last handed to, so that another one never sees what it held; 0 for
     *     none
     * @param extent where it is on disk; null: it is memory
     */
    public record Block(
            long address,
            long bytes,
            boolean cut,
            long owner,
            @Nullable Extent extent) {
        private Block(long address, long bytes, boolean cut, long owner) {
            this(address, bytes, cut, owner, null);
        }

        private static Block of(Extent extent, long owner) {
            return new Block(extent.address(), extent.bytes(), false, owner, extent);
        }
    }

    /** @param limit most bytes to take from the system */
    public PrivateMemory(long limit) {
        this(limit, SpillSettings.off());
    }

    public PrivateMemory(long limit, SpillSettings spilling) {
        this.limit = limit;
        this.spill = new Spill(spilling, limit);
    }

    /** Where arrays go that do not fit. */
    public Spill spill() {
        return spill;
    }

    public long limit() {
        return limit;
    }

    public synchronized long used() {
        return used;
    }

    /** Like {@link #allocateWithin}, on disk: zeros. */
    public Block allocateOnDisk(long bytes, long session, boolean checked) {
        return Block.of(spill.map(0, bytes, checked), session);
    }

    /**
     * Memory of at least the given size, aligned to 64 bytes, its contents unspecified but never another session's.
     *
     * @param most bytes that all sessions together may then have
     * @return null, before anything is taken, if that forbids it
     */
    public @Nullable Block allocateWithin(long most, long bytes, long session) {
        long size = blockBytes(bytes);
        Block block = take(size, most);
        if (block == null) {
            return null;
        }
        if (block.owner() != 0 && block.owner() != session) {
            MemorySegment.ofAddress(block.address()).reinterpret(block.bytes()).fill((byte) 0);
        }
        return new Block(block.address(), block.bytes(), block.cut(), session);
    }

    /** The size of the block that an array of so many bytes gets. */
    public static long blockBytes(long bytes) {
        return sizeClass(Math.max(64, bytes));
    }

    private synchronized @Nullable Block take(long size, long most) {
        ArrayDeque<Block> queue = free.get(size);
        if (queue != null && !queue.isEmpty() && used + size <= most) {
            used += size;
            return queue.pop();
        }
        if (size <= SMALL) {
            long address = map(CHUNK, most);
            if (address == 0) {
                return null;
            }
            ArrayDeque<Block> blocks = free.computeIfAbsent(size, key -> new ArrayDeque<>());
            for (long offset = size; offset + size <= CHUNK; offset += size) {
                blocks.push(new Block(address + offset, size, true, 0));
            }
            used += size;
            return new Block(address, size, true, 0);
        }
        long address = map(size, most);
        if (address == 0) {
            return null;
        }
        used += size;
        return new Block(address, size, false, 0);
    }

    /** @return 0 if there is no room */
    private long map(long size, long most) {
        if (mapped + size > most) {
            trim(mapped + size - most);
        }
        if (mapped + size > most) {
            return 0;
        }
        long address;
        if (size >= HUGE_PAGE) {
            // Over-mapped by one huge page and cut to its alignment, or the kernel could not use huge pages.
            long raw = Libc.map(size + HUGE_PAGE);
            if (raw == 0) {
                return 0;
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
                return 0;
            }
        }
        mapped += size;
        return address;
    }

    /** Why there is no room for an array. */
    public synchronized String refusal(long asked) {
        return "an array of " + asked + " bytes does not fit: " + used + " bytes are in use and the server's limit is "
                + limit + " bytes (maniple server --memory, MANIPLE_MEMORY)";
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

    public void release(Block block) {
        if (block.extent() == null) {
            keep(block);
        } else {
            spill.release(block.extent());
        }
    }

    private synchronized void keep(Block block) {
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
