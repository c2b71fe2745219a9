package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.Conversions.wide;
import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.List;

/**
 * Selects instructions for a kernel's nodes. With W the bytes of the widest type, a half step treats e = 32 / W
 * elements; a value of type T has its e lanes in the low e * sizeof(T) bytes of one register, so no value ever spans
 * two and all of them keep in step. BOOL values are lane masks (0 or -1) of the width they were made in, and are
 * brought to another width where they are used.
 */
final class Lowering {
    /** A node's value: its step's number and, for BOOL, the bytes of a mask lane (0: all lanes equal, fits any). */
    private record Value(int id, int maskBytes) {}

    /** A reduction's place: its identity value and the bytes of a lane. */
    record Accumulator(int identity, int bytes, boolean wide) {}

    private final Kernel kernel;
    private final List<Kernel.Access> accesses;
    private final boolean streaming;
    private final int lanes;
    private final Steps steps = new Steps();
    private final Conversions conversions = new Conversions(steps);
    private final Integers integers = new Integers(steps, conversions);
    private final Floats floats;
    private final Value[] values;
    private final List<Accumulator> accumulators = new ArrayList<>();

    Lowering(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        this.kernel = kernel;
        this.accesses = accesses;
        this.streaming = streaming;
        this.lanes = 32 / kernel.widestBytes();
        this.floats = new Floats(steps, lanes);
        this.values = new Value[kernel.nodes().size()];
    }

    Steps lower() {
        List<Node> nodes = kernel.nodes();
        for (int k = 0; k < nodes.size(); k++) {
            switch (nodes.get(k)) {
                case Node.Load load -> values[k] = load(load);
                case Node.Scalar scalar -> values[k] = scalar(scalar);
                case Node.Literal literal -> values[k] = literal(literal);
                case Node.Index index -> values[k] = new Value(index(), 0);
                case Node.Apply apply -> values[k] = apply(apply);
                case Node.Cast cast -> values[k] = cast(cast.value(), cast.from(), cast.type());
                case Node.Reinterpret(int value, ElementType from, ElementType type) ->
                    values[k] = from == ElementType.BOOL || type == ElementType.BOOL
                            ? cast(value, from, type)
                            : values[value];
                case Node.Store store -> store(store);
                case Node.Reduce reduce -> reduce(reduce);
            }
        }
        finish();
        return steps;
    }

    List<Accumulator> accumulators() {
        return accumulators;
    }

    int lanes() {
        return lanes;
    }

    // ---- leaves

    private Value load(Node.Load load) {
        ElementType storage = load.storage();
        if (accesses.get(load.operand()) == Kernel.Access.BROADCAST) {
            return uniform(steps.splatOperand(load.operand(), storage.bytes()), storage);
        }
        int value = steps.load(load.operand(), storage.bytes(), wide(storage.bytes(), lanes));
        return switch (storage) {
            case BOOL -> new Value(conversions.numberToMask(value, ElementType.BOOL, lanes), 1);
            case FLOAT16 -> new Value(floats.fromHalf(value), 0);
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 -> new Value(value, 0);
        };
    }

    private Value uniform(int value, ElementType storage) {
        return switch (storage) {
            case BOOL -> {
                int isZero = steps.vector(PCMPEQB, true, 0, value, steps.literal(0, 8));
                yield new Value(integers.not(isZero, true), 0);
            }
            case FLOAT16 -> new Value(floats.fromHalf(value), 0);
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 -> new Value(value, 0);
        };
    }

    private Value scalar(Node.Scalar scalar) {
        int word = Kernel.Arguments.scalars(kernel.operands()) + scalar.slot();
        return uniform(steps.splatArgument(word, scalar.type().bytes()), scalar.type());
    }

    private Value literal(Node.Literal literal) {
        if (literal.type() == ElementType.BOOL) {
            return new Value(steps.literal(literal.bits() == 0 ? 0 : -1L, 8), 0);
        }
        return new Value(steps.literal(literal.bits(), literal.type().bytes()), 0);
    }

    private int index() {
        int step = steps.splatArgument(Kernel.Arguments.INDEX_STEP0, Long.BYTES);
        int offsets = integers.multiply(ElementType.INT64, step, steps.literal(0, 1, 2, 3), lanes);
        return steps.vector(PADDQ, true, 0, steps.indexBase(), offsets);
    }

    // ---- operations

