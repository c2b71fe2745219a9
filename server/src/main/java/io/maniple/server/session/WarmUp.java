package io.maniple.server.session;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Layout;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Scalar;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.kernels.ops.OperationTable;

/**
 * Runs small programs of a session's own before the first client's, so that classes are loaded and the planner's and
 * emitter's code is compiled when somebody waits for it.
 */
final class WarmUp {
    private static final int ROUNDS = 40;
    private static final long SIDE = 64;
    /** Of arrays that are folded in pieces, by several threads. */
    private static final long LARGE_SIDE = 400;

    private final SessionFactory factory;
    private final OperationTable table = OperationTable.standard();
    private long lastHandle;

    WarmUp(SessionFactory factory) {
        this.factory = factory;
    }

    void run() {
        rounds(SessionOptions.getDefaultInstance());
        // Kernels by blocks of rows, of which a program with large arrays has hundreds.
        rounds(SessionOptions.newBuilder().setCascadeAll(true).build());
    }

    private void rounds(SessionOptions options) {
        SharedMemorySettings settings = SharedMemorySettings.ofLimit(1L << 20);
        try (SharedMemory shared = new SharedMemory(new SegmentSource(settings));
                Session session = factory.open(options, shared, "")) {
            for (int round = 0; round < ROUNDS && !Thread.interrupted(); round++) {
                // Another size each time, or the plan would come from the cache.
                session.execute(program(SIDE + round));
            }
            for (int round = 0; round < ROUNDS && !Thread.interrupted(); round++) {
                // The same each time: what is known already is only run, on all threads.
                session.execute(program(LARGE_SIDE));
            }
        }
    }

    /** A chain with a fold, a comparison and a choice, and an update between shifted views. */
    private Batch program(long side) {
        Batch.Builder batch = Batch.newBuilder().setFormat(2).setNumber(1);
        batch.addLayouts(layout(DType.FLOAT64, side, side, side));
        batch.addLayouts(layout(DType.FLOAT64, side, side - 1, side));
        batch.addLayouts(layout(DType.FLOAT64, side, 1, 1));
        batch.addLayouts(Layout.newBuilder()
                .setType(DType.BOOL.wire())
                .addShape(side)
                .addShape(side)
                .addStrides(side)
                .addStrides(1));
        batch.addScalars(Scalar.newBuilder().setType(DType.FLOAT64.wire()).setLow(Double.doubleToRawLongBits(0.5)));
        long bytes = 8 * side * side;
        long x = buffer(batch, bytes);
        long y = buffer(batch, bytes);
        long mask = buffer(batch, bytes);
        long sum = buffer(batch, 8);
        add(batch, "copyto", "d->d", operand(x, 0, 0), operand(0, 0, 0));
        add(batch, "multiply", "dd->d", operand(y, 0, 0), operand(x, 0, 0), operand(0, 0, 0));
        add(batch, "sqrt", "d->d", operand(y, 0, 0), operand(y, 0, 0));
        add(batch, "exp", "d->d", operand(y, 0, 0), operand(y, 0, 0));
        add(batch, "greater", "dd->?", operand(mask, 3, 0), operand(y, 0, 0), operand(x, 0, 0));
        add(batch, "where", "?dd->d", operand(y, 0, 0), operand(mask, 3, 0), operand(x, 0, 0), operand(y, 0, 0));
        add(batch, "add", "dd->d", operand(x, 1, 0), operand(y, 1, 8 * side), operand(y, 1, 0));
        add(batch, "add.reduce", "d->d", operand(sum, 2, 0), operand(x, 0, 0));
        for (long handle : new long[] {x, y, mask}) {
            batch.addOperation(0).addOperandCount(1).addSource(0);
            put(batch, operand(handle, 0, 0));
        }
        return batch.addObservations(Observation.newBuilder().setHandle(sum).setLength(8))
                .build();
    }

    private long buffer(Batch.Builder batch, long bytes) {
        long handle = ++lastHandle;
        batch.addBuffers(NewBuffer.newBuilder().setHandle(handle).setBytes(bytes));
        return handle;
    }

    private static Layout layout(DType type, long side, long rows, long columns) {
        return Layout.newBuilder()
                .setType(type.wire())
                .addShape(rows)
                .addShape(columns)
                .addStrides(type.bytes() * side)
                .addStrides(type.bytes())
                .build();
    }

    private static long[] operand(long handle, long layout, long offset) {
        return new long[] {handle, layout, offset};
    }

    private void add(Batch.Builder batch, String name, String signature, long[]... operands) {
        batch.addOperation(table.find(name, signature).orElseThrow().number());
        batch.addOperandCount(operands.length);
        batch.addSource(0);
        for (long[] operand : operands) {
            put(batch, operand);
        }
    }

    private static void put(Batch.Builder batch, long[] operand) {
        batch.addOperandBuffer(operand[0]);
        batch.addOperandLayout((int) operand[1]);
        batch.addOperandOffset(operand[2]);
    }
}
