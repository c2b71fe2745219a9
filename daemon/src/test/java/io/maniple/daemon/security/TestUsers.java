package io.maniple.daemon.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.daemon.config.SettingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestUsers {
    @TempDir
    private Path directory;

    private Path file(String text) throws IOException {
        Path file = directory.resolve("users");
        Files.writeString(file, text);
        return file;
    }

    @Test
    void knowsWhoseTokenItIs() throws IOException {
        String ann = Users.newToken();
        String bob = Users.newToken();
        assertThat(ann).hasSize(64).isNotEqualTo(bob);
        Path file = file("# those who may\n\n" + Users.line("ann", true, ann) + "\n" + Users.line("bob", false, bob)
                + "  memory=8g sessions=4 queued=9 idle=5m # half a day\n");
        assertThat(Files.readString(file)).doesNotContain(ann).doesNotContain(bob);
        Users users = Users.ofFile(file);
        assertThat(users.find(ann))
                .get()
                .matches(User::operator)
                .matches(user -> user.name().equals("ann"));
        User second = users.find(bob).orElseThrow();
        assertThat(second.operator()).isFalse();
        assertThat(second.quotas())
                .isEqualTo(new User.Quotas(
                        OptionalLong.of(8L << 30),
                        OptionalInt.of(4),
                        OptionalInt.of(9),
                        Optional.of(Duration.ofMinutes(5))));
        assertThat(users.find(ann).orElseThrow().quotas()).isEqualTo(User.Quotas.NONE);
        for (String wrong :
                new String[] {"", "ann", ann.substring(1), ann + "0", ann.toUpperCase(java.util.Locale.ROOT)}) {
            assertThat(users.find(wrong)).isEmpty();
        }
    }

    @Test
    void findsNobodyForRandomTokens() throws IOException {
        Users users = Users.ofFile(file(Users.line("ann", true, Users.newToken())));
        Random random = new Random(1);
        for (int attempt = 0; attempt < 10_000; attempt++) {
            byte[] bytes = new byte[random.nextInt(100)];
            random.nextBytes(bytes);
            assertThat(users.find(new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1)))
                    .isEmpty();
        }
    }

    @Test
    void readsAFileThatChangesAndKeepsWhatItHasOfAWrongOne() throws IOException {
        String token = Users.newToken();
        Path file = file(Users.line("ann", false, token));
        Users users = Users.ofFile(file);
        Files.writeString(file, "nonsense");
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
        users.refresh();
        assertThat(users.find(token)).isPresent();
        Files.writeString(file, Users.line("bob", false, Users.newToken()));
        Files.setLastModifiedTime(file, FileTime.fromMillis(2_000_000));
        users.refresh();
        assertThat(users.find(token)).isEmpty();
        assertThat(users.named("bob")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ann",
                "ann user",
                "ann user 00",
                "ann admin 0000000000000000000000000000000000000000000000000000000000000000",
                "ann user zz00000000000000000000000000000000000000000000000000000000000000",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 memory=much",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 memory=1g memory=2g",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 sessions=0",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 queued=many",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 idle=-1",
                "ann user 0000000000000000000000000000000000000000000000000000000000000000 cores=3",
                "a user 0000000000000000000000000000000000000000000000000000000000000000\n"
                        + "a user 1100000000000000000000000000000000000000000000000000000000000000"
            })
    void refusesWrongLines(String text) throws IOException {
        Path file = file(text);
        assertThatThrownBy(() -> Users.ofFile(file))
                .isInstanceOf(SettingException.class)
                .hasMessageContaining("line ");
    }

    @Test
    void refusesATokenThatIsTooShort() throws IOException {
        Path file = file("short\n");
        assertThatThrownBy(() -> Users.ofToken(file)).isInstanceOf(SettingException.class);
    }
}
