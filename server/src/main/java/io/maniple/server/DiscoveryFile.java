package io.maniple.server;

import io.maniple.server.gateway.Token;
import io.maniple.server.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.Set;

/** The file by which clients of the same user find the server, and without which they cannot talk to it. */
final class DiscoveryFile {
    private final Path path;
    private final byte[] content;

    private DiscoveryFile(Path path, byte[] content) {
        this.path = path;
        this.content = content;
    }

    /** Readable by its owner from its first byte on, and complete when it appears under its name. */
    static DiscoveryFile write(Path path, int port, Token token, Path log) throws IOException {
        String text = new Json()
                .field("pid", ProcessHandle.current().pid())
                .field("port", port)
                .field("token", token.reveal())
                .field("version", Version.current())
                .field("started", Instant.now().toString())
                .field("log", log.toAbsolutePath().toString())
                .toString();
        byte[] content = text.getBytes(StandardCharsets.UTF_8);
        Path fresh = path.resolveSibling(
                path.getFileName() + "." + ProcessHandle.current().pid());
        Files.deleteIfExists(fresh);
        try (SeekableByteChannel channel = Files.newByteChannel(
                fresh,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            channel.write(ByteBuffer.wrap(content));
        }
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        return new DiscoveryFile(path, content);
    }

    /** Unless another server has put its own there meanwhile. */
    void remove() throws IOException {
        if (Files.exists(path) && Arrays.equals(Files.readAllBytes(path), content)) {
            Files.deleteIfExists(path);
        }
    }
}
