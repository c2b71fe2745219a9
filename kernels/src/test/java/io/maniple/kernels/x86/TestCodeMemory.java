package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TestCodeMemory {
    private static final byte[] RET = {(byte) 0xC3};

    @Test
    void memoryIsExecutableButNotWritable() throws Exception {
        try (CodeMemory memory = CodeMemory.of(RET)) {
            assertThat(permissions(memory.entry().address())).isEqualTo("r-xp");
        }
    }

    @Test
    void closingGivesTheMemoryBackOnce() throws Exception {
        long before = settled();
        CodeMemory memory = CodeMemory.of(new byte[5000]);
        assertThat(CodeMemory.bytesInUse()).isEqualTo(before + 8192);
        memory.close();
        memory.close();
        assertThat(CodeMemory.bytesInUse()).isEqualTo(before);
    }

    /** The memory in use once that of code nobody has any more, of other tests, is given back. */
    private static long settled() throws InterruptedException {
        long before;
        long now = CodeMemory.bytesInUse();
        do {
            before = now;
            System.gc();
            Thread.sleep(100);
            now = CodeMemory.bytesInUse();
        } while (now != before);
        return now;
    }

    private static String permissions(long address) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] range = line.substring(0, line.indexOf(' ')).split("-");
            if (Long.parseUnsignedLong(range[0], 16) <= address && address < Long.parseUnsignedLong(range[1], 16)) {
                return line.split(" ")[1];
            }
        }
        return "none";
    }
}
