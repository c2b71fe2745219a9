package io.maniple.server.session;

import io.maniple.server.distribution.Peers;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * A worker's part of a checkpoint: a file of the bytes it answers for. It appears under its name when all of it is on the
 * disk; its last word is a checksum (CRC-32C) of what is before.
 */
final class WorkerCheckpoint {
    private static final long MAGIC = 0x4d61_6e69_706c_6531L;
    private static final int COPY_BYTES = 1 << 20;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Peers peers;

    WorkerCheckpoint(Peers peers) {
        this.peers = peers;
    }

    long save(Path file, Map<Long, WorkerBuffer> buffers) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        long written = 0;
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            OutputStream raw = java.nio.channels.Channels.newOutputStream(channel);
            CheckedOutputStream checked = new CheckedOutputStream(raw, new CRC32C());
            DataOutputStream output = new DataOutputStream(new java.io.BufferedOutputStream(checked, COPY_BYTES));
            output.writeLong(MAGIC);
            output.writeInt(peers.rank());
            output.writeInt(buffers.size());
            byte[] copy = new byte[COPY_BYTES];
            for (Map.Entry<Long, WorkerBuffer> entry : new TreeMap<>(buffers).entrySet()) {
                WorkerBuffer buffer = entry.getValue();
                // What nobody has touched was never written.
                Spans own = buffer.ownership().keeper(peers.rank()).common(buffer.touched());
                if (buffer.failure() == null) {
                    verify(buffer, own);
                }
                output.writeLong(entry.getKey());
                output.writeLong(buffer.bytes());
                output.writeInt(own.ranges());
                for (int range = 0; range < own.ranges(); range++) {
                    output.writeLong(own.begin(range));
                    output.writeLong(own.end(range));
                    for (long at = own.begin(range); at < own.end(range); at += COPY_BYTES) {
                        int length = (int) Math.min(COPY_BYTES, own.end(range) - at);
                        MemorySegment.copy(MEMORY, ValueLayout.JAVA_BYTE, buffer.address() + at, copy, 0, length);
                        output.write(copy, 0, length);
                    }
                }
                written += own.bytes();
            }
            output.flush();
            new DataOutputStream(raw).writeLong(checked.getChecksum().getValue());
            channel.force(true);
        } catch (IOException failure) {
            Files.deleteIfExists(fresh);
            throw new IOException(
                    "a checkpoint cannot be written to " + file.getParent() + ": " + failure.getMessage());
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return written;
    }

    private static void verify(WorkerBuffer buffer, Spans spans) throws IOException {
        try {
            buffer.verify(spans);
        } catch (ManipleException damaged) {
            throw new IOException(damaged.getMessage());
        }
    }

    /** @param files of all workers, in any order */
    void restore(List<Path> files, Map<Long, WorkerBuffer> buffers, LongFunction<WorkerBuffer> fresh)
            throws IOException {
        for (Path file : files) {
            try (InputStream raw = Files.newInputStream(file)) {
                CheckedInputStream checked =
                        new CheckedInputStream(new java.io.BufferedInputStream(raw, COPY_BYTES), new CRC32C());
                DataInputStream input = new DataInputStream(checked);
                if (input.readLong() != MAGIC) {
                    throw new IOException("it is no checkpoint");
                }
                int owner = input.readInt();
                int count = input.readInt();
                byte[] copy = new byte[COPY_BYTES];
                for (int number = 0; number < count; number++) {
                    restore(input, owner, buffers, fresh, copy);
                }
                long sum = checked.getChecksum().getValue();
                if (input.readLong() != sum) {
                    throw new IOException("its checksum is wrong");
                }
            } catch (IOException failure) {
                throw new IOException("the checkpoint " + file + " cannot be read: " + failure.getMessage());
            }
        }
    }

    private void restore(
            DataInputStream input,
            int owner,
            Map<Long, WorkerBuffer> buffers,
            LongFunction<WorkerBuffer> fresh,
            byte[] copy)
            throws IOException {
        long handle = input.readLong();
        long bytes = input.readLong();
        WorkerBuffer buffer = buffers.computeIfAbsent(handle, key -> fresh.apply(bytes));
        int ranges = input.readInt();
        for (int range = 0; range < ranges; range++) {
            long begin = input.readLong();
            long end = input.readLong();
            if (begin < 0 || end < begin || end > buffer.bytes()) {
                throw new IOException("it has a range outside its array");
            }
            Spans spans = Spans.range(begin, end);
            boolean own = owner == peers.rank();
            if (own) {
                buffer.open(spans);
            }
            for (long at = begin; at < end; at += COPY_BYTES) {
                int length = (int) Math.min(COPY_BYTES, end - at);
                input.readFully(copy, 0, length);
                if (own) {
                    MemorySegment.copy(copy, 0, MEMORY, ValueLayout.JAVA_BYTE, buffer.address() + at, length);
                }
            }
            buffer.ownership().written(spans, 1L << owner);
        }
        buffer.close();
    }
}
