package io.maniple.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.store.SpillSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestServerOptions {
    @Test
    void defaults() {
        ServerOptions options = parse();
        assertThat(options.idle()).isEqualTo(Duration.ofMinutes(10));
        assertThat(options.settings().threads()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(options.settings().engine()).isEqualTo("auto");
        assertThat(options.settings().blasLibrary()).isEmpty();
        assertThat(options.settings()).isEqualTo(ServerSettings.defaults());
        assertThat(options.sharedMemory())
                .isEqualTo(SharedMemorySettings.ofLimit(options.settings().memoryBytes()));
    }

    @Test
    void everyOption() {
        ServerOptions options = parse(
                "--idle",
                "1.5",
                "--memory",
                "2g",
                "--threads",
                "3",
                "--blas",
                "/b.so",
                "--engine",
                "portable",
                "--spill",
                "3g",
                "--spill-dir",
                "/tmp",
                "--spill-at",
                "50,70,95",
                "--shared-memory",
                "/dev/shm,/tmp");
        assertThat(options)
                .isEqualTo(new ServerOptions(
                        Path.of("/d"),
                        Path.of("/l"),
                        Duration.ofMillis(1500),
                        new SharedMemorySettings(
                                2L << 30,
                                SharedMemorySettings.DEFAULT_CACHED_BYTES,
                                false,
                                List.of(Path.of("/dev/shm"), Path.of("/tmp"))),
                        new ServerSettings(
                                2L << 30,
                                3,
                                Optional.of(Path.of("/b.so")),
                                "portable",
                                new SpillSettings(3L << 30, Path.of("/tmp"), 50, 70, 95))));
    }

    @ParameterizedTest
    @CsvSource({"16777216, 16777216", "16384k, 16777216", "512m, 536870912", "1G, 1073741824", "1t, 1099511627776"})
    void sizes(String text, long bytes) {
        assertThat(parse("--memory", text).settings().memoryBytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--unknown x",
                "--idle",
                "--idle -1",
                "--idle soon",
                "--idle NaN",
                "--memory 8x",
                "--memory m",
                "--memory 1k",
                "--memory 99999999999t",
                "--memory -1g",
                "--threads 0",
                "--threads 5000",
                "--threads two",
                "--engine quantum",
                "--spill much",
                "--spill-dir /nowhere",
                "--spill-at 90,80,70"
            })
    void mistakes(String arguments) {
        assertThatThrownBy(() -> parse(arguments.split(" "))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theFilesAreRequired() {
        assertThatThrownBy(() -> ServerOptions.parse(new String[] {"--log", "/l"}))
                .hasMessageContaining("--discovery");
    }

    @Test
    void theMachinesMemoryIsKnown() {
        assertThat(ServerSettings.defaultMemoryBytes()).isBetween(1L << 28, 1L << 46);
    }

    private static ServerOptions parse(String... arguments) {
        List<String> all = new ArrayList<>(List.of("--discovery", "/d", "--log", "/l"));
        all.addAll(List.of(arguments));
        return ServerOptions.parse(all.toArray(String[]::new));
    }

    @Test
    void aSessionsEngineIsLimitedByTheServers() {
        ServerSettings avx2 = new ServerSettings(1L << 30, 1, Optional.empty(), "avx2");
        assertThat(avx2.engineFor("")).isEqualTo("avx2");
        assertThat(avx2.engineFor("auto")).isEqualTo("avx2");
        assertThat(avx2.engineFor("portable")).isEqualTo("portable");
        assertThat(ServerSettings.defaults().engineFor("avx2")).isEqualTo("avx2");
        assertThatThrownBy(() -> avx2.engineFor("quantum")).hasMessageContaining("one of auto, avx2, portable");
    }
}
