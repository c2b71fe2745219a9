package io.maniple.daemon.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.LoadReply;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestJournal {
    @TempDir
    private Path directory = Path.of(".");

    /** Writes down what it is told. */
    private static final class Told implements Journal.Reader {
        private final List<String> lines = new ArrayList<>();

        @Override
        public void opened(Journal.Opened opened) {
            lines.add("opened by " + opened.user() + ", " + opened.hello().getClientVersion());
        }

        @Override
        public void call(Call call) {
            lines.add("call " + call.getNumber());
        }

        @Override
        public void upload(String name, long number, long bytes, Journal.Content content) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(bytes);
                content.into(memory);
                lines.add(
                        "upload " + name + " " + number + " " + Arrays.hashCode(memory.toArray(ValueLayout.JAVA_BYTE)));
            }
        }

        @Override
        public void loaded(long call, LoadReply reply) {
            lines.add("loaded " + call + " " + reply.getNumber());
        }
    }

    private Journal write(Path file) throws IOException {
        Journal journal = Journal.create(
                file,
                new Journal.Opened(
                        "ann",
                        "",
                        HelloRequest.newBuilder().setClientVersion("7").build()));
        journal.call(Call.newBuilder().setNumber(1).build());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment content = arena.allocate(2_000);
            content.fill((byte) 9);
            journal.upload("mine", 4, content);
        }
        journal.call(Call.newBuilder().setNumber(2).build());
        journal.loaded(2, LoadReply.newBuilder().setNumber(5).build());
        return journal;
    }

    private static List<String> read(Path file) throws IOException {
        Told told = new Told();
        long ignored = Journal.read(file, told);
        return told.lines;
    }

    @Test
    void everythingIsReadAsItWasWritten() throws IOException {
        Path file = directory.resolve("one");
        Journal journal = write(file);
        byte[] content = new byte[2_000];
        Arrays.fill(content, (byte) 9);
        assertThat(read(file))
                .containsExactly(
                        "opened by ann, 7",
                        "call 1",
                        "upload mine 4 " + Arrays.hashCode(content),
                        "call 2",
                        "loaded 2 5");
        assertThat(Files.getPosixFilePermissions(file))
                .containsOnly(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
        journal.close();
        assertThat(file).doesNotExist();
    }

    @Test
    void whereverItWasCutOnlyWholeRecordsCount() throws IOException {
        Path file = directory.resolve("whole");
        Journal journal = write(file);
        List<String> whole = read(file);
        byte[] bytes = Files.readAllBytes(file);
        Path cut = directory.resolve("cut");
        int before = 0;
        for (int length = 0; length <= bytes.length; length++) {
            Files.write(cut, Arrays.copyOf(bytes, length));
            List<String> found = read(cut);
            assertThat(found).isEqualTo(whole.subList(0, found.size())).hasSizeGreaterThanOrEqualTo(before);
            before = found.size();
        }
        assertThat(before).isEqualTo(whole.size());
        journal.close();
    }

    @Test
    void aChangedByteEndsIt() throws IOException {
        Path file = directory.resolve("changed");
        Journal journal = write(file);
        List<String> whole = read(file);
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at += 7) {
            bytes[at] ^= 0x10;
            Files.write(file, bytes);
            List<String> found = read(file);
            assertThat(found).hasSizeLessThan(whole.size()).isEqualTo(whole.subList(0, found.size()));
            bytes[at] ^= 0x10;
        }
        journal.close();
    }

    @Test
    void itGoesOnBehindTheLastWholeRecord() throws IOException {
        Path file = directory.resolve("torn");
        Journal journal = write(file);
        byte[] bytes = Files.readAllBytes(file);
        journal.close();
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 3));
        Journal resumed = Journal.resume(file, Journal.read(file, new Told()));
        resumed.call(Call.newBuilder().setNumber(3).build());
        assertThat(read(file)).endsWith("call 2", "call 3");
        resumed.forget("the test is over");
        assertThat(file).doesNotExist();
    }
}
