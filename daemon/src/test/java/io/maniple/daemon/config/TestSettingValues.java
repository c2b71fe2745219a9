package io.maniple.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestSettingValues {
    @TempDir
    private Path directory;

    private static SettingValues of(Setting setting, String value) {
        return new SettingValues(Map.of(setting, value), Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,1", "512k,524288", "3m,3145728", "8G,8589934592", "1t,1099511627776"})
    void readsSizes(String text, long bytes) {
        assertThat(SettingValues.bytes(text)).contains(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "-1", "1.5g", "1gb", "9999999999t", "0x10"})
    void refusesWhatIsNoSize(String text) {
        assertThat(SettingValues.bytes(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"25s,25000", "30m,1800000", "2h,7200000", "7,7000", "0.5s,500"})
    void readsTimes(String text, long milliseconds) {
        assertThat(of(Setting.IDLE, text).time(Setting.IDLE)).isEqualTo(Duration.ofMillis(milliseconds));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1s", "s", "1d", "NaN", "1e300h", "soon"})
    void refusesWhatIsNoTime(String text) {
        SettingValues values = of(Setting.IDLE, text);
        assertThatThrownBy(() -> values.time(Setting.IDLE))
                .isInstanceOf(SettingException.class)
                .hasMessageContaining("--idle");
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1:8815,127.0.0.1,8815", "host:0,host,0", "[::1]:99,::1,99"})
    void readsAddresses(String text, String host, int port) {
        assertThat(of(Setting.LISTEN, text).address(Setting.LISTEN))
                .contains(new SettingValues.HostAndPort(host, port));
    }

    @ParameterizedTest
    @ValueSource(strings = {"host", ":8815", "host:", "host:x", "host:65536", "host:-1"})
    void refusesWhatIsNoAddress(String text) {
        SettingValues values = of(Setting.LISTEN, text);
        assertThatThrownBy(() -> values.address(Setting.LISTEN)).isInstanceOf(SettingException.class);
    }

    @Test
    void takesTheCommandLineBeforeTheFileBeforeTheDefaults() throws IOException {
        Files.writeString(
                directory.resolve(SettingValues.FILE), "threads = 3\nidle = \"2h\"\ntls_cert = \"server.pem\"\n");
        SettingValues values = new SettingValues(Map.of(Setting.THREADS, "5"), Optional.of(directory));
        assertThat(values.number(Setting.THREADS, 1)).isEqualTo(5);
        assertThat(values.time(Setting.IDLE)).isEqualTo(Duration.ofHours(2));
        assertThat(values.number(Setting.SESSIONS, 1)).isEqualTo(64);
        assertThat(values.path(Setting.TLS_CERT))
                .contains(directory.resolve("server.pem").toAbsolutePath());
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads 3", "[tls]\ncert = 1", "tls = 1", "data = [\"a\"]", "= 3"})
    void refusesWrongFiles(String text) throws IOException {
        Path file = directory.resolve("wrong.toml");
        Files.writeString(file, text);
        assertThatThrownBy(() -> new SettingValues(Map.of(), Optional.of(file)))
                .isInstanceOf(SettingException.class)
                .hasMessageContaining("wrong.toml");
    }

    @Test
    void printsWhatItReads() throws IOException {
        SettingValues values =
                new SettingValues(Map.of(Setting.LOG, "a \"b\" \\c", Setting.THREADS, "2"), Optional.empty());
        Path file = directory.resolve("printed.toml");
        Files.writeString(file, values.print());
        SettingValues again = new SettingValues(Map.of(), Optional.of(file));
        assertThat(again.number(Setting.THREADS, 1)).isEqualTo(2);
        assertThat(again.text(Setting.LOG)).endsWith("a \"b\" \\c");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-0.1", "1.1", "NaN", "half"})
    void refusesWhatIsNoRatio(String text) {
        SettingValues values = of(Setting.OTLP_SAMPLING, text);
        assertThatThrownBy(() -> TracingSettings.of(values))
                .isInstanceOf(SettingException.class)
                .hasMessageContaining("--otlp-sampling");
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost:4318,http://localhost:4318/v1/traces",
        "https://collector/,https://collector/v1/traces",
        "https://collector/own/path,https://collector/own/path"
    })
    void readsWhereSpansGo(String text, String endpoint) {
        assertThat(TracingSettings.of(of(Setting.OTLP_ENDPOINT, text)))
                .hasValueSatisfying(found -> assertThat(found.endpoint()).hasToString(endpoint));
        assertThat(TracingSettings.of(of(Setting.OTLP_ENDPOINT, ""))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost:4318",
                "grpc://x",
                "http://",
                "http://user:secret@x",
                "http://x/?token=1",
                "http://a b"
            })
    void refusesWhereNoSpansCanGo(String text) {
        SettingValues values = of(Setting.OTLP_ENDPOINT, text);
        assertThatThrownBy(() -> TracingSettings.of(values))
                .isInstanceOf(SettingException.class)
                .hasMessageContaining("--otlp-endpoint");
    }

    @Test
    void readsTheCollectorsHeadersFromASecretFile() throws IOException {
        Path file = directory.resolve("headers");
        Files.writeString(file, "Authorization: Bearer abc:def\n\nX-Tenant: t\n");
        SettingValues values = new SettingValues(
                Map.of(Setting.OTLP_ENDPOINT, "http://localhost:4318", Setting.OTLP_HEADERS, file.toString()),
                Optional.empty());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> TracingSettings.of(values)).hasMessageContaining("chmod 600");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        TracingSettings found = TracingSettings.of(values).orElseThrow();
        assertThat(found.headers())
                .containsEntry("Authorization", "Bearer abc:def")
                .containsEntry("X-Tenant", "t");
        assertThat(found).asString().doesNotContain("abc");
        Files.writeString(file, "no header\n");
        assertThatThrownBy(() -> TracingSettings.of(values)).hasMessageContaining("line 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "xml", "JSON"})
    void refusesUnknownLogFormats(String text) {
        SettingValues values = of(Setting.LOG_FORMAT, text);
        assertThatThrownBy(() -> values.choice(Setting.LOG_FORMAT, List.of("plain", "json")))
                .hasMessageContaining("plain or json");
    }
}
