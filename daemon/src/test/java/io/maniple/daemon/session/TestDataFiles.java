package io.maniple.daemon.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.LoadReply;
import io.maniple.bridge.proto.LoadRequest;
import io.maniple.bridge.proto.LoadedColumn;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import io.maniple.server.session.LocalSessionFactory;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.ServerSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestDataFiles {
    /** The long form: -Dmaniple.fuzz=1000000. */
    private static final int INPUTS = Integer.getInteger("maniple.fuzz", 5_000);
    /** Each opens a file; some are given up only after the patience has ended. */
    private static final int TABLES = Integer.getInteger("maniple.fuzz.tables", 50);

    @TempDir
    private Path directory;

    private final DetachedSession session = new LocalSessionFactory(
                    new ServerSettings(64L << 20, 1, Optional.empty(), ServerSettings.ENGINE_PORTABLE))
            .openDetached(SessionOptions.getDefaultInstance(), MemoryQuota.ofSession(1L << 20), batch -> {});
    private DataFiles files = new DataFiles(List.of());

    @BeforeEach
    void open() throws IOException {
        files = new DataFiles(List.of(directory.toRealPath()), Duration.ofMillis(100));
    }

    @AfterEach
    void close() {
        session.close();
    }

    private static byte[] npy(String header, byte[] data) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String padded = header + " ".repeat(53) + "\n";
        out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) padded.length(), 0});
        out.writeBytes(padded.getBytes(StandardCharsets.ISO_8859_1));
        out.writeBytes(data);
        return out.toByteArray();
    }

    private LoadReply load(byte[] content) throws IOException {
        Files.write(directory.resolve("x.npy"), content);
        LoadReply reply = files.load(LoadRequest.newBuilder().setPath("x.npy").build(), session);
        session.discard(reply.getNumber());
        return reply;
    }

    @Test
    void readsHeaders() throws IOException {
        LoadReply reply = load(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", new byte[12]));
        assertThat(reply.getType()).isEqualTo(DataType.INT16);
        assertThat(reply.getShapeList()).containsExactly(2L, 3L);
        assertThat(reply.getFortranOrder()).isTrue();
        assertThat(reply.getBytes()).isEqualTo(12);
        assertThat(load(npy("{'descr': '<c16', 'fortran_order': False, 'shape': (), }", new byte[16]))
                        .getShapeList())
                .isEmpty();
        assertThat(load(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (0,), }", new byte[0]))
                        .getShapeList())
                .containsExactly(0L);
        assertThat(session.memoryBytes()).isZero();
    }

    @Test
    void refusesWhatIsTooShortOrTooLarge() {
        for (String shape : List.of("13,", "1, 13", "18446744073709551615,", "4294967296, 4294967296", "1000000000,")) {
            byte[] content = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (" + shape + "), }", new byte[12]);
            assertThatThrownBy(() -> load(content)).isInstanceOf(ManipleException.class);
        }
        byte[] large = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2000000,), }", new byte[2_000_000]);
        assertThatThrownBy(() -> load(large))
                .isInstanceOf(ManipleException.class)
                .hasMessageContaining("may hold");
        assertThat(session.memoryBytes()).isZero();
    }

    @Test
    void refusesOrReadsWhateverTheFileHolds() throws IOException {
        Random random = new Random(3);
        byte[] valid = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", new byte[48]);
        for (int input = 0; input < INPUTS; input++) {
            byte[] content = valid.clone();
            for (int change = random.nextInt(4); change >= 0; change--) {
                content[random.nextInt(content.length)] = (byte) random.nextInt();
            }
            if (random.nextInt(4) == 0) {
                content = java.util.Arrays.copyOf(content, random.nextInt(content.length));
            }
            try {
                load(content);
            } catch (ManipleException e) {
                assertThat(e.getMessage()).doesNotContain(directory.toString());
            }
        }
        assertThat(session.memoryBytes()).isZero();
    }

    /** Written by pyarrow: 20 rows of doubles, integers, booleans, and doubles half of which are null. */
    @ParameterizedTest
    @ValueSource(strings = {"small.arrow", "none.parquet", "snappy.parquet", "gzip.parquet"})
    void refusesOrReadsWhateverATableHolds(String name) throws IOException {
        byte[] valid;
        try (InputStream resource = Objects.requireNonNull(getClass().getResourceAsStream(name))) {
            valid = resource.readAllBytes();
        }
        Path file = directory.resolve("table");
        LoadRequest request = LoadRequest.newBuilder().setPath("table").build();
        Files.write(file, valid);
        LoadReply whole = new DataFiles(List.of(directory.toRealPath())).load(request, session);
        assertThat(whole.getColumnsList())
                .extracting(LoadedColumn::getRows)
                .containsOnly(20L)
                .hasSize(4);
        whole.getColumnsList().forEach(column -> session.discard(column.getNumber()));
        Random random = new Random(name.hashCode());
        int read = 0;
        for (int input = 0; input < TABLES; input++) {
            byte[] content = valid.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                // More often at the end, where the lengths and places of everything are.
                int place = random.nextBoolean()
                        ? content.length - 1 - random.nextInt(200)
                        : random.nextInt(content.length);
                content[place] = random.nextBoolean()
                        ? (byte) random.nextInt()
                        : (byte) (content[place] ^ 1 << random.nextInt(8));
            }
            if (random.nextInt(8) == 0) {
                content = java.util.Arrays.copyOf(content, random.nextInt(content.length));
            }
            Files.write(file, content);
            long begin = System.nanoTime();
            try {
                LoadReply reply = files.load(request, session);
                reply.getColumnsList().forEach(column -> session.discard(column.getNumber()));
                session.discard(reply.getNumber());
                read++;
            } catch (ManipleException e) {
                assertThat(e.getMessage()).doesNotContain(directory.toString());
            } catch (RuntimeException | Error e) {
                throw new AssertionError(
                        "input " + input + ": " + java.util.Base64.getEncoder().encodeToString(content), e);
            }
            assertThat(System.nanoTime() - begin).as("input %s", input).isLessThan(5_000_000_000L);
        }
        assertThat(read).isPositive();
        assertThat(session.memoryBytes()).isZero();
    }

    /** The library would look for its end for ever, in a virtual thread, and two of them would hold up all others. */
    @ParameterizedTest
    @ValueSource(ints = {-8_192, -30, -16, -1, 1_000, 8_191})
    void refusesAPageThatIsNotWhereItSaysItIs(int claimed) throws IOException {
        byte[] valid;
        try (InputStream resource = Objects.requireNonNull(getClass().getResourceAsStream("none.parquet"))) {
            valid = resource.readAllBytes();
        }
        // Behind the magic: the first page's header, whose third field is its packed size, a varint of two bytes.
        assertThat(valid)
                .startsWith("PAR1".getBytes(StandardCharsets.US_ASCII))
                .containsSequence(0x15, 0xc0, 0x02, 0x4c);
        int place = 10;
        int number = claimed << 1 ^ claimed >> 31;
        byte[] changed = valid.clone();
        changed[place] = (byte) (number | 0x80);
        changed[place + 1] = (byte) (number >>> 7);
        Path file = directory.resolve("table");
        LoadRequest request = LoadRequest.newBuilder().setPath("table").build();
        Files.write(file, changed);
        long begin = System.nanoTime();
        for (int time = 0; time < 8; time++) {
            assertThatThrownBy(() -> files.load(request, session))
                    .isInstanceOf(ManipleException.class)
                    .hasMessageContaining("a page of it is malformed");
        }
        assertThat(System.nanoTime() - begin).isLessThan(2_000_000_000L);
        Files.write(file, valid);
        LoadReply whole = new DataFiles(List.of(directory.toRealPath())).load(request, session);
        assertThat(whole.getColumnsList()).hasSize(4);
        whole.getColumnsList().forEach(column -> session.discard(column.getNumber()));
        assertThat(session.memoryBytes()).isZero();
    }

    @Test
    void staysInItsDirectories() throws IOException {
        Path outside = Files.createTempFile("outside", ".npy");
        Files.write(outside, npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", new byte[1]));
        Files.createSymbolicLink(directory.resolve("link.npy"), outside);
        for (String name : List.of(
                "link.npy", "../" + outside.getFileName(), outside.toString(), "nowhere", "", ".", "a\0b", "x/../..")) {
            assertThatThrownBy(() ->
                            files.load(LoadRequest.newBuilder().setPath(name).build(), session))
                    .isInstanceOf(ManipleException.class);
        }
        Files.delete(outside);
    }
}