    private Value apply(Node.Apply apply) {
        Primitive primitive = apply.primitive();
        ElementType type = apply.type();
        if (primitive == Primitive.SELECT) {
            return select(apply);
        }
        if (type == ElementType.BOOL) {
            return bool(apply);
        }
        List<Integer> ids = apply.arguments().stream().map(node -> values[node].id).toList();
        int result = type.isFloating()
                ? floats.apply(primitive, type, ids)
                : integer(primitive, type, apply.arguments(), ids);
        return new Value(result, primitive.isComparison() ? type.bytes() : 0);
    }

    private int integer(Primitive primitive, ElementType type, List<Integer> nodes, List<Integer> ids) {
        boolean wide = wide(type.bytes(), lanes);
        int x = ids.get(0);
        int y = ids.size() > 1 ? ids.get(1) : -1;
        return switch (primitive) {
            case ADD -> integers.add(type, x, y, lanes);
            case SUBTRACT -> integers.subtract(type, x, y, lanes);
            case MULTIPLY -> integers.multiply(type, x, y, lanes);
            case MINIMUM -> integers.minimum(type, x, y, lanes);
            case MAXIMUM -> integers.maximum(type, x, y, lanes);
            case NEGATE -> integers.negate(type, x, lanes);
            case ABSOLUTE -> integers.absolute(type, x, lanes);
            case AND -> steps.vector(PAND, wide, 0, x, y);
            case OR -> steps.vector(POR, wide, 0, x, y);
            case XOR -> steps.vector(PXOR, wide, 0, x, y);
            case NOT -> integers.not(x, wide);
            case SHIFT_LEFT ->
                kernel.nodes().get(nodes.get(1)) instanceof Node.Literal literal
                        ? integers.shiftLeftBy(type, x, literal.bits(), lanes)
                        : integers.shiftLeft(type, x, y, lanes);
            case SHIFT_RIGHT ->
                kernel.nodes().get(nodes.get(1)) instanceof Node.Literal literal
                        ? integers.shiftRightBy(type, x, literal.bits(), lanes)
                        : integers.shiftRight(type, x, y, lanes);
            case LESS -> integers.greater(type, y, x, lanes);
            case LESS_EQUAL -> integers.lessOrEqual(type, x, y, lanes);
            case EQUAL -> integers.equal(type, x, y, lanes);
            case NOT_EQUAL -> integers.not(integers.equal(type, x, y, lanes), wide);
            case QUOTIENT -> integers.quotient(type, x, y, lanes);
            case REMAINDER -> integers.remainder(type, x, y, lanes);
            case FLOOR, CEIL, TRUNC, RINT -> x;
            default -> throw new UnsupportedKernelException(primitive + " of " + type);
        };
    }

    private Value select(Node.Apply apply) {
        Value condition = values[apply.arguments().get(0)];
        Value yes = values[apply.arguments().get(1)];
        Value no = values[apply.arguments().get(2)];
        ElementType type = apply.type();
        if (type == ElementType.BOOL) {
            int width = Math.max(condition.maskBytes, Math.max(yes.maskBytes, no.maskBytes));
            return new Value(
                    steps.vector(
                            PBLENDVB, maskWide(width), 0, mask(no, width), mask(yes, width), mask(condition, width)),
                    width);
        }
        VectorOp op =
                switch (type) {
                    case FLOAT32 -> BLENDVPS;
                    case FLOAT64 -> BLENDVPD;
                    default -> PBLENDVB;
                };
        int mask = mask(condition, type.bytes());
        return new Value(steps.vector(op, wide(type.bytes(), lanes), 0, no.id, yes.id, mask), 0);
    }

    private int mask(Value value, int bytes) {
        return conversions.mask(value.id, value.maskBytes, bytes, lanes);
    }

    private boolean maskWide(int bytes) {
        return bytes == 0 || wide(bytes, lanes);
    }

    /** Logic on masks, in the wider of the arguments' widths: widening costs one instruction, narrowing three. */
    private Value bool(Node.Apply apply) {
        Value first = values[apply.arguments().get(0)];
        Value second = values[apply.arguments().get(apply.arguments().size() - 1)];
        int width = Math.max(first.maskBytes, second.maskBytes);
        return new Value(combineMasks(apply.primitive(), mask(first, width), mask(second, width), maskWide(width)), width);
    }

