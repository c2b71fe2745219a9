package io.maniple.daemon.security;

import io.maniple.daemon.config.SettingException;
import io.maniple.daemon.config.SettingValues;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tokens and whose they are. Only hashes are kept: a token has 256 random bits, so that a plain SHA-256 cannot be turned
 * around. A file that changes is read again; one that has become wrong is reported and the old content stays.
 *
 * <p>The file has a line for each user: name, role (user or operator), SHA-256 of the token in hexadecimal digits, and
 * perhaps the quotas {@code memory=SIZE}, {@code sessions=N}, {@code queued=N} and {@code idle=TIME}; empty lines and what
 * follows a # are left out.
 */
public final class Users {
    private static final Logger LOGGER = LoggerFactory.getLogger(Users.class);
    private static final String SCHEME = "Bearer ";
    private static final int TOKEN_BYTES = 32;
    private static final int HASH_BYTES = 32;
    private static final Set<String> QUOTAS = Set.of("memory", "sessions", "queued", "idle");

    private final Path file;
    private final boolean plainToken;
    private volatile Content content;

    private record Entry(User user, byte[] hash) {}

    private record Content(List<Entry> entries, FileTime changed) {}

    private Users(Path file, boolean plainToken) {
        this.file = file;
        this.plainToken = plainToken;
        this.content = read();
    }

    /** Everybody with this token is the one user, an operator. */
    public static Users ofToken(Path file) {
        return new Users(file, true);
    }

    /** @throws SettingException where the file is wrong */
    public static Users ofFile(Path file) {
        return new Users(file, false);
    }

    /** A new token: 64 hexadecimal digits. */
    public static String newToken() {
        byte[] bits = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bits);
        return HexFormat.of().formatHex(bits);
    }

    /** The line of a new user. */
    public static String line(String name, boolean operator, String token) {
        return name + " " + (operator ? "operator" : "user") + " "
                + HexFormat.of().formatHex(hash(token));
    }

    /** Whose token it is; takes the same time for every wrong one. */
    public Optional<User> find(String token) {
        return findHashed(hash(token));
    }

    /** As {@link #find}, by the token's {@link #hash}: what may be kept of it. */
    public Optional<User> findHashed(byte[] hash) {
        User found = null;
        for (Entry entry : content.entries()) {
            if (MessageDigest.isEqual(hash, entry.hash())) {
                found = entry.user();
            }
        }
        return Optional.ofNullable(found);
    }

    /** Whose token an Authorization header carries ("Bearer …"); nobody's where there is none. */
    public Optional<User> ofHeader(@Nullable String header) {
        return header == null || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? Optional.empty()
                : find(header.substring(SCHEME.length()).strip());
    }

    /** Everybody, in the file's order. */
    public List<User> all() {
        return content.entries().stream().map(Entry::user).toList();
    }

    public Optional<User> named(String name) {
        return content.entries().stream()
                .map(Entry::user)
                .filter(user -> user.name().equals(name))
                .findFirst();
    }

    /** To be called now and then. */
    public void refresh() {
        try {
            if (!Files.getLastModifiedTime(file).equals(content.changed())) {
                content = read();
                LOGGER.info(
                        "{} read again: {} users",
                        file.getFileName(),
                        content.entries().size());
            }
        } catch (IOException | SettingException e) {
            LOGGER.warn("The users stay as they were: {}", e.getMessage());
        }
    }

    private Content read() {
        try {
            FileTime changed = Files.getLastModifiedTime(file);
            String text = Files.readString(file);
            if (plainToken) {
                String token = text.strip();
                if (token.length() < TOKEN_BYTES) {
                    throw new SettingException(
                            file + " holds no token: it needs at least " + TOKEN_BYTES + " characters");
                }
                User everybody = new User("default", true);
                return new Content(List.of(new Entry(everybody, hash(token))), changed);
            }
            List<Entry> entries = new ArrayList<>();
            Set<String> names = new HashSet<>();
            int number = 0;
            for (String line : text.split("\n", -1)) {
                number++;
                int comment = line.indexOf('#');
                String words = (comment < 0 ? line : line.substring(0, comment)).strip();
                if (!words.isEmpty()) {
                    Entry entry = entry(words, file + ", line " + number);
                    if (!names.add(entry.user().name())) {
                        throw new SettingException(file + ", line " + number + ": a second user '"
                                + entry.user().name() + "'");
                    }
                    entries.add(entry);
                }
            }
            return new Content(List.copyOf(entries), changed);
        } catch (IOException e) {
            throw new SettingException("cannot read " + file + ": " + e.getMessage());
        }
    }

    private static Entry entry(String line, String where) {
        String[] words = line.split("\\s+");
        if (words.length < 3) {
            throw new SettingException(where + ": a user needs a name, a role and a hash");
        }
        boolean operator = switch (words[1]) {
            case "operator" -> true;
            case "user" -> false;
            default -> throw new SettingException(where + ": the role is user or operator, not '" + words[1] + "'");
        };
        byte[] hash;
        try {
            hash = HexFormat.of().parseHex(words[2]);
        } catch (IllegalArgumentException e) {
            hash = new byte[0];
        }
        if (hash.length != HASH_BYTES) {
            throw new SettingException(where + ": the hash is no SHA-256 in hexadecimal digits");
        }
        return new Entry(new User(words[0], operator, quotas(words, where)), hash);
    }

    private static User.Quotas quotas(String[] words, String where) {
        Map<String, String> given = new HashMap<>();
        for (int word = 3; word < words.length; word++) {
            String[] parts = words[word].split("=", 2);
            if (parts.length < 2 || !QUOTAS.contains(parts[0]) || given.put(parts[0], parts[1]) != null) {
                throw new SettingException(
                        where + ": '" + words[word] + "' is none of memory=SIZE, sessions=N, queued=N and idle=TIME");
            }
        }
        return quotas(given, where);
    }

    /** @throws SettingException where one of them is no such value */
    public static User.Quotas quotas(Map<String, String> given, String where) {
        Optional<Long> memory = quota(given, "memory", where, "a size such as 8g", SettingValues::bytes);
        Optional<Integer> sessions = quota(given, "sessions", where, "a positive number", SettingValues::number);
        Optional<Integer> queued = quota(given, "queued", where, "a positive number", SettingValues::number);
        Optional<Duration> idle = quota(given, "idle", where, "a time such as 30m", SettingValues::time);
        return new User.Quotas(
                memory.map(OptionalLong::of).orElseGet(OptionalLong::empty),
                sessions.map(OptionalInt::of).orElseGet(OptionalInt::empty),
                queued.map(OptionalInt::of).orElseGet(OptionalInt::empty),
                idle);
    }

    private static <T> Optional<T> quota(
            Map<String, String> given, String name, String where, String wanted, Function<String, Optional<T>> reader) {
        String text = given.get(name);
        if (text == null) {
            return Optional.empty();
        }
        Optional<T> value = reader.apply(text);
        if (value.isEmpty() || text.chars().anyMatch(Character::isWhitespace)) {
            throw new SettingException(where + ": " + name + " is " + wanted + ", not '" + text + "'");
        }
        return value;
    }

    /** SHA-256. */
    public static byte[] hash(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
