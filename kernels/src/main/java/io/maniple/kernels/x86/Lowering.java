package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.Conversions.size;
import static io.maniple.kernels.x86.InstructionSet.STEP;
import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.List;

/**
 * Selects instructions for a kernel's nodes. With W the bytes of the widest type and V those of a vector, the body treats
 * e = V / W elements; a value of type T has its e lanes in the low e * sizeof(T) bytes of one register, so no value ever
 * spans two and all of them keep in step. BOOL values are {@link Masks} of the width they were made in, and are brought
 * to another width where they are used.
 */
final class Lowering {
    /**
     * A node's value: its step's number and, for BOOL, the bytes of a mask lane (0: all lanes equal, fits any) and
     * whether the mask says the opposite. Much is at hand only inverted (x != 0, x <= y), and most users take it so.
     */
    private record Value(int id, int maskBytes, boolean inverted) {
        static Value number(int id) {
            return new Value(id, 0, false);
        }

        static Value mask(int id, int maskBytes) {
            return new Value(id, maskBytes, false);
        }

        Value not() {
            return new Value(id, maskBytes, !inverted);
        }
    }

    /**
     * A reduction's place: its identity value, the value folded in and the bytes of a lane. Where the order makes no
     * difference to the result, elements after the last full group go to the partial results as well.
     */
    record Accumulator(int identity, int addend, int bytes, int size, boolean ordered) {}

    /**
     * What finishes a row's reduction. {@code combine} makes one result of the partial ones, {@code append} takes in one
     * more element (no steps where there is no order), {@code store} writes the result.
     */
    record Ending(List<Step> combine, List<Step> append, List<Step> store) {}

    private final Kernel kernel;
    private final List<Kernel.Access> accesses;
    private final boolean streaming;
    private final int lanes;
    /** Lanes of half a step's partial results. */
    private final int halfLanes;

    private final Steps steps;
    private final Masks masks;
    private final Conversions conversions;
    private final Integers integers;
    private final Floats floats;
    private final Value[] values;
    private final List<Accumulator> accumulators = new ArrayList<>();
    private final List<Ending> endings = new ArrayList<>();

    Lowering(InstructionSet set, Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        this.kernel = kernel;
        this.accesses = accesses;
        this.streaming = streaming;
        this.lanes = set.vectorBytes() / kernel.widestBytes();
        this.halfLanes = InstructionSet.STEP / 2 / kernel.widestBytes();
        this.steps = new Steps(set);
        LaneWidths widths = new LaneWidths(set, steps);
        this.masks = Masks.of(set, steps, widths);
        this.conversions = new Conversions(set, steps, masks, widths);
        this.integers = new Integers(set, steps, masks, widths, conversions);
        this.floats = new Floats(set, steps, masks, lanes);
        this.values = new Value[kernel.nodes().size()];
    }

