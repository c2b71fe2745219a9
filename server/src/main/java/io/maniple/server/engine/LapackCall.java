package io.maniple.server.engine;

import org.jspecify.annotations.Nullable;

/**
 * Memory of one thread for calls of LAPACK: parts of it are handed out one after the other, and numbers are passed by
 * the address of a copy.
 */
final class LapackCall {
    private static final long ALIGNMENT = 64;
    /** Rows of a large matrix that a thread turns at a time. */
    private static final long TURNED_ROWS = 64;
    /** Smaller matrices are not worth waking another thread. */
    private static final long LARGE = 65_536;

    private final Lapack lapack;
    private final boolean complex;
    private final @Nullable Workers workers;
    private final long begin;
    private final long end;
    private long next;
    private final long info;

    /** @param workers threads that this one may ask for help; null where each has a matrix of its own */
    LapackCall(Lapack lapack, boolean complex, long begin, long bytes, @Nullable Workers workers) {
        this.workers = workers;
        this.lapack = lapack;
        this.complex = complex;
        this.begin = begin;
        this.end = begin + bytes;
        this.next = begin;
        this.info = begin;
    }

    /** Takes back everything that was handed out. */
    void reset() {
        next = begin;
        Matrices.integer(part(8), 0);
    }

    long part(long bytes) {
        long address = next;
        next += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (next > end) {
            throw new IllegalStateException("too little memory was planned for a call of LAPACK");
        }
        return address;
    }

    /** Memory for elements of the matrices' type. */
    long elements(long count) {
        return part(Math.max(1, count) * bytes());
    }

    int bytes() {
        return complex ? 16 : 8;
    }

    long integer(long value) {
        long address = part(8);
        Matrices.integer(address, value);
        return address;
    }

    /** A character, and a number alike: its first byte is the character. */
    long character(char value) {
        return integer(value);
    }

    /** Where the routine says how it went: the last argument of every routine. */
    long info() {
        return info;
    }

    /** As {@link Matrices#turn}, by all threads where the matrix is large and they are free. */
    void turn(long from, long rowLength, long to, long columnLength, long rows, long columns, int bytes) {
        if (workers == null || rows * columns < LARGE) {
            Matrices.turn(from, rowLength, to, columnLength, rows, columns, bytes);
            return;
        }
        workers.run(
                rows,
                TURNED_ROWS,
                (worker, begin, end) -> Matrices.turn(
                        from + begin * rowLength * bytes,
                        rowLength,
                        to + begin * bytes,
                        columnLength,
                        end - begin,
                        columns,
                        bytes));
    }

    /** Calls the routine for real or complex matrices; whether it succeeded. */
    boolean run(String real, String complexName, long... arguments) {
        lapack.call(complex ? complexName : real, arguments);
        return Matrices.integer(info) == 0;
    }
}
