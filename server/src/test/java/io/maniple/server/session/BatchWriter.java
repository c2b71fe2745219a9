package io.maniple.server.session;

import com.google.protobuf.ByteString;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Layout;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Scalar;
import io.maniple.kernels.ops.OperationTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** Writes batches as a client does. */
final class BatchWriter {
    /** A view of a buffer. */
    record View(long handle, int layout, long offset) {}

    private static long nextHandle = 1;

    private final Batch.Builder batch = Batch.newBuilder().setFormat(2).setNumber(1);
    private final Map<Layout, Integer> layouts = new HashMap<>();

    long buffer(long bytes) {
        long handle = nextHandle++;
        batch.addBuffers(NewBuffer.newBuilder().setHandle(handle).setBytes(bytes));
        return handle;
    }

    long doubles(double... values) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            bytes.putDouble(value);
        }
        long handle = nextHandle++;
        batch.addBuffers(NewBuffer.newBuilder()
                .setHandle(handle)
                .setBytes(8L * values.length)
                .setContent(ByteString.copyFrom(bytes.array())));
        return handle;
    }

    View view(long handle, DType type, long offset, long[] shape, long[] strides) {
        Layout.Builder layout = Layout.newBuilder().setType(type.wire());
        for (int dimension = 0; dimension < shape.length; dimension++) {
            layout.addShape(shape[dimension]).addStrides(strides[dimension]);
        }
        int position = layouts.computeIfAbsent(layout.build(), key -> {
            batch.addLayouts(key);
            return batch.getLayoutsCount() - 1;
        });
        return new View(handle, position, offset);
    }

    View view(long handle, DType type, long... shape) {
        return view(
                handle,
                type,
                0,
                shape,
                io.maniple.bridge.program.Layout.contiguous(type, shape).strides());
    }

    /** A view of a fresh buffer. */
    View fresh(DType type, long... shape) {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        return view(buffer(Math.max(1, elements * type.bytes())), type, shape);
    }

    int scalar(double value) {
        batch.addScalars(Scalar.newBuilder().setType(DType.FLOAT64.wire()).setLow(Double.doubleToRawLongBits(value)));
        return batch.getScalarsCount() - 1;
    }

    int integer(long value) {
        batch.addScalars(Scalar.newBuilder().setType(DType.INT64.wire()).setLow(value));
        return batch.getScalarsCount() - 1;
    }

    /** Operands are views, or Integers for scalars. */
    void add(String name, String signature, Object... operands) {
        batch.addOperation(
                OperationTable.standard().find(name, signature).orElseThrow().number());
        batch.addOperandCount(operands.length);
        batch.addSource(0);
        for (Object operand : operands) {
            switch (operand) {
                case View view -> {
                    batch.addOperandBuffer(view.handle());
                    batch.addOperandLayout(view.layout());
                    batch.addOperandOffset(view.offset());
                }
                case Integer scalar -> {
                    batch.addOperandBuffer(0);
                    batch.addOperandLayout(scalar);
                    batch.addOperandOffset(0);
                }
                default -> throw new IllegalArgumentException(operand.toString());
            }
        }
    }

    void free(long handle) {
        batch.addOperation(0).addOperandCount(1).addSource(0);
        batch.addOperandBuffer(handle).addOperandLayout(0).addOperandOffset(0);
    }

    void observe(View view, long bytes) {
        batch.addObservations(Observation.newBuilder().setHandle(view.handle()).setLength(bytes));
    }

    Batch build() {
        return batch.build();
    }
}
