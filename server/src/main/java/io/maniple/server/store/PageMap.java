package io.maniple.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Which pages of this process are in memory, as the kernel tells (proc(5), /proc/self/pagemap and statm). */
final class PageMap {
    private static final int PAGE = 4_096;
    private static final int AT_A_TIME = 8_192;
    private static final int STATM_BYTES = 256;

    private PageMap() {}

    /** For each chunk of some memory whether one of its pages is mapped. */
    static boolean[] present(long address, long bytes, int chunk) {
        boolean[] present = new boolean[Math.toIntExact((bytes + chunk - 1) / chunk)];
        long pages = (bytes + PAGE - 1) / PAGE;
        int pagesOfChunk = chunk / PAGE;
        ByteBuffer entries = ByteBuffer.allocate(AT_A_TIME * Long.BYTES).order(ByteOrder.nativeOrder());
        try (FileChannel map = FileChannel.open(Path.of("/proc/self/pagemap"), StandardOpenOption.READ)) {
            for (long page = 0; page < pages; ) {
                entries.clear().limit((int) Math.min(AT_A_TIME, pages - page) * Long.BYTES);
                if (map.read(entries, (address / PAGE + page) * Long.BYTES) <= 0) {
                    throw new IOException("/proc/self/pagemap ends");
                }
                entries.flip();
                int found = entries.limit() / Long.BYTES;
                for (int entry = 0; entry < found; ) {
                    if (entries.getLong(entry * Long.BYTES) < 0) {
                        int inChunk = (int) ((page + entry) % pagesOfChunk);
                        present[(int) ((page + entry) / pagesOfChunk)] = true;
                        entry += pagesOfChunk - inChunk;
                    } else {
                        entry++;
                    }
                }
                page += found;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return present;
    }

    /** Bytes of some memory that are mapped. */
    static long presentBytes(long address, long bytes) {
        long sum = 0;
        for (boolean page : present(address, bytes, PAGE)) {
            sum += page ? PAGE : 0;
        }
        return sum;
    }

    /** Opened at the first use, for as long as the process. */
    private static final class Sizes {
        static final int STATM = Libc.openForReading("/proc/self/statm");
    }

    /** Bytes of files and shared memory that are mapped and in memory. */
    static long mapped() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(STATM_BYTES);
            long length = Libc.readSome(Sizes.STATM, text, 0);
            int field = 0;
            long number = 0;
            for (long at = 0; at < length; at++) {
                int digit = text.get(ValueLayout.JAVA_BYTE, at);
                if (digit == ' ') {
                    field++;
                } else if (field == 2) {
                    number = 10 * number + digit - '0';
                }
            }
            return number * PAGE;
        }
    }
}
