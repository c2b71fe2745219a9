package io.maniple.server.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What becomes of arrays that memory has no room for.
 *
 * @param bytes most bytes of them on disk; 0: none, they are refused; {@link #AUTOMATIC}: eight times the memory, but no
 *     more than half of what the disk has free
 * @param directory where they are written to
 * @param spillAt percents of the memory beyond which new arrays go to disk
 * @param pauseAt percents of the memory, with what is mapped of the disk, at which computing waits until less is
 * @param refuseAt percents of the memory at which what cannot go to disk is refused
 */
public record SpillSettings(long bytes, Path directory, int spillAt, int pauseAt, int refuseAt) {
    public static final long AUTOMATIC = -1;
    public static final String DEFAULT_MARKS = "60,80,90";

    private static final int EIGHTFOLD = 8;
    private static final int ALL = 100;

    public SpillSettings {
        if (spillAt < 1 || spillAt >= pauseAt || pauseAt > refuseAt || refuseAt > ALL) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "the marks of spilling are percents of the memory that grow, such as %s, not %d,%d,%d",
                    DEFAULT_MARKS,
                    spillAt,
                    pauseAt,
                    refuseAt));
        }
    }

    /** Nothing goes to disk. */
    public static SpillSettings off() {
        return new SpillSettings(0, defaultDirectory(), 60, 80, 90);
    }

    /**
     * @param bytes a number of bytes, or {@link #AUTOMATIC}
     * @param marks three percents, separated by commas
     * @throws IllegalArgumentException what is wrong with them, for people
     */
    public static SpillSettings of(long bytes, Path directory, String marks) {
        String[] parts = marks.split(",", -1);
        int[] percents = new int[3];
        try {
            for (int part = 0; part < percents.length; part++) {
                percents[part] = Integer.parseInt(parts[part].strip());
            }
            if (parts.length == percents.length) {
                return new SpillSettings(bytes, directory, percents[0], percents[1], percents[2]);
            }
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            // Said below.
        }
        throw new IllegalArgumentException("the marks of spilling are three percents of the memory, such as "
                + DEFAULT_MARKS + ", not '" + marks + "'");
    }

    /** A directory on a disk: /tmp is memory on some systems. */
    public static Path defaultDirectory() {
        Path lasting = Path.of("/var/tmp");
        return Files.isDirectory(lasting) && Files.isWritable(lasting)
                ? lasting
                : Path.of(System.getProperty("java.io.tmpdir"));
    }

    public boolean isOn() {
        return bytes != 0;
    }

    /** Most bytes on disk beside so much memory. */
    long limit(long memoryBytes) {
        if (bytes != AUTOMATIC) {
            return bytes;
        }
        long free = directory.toFile().getUsableSpace();
        return Math.min(Math.multiplyExact(EIGHTFOLD, memoryBytes), free / 2);
    }
}
