package io.maniple.daemon.session;

import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.LoadReply;
import io.maniple.bridge.proto.LoadRequest;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.session.DetachedSession;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * NumPy's files (.npy, versions 1 to 3: numpy/lib/format.py) and tables (Arrow IPC files, Parquet) below the directories that the operator has opened. A path
 * is followed to its real place first, so that no link leads out of them.
 */
public final class DataFiles {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MOST_HEADER_BYTES = 64 << 10;
    private static final int MOST_DIMENSIONS = 64;
    private static final int MOST_COLUMNS = 1024;
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

    /** So long a table may give no rows. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<Path> directories;
    private final Duration patience;

    /** @param directories real paths */
    public DataFiles(List<Path> directories) {
        this(directories, PATIENCE);
    }

    DataFiles(List<Path> directories, Duration patience) {
        this.directories = directories;
        this.patience = patience;
    }

    /** @throws ManipleException what is wrong with the request or the file, or that there is no room */
    LoadReply load(LoadRequest request, DetachedSession session) {
        String name = request.getPath();
        Path file = find(name);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer start = ByteBuffer.allocate(MAGIC.length);
            boolean whole = channel.size() >= MAGIC.length;
            if (whole) {
                fill(channel, 0, start);
            }
            if (whole && begins(start, ArrowTable.MAGIC)) {
                return table(name, () -> new ArrowTable(file), request.getColumnsList(), session);
            }
            if (whole && begins(start, ParquetTable.MAGIC)) {
                return table(name, () -> new ParquetTable(file, patience), request.getColumnsList(), session);
            }
            if (request.getColumnsCount() > 0) {
                throw wrong(name, "it is no table (Arrow IPC or Parquet) whose columns could be chosen");
            }
            LoadReply.Builder reply = LoadReply.newBuilder();
            long begin = header(channel, reply);
            long bytes = reply.getBytes();
            if (channel.size() - begin < bytes) {
                throw wrong(name, "it ends before its data do");
            }
            return reply.setNumber(session.load(file, begin, bytes)).build();
        } catch (EOFException e) {
            throw wrong(name, "it ends too early");
        } catch (IOException e) {
            throw wrong(name, "it cannot be read" + (e instanceof FileSystemException ? "" : ": " + e.getMessage()));
        } catch (NumberFormatException | ArithmeticException e) {
            throw wrong(name, "its header is malformed");
        }
    }

    private static boolean begins(ByteBuffer start, byte[] magic) {
        return start.duplicate().flip().slice(0, magic.length).equals(ByteBuffer.wrap(magic));
    }

    private interface Opener {
        Table open() throws IOException;
    }

    private static LoadReply table(String name, Opener opener, List<String> wanted, DetachedSession session)
            throws IOException {
        List<Long> numbers = new ArrayList<>();
        try (Table opened = opener.open()) {
            List<Table.Column> columns = wanted.isEmpty()
                    ? opened.columns()
                    : wanted.stream()
                            .map(column -> column(name, opened, column))
                            .toList();
            if (columns.isEmpty() || columns.size() > MOST_COLUMNS) {
                throw wrong(name, columns.size() + " columns: choose between 1 and " + MOST_COLUMNS);
            }
            LoadReply.Builder reply = LoadReply.newBuilder();
            List<MemorySegment> targets = new ArrayList<>();
            for (Table.Column column : columns) {
                DataType type = column.type()
                        .orElseThrow(() -> wrong(
                                name,
                                "the column '" + column.name() + "' is of the type " + column.given()
                                        + ": only numbers and booleans become arrays; choose others (columns=[…])"));
                long bytes = Math.multiplyExact(opened.rows(), Table.bytes(type));
                DetachedSession.Upload upload = session.upload(bytes);
                numbers.add(upload.number());
                targets.add(upload.memory());
                reply.addColumnsBuilder()
                        .setName(column.name())
                        .setType(type)
                        .setRows(opened.rows())
                        .setNumber(upload.number())
                        .setBytes(bytes);
            }
            opened.read(columns, targets);
            numbers.forEach(session::complete);
            return reply.build();
        } catch (IOException | ManipleException e) {
            numbers.forEach(session::discard);
            throw e;
        } catch (RuntimeException malformed) {
            // The libraries say so in many ways.
            numbers.forEach(session::discard);
            throw wrong(
                    name,
                    malformed instanceof UnsupportedOperationException
                            ? "it has an encoding that is not supported"
                            : "it is malformed");
        }
    }

    private static Table.Column column(String file, Table table, String wanted) {
        return table.columns().stream()
                .filter(column -> column.name().equals(wanted))
                .findFirst()
                .orElseThrow(() -> wrong(
                        file,
                        "it has no column '" + wanted + "', but "
                                + table.columns().stream()
                                        .limit(20)
                                        .map(Table.Column::name)
                                        .toList()));
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

    static void fill(FileChannel channel, long position, ByteBuffer target) throws IOException {
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
