package io.maniple.daemon.http;

import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Who is logged in at the dashboard. A browser holds a random name instead of the token, of no use anywhere else; here are
 * the hashes of both. Whoever's token is withdrawn is out at the next request.
 */
final class Logins {
    static final Duration LIFE = Duration.ofHours(12);

    private static final int NAME_BYTES = 32;
    private static final int MOST = 1_000;
    /** Wrong tokens a second, of all clients together; real ones have 256 bits, so nobody guesses any. */
    private static final int MOST_REFUSED = 20;

    private final Users users;
    private final SecureRandom random = new SecureRandom();
    private final List<Login> logins = new ArrayList<>();
    private long refusedSecond;
    private int refused;

    private record Login(byte[] name, byte[] token, long end) {
        boolean isOver() {
            return System.nanoTime() - end > 0;
        }
    }

    Logins(Users users) {
        this.users = users;
    }

    /** The name under which the browser is known from now on; empty: the token is nobody's. */
    synchronized Optional<String> open(String token) {
        byte[] hash = Users.hash(token);
        if (users.findHashed(hash).isEmpty()) {
            return Optional.empty();
        }
        logins.removeIf(Login::isOver);
        if (logins.size() >= MOST) {
            logins.removeFirst();
        }
        byte[] bits = new byte[NAME_BYTES];
        random.nextBytes(bits);
        String name = HexFormat.of().formatHex(bits);
        logins.add(new Login(Users.hash(name), hash, System.nanoTime() + LIFE.toNanos()));
        return Optional.of(name);
    }

    /** Whose it is; every wrong name takes the same time. */
    synchronized Optional<User> user(String name) {
        byte[] hash = Users.hash(name);
        Login found = null;
        for (Login login : logins) {
            if (MessageDigest.isEqual(hash, login.name())) {
                found = login;
            }
        }
        return found == null || found.isOver() ? Optional.empty() : users.findHashed(found.token());
    }

    synchronized void close(String name) {
        byte[] hash = Users.hash(name);
        logins.removeIf(login -> MessageDigest.isEqual(hash, login.name()));
    }

    /** Whether there were more wrong tokens in this second than anybody types; counts one. */
    synchronized boolean tooManyRefused() {
        long second = System.nanoTime() / 1_000_000_000L;
        if (second != refusedSecond) {
            refusedSecond = second;
            refused = 0;
        }
        return ++refused > MOST_REFUSED;
    }
}
