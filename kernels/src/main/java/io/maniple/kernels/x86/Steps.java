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

    private record Value(Home home, boolean wide, int poolOffset) {}

    private record Key(VectorOp op, boolean wide, int immediate, List<Integer> sources) {}

    private final LiteralPool pool = new LiteralPool();
    private final List<Value> values = new ArrayList<>();
    private final Map<Integer, Integer> literals = new HashMap<>();
    private final Map<Key, Integer> known = new HashMap<>();
    private final Map<List<Object>, Integer> knownSplats = new HashMap<>();
    private final List<Step> preamble = new ArrayList<>();
    private final List<Step> body = new ArrayList<>();
    private List<Step> current = body;

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

    boolean isWide(int value) {
        return values.get(value).wide;
    }

    int poolOffset(int value) {
        return values.get(value).poolOffset;
    }

    boolean isLiteral(int value) {
        return home(value) == Home.LITERAL;
    }

    private int newValue(Home home, boolean wide, int poolOffset) {
        values.add(new Value(home, wide, poolOffset));
        return values.size() - 1;
    }

    int literal(long word0, long word1, long word2, long word3) {
        return literals.computeIfAbsent(
                pool.offset(word0, word1, word2, word3), offset -> newValue(Home.LITERAL, true, offset));
    }

    /** A pattern of 1, 2, 4 or 8 bytes in every lane. */
    int literal(long pattern, int bytes) {
        long word = LiteralPool.repeat(pattern, bytes);
        return literal(word, word, word, word);
    }

    private boolean allInvariant(List<Integer> sources) {
        return sources.stream().allMatch(source -> home(source) != Home.BODY);
    }

    private int add(boolean invariant, boolean wide, IntFunction<Step> maker) {
        int value = newValue(invariant ? Home.INVARIANT : Home.BODY, wide, 0);
        (invariant ? preamble : current).add(maker.apply(value));
        return value;
    }

    int vector(VectorOp op, boolean wide, int immediate, int... sources) {
        List<Integer> list = new ArrayList<>();
        for (int source : sources) {
            list.add(source);
        }
        // A uniform value is as good in 256 bits as in 128, so both widths can share it.
        boolean invariant = allInvariant(list);
        Key key = new Key(op, wide, immediate, list);
        Integer value = known.get(key);
        if (value == null) {
            value = add(invariant, wide, made -> new Step.Vector(op, wide, immediate, made, List.copyOf(list)));
            known.put(key, value);
        }
        return value;
    }

    int load(int operand, int bytes, boolean wide) {
        return add(false, wide, made -> new Step.Load(operand, bytes, made));
    }

    void store(int operand, int bytes, boolean streaming, int value, int mask) {
        current.add(new Step.Store(operand, bytes, streaming, mask < 0 ? List.of(value) : List.of(value, mask)));
    }

    int splatOperand(int operand, int bytes) {
        return knownSplats.computeIfAbsent(
                List.of("operand", operand, bytes),
                key -> add(true, true, made -> new Step.SplatOperand(operand, bytes, made)));
    }

    int splatArgument(int word, int bytes) {
        return knownSplats.computeIfAbsent(
                List.of("argument", word, bytes),
                key -> add(true, true, made -> new Step.SplatArgument(word, bytes, made)));
    }

    int indexBase() {
        return knownSplats.computeIfAbsent(List.of("index"), key -> add(false, true, made -> new Step.IndexBase(made)));
    }

    int callVector(long address, boolean wide, List<Integer> sources) {
        return add(allInvariant(sources), wide, made -> new Step.CallVector(address, wide, made, sources));
    }

    int callScalar(long address, boolean isDouble, int lanes, boolean wide, List<Integer> sources) {
        return add(allInvariant(sources), wide, made -> new Step.CallScalar(address, isDouble, lanes, made, sources));
    }

    int lanes(LaneOperation operation, int lanes, List<Integer> sources) {
        boolean wide = operation.resultBytes() * lanes > 16;
        return add(allInvariant(sources), wide, made -> new Step.Lanes(operation, lanes, made, sources));
    }

    int readAccumulator(int accumulator, boolean wide) {
        return add(false, wide, made -> new Step.ReadAccumulator(accumulator, made));
    }

    void writeAccumulator(int accumulator, int bytes, int value, int former) {
        current.add(new Step.WriteAccumulator(accumulator, bytes, List.of(value, former)));
    }

    /** After a row's loop, where no former result has to be kept. */
    void writeResult(int accumulator, int bytes, int value) {
        current.add(new Step.WriteAccumulator(accumulator, bytes, List.of(value)));
    }

    int readRemainder(int accumulator) {
        return add(false, false, made -> new Step.ReadRemainder(accumulator, made));
    }

    int readPartials(int accumulator, int half, boolean wide) {
        return add(false, wide, made -> new Step.ReadPartials(accumulator, half, made));
    }

    void storeFirst(int operand, int bytes, int value) {
        current.add(new Step.StoreFirst(operand, bytes, List.of(value)));
    }
}
