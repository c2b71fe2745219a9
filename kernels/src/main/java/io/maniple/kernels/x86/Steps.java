package io.maniple.kernels.x86;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Collects the steps of a kernel in sections: what is the same for a whole row (computed once before it and kept in the
 * stack frame), the body proper, and those that finish a row's reductions. A step all of whose sources are the same for
 * a row goes to the first section by itself; equal steps are kept once.
 */
final class Steps {
    /** Where a value lives when it is in no register. */
    enum Home {
        /** The literal pool. */
        LITERAL,
        /** The stack frame, written before the row. */
        INVARIANT,
        /** Nowhere until it is spilled. */
        BODY
    }

    /** The size of what lies in a mask register. */
    private static final int MASK = 8;

    private record Value(Home home, int size, int poolOffset) {}

    private record Key(VectorOp op, int size, int immediate, List<Integer> sources) {}

    private final int vectorBytes;
    private final LiteralPool pool;
    private final List<Value> values = new ArrayList<>();
    private final Map<Integer, Integer> literals = new HashMap<>();
    private final Map<Integer, Integer> maskLiterals = new HashMap<>();
    private final Map<Key, Integer> known = new HashMap<>();
    private final Map<List<Object>, Integer> knownSplats = new HashMap<>();
    private final List<Step> preamble = new ArrayList<>();
    private final List<Step> body = new ArrayList<>();
    private List<Step> current = body;

    Steps(InstructionSet set) {
        this.vectorBytes = set.vectorBytes();
        this.pool = new LiteralPool(vectorBytes);
    }

    LiteralPool pool() {
        return pool;
    }

    List<Step> preamble() {
        return preamble;
    }

    List<Step> body() {
        return body;
    }

    /** From here on, steps belong to a new section, one of those at the end of a row. */
    List<Step> newSection() {
        current = new ArrayList<>();
        return current;
    }

    int valueCount() {
        return values.size();
    }

    Home home(int value) {
        return values.get(value).home;
    }

    /** In bytes. */
    int size(int value) {
        return values.get(value).size;
    }

    boolean isMask(int value) {
        return size(value) == MASK;
    }

    int poolOffset(int value) {
        return values.get(value).poolOffset;
    }

    boolean isLiteral(int value) {
        return home(value) == Home.LITERAL;
    }

    private int newValue(Home home, int size, int poolOffset) {
        values.add(new Value(home, size, poolOffset));
        return values.size() - 1;
    }

    /** These words, repeated to fill a vector. */
    int literal(long... words) {
        return literals.computeIfAbsent(pool.offset(words), offset -> newValue(Home.LITERAL, vectorBytes, offset));
    }

    /** A pattern of 1, 2, 4 or 8 bytes in every lane. */
    int literal(long pattern, int bytes) {
        return literal(new long[] {LiteralPool.repeat(pattern, bytes)});
    }

    /** What a mask register holds. */
    int maskLiteral(long bits) {
        return maskLiterals.computeIfAbsent(pool.offset(bits), offset -> newValue(Home.LITERAL, MASK, offset));
    }

    private boolean allInvariant(List<Integer> sources) {
        return sources.stream().allMatch(source -> home(source) != Home.BODY);
    }

    private int add(boolean invariant, int size, IntFunction<Step> maker) {
        int value = newValue(invariant ? Home.INVARIANT : Home.BODY, size, 0);
        (invariant ? preamble : current).add(maker.apply(value));
        return value;
    }

    int vector(VectorOp op, int size, int immediate, int... sources) {
        return vector(op, size, immediate, size, sources);
    }

    /** An instruction whose result is in a mask register. */
    int mask(VectorOp op, int size, int immediate, int... sources) {
        return vector(op, size, immediate, MASK, sources);
    }

    private int vector(VectorOp op, int size, int immediate, int resultSize, int... sources) {
        List<Integer> list = new ArrayList<>();
        for (int source : sources) {
            list.add(source);
        }
        boolean invariant = allInvariant(list);
        Key key = new Key(op, size, immediate, list);
        Integer value = known.get(key);
        if (value == null) {
            value = add(invariant, resultSize, made -> new Step.Vector(op, size, immediate, made, List.copyOf(list)));
            known.put(key, value);
        }
        return value;
    }

    int load(int operand, int bytes, int size) {
        return add(false, size, made -> new Step.Load(operand, bytes, made));
    }

    void store(int operand, int bytes, boolean streaming, int value, int mask) {
        current.add(new Step.Store(operand, bytes, streaming, mask < 0 ? List.of(value) : List.of(value, mask)));
    }

    int splatOperand(int operand, int bytes) {
        return knownSplats.computeIfAbsent(
                List.of("operand", operand, bytes),
                key -> add(true, vectorBytes, made -> new Step.SplatOperand(operand, bytes, made)));
    }

    int splatArgument(int word, int bytes) {
        return knownSplats.computeIfAbsent(
                List.of("argument", word, bytes),
                key -> add(true, vectorBytes, made -> new Step.SplatArgument(word, bytes, made)));
    }

    int indexBase() {
        return knownSplats.computeIfAbsent(
                List.of("index"), key -> add(false, vectorBytes, made -> new Step.IndexBase(made)));
    }

    int callVector(long address, int size, List<Integer> sources) {
        return add(allInvariant(sources), size, made -> new Step.CallVector(address, size, made, sources));
    }

    int callScalar(long address, boolean isDouble, int lanes, int size, List<Integer> sources) {
        return add(allInvariant(sources), size, made -> new Step.CallScalar(address, isDouble, lanes, made, sources));
    }

    int lanes(LaneOperation operation, int lanes, List<Integer> sources) {
        int size = Conversions.size(operation.resultBytes(), lanes);
        return add(allInvariant(sources), size, made -> new Step.Lanes(operation, lanes, made, sources));
    }

    int readAccumulator(int accumulator, int size) {
        return add(false, size, made -> new Step.ReadAccumulator(accumulator, made));
    }

    void writeAccumulator(int accumulator, int bytes, int value, int former) {
        current.add(new Step.WriteAccumulator(accumulator, bytes, List.of(value, former)));
    }

    /** After a row's loop, where no former result has to be kept. */
    void writeResult(int accumulator, int bytes, int value) {
        current.add(new Step.WriteAccumulator(accumulator, bytes, List.of(value)));
    }

    int readRemainder(int accumulator) {
        return add(false, 16, made -> new Step.ReadRemainder(accumulator, made));
    }

    int readPartials(int accumulator, int offset, int size) {
        return add(false, size, made -> new Step.ReadPartials(accumulator, offset, made));
    }

    void storeFirst(int operand, int bytes, int value) {
        current.add(new Step.StoreFirst(operand, bytes, List.of(value)));
    }
}
