package io.maniple.daemon.session;

import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** A file of named columns of equal length. */
sealed interface Table extends AutoCloseable permits ArrowTable, ParquetTable {
    /**
     * @param type empty: it has no counterpart among NumPy's numbers
     * @param given the file's own name of the type
     */
    record Column(String name, Optional<DataType> type, String given) {}

    List<Column> columns();

    long rows();

    /**
     * Writes columns to memory, one after another from the first row to the last.
     *
     * @param targets where each begins, as long as it needs
     * @throws ManipleException where a column has values that its type cannot hold: nulls, in integers and booleans
     * @throws IOException where the file is not what it seems
     */
    void read(List<Column> columns, List<MemorySegment> targets) throws IOException;

    @Override
    void close() throws IOException;

    static int bytes(DataType type) {
        return switch (type) {
            case BOOL, INT8, UINT8 -> 1;
            case INT16, UINT16, FLOAT16 -> 2;
            case INT32, UINT32, FLOAT32 -> 4;
            case INT64, UINT64, FLOAT64 -> 8;
            default -> throw new IllegalArgumentException("no type of a column: " + type);
        };
    }

    /** Writes what stands for a null: NaN, where there is one. */
    static void writeNull(Column column, MemorySegment target, long row) {
        switch (column.type().orElseThrow()) {
            case FLOAT16 -> target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * row, (short) 0x7e00);
            case FLOAT32 -> target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * row, Float.NaN);
            case FLOAT64 -> target.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * row, Double.NaN);
            default ->
                throw new ManipleException(
                        Status.INVALID_PROGRAM,
                        "the column '" + column.name() + "' (" + column.given()
                                + ") has nulls: only floating-point columns may, which become NaN");
        }
    }
}
