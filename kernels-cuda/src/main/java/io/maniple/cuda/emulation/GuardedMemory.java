package io.maniple.cuda.emulation;

import io.maniple.cuda.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;

/** The emulated device's memory: pieces of this process's, each between two zones that nobody may write to. */
final class GuardedMemory {
    private static final long GUARD = 256;
    private static final byte MARK = (byte) 0xC7;
    /** What fresh memory holds: a signalling pattern, so that nobody takes it for zeros. */
    private static final byte FRESH = (byte) 0xA9;

    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final long limit;
    private long used;
    private final TreeMap<Long, Piece> pieces = new TreeMap<>();

    private record Piece(Arena arena, MemorySegment whole, long bytes) {}

    GuardedMemory(long limit) {
        this.limit = limit;
    }

    synchronized long free() {
        return limit - used;
    }

    @SuppressWarnings("MustBeClosedChecker") // closed by release() or close(), as device memory is
    synchronized long allocate(long bytes) throws DeviceException {
        if (bytes < 1 || bytes > limit - used) {
            throw new DeviceException(
                    DeviceException.Kind.OUT_OF_MEMORY,
                    "the emulated GPU has " + (limit - used) + " of " + limit + " bytes left, not " + bytes);
        }
        Arena arena = Arena.ofShared();
        MemorySegment whole = arena.allocate(bytes + 2 * GUARD, GUARD);
        whole.asSlice(0, GUARD).fill(MARK);
        whole.asSlice(GUARD, bytes).fill(FRESH);
        whole.asSlice(GUARD + bytes, GUARD).fill(MARK);
        long address = whole.address() + GUARD;
        pieces.put(address, new Piece(arena, whole, bytes));
        used += bytes;
        return address;
    }

    synchronized void release(long address) throws DeviceException {
        Piece piece = pieces.remove(address);
        if (piece == null) {
            throw new DeviceException(
                    DeviceException.Kind.REFUSED, "no device memory begins at 0x" + Long.toHexString(address));
        }
        check(address, piece);
        used -= piece.bytes();
        piece.arena().close();
    }

    /** @throws DeviceException REFUSED if the bytes are not all in one piece */
    synchronized void checkRange(long address, long bytes) throws DeviceException {
        Map.Entry<Long, Piece> entry = pieces.floorEntry(address);
        if (entry == null
                || bytes < 0
                || address + bytes > entry.getKey() + entry.getValue().bytes()) {
            throw new DeviceException(
                    DeviceException.Kind.REFUSED,
                    bytes + " bytes at 0x" + Long.toHexString(address) + " are not all device memory");
        }
    }

    /** @throws DeviceException LOST if somebody wrote where nobody may */
    synchronized void checkGuards() throws DeviceException {
        for (Map.Entry<Long, Piece> entry : pieces.entrySet()) {
            check(entry.getKey(), entry.getValue());
        }
    }

    private static void check(long address, Piece piece) throws DeviceException {
        for (long offset = 0; offset < GUARD; offset++) {
            if (piece.whole().get(ValueLayout.JAVA_BYTE, offset) != MARK
                    || piece.whole().get(ValueLayout.JAVA_BYTE, GUARD + piece.bytes() + offset) != MARK) {
                throw new DeviceException(
                        DeviceException.Kind.LOST,
                        "a kernel wrote outside the " + piece.bytes() + " bytes at 0x" + Long.toHexString(address));
            }
        }
    }

    synchronized void close() {
        pieces.values().forEach(piece -> piece.arena().close());
        pieces.clear();
        used = 0;
    }

    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(EVERYTHING, from, EVERYTHING, to, bytes);
    }

    static void zero(long address, long bytes) {
        EVERYTHING.asSlice(address, bytes).fill((byte) 0);
    }
}
