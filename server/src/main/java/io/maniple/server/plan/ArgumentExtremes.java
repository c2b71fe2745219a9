package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.Value;
import java.util.Arrays;
import java.util.List;

/**
 * argmax and argmin as two folds, unless a routine does it in one ({@link #isReadOnce}): the extreme value, then the smallest index at which it stands. NumPy's rule that the
 * first NaN wins follows, since a NaN is the extreme of any data that holds one.
 */
final class ArgumentExtremes {
    /** A row that a kernel folds in one go. */
    private static final long PIECE = 4_096;

    private static final long LEAST_PIECES = 64;
    /** Shorter rows cost more calls than they save. */
    private static final long LEAST_ROW = 512;

    private ArgumentExtremes() {}

    static boolean isOne(Operation operation) {
        return operation.name().equals("argmax.reduce") || operation.name().equals("argmin.reduce");
    }

    static void expand(Planner planner, Operation operation, Instruction instruction) {
        Operand.View output = instruction.view(0);
        Operand.View input = instruction.view(1);
        DType type = operation.inputs().get(0);
        if (output.layout().elements() == 0 || input.layout().elements() == 0) {
            return;
        }
        if (isReadOnce(planner, output, input)) {
            planner.addRoutine(instruction, operation, false);
            return;
        }
        String extreme = operation.name().equals("argmax.reduce") ? "maximum.reduce" : "minimum.reduce";
        Operation fold = planner.table()
                .find(extreme, type.character() + "->" + type.character())
                .orElseThrow(() -> new IllegalStateException(extreme + " lacks the type " + type));
        if (output.layout().elements() == 1 && isLongRow(input.layout())) {
            expandByPieces(planner, operation, fold, output, input, instruction.source());
            return;
        }
        Layout kept = Layout.contiguous(type, output.layout().shape());
        int buffer = planner.newTemporary(kept.highest());
        Operand.View best = new Operand.View(buffer, kept, 0);
        planner.addFold(fold, best, List.of(input), null, null, instruction.source());

        int rank = input.layout().rank();
        long[] shape = input.layout().shape();
        long[] foldedShape = shape.clone();
        long[] strides = kept.strides();
        for (int dimension = 0; dimension < rank; dimension++) {
            if (output.layout().size(dimension) == 1 && shape[dimension] != 1) {
                strides[dimension] = 0;
            } else {
                foldedShape[dimension] = 1;
            }
        }
        long[] index = Planner.cOrder(foldedShape);
        for (int dimension = 0; dimension < rank; dimension++) {
            if (foldedShape[dimension] == 1) {
                index[dimension] = 0;
            }
        }
        Operand.View broadcast = new Operand.View(buffer, new Layout(type, shape, strides), 0);
        planner.addFold(first(operation, type), output, List.of(input, broadcast), null, index, instruction.source());
    }

    /**
     * Rows that lie in memory are searched by a routine that reads them once; what the batch itself makes is folded while
     * it is in the cache.
     */
    private static boolean isReadOnce(Planner planner, Operand.View output, Operand.View input) {
        Layout values = input.layout();
        DType type = values.type();
        int last = values.rank() - 1;
        boolean whole = output.layout().elements() == 1;
        boolean rows = !whole
                && output.layout().size(last) == 1
                && output.layout().elements() * values.size(last) == values.elements()
                && values.size(last) >= LEAST_ROW;
        return (whole || rows)
                && type != DType.BOOL
                && !type.isComplex()
                && values.elements() >= LEAST_PIECES * PIECE
                && values.isContiguous()
                && output.layout().isContiguous()
                && output.buffer() != input.buffer()
                && planner.isThere(input.buffer());
    }

    private static boolean isLongRow(Layout layout) {
        return layout.elements() >= LEAST_PIECES * PIECE
                && Arrays.equals(
                        layout.strides(),
                        Layout.contiguous(layout.type(), layout.shape()).strides());
    }

