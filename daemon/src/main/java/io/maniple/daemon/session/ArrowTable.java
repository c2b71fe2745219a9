package io.maniple.daemon.session;

import io.maniple.bridge.proto.DataType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.SeekableReadChannel;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/** An Arrow IPC file ("Feather"), not compressed. */
final class ArrowTable implements Table {
    static final byte[] MAGIC = {'A', 'R', 'R', 'O', 'W', '1'};

    private static final int MOST_METADATA_BYTES = 16 << 20;
    /** Record batches larger than that are refused. */
    private static final long BATCH_BYTES = 1L << 30;

    private final RootAllocator allocator = new RootAllocator(BATCH_BYTES);
    private final FileChannel channel;
    private final ArrowFileReader reader;
    private final List<Column> columns;
    private final long rows;

    ArrowTable(Path file) throws IOException {
        this.channel = FileChannel.open(file, StandardOpenOption.READ);
        this.reader = new ArrowFileReader(new SeekableReadChannel(channel), allocator);
        try {
            this.columns = reader.getVectorSchemaRoot().getSchema().getFields().stream()
                    .map(field -> new Column(field.getName(), type(field), given(field)))
                    .toList();
            this.rows = count();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private static String given(Field field) {
        return field.getDictionary() == null ? field.getType().toString() : "Dictionary";
    }

    private static Optional<DataType> type(Field field) {
        if (field.getDictionary() != null) {
            return Optional.empty();
        }
        return switch (field.getType()) {
            case ArrowType.Bool ignored -> Optional.of(DataType.BOOL);
            case ArrowType.Int number ->
                Optional.of(
                        switch (number.getBitWidth()) {
                            case 8 -> number.getIsSigned() ? DataType.INT8 : DataType.UINT8;
                            case 16 -> number.getIsSigned() ? DataType.INT16 : DataType.UINT16;
                            case 32 -> number.getIsSigned() ? DataType.INT32 : DataType.UINT32;
                            default -> number.getIsSigned() ? DataType.INT64 : DataType.UINT64;
                        });
            case ArrowType.FloatingPoint number ->
                Optional.of(
                        switch (number.getPrecision()) {
                            case HALF -> DataType.FLOAT16;
                            case SINGLE -> DataType.FLOAT32;
                            case DOUBLE -> DataType.FLOAT64;
                        });
            default -> Optional.empty();
        };
    }

    /** Counts the rows by the metadata of the record batches alone. */
    private long count() throws IOException {
        long found = 0;
        for (ArrowBlock block : reader.getRecordBlocks()) {
            int length = block.getMetadataLength();
            if (length < 8 || length > MOST_METADATA_BYTES || block.getBodyLength() > BATCH_BYTES) {
                throw new IOException("a record batch of " + block.getBodyLength() + " bytes");
            }
            ByteBuffer metadata = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            DataFiles.fill(channel, block.getOffset(), metadata);
            // Since version 0.15 of the format the length comes after four bytes of ones.
            metadata.position(metadata.getInt(0) == -1 ? 8 : 4);
            Message message = Message.getRootAsMessage(metadata.slice().order(ByteOrder.LITTLE_ENDIAN));
            if (!(message.header(new RecordBatch()) instanceof RecordBatch batch) || batch.length() < 0) {
                throw new IOException("no record batch where one should be");
            }
            if (batch.compression() != null) {
                throw new IOException("its record batches are compressed, which is not supported: write it without");
            }
            found = Math.addExact(found, batch.length());
        }
        return found;
    }

    @Override
    public List<Column> columns() {
        return columns;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public void read(List<Column> wanted, List<MemorySegment> targets) throws IOException {
        VectorSchemaRoot root = reader.getVectorSchemaRoot();
        long done = 0;
        for (ArrowBlock block : reader.getRecordBlocks()) {
            reader.loadRecordBatch(block);
            for (int index = 0; index < wanted.size(); index++) {
                Column column = wanted.get(index);
                int bytes = Table.bytes(column.type().orElseThrow());
                long length = (long) bytes * root.getRowCount();
                copy(
                        column,
                        root.getVector(columns.indexOf(column)),
                        root.getRowCount(),
                        targets.get(index).asSlice(bytes * done, length));
            }
            done += root.getRowCount();
        }
    }

    private static void copy(Column column, FieldVector vector, int rows, MemorySegment target) {
        if (vector instanceof BitVector bits) {
            for (int row = 0; row < rows; row++) {
                target.set(ValueLayout.JAVA_BYTE, row, bits.isNull(row) ? 0 : (byte) bits.get(row));
            }
        } else if (rows > 0) {
            // A buffer that is shorter than its rows is refused here.
            MemorySegment content = MemorySegment.ofAddress(
                            vector.getDataBuffer().memoryAddress())
                    .reinterpret(vector.getDataBuffer().capacity());
            MemorySegment.copy(content, 0, target, 0, target.byteSize());
        }
        if (vector.getNullCount() > 0) {
            for (int row = 0; row < rows; row++) {
                if (vector.isNull(row)) {
                    Table.writeNull(column, target, row);
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        reader.close();
        channel.close();
        allocator.close();
    }
}
