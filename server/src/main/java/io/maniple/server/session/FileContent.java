package io.maniple.server.session;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Reads arrays from files. */
public final class FileContent {
    private static final long PIECE_BYTES = 64L << 20;

    private FileContent() {}

    /**
     * Fills memory from a position of a file.
     *
     * @throws EOFException if the file ends before
     */
    public static void read(FileChannel channel, long position, MemorySegment target) throws IOException {
        for (long done = 0; done < target.byteSize(); done += PIECE_BYTES) {
            ByteBuffer piece = target.asSlice(done, Math.min(PIECE_BYTES, target.byteSize() - done))
                    .asByteBuffer();
            long at = position + done;
            while (piece.hasRemaining()) {
                int count = channel.read(piece, at);
                if (count < 0) {
                    throw new EOFException("it ends before its data do");
                }
                at += count;
            }
        }
    }
}
