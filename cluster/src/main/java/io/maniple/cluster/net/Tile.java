package io.maniple.cluster.net;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A frame of what one worker sends another: some of the bytes of a parcel. On the way out it lies in native memory and is
 * written from there when it is sent; on the way in it is an array of bytes.
 */
public final class Tile {
    /** Most bytes of content. */
    public static final int MOST_BYTES = 1 << 20;

    private static final int LAST = 1;
    private static final int SPOILED = 2;
    private static final int COPY_BYTES = 16 << 10;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final int flags;
    private final long[] addresses;
    private final long[] lengths;
    private final byte[] content;

    private Tile(int flags, long[] addresses, long[] lengths, byte[] content) {
        this.flags = flags;
        this.addresses = addresses;
        this.lengths = lengths;
        this.content = content;
    }

    /** To be sent before the memory changes. */
    static Tile outgoing(boolean last, boolean spoiled, long[] addresses, long[] lengths) {
        return new Tile((last ? LAST : 0) | (spoiled ? SPOILED : 0), addresses, lengths, new byte[0]);
    }

    /** Whether the parcel ends with this frame. */
    boolean isLast() {
        return (flags & LAST) != 0;
    }

    boolean isSpoiled() {
        return (flags & SPOILED) != 0;
    }

    /** Of a frame that has arrived: a byte of flags and then the content. */
    byte[] received() {
        return content;
    }

    /** The content is written by hand: protocol buffers would copy it twice more. */
    static final MethodDescriptor.Marshaller<Tile> MARSHALLER = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(Tile tile) {
            return new TileStream(tile);
        }

        @Override
        public Tile parse(InputStream stream) {
            try {
                byte[] content = stream.readAllBytes();
                if (content.length == 0) {
                    throw new IOException("a frame without a byte");
                }
                return new Tile(content[0], new long[0], new long[0], content);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };

    private static final class TileStream extends InputStream implements Drainable, KnownLength {
        private final Tile tile;
        private int left;

        TileStream(Tile tile) {
            this.tile = tile;
            this.left = Math.toIntExact(1 + Arrays.stream(tile.lengths).sum());
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int written = left;
            target.write(tile.flags);
            byte[] copy = new byte[COPY_BYTES];
            for (int piece = 0; piece < tile.addresses.length; piece++) {
                long end = tile.addresses[piece] + tile.lengths[piece];
                for (long at = tile.addresses[piece]; at < end; at += COPY_BYTES) {
                    int length = (int) Math.min(COPY_BYTES, end - at);
                    MemorySegment.copy(MEMORY, ValueLayout.JAVA_BYTE, at, copy, 0, length);
                    target.write(copy, 0, length);
                }
            }
            left = 0;
            return written;
        }

        @Override
        public int available() {
            return left;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("a frame is drained, not read");
        }
    }
}
