package io.maniple.daemon.session;

import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.LoadReply;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * NumPy's files (.npy, versions 1 to 3: numpy/lib/format.py) below the directories that the operator has opened. A path
 * is followed to its real place first, so that no link leads out of them.
 */
public final class DataFiles {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MOST_HEADER_BYTES = 64 << 10;
    private static final int MOST_DIMENSIONS = 64;
    private static final Pattern HEADER = Pattern.compile(
            "\\{\\s*'descr':\\s*'([^']*)',\\s*'fortran_order':\\s*(True|False),\\s*'shape':\\s*\\(([^)]*)\\),?\\s*\\}\\s*");
    private static final Map<String, DataType> TYPES = Map.ofEntries(
            Map.entry("|b1", DataType.BOOL),
            Map.entry("|i1", DataType.INT8),
            Map.entry("|u1", DataType.UINT8),
            Map.entry("<i2", DataType.INT16),
            Map.entry("<u2", DataType.UINT16),
            Map.entry("<i4", DataType.INT32),
            Map.entry("<u4", DataType.UINT32),
            Map.entry("<i8", DataType.INT64),
            Map.entry("<u8", DataType.UINT64),
            Map.entry("<f2", DataType.FLOAT16),
            Map.entry("<f4", DataType.FLOAT32),
            Map.entry("<f8", DataType.FLOAT64),
            Map.entry("<c8", DataType.COMPLEX64),
            Map.entry("<c16", DataType.COMPLEX128));

    private final List<Path> directories;

    /** @param directories real paths */
    public DataFiles(List<Path> directories) {
        this.directories = directories;
    }

    LoadReply load(String name, DetachedSession session) {
        Path file = find(name);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            LoadReply.Builder reply = LoadReply.newBuilder();
            long begin = header(channel, reply);
            long bytes = reply.getBytes();
            if (channel.size() - begin < bytes) {
                throw wrong(name, "it ends before its data do");
            }
            return reply.setNumber(session.load(file, begin, bytes)).build();
        } catch (IOException e) {
            throw wrong(name, "it cannot be read");
        } catch (NumberFormatException | ArithmeticException e) {
            throw wrong(name, "its header is malformed");
        }
    }

    private Path find(String name) {
        for (Path directory : directories) {
            try {
                Path real = directory.resolve(name).toRealPath();
                if (real.startsWith(directory)) {
                    return real;
                }
            } catch (IOException | InvalidPathException e) {
                // Not here.
            }
        }
        throw new ManipleException(
                Status.INVALID_PROGRAM,
                directories.isEmpty()
                        ? "this server opens no files (maniple server --data DIRECTORY)"
                        : "there is no file '" + name + "' in the server's data directories");
    }

    private static long header(FileChannel channel, LoadReply.Builder reply) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        fill(channel, 0, start);
        for (int index = 0; index < MAGIC.length; index++) {
            if (start.get(index) != MAGIC[index]) {
                throw wrong("", "it is no .npy file");
            }
        }
        int version = start.get(6);
        long length = version == 1 ? Short.toUnsignedLong(start.getShort(8)) : Integer.toUnsignedLong(start.getInt(8));
        if (version < 1 || version > 3 || length > MOST_HEADER_BYTES) {
            throw wrong("", "a .npy file of an unknown version");
        }
        long begin = version == 1 ? 10 : 12;
        ByteBuffer text = ByteBuffer.allocate((int) length);
        fill(channel, begin, text);
        Matcher header = HEADER.matcher(new String(text.array(), StandardCharsets.UTF_8));
        DataType type = header.matches() ? TYPES.get(header.group(1)) : null;
        if (type == null) {
            throw wrong("", "its type or byte order is none that the server knows");
        }
        int digit = header.group(1).length() > 2 ? 2 : 1;
        long bytes = Long.parseLong(header.group(1).substring(digit));
        List<Long> shape = new ArrayList<>();
        for (String part : header.group(3).split(",")) {
            if (!part.isBlank()) {
                shape.add(Long.parseUnsignedLong(part.strip()));
                bytes = Math.multiplyExact(bytes, shape.getLast());
            }
        }
        if (shape.size() > MOST_DIMENSIONS || bytes < 0) {
            throw new NumberFormatException();
        }
        reply.setType(type)
                .addAllShape(shape)
                .setFortranOrder(header.group(2).equals("True"))
                .setBytes(bytes);
        return begin + length;
    }

    private static void fill(FileChannel channel, long position, ByteBuffer target) throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            int count = channel.read(target, at);
            if (count < 0) {
                throw new EOFException();
            }
            at += count;
        }
    }

    private static ManipleException wrong(String name, String why) {
        return new ManipleException(
                Status.INVALID_PROGRAM, "the file" + (name.isEmpty() ? "" : " '" + name + "'") + ": " + why);
    }
}
