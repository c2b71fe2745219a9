package io.maniple.daemon.session;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.CompressionCodec;
import dev.hardwood.metadata.LogicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.Validity;
import dev.hardwood.schema.ColumnSchema;
import io.maniple.bridge.proto.DataType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A Parquet file, compressed by Snappy, gzip or not at all. */
final class ParquetTable implements Table {
    static final byte[] MAGIC = {'P', 'A', 'R', '1'};

    /** Others need native libraries. */
    private static final Set<CompressionCodec> CODECS =
            Set.of(CompressionCodec.UNCOMPRESSED, CompressionCodec.SNAPPY, CompressionCodec.GZIP);

    private static final ScheduledExecutorService ALARMS = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("maniple-parquet").factory());

    private final Path file;
    private final Duration patience;
    private final ParquetFileReader reader;
    private final List<Column> columns;

    /** @param patience so long may pass without any rows; the calling thread is interrupted then */
    ParquetTable(Path file, Duration patience) throws IOException {
        this.file = file;
        this.patience = patience;
        this.reader = ParquetFileReader.open(InputFile.of(file));
        for (RowGroup group : reader.getFileMetaData().rowGroups()) {
            for (ColumnChunk chunk : group.columns()) {
                CompressionCodec codec = chunk.metaData().codec();
                if (!CODECS.contains(codec)) {
                    reader.close();
                    throw new IOException("it is compressed by " + codec + ": write it with Snappy, gzip or without");
                }
            }
        }
        this.columns = reader.getFileSchema().getColumns().stream()
                .map(schema -> new Column(schema.fieldPath().toString(), type(schema), given(schema)))
                .toList();
    }

    private static String given(ColumnSchema schema) {
        return schema.maxRepetitionLevel() > 0
                ? "list"
                : schema.logicalType() == null
                        ? schema.type().toString()
                        : schema.logicalType().toString();
    }

    private static Optional<DataType> type(ColumnSchema schema) {
        LogicalType meaning = schema.logicalType();
        if (schema.maxRepetitionLevel() > 0
                || schema.maxDefinitionLevel() > 1
                || (meaning != null && !(meaning instanceof LogicalType.IntType))) {
            return Optional.empty();
        }
        return switch (schema.type()) {
            case BOOLEAN -> Optional.of(DataType.BOOL);
            case FLOAT -> Optional.of(DataType.FLOAT32);
            case DOUBLE -> Optional.of(DataType.FLOAT64);
            case INT32 -> Optional.of(integer(meaning, 32));
            case INT64 -> Optional.of(integer(meaning, 64));
            case INT96, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY -> Optional.empty();
        };
    }

    private static DataType integer(LogicalType meaning, int stored) {
        boolean signed = !(meaning instanceof LogicalType.IntType type) || type.isSigned();
        int bits = meaning instanceof LogicalType.IntType type ? type.bitWidth() : stored;
        return switch (bits) {
            case 8 -> signed ? DataType.INT8 : DataType.UINT8;
            case 16 -> signed ? DataType.INT16 : DataType.UINT16;
            case 32 -> signed ? DataType.INT32 : DataType.UINT32;
            default -> signed ? DataType.INT64 : DataType.UINT64;
        };
    }

    @Override
    public List<Column> columns() {
        return columns;
    }

    @Override
    public long rows() {
        return reader.getFileMetaData().numRows();
    }

    @Override
    public void read(List<Column> wanted, List<MemorySegment> targets) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (RowGroup group : reader.getFileMetaData().rowGroups()) {
                for (Column column : wanted) {
                    ParquetPages.check(channel, group.columns().get(columns.indexOf(column)));
                }
            }
        }
        for (int index = 0; index < wanted.size(); index++) {
            Column column = wanted.get(index);
            int bytes = Table.bytes(column.type().orElseThrow());
            MemorySegment target = targets.get(index);
            long done = 0;
            ColumnReader values = reader.columnReader(columns.indexOf(column));
            try {
                while (patiently(values::nextBatch)) {
                    int rows = values.getRecordCount();
                    copy(column, values, rows, target.asSlice(bytes * done, (long) bytes * rows));
                    done += rows;
                }
            } finally {
                close(values);
            }
            if (done != rows()) {
                throw new IOException("the column '" + column.name() + "' has " + done + " rows of " + rows());
            }
        }
    }

    @FunctionalInterface
    private interface Reading<T> {
        T read() throws IOException;
    }

    /**
     * The library's threads may end at a malformed page without a word, and whoever waits for them would do so for ever.
     */
    private <T> T patiently(Reading<T> reading) throws IOException {
        Thread waiting = Thread.currentThread();
        AtomicBoolean stalled = new AtomicBoolean();
        ScheduledFuture<?> alarm = ALARMS.schedule(
                () -> {
                    stalled.set(true);
                    waiting.interrupt();
                },
                patience.toMillis(),
                TimeUnit.MILLISECONDS);
        try {
            T result = reading.read();
            if (stalled.get()) {
                // Interrupted, the library may say that there are no more rows.
                throw stalled();
            }
            return result;
        } catch (RuntimeException e) {
            if (stalled.get()) {
                throw stalled();
            }
            throw e;
        } finally {
            alarm.cancel(false);
            if (stalled.get()) {
                boolean ignored = Thread.interrupted();
            }
        }
    }

    private static IOException stalled() {
        return new IOException("reading it does not go on: it is malformed");
    }

    private void close(AutoCloseable closeable) throws IOException {
        boolean ignored = patiently(() -> {
            try {
                closeable.close();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
            return true;
        });
    }

    private static void copy(Column column, ColumnReader values, int rows, MemorySegment target) {
        switch (column.type().orElseThrow()) {
            case BOOL -> {
                boolean[] from = values.getBooleans();
                for (int row = 0; row < rows; row++) {
                    target.set(ValueLayout.JAVA_BYTE, row, (byte) (from[row] ? 1 : 0));
                }
            }
            case INT8, UINT8 -> {
                int[] from = values.getInts();
                for (int row = 0; row < rows; row++) {
                    target.set(ValueLayout.JAVA_BYTE, row, (byte) from[row]);
                }
            }
            case INT16, UINT16 -> {
                int[] from = values.getInts();
                for (int row = 0; row < rows; row++) {
                    target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * row, (short) from[row]);
                }
            }
            case INT32, UINT32 ->
                MemorySegment.copy(values.getInts(), 0, target, ValueLayout.JAVA_INT_UNALIGNED, 0, rows);
            case INT64, UINT64 ->
                MemorySegment.copy(values.getLongs(), 0, target, ValueLayout.JAVA_LONG_UNALIGNED, 0, rows);
            case FLOAT32 ->
                MemorySegment.copy(values.getFloats(), 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, rows);
            case FLOAT64 ->
                MemorySegment.copy(values.getDoubles(), 0, target, ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, rows);
            default -> throw new IllegalArgumentException("no type of a column of Parquet: " + column);
        }
        Validity validity = values.getLeafValidity();
        if (validity.hasNulls()) {
            for (int row = 0; row < rows; row++) {
                if (validity.isNull(row)) {
                    Table.writeNull(column, target, row);
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        close(reader);
    }
}
