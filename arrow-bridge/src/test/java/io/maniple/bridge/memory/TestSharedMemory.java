package io.maniple.bridge.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.proto.Segment;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestSharedMemory {
    private static final long MEGABYTE = 1L << 20;
    private static final long LIMIT = 256 * MEGABYTE;

    @TempDir
    private Path directory;

    private final SegmentSource source =
            new SegmentSource(new SharedMemorySettings(LIMIT, 64 * MEGABYTE, true, List.of()));

    @Test
    void roundsSizesUpByAQuarterAtMost() {
        for (long bytes = 257; bytes < 1L << 40; bytes += bytes / 7) {
            long rounded = SizeClasses.roundUp(bytes);
            assertThat(rounded).isGreaterThanOrEqualTo(bytes).isLessThanOrEqualTo(bytes + bytes / 4 + 64);
            assertThat(rounded % SizeClasses.ALIGNMENT).isZero();
            assertThat(SizeClasses.roundUp(rounded)).isEqualTo(rounded);
        }
        assertThat(SizeClasses.roundUp(0)).isEqualTo(64);
        assertThat(SizeClasses.roundUp(SharedMemory.LARGEST_SMALL + 1) % 4096).isZero();
    }

    @Test
    void theOtherSideSeesTheSameBytes() throws IOException {
        try (SharedMemory memory = new SharedMemory(source)) {
            SharedRegion small = memory.allocate(100);
            SharedRegion large = memory.allocate(5 * MEGABYTE);
            small.memory().set(ValueLayout.JAVA_BYTE, 99, (byte) 7);
            large.memory().set(ValueLayout.JAVA_BYTE, 5 * MEGABYTE - 1, (byte) 8);

            List<Segment> segments = memory.takeAnnouncements();
            assertThat(segments).hasSize(2);
            assertThat(read(segments.get(0), small.offset() + 99)).isEqualTo((byte) 7);
            assertThat(read(segments.get(1), large.offset() + 5 * MEGABYTE - 1)).isEqualTo((byte) 8);
            assertThat(memory.takeAnnouncements()).isEmpty();
        }
    }

    @Test
    void descriptorsAreClosedWhenTheClientHasMappedTheSegments() throws IOException {
        long before = openDescriptors();
        try (SharedMemory memory = new SharedMemory(source)) {
            memory.allocate(5 * MEGABYTE);
            memory.takeAnnouncements();
            assertThat(openDescriptors()).isEqualTo(before + 1);
            memory.announcementsReceived();
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @Test
    void liveRegionsNeverOverlap() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (SharedMemory memory = new SharedMemory(source)) {
            List<SharedRegion> live = new ArrayList<>();
            for (int step = 0; step < 5000; step++) {
                if (live.size() > 40 || (!live.isEmpty() && random.nextInt(3) == 0)) {
                    live.remove(random.nextInt(live.size())).release();
                } else {
                    live.add(memory.allocate((long) Math.exp(random.nextDouble() * Math.log(3e6))));
                }
            }
            assertThat(overlaps(live)).as("seed %d", seed).isZero();
            live.forEach(SharedRegion::release);
            assertThat(memory.usedBytes()).as("seed %d", seed).isZero();
            assertThat(memory.cachedBytes()).isLessThanOrEqualTo(64 * MEGABYTE);
        }
        assertThat(source.usedBytes()).isZero();
    }

    @Test
    void freedSegmentsAreReusedAndNotAnnouncedAgain() {
        try (SharedMemory memory = new SharedMemory(source)) {
            SharedRegion first = memory.allocate(10 * MEGABYTE);
            memory.takeAnnouncements();
            first.release();
            SharedRegion second = memory.allocate(10 * MEGABYTE - 5000);
            assertThat(second.segment()).isEqualTo(first.segment());
            assertThat(memory.takeAnnouncements()).isEmpty();
        }
    }

    @Test
    void whatIsCachedBeyondTheLimitGoesBackToTheSystem() {
        try (SharedMemory memory = new SharedMemory(source)) {
            List<SharedRegion> regions = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                regions.add(memory.allocate(20 * MEGABYTE));
            }
            memory.takeAnnouncements();
            memory.announcementsReceived();
            int oldest = regions.getFirst().segment();
            regions.forEach(SharedRegion::release);
            assertThat(memory.cachedBytes()).isEqualTo(60 * MEGABYTE);
            assertThat(source.usedBytes()).isEqualTo(60 * MEGABYTE);
            assertThat(memory.takeDropped()).hasSize(2).contains(oldest);
            assertThat(memory.takeDropped()).isEmpty();
        }
    }

    @Test
    void aSegmentThatNobodyHeardOfIsNotReportedAsDropped() {
        try (SharedMemory memory = new SharedMemory(source)) {
            memory.allocate(80 * MEGABYTE).release();
            assertThat(memory.takeDropped()).isEmpty();
            assertThat(memory.takeAnnouncements()).isEmpty();
        }
    }

    @Test
    void refusesMoreThanTheLimitBeforeAnythingIsAllocated() {
        try (SharedMemory memory = new SharedMemory(source);
                SharedMemory other = new SharedMemory(source)) {
            other.allocate(200 * MEGABYTE);
            for (long bytes : new long[] {100 * MEGABYTE, LIMIT + 1, Long.MAX_VALUE, -1}) {
                assertThatThrownBy(() -> memory.allocate(bytes)).isInstanceOf(SharedMemoryException.class);
            }
            assertThat(memory.usedBytes()).isZero();
            memory.allocate(30 * MEGABYTE);
        }
    }

    @Test
    void cachedSegmentsMakeRoomForOnesOfAnotherSize() {
        SegmentSource tight = new SegmentSource(new SharedMemorySettings(LIMIT, LIMIT, true, List.of()));
        try (SharedMemory memory = new SharedMemory(tight)) {
            memory.allocate(160 * MEGABYTE).release();
            assertThat(memory.cachedBytes()).isEqualTo(160 * MEGABYTE);
            memory.allocate(224 * MEGABYTE);
            assertThat(memory.cachedBytes()).isZero();
        }
    }

    @Test
    void aReservationIsBoundOnceOrCancelledOnce() {
        try (SharedMemory memory = new SharedMemory(source)) {
            SharedRegion region = memory.reserve(1000);
            assertThat(memory.bind(region.segment(), region.offset(), 1001)).isEmpty();
            assertThat(memory.bind(region.segment(), region.offset() + 64, 10)).isEmpty();
            assertThat(memory.bind(region.segment(), region.offset(), 1000)).contains(region);
            assertThat(memory.bind(region.segment(), region.offset(), 1000)).isEmpty();
            assertThat(memory.cancel(region.segment(), region.offset())).isFalse();
            region.release();
            assertThatThrownBy(region::release).isInstanceOf(IllegalStateException.class);

            SharedRegion another = memory.reserve(1000);
            assertThat(memory.cancel(another.segment(), another.offset())).isTrue();
            assertThat(memory.cancel(another.segment(), another.offset())).isFalse();
            assertThat(memory.usedBytes()).isZero();
        }
    }

    @Test
    void aSessionsSegmentsAreNeverAnothers() {
        try (SharedMemory first = new SharedMemory(source);
                SharedMemory second = new SharedMemory(source)) {
            SharedRegion secret = first.allocate(1000);
            secret.release();
            assertThat(second.allocate(1000).segment()).isNotEqualTo(secret.segment());
            assertThat(second.bind(secret.segment(), secret.offset(), 10)).isEmpty();
        }
    }

    @Test
    void closingFreesWhatIsStillHeld() throws IOException {
        long before = openDescriptors();
        SharedMemory memory = new SharedMemory(source);
        SharedRegion region = memory.allocate(1000);
        memory.reserve(5 * MEGABYTE);
        memory.close();
        assertThat(source.usedBytes()).isZero();
        assertThat(openDescriptors()).isEqualTo(before);
        // Late releases of a session's own clean-up do no harm.
        region.release();
        assertThatThrownBy(() -> memory.allocate(1)).isInstanceOf(SharedMemoryException.class);
    }

    @Test
    void fallsBackToTheNextPlaceAndSaysSo() throws IOException {
        Path missing = directory.resolve("missing");
        SegmentSource files = new SegmentSource(new SharedMemorySettings(LIMIT, 0, false, List.of(missing, directory)));
        try (SharedMemory memory = new SharedMemory(files)) {
            SharedRegion region = memory.allocate(100);
            assertThat(memory.warning())
                    .hasValueSatisfying(text ->
                            assertThat(text).contains(directory.toString()).contains("no such directory"));
            region.memory().set(ValueLayout.JAVA_BYTE, 0, (byte) 9);
            Segment segment = memory.takeAnnouncements().getFirst();
            assertThat(read(segment, region.offset())).isEqualTo((byte) 9);
            assertThat(Files.getPosixFilePermissions(Path.of(segment.getPath())))
                    .hasSize(2);
            memory.announcementsReceived();
            assertThat(filesIn(directory)).isEmpty();
            memory.allocate(5 * MEGABYTE);
            assertThat(filesIn(directory)).hasSize(1);
        }
        assertThat(filesIn(directory)).isEmpty();
        assertThat(source.warning()).isEmpty();
    }

    @Test
    void aFullFileSystemIsAnErrorAndNoSignal() throws IOException {
        // More than any machine's /dev/shm, within a limit that allows it.
        long tooMuch = 1L << 46;
        SegmentSource files = new SegmentSource(
                new SharedMemorySettings(Long.MAX_VALUE, 0, false, List.of(Path.of("/dev/shm"), directory)));
        try (SharedMemory memory = new SharedMemory(files)) {
            assertThatThrownBy(() -> memory.allocate(tooMuch))
                    .isInstanceOf(SharedMemoryException.class)
                    .hasMessageContaining("/dev/shm");
        }
        assertThat(filesIn(directory)).isEmpty();
        assertThat(files.usedBytes()).isZero();
    }

    @Test
    void filesOfDeadServersAreRemoved() throws IOException {
        long deadProcess = 4194304L + 1;
        Path abandoned = Files.createFile(directory.resolve("maniple-" + deadProcess + "-3"));
        Path ours = Files.createFile(
                directory.resolve("maniple-" + ProcessHandle.current().pid() + "-3"));
        Path foreign = Files.createFile(directory.resolve("maniple-notes-2024"));
        new SegmentSource(new SharedMemorySettings(LIMIT, 0, false, List.of(directory))).removeAbandonedFiles();
        assertThat(abandoned).doesNotExist();
        assertThat(ours).exists();
        assertThat(foreign).exists();
    }

    @Test
    void manyThreadsShareASession() throws Exception {
        try (SharedMemory memory = new SharedMemory(source);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int thread = i;
                done.add(threads.submit(() -> {
                    for (int step = 0; step < 2000; step++) {
                        SharedRegion region = memory.allocate(64L + step * 13L);
                        region.memory().set(ValueLayout.JAVA_BYTE, 0, (byte) thread);
                        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0))
                                .isEqualTo((byte) thread);
                        region.release();
                    }
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
            assertThat(memory.usedBytes()).isZero();
        }
    }

    private static int overlaps(List<SharedRegion> regions) {
        Set<String> blocks = new HashSet<>();
        int overlaps = 0;
        for (SharedRegion region : regions) {
            for (long block = region.offset() / 64; block * 64 < region.offset() + region.bytes(); block++) {
                overlaps += blocks.add(region.segment() + ":" + block) ? 0 : 1;
            }
        }
        return overlaps;
    }

    private static byte read(Segment segment, long offset) throws IOException {
        try (FileChannel channel = FileChannel.open(Path.of(segment.getPath()), StandardOpenOption.READ)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, offset);
            return one.get(0);
        }
    }

    private static List<Path> filesIn(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static long openDescriptors() throws IOException {
        return filesIn(Path.of("/proc/self/fd")).size();
    }
}
