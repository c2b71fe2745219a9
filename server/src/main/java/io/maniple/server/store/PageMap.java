package io.maniple.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Which pages of this process are in memory, as the kernel tells (proc(5), /proc/self/pagemap and statm). */
final class PageMap {
    private static final int PAGE = 4_096;
    private static final int AT_A_TIME = 8_192;

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
                while (entries.remaining() >= Long.BYTES) {
                    if (entries.getLong() < 0) {
                        present[(int) (page / pagesOfChunk)] = true;
                    }
                    page++;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return present;
    }

    /** Bytes of files and shared memory that are mapped and in memory. */
    static long mapped(FileChannel statm, ByteBuffer buffer) throws IOException {
        buffer.clear();
        statm.read(buffer, 0);
        buffer.flip();
        int field = 0;
        long number = 0;
        while (buffer.hasRemaining()) {
            int digit = buffer.get();
            if (digit == ' ') {
                field++;
            } else if (field == 2) {
                number = 10 * number + digit - '0';
            }
        }
        return number * PAGE;
    }
}
