package io.maniple.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TestSpill {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final long MIB = 1L << 20;

    @TempDir
    private Path directory = Path.of(".");

    private SpillSettings settings(long bytes) {
        return SpillSettings.of(bytes, directory, SpillSettings.DEFAULT_MARKS);
    }

    private static void fill(long address, long bytes, int seed) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            MEMORY.set(ValueLayout.JAVA_LONG, address + at, seed + at);
        }
    }

    private static boolean has(long address, long bytes, int seed) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            if (MEMORY.get(ValueLayout.JAVA_LONG, address + at) != seed + at) {
                return false;
            }
        }
        return true;
    }

    /** Writes to the file beside the mapping, as a damaged disk would. */
    private void damage(long offset) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                if (Files.isSymbolicLink(descriptor)
                        && Files.readSymbolicLink(descriptor).startsWith(directory)) {
                    try (FileChannel file = FileChannel.open(descriptor, StandardOpenOption.WRITE)) {
                        file.write(ByteBuffer.wrap(new byte[] {77}), offset);
                    }
                }
            }
        }
    }

    @Test
    void whatHasLeftMemoryComesBack() throws IOException {
        Spill spill = new Spill(settings(64 * MIB), 64 * MIB);
        Extent extent = spill.map(0, 3 * MIB + 5_000, true);
        assertThat(directory).as("the file has no name").isEmptyDirectory();
        assertThat(has(extent.address(), 8, 0)).as("it begins as zeros").isTrue();
        fill(extent.address(), 3 * MIB, 5);
        extent.close();
        extent.drop();
        assertThat(PageMap.presentBytes(extent.address(), extent.bytes())).isZero();
        assertThat(extent.makeNextSum(0)).isPositive();
        assertThat(has(extent.address(), 3 * MIB, 5)).isTrue();
        assertThatCode(extent::verifyRead).doesNotThrowAnyException();
        spill.release(extent);
        assertThat(spill.used()).isZero();
    }

    @Test
    void whatComesBackDamagedIsRefused() throws IOException {
        Spill spill = new Spill(settings(64 * MIB), 64 * MIB);
        Extent extent = spill.map(0, 2 * MIB, true);
        fill(extent.address(), 2 * MIB, 1);
        extent.close();
        extent.drop();
        for (int chunk = 0; chunk >= 0; ) {
            chunk = extent.makeNextSum(chunk);
        }
        damage(MIB + 100);
        assertThatCode(() -> extent.verify(0, MIB))
                .as("the other half is as it was")
                .doesNotThrowAnyException();
        assertThat(has(extent.address() + MIB, MIB, (int) (1 + MIB))).isFalse();
        assertThatThrownBy(extent::verifyRead)
                .isInstanceOf(ManipleException.class)
                .hasMessageContaining("checksum");
        spill.release(extent);
    }

    @Test
    void whatIsAboutToChangeIsComparedBefore() throws IOException {
        Spill spill = new Spill(settings(64 * MIB), 64 * MIB);
        Extent extent = spill.map(0, MIB, true);
        extent.close();
        fill(extent.address(), MIB, 3);
        extent.drop();
        assertThat(extent.makeNextSum(0)).isPositive();
        damage(8);
        assertThatThrownBy(() -> extent.open(0, MIB)).hasMessageContaining("damaged");
        spill.release(extent);
    }

    @Test
    void theQuotaIsKeptAndWhatWasFreedIsThereAgain() {
        Spill spill = new Spill(settings(4 * MIB), 64 * MIB);
        Extent first = spill.map(0, 3 * MIB, true);
        fill(first.address(), 3 * MIB, 9);
        assertThatThrownBy(() -> spill.map(0, 2 * MIB, true))
                .isInstanceOfSatisfying(
                        ManipleException.class,
                        refused -> assertThat(refused.status()).isEqualTo(Status.OUT_OF_MEMORY))
                .hasMessageContaining("--spill");
        spill.release(first);
        Extent second = spill.map(0, 3 * MIB, true);
        assertThat(MEMORY.get(ValueLayout.JAVA_LONG, second.address() + 800))
                .as("nothing of what was there before")
                .isZero();
        spill.release(second);
    }

    @Test
    void aDirectoryThatIsGoneIsAnError() {
        Spill spill = new Spill(SpillSettings.of(MIB, directory.resolve("gone"), "60,80,90"), 64 * MIB);
        assertThatThrownBy(() -> spill.map(0, MIB, true)).hasMessageContaining("--spill-dir");
    }

    @Test
    void theFilesOfDeadProcessesAreRemoved() throws IOException {
        Path dead = Files.createFile(directory.resolve("maniple-spill-4194305"));
        Path other = Files.createFile(directory.resolve("maniple-spill-notes"));
        Spill spill = new Spill(settings(4 * MIB), 64 * MIB);
        spill.release(spill.map(0, MIB, true));
        assertThat(dead).doesNotExist();
        assertThat(other).exists();
    }

    @Test
    void arraysTouchedInPartsGoToDiskWhereMemoryEnds() {
        SparseMemory memory = new SparseMemory(10 * MIB, settings(64 * MIB));
        SparseMemory.Area inMemory = memory.reserve(5 * MIB, true);
        inMemory.touch(Spans.range(0, 5 * MIB));
        assertThat(memory.spill().used()).isZero();
        SparseMemory.Area onDisk = memory.reserve(20 * MIB, true);
        onDisk.touch(Spans.range(100, 1_000));
        assertThat(memory.touched()).isEqualTo(5 * MIB + 900);
        onDisk.touch(Spans.range(0, 9 * MIB));
        assertThat(memory.spill().used())
                .as("but for the first MiB, which had been touched")
                .isEqualTo(8 * MIB);
        assertThat(memory.touched()).isEqualTo(6 * MIB);
        fill(onDisk.address(), 9 * MIB, 4);
        onDisk.close();
        assertThat(has(onDisk.address(), 9 * MIB, 4)).isTrue();
        onDisk.release();
        inMemory.release();
        assertThat(memory.touched()).isZero();
        assertThat(memory.spill().used()).isZero();
        memory.close();
    }

    @Test
    void whatHasNoRoomAnywhereLeavesNothing() {
        SparseMemory memory = new SparseMemory(10 * MIB, settings(2 * MIB));
        SparseMemory.Area area = memory.reserve(40 * MIB, true);
        assertThatThrownBy(() -> area.touch(Spans.range(0, 40 * MIB))).hasMessageContaining("--spill");
        assertThat(memory.touched()).isZero();
        assertThat(memory.spill().used()).isZero();
        area.touch(Spans.range(0, MIB));
        fill(area.address(), MIB, 2);
        area.release();
        memory.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "60", "60,80", "80,60,90", "60,80,101", "0,80,90", "60,80,90,95", "a,b,c"})
    void wrongMarks(String marks) {
        assertThatThrownBy(() -> SpillSettings.of(1, directory, marks))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("60,80,90");
    }
}
