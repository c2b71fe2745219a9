package io.maniple.cuda;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Driver;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/**
 * Device memory that is handed out again, since taking and giving it back at the driver waits for the device. All work
 * goes through one stream, so what was given back may be handed out while the last work on it is still queued.
 */
public final class DevicePool implements AutoCloseable {
    private static final long SMALL = 1L << 20;

    private final Driver driver;
    private final Driver.Stream stream;
    private final long limit;
    private final TreeMap<Long, ArrayDeque<Block>> free = new TreeMap<>();
    private long held;
    private long used;
    private long peak;

    /**
     * A piece of memory.
     *
     * @param owner the number of the session it was last handed to; 0 for none
     */
    public record Block(long address, long bytes, long owner) {}

    /** @param limit most bytes to take from the driver */
    public DevicePool(Driver driver, Driver.Stream stream, long limit) {
        this.driver = driver;
        this.stream = stream;
        this.limit = limit;
    }

    public long limit() {
        return limit;
    }

    /** Bytes handed out. */
    public synchronized long used() {
        return used;
    }

    /** Bytes taken from the driver. */
    public synchronized long held() {
        return held;
    }

    /** The most bytes handed out at once. */
    public synchronized long peak() {
        return peak;
    }

    /**
     * Memory of at least the given size, its contents unspecified but never another session's.
     *
     * @throws DeviceException OUT_OF_MEMORY if neither the limit nor the device has as much left
     */
    public synchronized Block allocate(long bytes, long owner) throws DeviceException {
        long size = sizeClass(bytes);
        ArrayDeque<Block> queue = free.get(size);
        Block block = queue == null ? null : queue.poll();
        if (block == null) {
            block = new Block(take(size), size, 0);
        } else if (block.owner() != owner) {
            stream.zero(block.address(), block.bytes());
        }
        used += size;
        peak = Math.max(peak, used);
        return new Block(block.address(), size, owner);
    }

    private long take(long size) throws DeviceException {
        if (held + size > limit) {
            trim(held + size - limit);
        }
        if (held + size > limit) {
            throw new DeviceException(
                    DeviceException.Kind.OUT_OF_MEMORY,
                    size + " bytes do not fit in the GPU's memory: " + used + " of " + limit + " bytes are in use");
        }
        long address;
        try {
            address = driver.allocate(size);
        } catch (DeviceException e) {
            if (e.kind() != DeviceException.Kind.OUT_OF_MEMORY || free.isEmpty()) {
                throw e;
            }
            // Another program has taken the rest.
            trim(Long.MAX_VALUE);
            address = driver.allocate(size);
        }
        // The driver may hand out what another program, or another session of this one, has left.
        stream.zero(address, size);
        held += size;
        return address;
    }

    public synchronized void release(Block block) {
        used -= block.bytes();
        free.computeIfAbsent(block.bytes(), key -> new ArrayDeque<>()).push(block);
    }

    /** Gives unused memory back to the driver until so many bytes are given back, the largest pieces first. */
    public synchronized void trim(long wanted) throws DeviceException {
        long freed = 0;
        for (Map.Entry<Long, ArrayDeque<Block>> entry : free.descendingMap().entrySet()) {
            while (freed < wanted && !entry.getValue().isEmpty()) {
                Block block = entry.getValue().pop();
                driver.free(block.address());
                held -= block.bytes();
                freed += block.bytes();
            }
        }
        free.values().removeIf(ArrayDeque::isEmpty);
    }

    /** Four sizes between two powers of two, multiples of 256 bytes. */
    static long sizeClass(long bytes) {
        long least = Math.max(256, bytes);
        long power = Long.highestOneBit(Math.max(256, least - 1));
        long step = Math.max(256, least > SMALL ? power / 16 : power / 4);
        return (least + step - 1) / step * step;
    }

    @Override
    public synchronized void close() {
        free.clear();
    }
}