    /**
     * The answer for each piece of the row, both folds while it is in the cache; then for the pieces: the first one with
     * the extreme value has it first.
     */
    private static void expandByPieces(
            Planner planner, Operation operation, Operation fold, Operand.View output, Operand.View input, int source) {
        DType type = input.layout().type();
        long elements = input.layout().elements();
        long whole = elements / PIECE;
        long rest = elements - whole * PIECE;
        long pieces = whole + (rest > 0 ? 1 : 0);
        int best = planner.newTemporary(pieces * type.bytes());
        int place = planner.newTemporary(pieces * Long.BYTES);
        pieces(planner, operation, fold, input, input.offset(), whole, PIECE, best, place, 0, source);
        if (rest > 0) {
            long offset = input.offset() + whole * PIECE * type.bytes();
            pieces(planner, operation, fold, input, offset, 1, rest, best, place, whole, source);
        }
        int extreme = planner.newTemporary(type.bytes());
        Operand.View bests = view(best, type, 0, new long[] {pieces}, type.bytes());
        Operand.View places = view(place, DType.INT64, 0, new long[] {pieces}, Long.BYTES);
        planner.addFold(fold, view(extreme, type, 0, new long[] {1}, 0), List.of(bests), null, null, source);
        planner.addFold(
                firstPiece(operation, type),
                view(output.buffer(), output.layout().type(), output.offset(), new long[] {1}, 0),
                List.of(bests, view(extreme, type, 0, new long[] {pieces}, 0), places),
                null,
                new long[] {PIECE},
                source);
    }

    private static void pieces(
            Planner planner,
            Operation operation,
            Operation fold,
            Operand.View input,
            long offset,
            long count,
            long length,
            int best,
            int place,
            long first,
            int source) {
        DType type = input.layout().type();
        int bytes = type.bytes();
        long[] shape = {count, length};
        long[] ends = {count, 1};
        Operand.View rows = view(input.buffer(), type, offset, shape, length * bytes, bytes);
        planner.addFold(fold, view(best, type, first * bytes, ends, bytes, 0), List.of(rows), null, null, source);
        planner.addFold(
                first(operation, type),
                view(place, DType.INT64, first * Long.BYTES, ends, Long.BYTES, 0),
                List.of(rows, view(best, type, first * bytes, shape, bytes, 0)),
                null,
                new long[] {0, 1},
                source);
    }

    private static Operand.View view(int buffer, DType type, long offset, long[] shape, long... strides) {
        return new Operand.View(buffer, new Layout(type, shape, strides), offset);
    }

    /** Of pieces: the index within the first piece whose extreme is that of all. */
    private static Operation firstPiece(Operation operation, DType type) {
        return new Operation(
                operation.number(),
                operation.name(),
                List.of(type, type, DType.INT64),
                List.of(DType.INT64),
                new Operation.Kind.Fold(Reduction.MINIMUM, DType.INT64, (builder, inputs) -> {
                    int index = builder.apply(
                            Primitive.ADD, builder.index(), inputs.get(2).real());
                    return where(builder, inputs, index);
                }),
                0.0);
    }

    /** Folds to the smallest index at which the first input equals the second, or both are NaN. */
    private static Operation first(Operation operation, DType type) {
        return new Operation(
                operation.number(),
                operation.name(),
                List.of(type, type),
                List.of(DType.INT64),
                new Operation.Kind.Fold(Reduction.MINIMUM, DType.INT64, (builder, inputs) -> {
                    return where(builder, inputs, builder.index());
                }),
                0.0);
    }

    /** The index where the first input is the second or NaN, and no index elsewhere. */
    private static List<Value> where(KernelBuilder builder, List<Value> inputs, int index) {
        int value = inputs.get(0).real();
        int found = builder.apply(Primitive.EQUAL, value, inputs.get(1).real());
        if (builder.typeOf(value).isFloating()) {
            found = builder.apply(Primitive.OR, found, builder.apply(Primitive.NOT_EQUAL, value, value));
        }
        int none = builder.literal(ElementType.INT64, Long.MAX_VALUE);
        return List.of(Value.of(builder.apply(Primitive.SELECT, found, index, none)));
    }
}
