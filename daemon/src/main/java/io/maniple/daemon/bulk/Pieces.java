package io.maniple.daemon.bulk;

import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.lz4.Lz4JavaCompressor;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import io.maniple.bridge.proto.Codec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Contents in compressed pieces; what a piece claims to hold is checked before anything is unpacked. */
final class Pieces {
    static final int PIECE = 1 << 20;
    /** Where one hardly became smaller, so many are sent as they are before another one is tried. */
    private static final int PLAIN_PIECES = 15;

    private static final int HEADER_BYTES = 2 * Integer.BYTES;

    private final Line line;
    private final Codec codec;
    private final Compressor compressor;
    private final Decompressor decompressor;
    private final MemorySegment packed;
    private final ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES);
    private int plain;
    private int length;
    private int packedLength;

    /** @param arena lives as long as this */
    Pieces(Line line, Codec codec, Arena arena) {
        this.line = line;
        this.codec = codec;
        this.compressor = codec == Codec.LZ4 ? new Lz4JavaCompressor() : new ZstdJavaCompressor();
        this.decompressor = codec == Codec.LZ4 ? new Lz4JavaDecompressor() : new ZstdJavaDecompressor();
        this.packed = arena.allocate(compressor.maxCompressedLength(PIECE));
    }

    /** Another content begins: what the one before was like says nothing of it. */
    void begin() {
        plain = 0;
    }

    Codec codec() {
        return codec;
    }

    /**
     * Waits for the next piece.
     *
     * @param most so many bytes of the content are missing
     * @throws IOException where there will be none, or one that claims more than it may
     */
    void receive(long most) throws IOException {
        fill(header.clear());
        header.flip();
        length = header.getInt();
        packedLength = header.getInt();
        if (length < 1 || length > Math.min(PIECE, most) || packedLength < 1 || packedLength > length) {
            throw new IOException("a piece of " + Integer.toUnsignedLong(length) + " bytes in "
                    + Integer.toUnsignedLong(packedLength) + ", where " + most + " are missing");
        }
        fill(packed.asSlice(0, packedLength).asByteBuffer());
    }

    private void fill(ByteBuffer target) throws IOException {
        line.take(target);
        while (target.hasRemaining()) {
            line.await();
            line.take(target);
        }
    }

    /**
     * Writes the content of the piece that has come; how many bytes.
     *
     * @throws IOException it is not what it claims to be
     */
    int unpack(MemorySegment target) throws IOException {
        if (packedLength == length) {
            target.asSlice(0, length).copyFrom(packed.asSlice(0, length));
            return length;
        }
        int written;
        try {
            written = decompressor.decompress(packed.asSlice(0, packedLength), target.asSlice(0, length));
        } catch (MalformedInputException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new IOException("a piece that cannot be unpacked: " + e.getMessage(), e);
        }
        if (written != length) {
            throw new IOException("a piece of " + length + " bytes that has " + written);
        }
        return length;
    }

    /** Sends what lies at the beginning of the content, up to a piece; how many bytes. */
    int send(MemorySegment content) throws IOException {
        int count = (int) Math.min(PIECE, content.byteSize());
        MemorySegment piece = content.asSlice(0, count);
        int small = count;
        if (plain > 0) {
            plain--;
        } else {
            small = compressor.compress(piece, packed);
            plain = small > count - count / 16 ? PLAIN_PIECES : 0;
        }
        boolean helps = small < count;
        line.send(header.clear().putInt(count).putInt(helps ? small : count).flip());
        line.send(helps ? packed.asSlice(0, small).asByteBuffer() : piece.asByteBuffer());
        return count;
    }
}
