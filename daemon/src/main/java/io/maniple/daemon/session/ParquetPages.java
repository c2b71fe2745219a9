package io.maniple.daemon.session;

import dev.hardwood.metadata.ColumnChunk;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * The page headers of a column of a Parquet file, looked at before anybody reads the pages: the library goes through malformed ones
 * for ever, in threads that nobody can stop and that everything else in this process waits for.
 *
 * <p>The format is Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md),
 * the meaning of the fields that of the struct PageHeader of Apache Parquet's parquet.thrift.
 */
final class ParquetPages {
    /** Writers make pages of about 1 MiB; one that claims more is a bomb. */
    static final int MOST_PAGE_BYTES = 64 << 20;

    private static final int MOST_DEPTH = 16;
    private static final int BUFFER = 4_096;

    private static final int DATA_PAGE = 0;
    private static final int DATA_PAGE_V2 = 3;

    private static final int STOP = 0;
    private static final int BYTE = 3;
    private static final int DOUBLE = 7;
    private static final int BINARY = 8;
    private static final int LIST = 9;
    private static final int SET = 10;
    private static final int MAP = 11;
    private static final int STRUCT = 12;

    private final FileChannel file;
    private final long end;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).flip();
    /** In the file, of the buffer's first byte. */
    private long start;

    private ParquetPages(FileChannel file, long begin, long end) {
        this.file = file;
        this.start = begin;
        this.end = end;
    }

    /** @throws IOException if a page does not lie in the column's part of the file, or holds a number of values or bytes that cannot be */
    static void check(FileChannel file, ColumnChunk chunk) throws IOException {
        long begin = chunk.chunkStartOffset();
        long bytes = chunk.metaData().totalCompressedSize();
        if (begin < 0 || bytes < 0 || bytes > file.size() - begin) {
            throw new EOFException();
        }
        ParquetPages pages = new ParquetPages(file, begin, begin + bytes);
        long values = 0;
        while (pages.position() < pages.end && values < chunk.metaData().numValues()) {
            values += pages.skipPage();
        }
    }

    private long position() {
        return start + buffer.position();
    }

    /** @return how many values it holds; none if it is not of data */
    private long skipPage() throws IOException {
        long type = -1;
        long unpacked = -1;
        long packed = -1;
        long values = -1;
        long valuesOfSecondForm = -1;
        int field = 0;
        for (int header = next(); header != STOP; header = next()) {
            field = field(header, field);
            switch (field) {
                case 1 -> type = integer();
                case 2 -> unpacked = integer();
                case 3 -> packed = integer();
                case 5 -> values = values();
                case 8 -> valuesOfSecondForm = values();
                default -> skip(header & 0xf, 0);
            }
        }
        long held = type == DATA_PAGE ? values : type == DATA_PAGE_V2 ? valuesOfSecondForm : 0;
        if (held < 0 || unpacked < 0 || unpacked > MOST_PAGE_BYTES || packed < 0 || packed > end - position()) {
            throw malformed();
        }
        move(packed);
        return held;
    }

    /** The first field of each of the structs that tell of a page's values. */
    private long values() throws IOException {
        long values = -1;
        int field = 0;
        for (int header = next(); header != STOP; header = next()) {
            field = field(header, field);
            if (field == 1) {
                values = integer();
            } else {
                skip(header & 0xf, 1);
            }
        }
        return values;
    }

    private int field(int header, int before) throws IOException {
        int delta = header >>> 4;
        return delta == 0 ? (int) integer() : before + delta;
    }

    private void skip(int type, int depth) throws IOException {
        if (depth > MOST_DEPTH) {
            throw malformed();
        }
        switch (type) {
            // Booleans are in the type.
            case 1, 2 -> {}
            case BYTE -> next();
            case 4, 5, 6 -> integer();
            case DOUBLE -> move(Double.BYTES);
            case BINARY -> move(number());
            case LIST, SET -> {
                int header = next();
                long count = header >>> 4 == 0xf ? number() : header >>> 4;
                elements(count, header & 0xf, depth);
            }
            case MAP -> {
                long count = number();
                int types = count == 0 ? 0 : next();
                for (long entry = 0; entry < count; entry++) {
                    elements(1, types >>> 4, depth);
                    elements(1, types & 0xf, depth);
                }
            }
            case STRUCT -> {
                int field = 0;
                for (int header = next(); header != STOP; header = next()) {
                    field = field(header, field);
                    skip(header & 0xf, depth + 1);
                }
            }
            default -> throw malformed();
        }
    }

    private void elements(long count, int type, int depth) throws IOException {
        for (long element = 0; element < count; element++) {
            // Outside of a struct a boolean is a byte.
            skip(type == 1 || type == 2 ? BYTE : type, depth + 1);
        }
    }

    private long integer() throws IOException {
        long number = number();
        return number >>> 1 ^ -(number & 1);
    }

    private long number() throws IOException {
        long number = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int part = next();
            number |= (part & 0x7fL) << shift;
            if (part < 0x80) {
                return number;
            }
        }
        throw malformed();
    }

    private int next() throws IOException {
        if (!buffer.hasRemaining()) {
            start += buffer.position();
            buffer.clear().limit((int) Math.min(BUFFER, end - start));
            if (file.read(buffer, start) <= 0) {
                throw new EOFException();
            }
            buffer.flip();
        }
        return buffer.get() & 0xff;
    }

    private void move(long bytes) throws IOException {
        if (bytes < 0 || bytes > end - position()) {
            throw malformed();
        }
        if (bytes <= buffer.remaining()) {
            buffer.position(buffer.position() + (int) bytes);
        } else {
            start = position() + bytes;
            buffer.clear().flip();
        }
    }

    private static IOException malformed() {
        return new IOException("a page of it is malformed");
    }
}
