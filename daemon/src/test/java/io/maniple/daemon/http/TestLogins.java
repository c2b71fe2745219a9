package io.maniple.daemon.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestLogins {
    @TempDir
    private Path directory = Path.of("set by JUnit");

    private Users users(String... tokens) throws IOException {
        Path file = directory.resolve("users");
        StringBuilder text = new StringBuilder();
        for (String token : tokens) {
            text.append(Users.line("user" + text.length(), false, token)).append('\n');
        }
        Files.writeString(file, text);
        // Changes within the clock's resolution would not be seen.
        Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(text.length())));
        return Users.ofFile(file);
    }

    @Test
    void aNameStandsForTheTokensUser() throws IOException {
        String token = Users.newToken();
        Logins logins = new Logins(users(token));
        String name = logins.open(token).orElseThrow();
        assertThat(name).hasSize(64).isNotEqualTo(token);
        assertThat(logins.user(name)).map(User::name).contains("user0");
        assertThat(logins.user(token)).as("the token is no name").isEmpty();
        assertThat(logins.user("")).isEmpty();
        assertThat(logins.user(name.substring(1))).isEmpty();
        assertThat(logins.open("f".repeat(64))).isEmpty();
        assertThat(logins.open("")).isEmpty();
        logins.close(name);
        assertThat(logins.user(name)).isEmpty();
    }

    @Test
    void whoeversTokenIsWithdrawnIsOut() throws IOException {
        String kept = Users.newToken();
        String withdrawn = Users.newToken();
        Users users = users(kept, withdrawn);
        Logins logins = new Logins(users);
        String one = logins.open(kept).orElseThrow();
        String other = logins.open(withdrawn).orElseThrow();
        assertThat(logins.user(other)).isPresent();
        users(kept);
        users.refresh();
        assertThat(logins.user(one)).isPresent();
        assertThat(logins.user(other)).isEmpty();
    }

    @Test
    void thereAreNeverTooMany() throws IOException {
        String token = Users.newToken();
        Logins logins = new Logins(users(token));
        String first = logins.open(token).orElseThrow();
        Set<String> names = new HashSet<>();
        for (int login = 0; login < 1_000; login++) {
            names.add(logins.open(token).orElseThrow());
        }
        assertThat(names).hasSize(1_000).allMatch(name -> logins.user(name).isPresent());
        assertThat(logins.user(first)).as("the eldest has gone").isEmpty();
    }

    @Test
    void guessingIsSlowedDown() throws IOException {
        Logins logins = new Logins(users(Users.newToken()));
        int refused = 0;
        for (int guess = 0; guess < 100; guess++) {
            refused += logins.tooManyRefused() ? 1 : 0;
        }
        assertThat(refused).isBetween(60, 80);
    }
}