    Steps lower() {
        List<Node> nodes = kernel.nodes();
        for (int k = 0; k < nodes.size(); k++) {
            switch (nodes.get(k)) {
                case Node.Load load -> values[k] = load(load);
                case Node.Scalar scalar -> values[k] = scalar(scalar);
                case Node.Literal literal -> values[k] = literal(literal);
                case Node.Index index -> values[k] = Value.number(index());
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
        for (Node node : nodes) {
            if (node instanceof Node.Reduce reduce) {
                endings.add(ending(endings.size(), reduce));
            }
        }
        return steps;
    }

    /** The body for elements after the last full group. */
    List<Step> remainder() {
        List<Step> remainder = new ArrayList<>();
        for (Step step : steps.body()) {
            if (step instanceof Step.WriteAccumulator write
                    && accumulators.get(write.accumulator()).ordered()) {
                int addend = accumulators.get(write.accumulator()).addend();
                remainder.add(new Step.KeepRemainder(write.accumulator(), List.of(addend)));
            } else {
                remainder.add(step);
            }
        }
        return remainder;
    }

    List<Ending> endings() {
        return endings;
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
        int value = steps.load(load.operand(), storage.bytes(), size(storage.bytes(), lanes));
        return switch (storage) {
            case BOOL ->
                Value.mask(conversions.isZero(value, ElementType.BOOL, lanes), masks.width(1))
                        .not();
            case FLOAT16 -> Value.number(floats.fromHalf(value));
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 -> Value.number(value);
        };
    }

    private Value uniform(int value, ElementType storage) {
        return switch (storage) {
            case BOOL ->
                Value.mask(masks.equal(1, value, steps.literal(0, 8), lanes * kernel.widestBytes()), 0)
                        .not();
            case FLOAT16 -> Value.number(floats.fromHalf(value));
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64 -> Value.number(value);
        };
    }

    private Value scalar(Node.Scalar scalar) {
        int word = Kernel.Arguments.scalars(kernel.operands()) + scalar.slot();
        return uniform(steps.splatArgument(word, scalar.type().bytes()), scalar.type());
    }

    private Value literal(Node.Literal literal) {
        if (literal.type() == ElementType.BOOL) {
            return Value.mask(masks.literal(literal.bits() != 0), 0);
        }
        return Value.number(steps.literal(literal.bits(), literal.type().bytes()));
    }

    private int index() {
        int step = steps.splatArgument(Kernel.Arguments.INDEX_STEP0, Long.BYTES);
        int offsets = integers.multiply(ElementType.INT64, step, steps.literal(0, 1, 2, 3, 4, 5, 6, 7), lanes);
        return steps.vector(PADDQ, size(8, lanes), 0, steps.indexBase(), offsets);
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
        if (primitive == Primitive.FUSED_MULTIPLY_ADD) {
            return fused(apply);
        }
        List<Integer> ids =
                apply.arguments().stream().map(node -> values[node].id).toList();
        if (primitive.isComparison()) {
            return type.isFloating()
                    ? Value.mask(floats.apply(primitive, type, ids), masks.width(type.bytes()))
                    : compare(primitive, type, ids.get(0), ids.get(1));
        }
        return Value.number(
                type.isFloating()
                        ? floats.apply(primitive, type, ids)
                        : integer(primitive, type, apply.arguments(), ids));
    }

    /** A negated factor or term is part of the instruction, unless both are negated. */
    private Value fused(Node.Apply apply) {
        if (!apply.type().isFloating()) {
            throw new UnsupportedKernelException(apply.primitive() + " of " + apply.type());
        }
        List<Integer> arguments = new ArrayList<>(apply.arguments());
        boolean negatedProduct = takeSign(arguments, 0);
        boolean negatedTerm = !negatedProduct && takeSign(arguments, 2);
        List<Integer> ids = arguments.stream().map(node -> values[node].id).toList();
        return Value.number(floats.fused(apply.type(), ids, negatedProduct, negatedTerm));
    }

    private boolean takeSign(List<Integer> arguments, int place) {
        if (kernel.nodes().get(arguments.get(place)) instanceof Node.Apply inner
                && inner.primitive() == Primitive.NEGATE) {
            arguments.set(place, inner.arguments().getFirst());
            return true;
        }
        return false;
    }

    private Value compare(Primitive primitive, ElementType type, int x, int y) {
        int bytes = masks.width(type.bytes());
        return switch (primitive) {
            case LESS -> Value.mask(integers.greater(type, y, x, lanes), bytes);
            case LESS_EQUAL ->
                Value.mask(integers.greater(type, x, y, lanes), bytes).not();
            case EQUAL -> Value.mask(integers.equal(type, x, y, lanes), bytes);
            case NOT_EQUAL ->
                Value.mask(integers.equal(type, x, y, lanes), bytes).not();
            default -> throw new IllegalArgumentException(primitive + " is no comparison");
        };
    }

    private int integer(Primitive primitive, ElementType type, List<Integer> nodes, List<Integer> ids) {
        int size = size(type.bytes(), lanes);
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
            case AND -> steps.vector(PAND, size, 0, x, y);
            case OR -> steps.vector(POR, size, 0, x, y);
            case XOR -> steps.vector(PXOR, size, 0, x, y);
            case NOT -> integers.not(x, size);
            case SHIFT_LEFT ->
                kernel.nodes().get(nodes.get(1)) instanceof Node.Literal literal
                        ? integers.shiftLeftBy(type, x, literal.bits(), lanes)
                        : integers.shiftLeft(type, x, y, lanes);
            case SHIFT_RIGHT ->
                kernel.nodes().get(nodes.get(1)) instanceof Node.Literal literal
                        ? integers.shiftRightBy(type, x, literal.bits(), lanes)
                        : integers.shiftRight(type, x, y, lanes);
            case QUOTIENT -> integers.quotient(type, x, y, lanes);
            case REMAINDER -> integers.remainder(type, x, y, lanes);
            case INTEGER_POWER -> integers.power(type, x, y, lanes);
            case FLOOR, CEIL, TRUNC, RINT -> x;
            default -> throw new UnsupportedKernelException(primitive + " of " + type);
        };
    }

    private Value select(Node.Apply apply) {
        Value condition = values[apply.arguments().get(0)];
        Value yes = values[apply.arguments().get(condition.inverted ? 2 : 1)];
        Value no = values[apply.arguments().get(condition.inverted ? 1 : 2)];
        ElementType type = apply.type();
        if (type == ElementType.BOOL) {
            int width = Math.max(condition.maskBytes, Math.max(yes.maskBytes, no.maskBytes));
            boolean bothInverted = yes.inverted && no.inverted;
            int yesMask = bothInverted ? resized(yes, width) : mask(yes, width);
            int noMask = bothInverted ? resized(no, width) : mask(no, width);
            int chosen = masks.select(resized(condition, width), yesMask, noMask, width, lanes);
            return new Value(chosen, width, bothInverted);
        }
        return Value.number(masks.blend(resized(condition, type.bytes()), yes.id, no.id, type, lanes));
    }

    /** The mask as it is, inverted or not, in lanes of {@code bytes}. */
    private int resized(Value value, int bytes) {
        return masks.resize(value.id, value.maskBytes, bytes, lanes);
    }

    /** The mask itself in lanes of {@code bytes}. */
    private int mask(Value value, int bytes) {
        if (!value.inverted) {
            return resized(value, bytes);
        }
        int itself = masks.not(value.id, value.maskBytes, lanes);
        return masks.resize(itself, value.maskBytes, bytes, lanes);
    }

    /** Logic on masks, in the wider of the arguments' widths: widening costs one instruction, narrowing three. */
    private Value bool(Node.Apply apply) {
        Value x = values[apply.arguments().get(0)];
        Value y = values[apply.arguments().get(apply.arguments().size() - 1)];
        int width = Math.max(x.maskBytes, y.maskBytes);
        return switch (apply.primitive()) {
            case AND, MINIMUM -> and(x, y, width);
            case OR, MAXIMUM -> and(x.not(), y.not(), width).not();
            case XOR, NOT_EQUAL -> xor(x, y, width);
            case EQUAL -> xor(x, y, width).not();
            case LESS -> and(x.not(), y, width);
            case LESS_EQUAL -> and(x, y.not(), width).not();
            case NOT -> x.not();
            default -> throw new UnsupportedKernelException(apply.primitive() + " of BOOL");
        };
    }

    private Value and(Value x, Value y, int width) {
        int first = resized(x, width);
        int second = resized(y, width);
        if (x.inverted && y.inverted) {
            return Value.mask(masks.or(first, second, width, lanes), width).not();
        }
        if (x.inverted) {
            return Value.mask(masks.andNot(first, second, width, lanes), width);
        }
        return Value.mask(
                y.inverted ? masks.andNot(second, first, width, lanes) : masks.and(first, second, width, lanes), width);
    }

    private Value xor(Value x, Value y, int width) {
        int differs = masks.xor(resized(x, width), resized(y, width), width, lanes);
        return new Value(differs, width, x.inverted != y.inverted);
    }

    private Value cast(int node, ElementType from, ElementType type) {
        Value value = values[node];
        if (from == type) {
            return value;
        }
        if (type == ElementType.BOOL) {
            return Value.mask(conversions.isZero(value.id, from, lanes), masks.width(from.bytes()))
                    .not();
        }
        if (from == ElementType.BOOL) {
            int mask = resized(value, type.bytes());
            return Value.number(conversions.maskToNumber(mask, value.inverted, type, lanes));
        }
        return Value.number(conversions.cast(value.id, from, type, lanes));
    }

    // ---- results

    private void store(Node.Store store) {
        Value value = values[store.value()];
        ElementType storage = store.storage();
        int stored = switch (storage) {
            case BOOL -> conversions.maskToNumber(resized(value, 1), value.inverted, ElementType.BOOL, lanes);
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
        int identityId = isBool
                ? steps.literal(identity == 0 ? 0 : -1L, 8)
                : steps.literal(identity, reduce.type().bytes());
        int size = size(bytes, lanes);
        int number = accumulators.size();
        int addend = isBool ? masks.lanes(mask(value, bytes), bytes, lanes) : value.id;
        accumulators.add(
                new Accumulator(identityId, addend, bytes, size, reduce.type().isFloating()));
        int former = steps.readAccumulator(number, size);
        int next = combine(reduce.reduction(), reduce.type(), bytes, former, addend, lanes);
        steps.writeAccumulator(number, bytes, next, former);
    }

    private int combine(Reduction reduction, ElementType type, int bytes, int x, int y, int count) {
        int size = size(bytes, count);
        if (type == ElementType.BOOL) {
            return switch (reduction) {
                case AND, MINIMUM -> steps.vector(PAND, size, 0, x, y);
                case OR, MAXIMUM -> steps.vector(POR, size, 0, x, y);
                case XOR -> steps.vector(PXOR, size, 0, x, y);
                case SUM, PRODUCT -> throw new UnsupportedKernelException(reduction + " of BOOL");
            };
        }
        if (type.isFloating()) {
            return floats.combine(reduction.primitive(), type, x, y, count);
        }
        return switch (reduction) {
            case SUM -> integers.add(type, x, y, count);
            case PRODUCT -> integers.multiply(type, x, y, count);
            case MINIMUM -> integers.minimum(type, x, y, count);
            case MAXIMUM -> integers.maximum(type, x, y, count);
            case AND -> steps.vector(PAND, size, 0, x, y);
            case OR -> steps.vector(POR, size, 0, x, y);
            case XOR -> steps.vector(PXOR, size, 0, x, y);
        };
    }

    private Ending ending(int number, Node.Reduce reduce) {
        Accumulator accumulator = accumulators.get(number);
        Reduction reduction = reduce.reduction();
        ElementType type = reduce.type();
        int bytes = accumulator.bytes();
        List<Step> combine = steps.newSection();
        int size = size(bytes, halfLanes);
        int low = steps.readPartials(number, 0, size);
        int high = steps.readPartials(number, lanes == halfLanes ? STEP / 2 : bytes * halfLanes, size);
        int combined = accumulator.ordered()
                ? combine(reduction, type, bytes, neighbours(reduce, bytes, low), neighbours(reduce, bytes, high), 1)
                : neighbours(reduce, bytes, combine(reduction, type, bytes, low, high, halfLanes));
        steps.writeResult(number, bytes, combined);
        List<Step> append = steps.newSection();
        if (accumulator.ordered()) {
            int former = steps.readAccumulator(number, 16);
            int longer = combine(reduction, type, bytes, former, steps.readRemainder(number), 1);
            steps.writeResult(number, bytes, longer);
        }
        List<Step> store = steps.newSection();
        int result = steps.readAccumulator(number, 16);
        if (type == ElementType.BOOL) {
            result = steps.vector(PAND, 16, 0, result, steps.literal(1, 1));
        }
        steps.storeFirst(reduce.operand(), type == ElementType.BOOL ? 1 : bytes, result);
        return new Ending(combine, append, store);
    }

    /** Every lane takes in the next, then the one after that, … so that lane 0 has them all; the others are of no use. */
    private int neighbours(Node.Reduce reduce, int bytes, int value) {
        int result = value;
        int count = halfLanes;
        for (int offset = bytes; offset < bytes * halfLanes; offset *= 2) {
            int next;
            if (offset == 16) {
                next = steps.vector(EXTRACT128, 32, 1, result);
                count = 16 / bytes;
            } else {
                next = steps.vector(PSRLDQ, size(bytes, count), offset, result);
            }
            result = combine(reduce.reduction(), reduce.type(), bytes, result, next, count);
        }
        return result;
    }
}
