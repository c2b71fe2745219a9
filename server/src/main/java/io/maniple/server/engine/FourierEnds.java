package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import java.lang.foreign.ValueLayout;

/** What a call's transforms read and write, as rows of complex numbers in double precision, whatever the arrays hold. */
abstract class FourierEnds {
    /** Where a row's real and imaginary parts lie, and how far apart the elements are. */
    record Row(long real, long imaginary, long step) {
        static Row ofPairs(long address) {
            return new Row(address, address + 8, 16);
        }

        static Row ofLane(long batch, long plane, int lane) {
            return new Row(batch + 8L * lane, batch + plane + 8L * lane, 8L * FourierBatch.LANES);
        }
    }

    private final Lines input;
    private final Lines output;
    final long inLength;
    final long outLength;
    final double factor;
    private final boolean single;
    /** Bytes of a real or an imaginary part. */
    final int part;

    FourierEnds(RoutineCall call) {
        this.input = new Lines(call.address(1), call.layout(1));
        this.output = new Lines(call.address(0), call.layout(0));
        this.inLength = input.length();
        this.outLength = output.length();
        DType type = call.layout(2).type();
        this.single = type == DType.FLOAT32;
        this.part = type.bytes();
        this.factor = single
                ? Scalars.MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, call.address(2))
                : FourierPasses.get(call.address(2));
    }

    /** Of the transforms. */
    abstract long length();

    /** How many elements {@link #store} is asked for. */
    abstract long stores();

    /** Whether what is stored as element {@code index} is made of this element of the result alone. */
    abstract boolean storesOneByOne();

    /** Puts elements of a row where they are transformed. */
    abstract void load(long row, Row work, long begin, long end);

    /** Writes elements of a row's result. */
    abstract void store(long row, Row result, long begin, long end);

    final boolean isSingle() {
        return single;
    }

    final long source(long row) {
        return input.address(row);
    }

    final long sourceStep() {
        return input.step;
    }

    final long target(long row) {
        return output.address(row);
    }

    final long targetStep() {
        return output.step;
    }

    static void put(long address, double value) {
        Scalars.MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, value);
    }

    final double get(long address) {
        return single ? Scalars.MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address) : FourierPasses.get(address);
    }

    final void write(long address, double value) {
        if (single) {
            Scalars.MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, (float) value);
        } else {
            put(address, value);
        }
    }

    /** The rows of an array, in C order of the other dimensions. */
    private static final class Lines {
        private final long address;
        private final Layout layout;
        /** From one element of a row to the next, in bytes. */
        private final long step;

        Lines(long address, Layout layout) {
            this.address = address;
            this.layout = layout;
            this.step = layout.stride(layout.rank() - 1);
        }

        long length() {
            return layout.size(layout.rank() - 1);
        }

        long address(long row) {
            long at = address;
            long rest = row;
            for (int dimension = layout.rank() - 2; dimension >= 0; dimension--) {
                at += rest % layout.size(dimension) * layout.stride(dimension);
                rest /= layout.size(dimension);
            }
            return at;
        }
    }
}
