package io.maniple.cuda;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiled kernels on disk, by what they were compiled from, for what and by which version. A file begins with the hash
 * of the rest; one that is damaged is removed, and its kernels are compiled again. Since code is run from here, the
 * folder must be the user's alone; otherwise nothing is kept.
 */
public final class CodeCache {
    private static final Logger LOGGER = LoggerFactory.getLogger(CodeCache.class);
    private static final byte[] MAGIC = "MANIPLE1".getBytes(StandardCharsets.US_ASCII);
    private static final int HASH_CHARACTERS = 64;
    private static final long MOST_BYTES = 512L << 20;

    private final Optional<Path> folder;

    /** @param folder is made where it is missing; empty: nothing is kept */
    public CodeCache(Optional<Path> folder) {
        this.folder = folder.filter(CodeCache::isOwn);
        this.folder.ifPresent(CodeCache::trim);
    }

    private static boolean isOwn(Path folder) {
        try {
            Files.createDirectories(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(folder);
            boolean own = Files.getOwner(folder).getName().equals(System.getProperty("user.name"))
                    && !permissions.contains(PosixFilePermission.GROUP_WRITE)
                    && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
            if (!own) {
                LOGGER.warn("{} can be written by others: compiled kernels are not kept there", folder);
            }
            return own;
        } catch (IOException | UnsupportedOperationException e) {
            LOGGER.warn("compiled kernels are not kept in {}: {}", folder, e.toString());
            return false;
        }
    }

    /** What distinguishes code beside the kernel's name, which stands for its text. */
    static String key(String kernel, String architecture, String version, String prelude) {
        return KernelText.sha256(
                (kernel + '\n' + architecture + '\n' + version + '\n' + prelude).getBytes(StandardCharsets.UTF_8));
    }

    /** The code that has a kernel; empty where there is none, or it was damaged. */
    Optional<byte[]> find(String key) {
        if (folder.isEmpty()) {
            return Optional.empty();
        }
        Path reference = folder.get().resolve(key + ".in");
        Optional<byte[]> name = read(reference);
        if (name.isEmpty()) {
            return Optional.empty();
        }
        Path file = folder.get().resolve(new String(name.get(), StandardCharsets.US_ASCII));
        Optional<byte[]> code = read(file);
        if (code.isEmpty()) {
            remove(reference);
        } else {
            touch(file);
        }
        return code;
    }

    /** Keeps code that has the kernels of these keys. A failure costs only time later. */
    void keep(List<String> keys, byte[] code) {
        if (folder.isEmpty()) {
            return;
        }
        String name = KernelText.sha256(code) + ".code";
        try {
            write(folder.get().resolve(name), code);
            for (String key : keys) {
                write(folder.get().resolve(key + ".in"), name.getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException e) {
            LOGGER.warn("compiled kernels are not kept: {}", e.toString());
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        Path fresh = Files.createTempFile(file.getParent(), "new", ".tmp");
        try {
            ByteBuffer whole = ByteBuffer.allocate(MAGIC.length + HASH_CHARACTERS + content.length);
            whole.put(MAGIC)
                    .put(KernelText.sha256(content).getBytes(StandardCharsets.US_ASCII))
                    .put(content);
            Files.write(fresh, whole.array());
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static Optional<byte[]> read(Path file) {
        try {
            byte[] whole = Files.readAllBytes(file);
            int head = MAGIC.length + HASH_CHARACTERS;
            if (whole.length >= head) {
                byte[] content = java.util.Arrays.copyOfRange(whole, head, whole.length);
                String hash = new String(whole, MAGIC.length, HASH_CHARACTERS, StandardCharsets.US_ASCII);
                if (java.util.Arrays.equals(MAGIC, 0, MAGIC.length, whole, 0, MAGIC.length)
                        && hash.equals(KernelText.sha256(content))) {
                    return Optional.of(content);
                }
            }
            LOGGER.warn("{} is damaged: its kernels are compiled again", file);
            remove(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOGGER.warn("{} cannot be read: {}", file, e.toString());
        }
        return Optional.empty();
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOGGER.warn("{} cannot be removed: {}", file, e.toString());
        }
    }

    private static void touch(Path file) {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOGGER.debug("{} cannot be touched", file, e);
        }
    }

    /** Removes what was not used for longest where there is too much. */
    private static void trim(Path folder) {
        record Old(Path path, long bytes, long time) {}
        List<Old> files = new ArrayList<>();
        long bytes = 0;
        try (Stream<Path> all = Files.list(folder)) {
            for (Path path : all.toList()) {
                long size = Files.size(path);
                bytes += size;
                files.add(new Old(path, size, Files.getLastModifiedTime(path).toMillis()));
            }
        } catch (IOException e) {
            LOGGER.debug("{} cannot be listed", folder, e);
            return;
        }
        files.sort(Comparator.comparingLong(Old::time));
        for (Old old : files) {
            if (bytes <= MOST_BYTES) {
                return;
            }
            remove(old.path());
            bytes -= old.bytes();
        }
    }
}
