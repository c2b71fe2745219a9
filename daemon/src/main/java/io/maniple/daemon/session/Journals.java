package io.maniple.daemon.session;

import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.LoadReply;
import io.maniple.daemon.config.SettingException;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The journals of the sessions there are, and of those that a daemon had that was killed. */
final class Journals {
    private static final Logger LOGGER = LoggerFactory.getLogger(Journals.class);
    private static final Pattern ID = Pattern.compile("[0-9a-f]{48}");
    private static final String SUFFIX = ".journal";

    private final @Nullable Path directory;
    private final Duration patience;
    private final long started = System.nanoTime();
    private boolean swept;

    /** @param patience so long after the start a client may come back for its session */
    Journals(Optional<Path> directory, Duration patience) {
        this.directory = directory.orElse(null);
        this.patience = patience;
        directory.ifPresent(own -> {
            try {
                Files.createDirectories(
                        own, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            } catch (IOException e) {
                throw new SettingException("--checkpoint-dir: cannot make " + own + ": " + SettingException.reason(e));
            }
        });
    }

    private Path file(Path own, String id) {
        return own.resolve(id + SUFFIX);
    }

    void begin(RemoteSession session, Journal.Opened opened) {
        if (directory == null) {
            return;
        }
        try {
            session.writeDown(Journal.create(file(directory, session.id()), opened));
        } catch (IOException e) {
            LOGGER.warn("Session {} would not outlive this daemon: {}", session.shortId(), e.getMessage());
        }
    }

    /** Who had opened a session that a daemon had that was killed. */
    Optional<Journal.Opened> find(String id) {
        if (directory == null || !ID.matcher(id).matches() || !Files.exists(file(directory, id))) {
            return Optional.empty();
        }
        First first = new First();
        try {
            long ignored = Journal.read(file(directory, id), first);
        } catch (IOException e) {
            LOGGER.warn("The journal of session {} cannot be read: {}", id.substring(0, 8), e.getMessage());
        }
        return Optional.ofNullable(first.opened);
    }

    /**
     * Does again all that a session was told.
     *
     * @throws IOException if that is not possible; the journal is gone then
     */
    void restore(RemoteSession session) throws IOException {
        Path file = file(java.util.Objects.requireNonNull(directory), session.id());
        long begin = System.nanoTime();
        try {
            First first = new First();
            long ignored = Journal.read(file, first);
            session.numbersBegin(first.lastNumber);
            Again again = new Again(session);
            session.writeDown(Journal.resume(file, Journal.read(file, again)));
            LOGGER.info(
                    "Session {} is back: {} calls in {} ms",
                    session.shortId(),
                    session.received(),
                    (System.nanoTime() - begin) / 1_000_000);
        } catch (IOException | ManipleException e) {
            Files.deleteIfExists(file);
            throw new IOException(e.getMessage(), e);
        }
    }

    /** Removes the journals of those who have not come back in time; to be called every second or so. */
    synchronized void sweep(Predicate<String> isOpen) {
        if (directory == null || swept || System.nanoTime() - started < patience.toNanos()) {
            return;
        }
        swept = true;
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : found) {
                String name = file.getFileName().toString();
                if (!isOpen.test(name.substring(0, name.length() - SUFFIX.length()))) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOGGER.warn("Old journals could not be removed: {}", e.getMessage());
        }
    }

    /** Looks only at who it was, and at the numbers that were given. */
    private static final class First implements Journal.Reader {
        private Journal.@Nullable Opened opened;
        private long lastNumber;

        @Override
        public void opened(Journal.Opened who) {
            opened = who;
        }

        @Override
        public void call(Call call) {
            // Not yet.
        }

        @Override
        public void upload(String name, long number, long bytes, Journal.Content content) {
            lastNumber = Math.max(lastNumber, number);
        }

        @Override
        public void loaded(long call, LoadReply reply) {
            lastNumber = Math.max(lastNumber, reply.getNumber());
            reply.getColumnsList().forEach(column -> lastNumber = Math.max(lastNumber, column.getNumber()));
        }
    }

    private record Again(RemoteSession session) implements Journal.Reader {
        @Override
        public void opened(Journal.Opened who) {
            // It is open.
        }

        @Override
        public void call(Call call) throws IOException {
            try {
                session.repeat(call);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("the server is shutting down", e);
            }
        }

        @Override
        public void upload(String name, long number, long bytes, Journal.Content content) throws IOException {
            session.repeatUpload(name, number, bytes, content);
        }

        @Override
        public void loaded(long call, LoadReply reply) throws IOException {
            session.repeatLoad(call, reply);
        }
    }
}
