package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ops.Casts;
import io.maniple.kernels.ops.FloatingPointRules;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Tells by value which errors a product of matrices had: an element that is not finite is looked at together with its
 * row and its column. Ordinary results are read once.
 */
final class ProductErrors {
    private static final long GRAIN = 65_536;
    private static final byte INFINITE = 1;
    private static final byte NAN = 2;

    private final Memory memory;
    private final Workers workers;
    private final ErrorFlags errors;

    ProductErrors(Memory memory, Workers workers, ErrorFlags errors) {
        this.memory = memory;
        this.workers = workers;
        this.errors = errors;
    }

    /** @param product operands: out, a, b, stacks of the same dimensions */
    void look(Instruction product) {
        Lines out = new Lines(product.view(0), true);
        Lines rows = new Lines(product.view(1), true);
        Lines columns = new Lines(product.view(2), false);
        if (out.count() == 0 || out.length() == 0) {
            return;
        }
        long perMatrixRows =
                product.view(0).layout().size(product.view(0).layout().rank() - 2);
        long perMatrixColumns = out.length();
        workers.run(out.count(), Math.max(1, GRAIN / out.length()), (worker, begin, end) -> {
            if (out.areFinite(begin, end)) {
                return;
            }
            for (long row = begin; row < end; row++) {
                if (out.state(row) != 0) {
                    look(out, rows, columns, row, row / perMatrixRows * perMatrixColumns);
                }
            }
        });
    }

    private void look(Lines out, Lines rows, Lines columns, long row, long firstColumn) {
        byte left = rows.state(row);
        for (long column = 0; column < out.length(); column++) {
            byte result = out.state(row, column);
            if (result == 0 || left >= NAN) {
                continue;
            }
            byte right = columns.state(firstColumn + column);
            if (right >= NAN) {
                continue;
            }
            boolean finite = left == 0 && right == 0;
            errors.add((finite ? FloatingPointRules.OVERFLOW : 0) | (result >= NAN ? FloatingPointRules.INVALID : 0));
            if (errors.kinds() == (FloatingPointRules.OVERFLOW | FloatingPointRules.INVALID)) {
                return;
            }
        }
    }

    // An exponent of ones only, which infinities and NaN have, carries into the sign when one is added to it.

    private static boolean isFinite64(long address, int count) {
        MemorySegment values = Scalars.MEMORY;
        long any = 0;
        for (int index = 0; index < count; index++) {
            long bits = values.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8L * index);
            any |= (bits & 0x7ff0_0000_0000_0000L) + 0x0010_0000_0000_0000L;
        }
        return any >= 0;
    }

    private static boolean isFinite32(long address, int count) {
        MemorySegment values = Scalars.MEMORY;
        int any = 0;
        for (int index = 0; index < count; index++) {
            int bits = values.get(ValueLayout.JAVA_INT_UNALIGNED, address + 4L * index);
            any |= (bits & 0x7f80_0000) + 0x0080_0000;
        }
        return any >= 0;
    }

    /** The rows or the columns of a stack of matrices. */
    private final class Lines {
        private final Operand.View view;
        private final Layout layout;
        private final ElementType type;
        private final int parts;
        private final int across;
        private final int along;
        private final boolean isContiguous;

        Lines(Operand.View view, boolean rows) {
            this.view = view;
            this.layout = view.layout();
            this.type = Casts.storage(layout.type());
            this.parts = layout.type().isComplex() ? 2 : 1;
            this.across = layout.rank() - (rows ? 2 : 1);
            this.along = layout.rank() - (rows ? 1 : 2);
            this.isContiguous = rows && layout.isContiguous();
        }

        long length() {
            return layout.size(along);
        }

        long count() {
            return length() == 0 ? 0 : layout.elements() / length();
        }

        private long address(long line) {
            long address = Routines.address(view, memory) + line % layout.size(across) * layout.stride(across);
            long rest = line / layout.size(across);
            for (int dimension = layout.rank() - 3; dimension >= 0; dimension--) {
                address += rest % layout.size(dimension) * layout.stride(dimension);
                rest /= layout.size(dimension);
            }
            return address;
        }

        /** Whether lines, one behind the other, are known to be finite: the quick look at ordinary results. */
        boolean areFinite(long begin, long end) {
            long count = (end - begin) * length() * parts;
            if (!isContiguous || count > Integer.MAX_VALUE) {
                return false;
            }
            return type == ElementType.FLOAT64
                    ? isFinite64(address(begin), (int) count)
                    : type == ElementType.FLOAT32 && isFinite32(address(begin), (int) count);
        }

        byte state(long line) {
            long address = address(line);
            byte state = 0;
            for (long index = 0; index < length(); index++) {
                state |= stateAt(address + index * layout.stride(along));
            }
            return state;
        }

        byte state(long line, long index) {
            return stateAt(address(line) + index * layout.stride(along));
        }

        private byte stateAt(long address) {
            byte state = 0;
            for (int part = 0; part < parts; part++) {
                double value = ErrorFlags.real(type, Scalars.read(type, address + (long) part * type.bytes()));
                state |= Double.isNaN(value) ? NAN : Double.isInfinite(value) ? INFINITE : 0;
            }
            return state;
        }
    }
}