    private int combineMasks(Primitive primitive, int x, int y, boolean wide) {
        return switch (primitive) {
            case AND, MINIMUM, MULTIPLY -> steps.vector(PAND, wide, 0, x, y);
            case OR, MAXIMUM, ADD -> steps.vector(POR, wide, 0, x, y);
            case XOR, NOT_EQUAL -> steps.vector(PXOR, wide, 0, x, y);
            case EQUAL -> integers.not(steps.vector(PXOR, wide, 0, x, y), wide);
            case LESS -> steps.vector(PANDN, wide, 0, x, y);
            case LESS_EQUAL -> integers.not(steps.vector(PANDN, wide, 0, y, x), wide);
            case NOT -> integers.not(x, wide);
            default -> throw new UnsupportedKernelException(primitive + " of BOOL");
        };
    }

    private Value cast(int node, ElementType from, ElementType type) {
        Value value = values[node];
        if (from == type) {
            return value;
        }
        if (type == ElementType.BOOL) {
            return new Value(conversions.numberToMask(value.id, from, lanes), from.bytes());
        }
        if (from == ElementType.BOOL) {
            return new Value(conversions.maskToNumber(mask(value, type.bytes()), type, lanes), 0);
        }
        return new Value(conversions.cast(value.id, from, type, lanes), 0);
    }

    // ---- results

    private void store(Node.Store store) {
        Value value = values[store.value()];
        ElementType storage = store.storage();
        int stored =
                switch (storage) {
                    case BOOL -> conversions.maskToNumber(mask(value, 1), ElementType.BOOL, lanes);
                    case FLOAT16 -> floats.toHalf(value.id);
                    case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 -> value.id;
                };
        int mask = store.mask() < 0 ? -1 : mask(values[store.mask()], storage.bytes());
        boolean bypass = streaming && mask < 0 && accesses.get(store.operand()) == Kernel.Access.CONTIGUOUS;
        steps.store(store.operand(), storage.bytes(), bypass, stored, mask);
    }

    private void reduce(Node.Reduce reduce) {
        boolean isBool = reduce.type() == ElementType.BOOL;
        Value value = values[reduce.value()];
        int bytes = isBool ? Math.max(1, value.maskBytes) : reduce.type().bytes();
        long identity = reduce.reduction().identityBits(reduce.type());
        int identityId =
                isBool ? steps.literal(identity == 0 ? 0 : -1L, 8) : steps.literal(identity, reduce.type().bytes());
        boolean wide = wide(bytes, lanes);
        int number = accumulators.size();
        accumulators.add(new Accumulator(identityId, bytes, wide));
        int former = steps.readAccumulator(number, wide);
        int next = combine(reduce.reduction(), reduce.type(), bytes, former, value.id, lanes);
        steps.writeAccumulator(number, bytes, next, former);
    }

    private int combine(Reduction reduction, ElementType type, int bytes, int x, int y, int count) {
        Primitive primitive = reduction.primitive();
        if (type == ElementType.BOOL) {
            return combineMasks(primitive, x, y, wide(bytes, count));
        }
        if (type.isFloating()) {
            return floats.combine(primitive, type, x, y, count);
        }
        boolean wide = wide(bytes, count);
        return switch (reduction) {
            case SUM -> integers.add(type, x, y, count);
            case PRODUCT -> integers.multiply(type, x, y, count);
            case MINIMUM -> integers.minimum(type, x, y, count);
            case MAXIMUM -> integers.maximum(type, x, y, count);
            case AND -> steps.vector(PAND, wide, 0, x, y);
            case OR -> steps.vector(POR, wide, 0, x, y);
            case XOR -> steps.vector(PXOR, wide, 0, x, y);
        };
    }

    /** Folds the partial results of every reduction: upper half onto lower half, down to one lane. */
    private void finish() {
        steps.beginFinish();
        int number = 0;
        for (Node node : kernel.nodes()) {
            if (!(node instanceof Node.Reduce reduce)) {
                continue;
            }
            Accumulator accumulator = accumulators.get(number);
            int bytes = accumulator.bytes();
            int result = combine(
                    reduce.reduction(),
                    reduce.type(),
                    bytes,
                    steps.readPartials(number, 0, accumulator.wide()),
                    steps.readPartials(number, 1, accumulator.wide()),
                    lanes);
            for (int count = lanes / 2; count >= 1; count /= 2) {
                int offset = count * bytes;
                int upper = offset == 16
                        ? steps.vector(EXTRACT128, true, 1, result)
                        : steps.vector(PSRLDQ, false, offset, result);
                result = combine(reduce.reduction(), reduce.type(), bytes, result, upper, count);
            }
            if (reduce.type() == ElementType.BOOL) {
                result = steps.vector(PAND, false, 0, result, steps.literal(1, 1));
            }
            steps.storeFirst(reduce.operand(), reduce.type() == ElementType.BOOL ? 1 : bytes, result);
            number++;
        }
    }
}
