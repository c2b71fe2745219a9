package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.GatherForm;
import io.maniple.kernels.ir.GatherForm.Arguments;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Copies rows by index, one behind the other: by machine code where the engine has it. */
final class RowCopy {
    /** A core's own cache. */
    private static final long NEAR_BYTES = 1 << 20;
    /** Of longer rows each is a copy worth a call; and machine code must be back before long. */
    private static final long MOST_BYTES = 1 << 16;

    private static final int ALIGNMENT = 64;
    /** As many rows as an index of a byte names. */
    private static final long BYTES = 256;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final ElementType index;
    private final long source;
    private final long rows;
    private final long rowBytes;
    private final @Nullable GatherForm form;
    private final @Nullable Executable code;

    /**
     * @param index the indices' type, a whole number
     * @param source the address of the first of so many rows
     * @param target where rows will be copied to
     * @param count how many that will be
     */
    RowCopy(Compilers compilers, ElementType index, long source, long rows, long rowBytes, long target, long count) {
        this(compilers, index, source, rows, rowBytes, target, count, rows * rowBytes > NEAR_BYTES);
    }

    private RowCopy(
            Compilers compilers,
            ElementType index,
            long source,
            long rows,
            long rowBytes,
            long target,
            long count,
            boolean distant) {
        this.index = index;
        this.source = source;
        this.rows = rows;
        this.rowBytes = rowBytes;
        int widest = compilers.moveBytes();
        if (widest == 0 || rowBytes == 0 || rowBytes > MOST_BYTES) {
            this.form = null;
            this.code = null;
            return;
        }
        boolean streaming = count * rowBytes > LaunchBuilder.STREAMING_BYTES
                && rowBytes % ALIGNMENT == 0
                && target % ALIGNMENT == 0;
        this.form = GatherForm.of(index, widest, rowBytes, distant, streaming);
        Optional<Executable> lookUp =
                index == ElementType.UINT8 && rowBytes == 1 && rows >= BYTES ? compilers.lookUp() : Optional.empty();
        this.code = lookUp.or(() -> compilers.gather(form)).orElse(null);
    }

    /** Of rows that are taken in their order, or nearly so. */
    static RowCopy near(
            Compilers compilers, ElementType index, long source, long rows, long rowBytes, long target, long count) {
        return new RowCopy(compilers, index, source, rows, rowBytes, target, count, false);
    }

    /**
     * Copies some rows.
     *
     * @param indices the address of all indices
     * @param all how many there are
     * @param target where the row of the index {@code begin} goes
     * @return the first of the indices that is out of bounds, where copying ended; {@code end} if there is none
     */
    long run(long indices, long all, long begin, long end, long target) {
        if (code == null || form == null) {
            return plain(indices, begin, end, target);
        }
        int bytes = index.bytes();
        try (Arena arena = Arena.ofConfined()) {
            long block = arena.allocate(Arguments.BYTES, 8).address();
            put(block + Arguments.INDICES, indices + bytes * begin);
            put(block + Arguments.END, indices + bytes * end);
            put(block + Arguments.AHEAD, indices + bytes * Math.min(end, Math.max(begin, all - form.ahead())));
            put(block + Arguments.ROWS, rows);
            put(block + Arguments.ROW_BYTES, rowBytes);
            put(block + Arguments.SOURCE, source);
            put(block + Arguments.TARGET, target);
            code.run(block);
            return (MEMORY.get(ValueLayout.JAVA_LONG, block + Arguments.INDICES) - indices) / bytes;
        }
    }

    private static void put(long address, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG, address, value);
    }

    private long plain(long indices, long begin, long end, long target) {
        for (long item = begin; item < end; item++) {
            long position = Scalars.read(index, indices + index.bytes() * item);
            position += position < 0 ? rows : 0;
            if (Long.compareUnsigned(position, rows) >= 0) {
                return item;
            }
            Elements.copy(source + position * rowBytes, target + (item - begin) * rowBytes, rowBytes);
        }
        return end;
    }
}
