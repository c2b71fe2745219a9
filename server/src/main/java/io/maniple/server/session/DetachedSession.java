package io.maniple.server.session;

import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Consumer;

/** A session whose client shares no memory with the server: contents travel apart from the batches. */
public interface DetachedSession extends Session {
    /**
     * Memory for a buffer's content. A batch names it once, as the placement (segment 0, offset {@code number}) of a new
     * buffer. May be called by any thread.
     *
     * @throws ManipleException OUT_OF_MEMORY, before anything is taken
     */
    Upload upload(long bytes);

    /** An upload's memory is filled and is not written to any more: from now on a batch may name it. Any thread. */
    void complete(long number);

    /**
     * An upload whose content is that of a file, complete when this returns.
     *
     * @param file what clients cannot choose freely: the caller has seen to that
     * @param begin where in the file the content begins
     * @return its number
     * @throws IOException if the file cannot be read
     * @throws ManipleException OUT_OF_MEMORY, before anything is taken
     */
    default long load(Path file, long begin, long bytes) throws IOException {
        Upload upload = upload(bytes);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            FileContent.read(channel, begin, upload.memory());
        } catch (IOException | RuntimeException e) {
            discard(upload.number());
            throw e;
        }
        complete(upload.number());
        return upload.number();
    }

    /** Gives up an upload that no batch has named; nothing if one has. May be called by any thread. */
    void discard(long number);

    /**
     * Looks at the content of a buffer; zeros where nothing was ever written. May be called by any thread: it waits for a
     * batch that runs, and batches and {@link #close} wait for it.
     *
     * @throws ManipleException what the client is told: there is no such buffer, or its content could not be computed
     */
    void read(long handle, Consumer<MemorySegment> reader);

    /** Bytes of memory held now. May be called by any thread. */
    long memoryBytes();

    /** Bytes of arrays on disk now. May be called by any thread. */
    long spilledBytes();

    /** What is kept of when the batches ran, as a file for Perfetto or Chrome's tracing page. May be called by any thread. */
    String timelineFile();

    /** The largest buffers, largest first. May be called by any thread. */
    List<BufferInfo> largestBuffers(int most);

    /**
     * A buffer, for people.
     *
     * @param content type and shape of what was written to it last, or of what has been read of it; may be empty
     * @param source the user's line ("file:line") that did so; may be empty
     */
    record BufferInfo(long handle, long bytes, String content, String source) {}

    /** @param memory to be filled by the caller */
    record Upload(long number, MemorySegment memory) {}
}
