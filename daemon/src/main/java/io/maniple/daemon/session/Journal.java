package io.maniple.daemon.session;

import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.HelloRequest;
import io.maniple.bridge.proto.LoadReply;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one session was told, in a file, so that another daemon can do it again after this one was killed: a record for each
 * call, before it is carried out, and for each upload, when it is complete. Each ends with its checksum (CRC-32C); a record
 * that was not written to its end, and whatever is behind it, was never acknowledged and does not count.
 *
 * <p>A record is handed to the system before the client gets its answer: it outlives the process, not the machine.
 */
final class Journal implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Journal.class);
    /** A session that was told more is not kept any more. */
    private static final long MOST_BYTES = 16L << 30;

    private static final int HEADER = 0x4d50_4a31;
    private static final byte OPENED = 1;
    private static final byte CALL = 2;
    private static final byte UPLOAD = 3;
    private static final byte LOADED = 4;
    private static final int PIECE = 1 << 20;
    private static final int OVERHEAD = 13;

    private final Path file;
    private @Nullable FileChannel channel;

    /** Who has opened a session, and how. */
    record Opened(String user, String name, HelloRequest hello) {}

    /** Is told of the records in order. */
    interface Reader {
        void opened(Opened opened) throws IOException;

        void call(Call call) throws IOException;

        /** @param content to be read to its end */
        void upload(String name, long number, long bytes, Content content) throws IOException;

        void loaded(long call, LoadReply reply) throws IOException;
    }

    /** Fills memory with the content of an upload. */
    interface Content {
        void into(MemorySegment memory) throws IOException;
    }

    private Journal(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static Journal create(Path file, Opened opened) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Journal journal = new Journal(file, FileChannel.open(file, StandardOpenOption.WRITE));
        journal.append(OPENED, output -> {
            output.writeInt(HEADER);
            output.writeUTF(opened.user());
            output.writeUTF(opened.name());
            output.write(opened.hello().toByteArray());
        });
        return journal;
    }

    /** Goes on with a journal behind its last whole record. */
    static Journal resume(Path file, long end) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        channel.truncate(end);
        channel.position(end);
        return new Journal(file, channel);
    }

    void call(Call call) {
        append(CALL, output -> output.write(call.toByteArray()));
    }

    void loaded(long call, LoadReply reply) {
        append(LOADED, output -> {
            output.writeLong(call);
            output.write(reply.toByteArray());
        });
    }

    private interface Writing {
        void to(DataOutputStream output) throws IOException;
    }

    private void append(byte kind, Writing writing) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            writing.to(new DataOutputStream(bytes));
        } catch (IOException e) {
            forget("it cannot be written down: " + e.getMessage());
            return;
        }
        append(kind, bytes.toByteArray(), MemorySegment.NULL);
    }

    void upload(String name, long number, MemorySegment content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream output = new DataOutputStream(bytes)) {
            output.writeUTF(name);
            output.writeLong(number);
        } catch (IOException e) {
            forget("an upload cannot be written down: " + e.getMessage());
            return;
        }
        append(UPLOAD, bytes.toByteArray(), content);
    }

    /** Length of the head, length of the content, kind, head, content, checksum of all of these. */
    private synchronized void append(byte kind, byte[] head, MemorySegment content) {
        FileChannel open = channel;
        if (open == null) {
            return;
        }
        try {
            if (open.position() + content.byteSize() + head.length > MOST_BYTES) {
                forget("it was told more than " + MOST_BYTES + " bytes");
                return;
            }
            CRC32C sum = new CRC32C();
            ByteBuffer first = ByteBuffer.allocate(OVERHEAD + head.length);
            first.putInt(head.length)
                    .putLong(content.byteSize())
                    .put(kind)
                    .put(head)
                    .flip();
            write(open, first, sum);
            for (long at = 0; at < content.byteSize(); at += PIECE) {
                write(
                        open,
                        content.asSlice(at, Math.min(PIECE, content.byteSize() - at))
                                .asByteBuffer(),
                        sum);
            }
            write(
                    open,
                    ByteBuffer.allocate(Integer.BYTES)
                            .putInt((int) sum.getValue())
                            .flip(),
                    new CRC32C());
        } catch (IOException e) {
            forget(String.valueOf(e.getMessage()));
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes, CRC32C sum) throws IOException {
        sum.update(bytes.duplicate());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Is not kept any more: without the whole of it nothing can be done again. */
    synchronized void forget(String why) {
        if (channel != null) {
            LOGGER.warn("A session would not outlive this daemon any more: {}", why);
            close();
        }
    }

    /** The session is over. */
    @Override
    public synchronized void close() {
        FileChannel open = channel;
        if (open == null) {
            return;
        }
        channel = null;
        try {
            open.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOGGER.warn("A journal could not be removed: {}", e.getMessage());
        }
    }

    /**
     * Reads all whole records.
     *
     * @return where they end
     */
    static long read(Path file, Reader reader) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            long at = 0;
            while (true) {
                ByteBuffer first = ByteBuffer.allocate(OVERHEAD);
                if (at + OVERHEAD + Integer.BYTES > size) {
                    return at;
                }
                fill(channel, first, at);
                int headBytes = first.getInt(0);
                long contentBytes = first.getLong(Integer.BYTES);
                byte kind = first.get(OVERHEAD - 1);
                long end = at + OVERHEAD + headBytes + contentBytes + Integer.BYTES;
                if (headBytes < 0 || contentBytes < 0 || end > size || end < at || !isWhole(channel, at, end)) {
                    return at;
                }
                ByteBuffer head = ByteBuffer.allocate(headBytes);
                fill(channel, head, at + OVERHEAD);
                long content = at + OVERHEAD + headBytes;
                tell(reader, kind, head.array(), contentBytes, memory -> {
                    for (long done = 0; done < contentBytes; done += PIECE) {
                        long length = Math.min(PIECE, contentBytes - done);
                        fill(channel, memory.asSlice(done, length).asByteBuffer(), content + done);
                    }
                });
                at = end;
            }
        }
    }

    private static void tell(Reader reader, byte kind, byte[] head, long bytes, Content content) throws IOException {
        DataInputStream input = new DataInputStream(new ByteArrayInputStream(head));
        switch (kind) {
            case OPENED -> {
                if (input.readInt() != HEADER) {
                    throw new IOException("it is of another version");
                }
                reader.opened(
                        new Opened(input.readUTF(), input.readUTF(), HelloRequest.parseFrom(input.readAllBytes())));
            }
            case CALL -> reader.call(Call.parseFrom(head));
            case UPLOAD -> reader.upload(input.readUTF(), input.readLong(), bytes, content);
            case LOADED -> reader.loaded(input.readLong(), LoadReply.parseFrom(input.readAllBytes()));
            default -> throw new IOException("a record of an unknown kind");
        }
    }

    private static boolean isWhole(FileChannel channel, long begin, long end) throws IOException {
        CRC32C sum = new CRC32C();
        ByteBuffer piece = ByteBuffer.allocate(PIECE);
        long last = end - Integer.BYTES;
        for (long at = begin; at < last; at += PIECE) {
            piece.clear().limit((int) Math.min(PIECE, last - at));
            fill(channel, piece, at);
            sum.update(piece);
        }
        ByteBuffer told = ByteBuffer.allocate(Integer.BYTES);
        fill(channel, told, last);
        return told.getInt(0) == (int) sum.getValue();
    }

    /** Fills it and makes it ready to be read. */
    private static void fill(FileChannel channel, ByteBuffer buffer, long from) throws IOException {
        int begin = buffer.position();
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, from + buffer.position() - begin) < 0) {
                throw new EOFException("it has become shorter");
            }
        }
        buffer.position(begin);
    }
}
