package io.maniple.server.gateway;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;

/** A secret of 256 random bits; never logged. */
public final class Token {
    private static final int BYTES = 32;

    private final byte[] text;

    private Token(byte[] text) {
        this.text = text;
    }

    public static Token random() {
        byte[] bits = new byte[BYTES];
        new SecureRandom().nextBytes(bits);
        return new Token(HexFormat.of().formatHex(bits).getBytes(StandardCharsets.US_ASCII));
    }

    /** Takes the same time wherever the first difference is. */
    boolean matches(String candidate) {
        return MessageDigest.isEqual(text, candidate.getBytes(StandardCharsets.UTF_8));
    }

    /** For handing it over; not {@code toString}, which would end up in a log one day. */
    public String reveal() {
        return new String(text, StandardCharsets.US_ASCII);
    }
}
