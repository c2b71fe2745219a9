package io.maniple.cuda;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Function;

/**
 * A kernel's source, named by what it says.
 *
 * @param name of the function; the same for the same text
 * @param text with that name, without {@link CudaSource#PRELUDE}
 */
public record KernelText(String name, String text) {
    private static final String PLACEHOLDER = "maniple_unnamed";
    private static final int DIGITS = 24;

    /** @param writer of the text for a name */
    public static KernelText of(Function<String, String> writer) {
        String unnamed = writer.apply(PLACEHOLDER);
        String name = "k" + sha256(unnamed.getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
        return new KernelText(name, unnamed.replace(PLACEHOLDER, name));
    }

    /** In hexadecimal digits. */
    static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }
}
