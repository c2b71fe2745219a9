package io.maniple.server.gateway;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/** Fails on a line that is longer than allowed, before anybody has collected it in memory. */
final class BoundedLineStream extends FilterInputStream {
    private volatile int limit;
    private int length;

    BoundedLineStream(InputStream in, int limit) {
        super(in);
        this.limit = limit;
    }

    void limitTo(int bytes) {
        limit = bytes;
    }

    @Override
    public int read() throws IOException {
        int next = super.read();
        count((byte) next, next >= 0);
        return next;
    }

    @Override
    public int read(byte[] buffer, int offset, int wanted) throws IOException {
        // No more than the limit at once: the reader's buffers stay small while the client is unknown.
        int got = super.read(buffer, offset, Math.min(wanted, limit));
        for (int i = 0; i < got; i++) {
            count(buffer[offset + i], true);
        }
        return got;
    }

    private void count(byte next, boolean present) throws IOException {
        if (!present) {
            return;
        }
        if (next == '\n') {
            length = 0;
        } else if (++length > limit) {
            throw new LineTooLongException(limit);
        }
    }

    static final class LineTooLongException extends IOException {
        private static final long serialVersionUID = 1;

        LineTooLongException(int limit) {
            super(String.format(Locale.ROOT, "a line of more than %,d bytes", limit));
        }
    }
}
