package io.maniple.cuda.emulation;

import java.util.Locale;

/**
 * What the emulated device is like, and what goes wrong on it.
 *
 * @param memoryBytes of the device
 * @param failLaunch the launch that fails as a faulty kernel does, counted from 1; 0: none
 * @param loseAt the call at which the device is lost, counted from 1; 0: none
 * @param compiler the C++ compiler
 * @param unavailable why there is no device; empty: there is one
 * @param bytesPerSecond what it says of its memory's bandwidth, and of its way to the host
 */
public record EmulationSettings(
        long memoryBytes, long failLaunch, long loseAt, String compiler, String unavailable, double bytesPerSecond) {
    private static final long DEFAULT_MEMORY = 1L << 30;
    private static final double SLOW = 1e9;
    private static final double GIGA = 1e9;

    public static EmulationSettings defaults() {
        return new EmulationSettings(DEFAULT_MEMORY, 0, 0, "g++", "", SLOW);
    }

    /**
     * Reads "1", or settings such as "memory=64m,fail-launch=3": memory, fail-launch, lose-at, compiler, driver, which is
     * "none" or "old", and speed, in gigabytes a second, by which "auto" decides.
     *
     * @throws IllegalArgumentException what is wrong with it, for people
     */
    public static EmulationSettings parse(String text) {
        EmulationSettings settings = defaults();
        if (text.equals("1")) {
            return settings;
        }
        for (String part : text.split(",")) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? part : part.substring(0, equals);
            String value = equals < 0 ? "" : part.substring(equals + 1);
            settings = settings.with(name.strip(), value.strip(), text);
        }
        return settings;
    }

    private EmulationSettings with(String name, String value, String text) {
        return switch (name) {
            case "memory" ->
                new EmulationSettings(bytes(value, text), failLaunch, loseAt, compiler, unavailable, bytesPerSecond);
            case "fail-launch" ->
                new EmulationSettings(memoryBytes, number(value, text), loseAt, compiler, unavailable, bytesPerSecond);
            case "lose-at" ->
                new EmulationSettings(
                        memoryBytes, failLaunch, number(value, text), compiler, unavailable, bytesPerSecond);
            case "compiler" ->
                new EmulationSettings(memoryBytes, failLaunch, loseAt, value, unavailable, bytesPerSecond);
            case "driver" ->
                new EmulationSettings(memoryBytes, failLaunch, loseAt, compiler, driver(value, text), bytesPerSecond);
            case "speed" ->
                new EmulationSettings(
                        memoryBytes, failLaunch, loseAt, compiler, unavailable, GIGA * number(value, text));
            default -> throw wrong(text);
        };
    }

    private static String driver(String value, String text) {
        return switch (value) {
            case "none" -> "there is no NVIDIA driver on this machine";
            case "old" -> "the NVIDIA driver is for CUDA 11.4; Maniple needs one for CUDA 12.0 or newer";
            default -> throw wrong(text);
        };
    }

    private static long number(String value, String text) {
        try {
            return Long.parseUnsignedLong(value);
        } catch (NumberFormatException e) {
            throw wrong(text);
        }
    }

    private static long bytes(String value, String text) {
        int unit = value.isEmpty()
                ? -1
                : "kmg".indexOf(value.toLowerCase(Locale.ROOT).charAt(value.length() - 1));
        return number(unit < 0 ? value : value.substring(0, value.length() - 1), text) << (10 * (unit + 1));
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException(
                "MANIPLE_GPU_EMULATE is '" + text
                        + "'; it is 1, or a list of memory=SIZE, fail-launch=N, lose-at=N, compiler=COMMAND, driver=none|old, speed=N");
    }
}
