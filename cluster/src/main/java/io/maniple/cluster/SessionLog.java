package io.maniple.cluster;

import io.maniple.bridge.proto.Batch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a session has been told since its last checkpoint, in order: doing it again on other workers gives the same arrays,
 * to the bit. What the client has sent stays here until a checkpoint holds it.
 */
final class SessionLog {
    /** Something that was told. */
    sealed interface Entry {
        long bytes();
    }

    /** @param number the batch's in the session, without gaps */
    record BatchEntry(long number, Batch batch) implements Entry {
        @Override
        public long bytes() {
            return batch.getSerializedSize();
        }
    }

    /** The content of an upload that a batch behind it introduces. */
    record ContentEntry(ClientContent upload) implements Entry {
        @Override
        public long bytes() {
            return upload.bytes();
        }
    }

    /**
     * A file with the content of an upload that a batch behind it introduces.
     *
     * @param begin where in the file the content begins
     * @param modified milliseconds since 1970
     */
    record FileEntry(long upload, Path file, long begin, long size, long modified) implements Entry {
        @Override
        public long bytes() {
            return 0;
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private long bytes;

    void add(Entry entry) {
        entries.add(entry);
        bytes += entry.bytes();
    }

    int size() {
        return entries.size();
    }

    Entry get(int index) {
        return entries.get(index);
    }

    long bytes() {
        return bytes;
    }

    /** Takes back what was added last, down to a size. */
    void cut(int size) {
        while (entries.size() > size) {
            bytes -= entries.removeLast().bytes();
        }
    }

    /** Forgets everything: a checkpoint holds what came of it. */
    void clear() {
        for (Entry entry : entries) {
            if (entry instanceof ContentEntry content) {
                content.upload().release();
            }
        }
        entries.clear();
        bytes = 0;
    }
}
