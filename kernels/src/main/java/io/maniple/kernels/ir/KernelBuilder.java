package io.maniple.kernels.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Collects a kernel's nodes; the same pure node is kept once (common subexpressions). */
public final class KernelBuilder {
    private final List<Node> nodes = new ArrayList<>();
    private final Map<Node, Integer> known = new HashMap<>();
    private int operands;
    private int scalars;

    public int newOperand() {
        return operands++;
    }

    public int newScalar() {
        return scalars++;
    }

    public int operandCount() {
        return operands;
    }

    public int load(int operand, ElementType storage) {
        return add(new Node.Load(operand, storage));
    }

    public int scalar(int slot, ElementType type) {
        return add(new Node.Scalar(slot, type));
    }

    public int literal(ElementType type, long bits) {
        return add(new Node.Literal(type, bits));
    }

    /** A literal of any numeric type from a number that the type holds exactly, or the nearest float. */
    public int number(ElementType type, double value) {
        long bits = switch (type) {
            case FLOAT64 -> Double.doubleToRawLongBits(value);
            case FLOAT32 -> Float.floatToRawIntBits((float) value) & 0xffffffffL;
            default -> (long) value;
        };
        return literal(type, bits);
    }

    public int index() {
        return add(new Node.Index());
    }

    /** The result has the type of the last argument, or BOOL for comparisons. */
    public int apply(Primitive primitive, int... arguments) {
        if (arguments.length != primitive.arity()) {
            throw new IllegalArgumentException(primitive + " takes " + primitive.arity() + " arguments");
        }
        List<Integer> list = new ArrayList<>();
        for (int argument : arguments) {
            list.add(argument);
        }
        return add(new Node.Apply(primitive, typeOf(arguments[arguments.length - 1]), list));
    }

    public int cast(int value, ElementType type) {
        ElementType from = typeOf(value);
        return from == type ? value : add(new Node.Cast(value, from, type));
    }

    public int reinterpret(int value, ElementType type) {
        ElementType from = typeOf(value);
        return from == type ? value : add(new Node.Reinterpret(value, from, type));
    }

    /** Rounds a FLOAT32 value to the nearest float16 (and keeps it as FLOAT32). */
    public int roundToHalf(int value) {
        return apply(Primitive.ROUND_TO_HALF, value);
    }

    public void store(int operand, ElementType storage, int value, int mask) {
        nodes.add(new Node.Store(operand, storage, value, mask));
        // A later load of the same operand must see the stored value; the planner forwards values itself.
        known.keySet().removeIf(node -> node instanceof Node.Load load && load.operand() == operand);
    }

    public void reduce(int operand, Reduction reduction, int value) {
        nodes.add(new Node.Reduce(operand, reduction, typeOf(value), value));
    }

    public ElementType typeOf(int value) {
        return new Kernel(List.of(nodes.get(value)), 0, 0).typeOf(0);
    }

    public Kernel build() {
        return new Kernel(nodes, operands, scalars);
    }

    private int add(Node node) {
        return known.computeIfAbsent(node, fresh -> {
            nodes.add(fresh);
            return nodes.size() - 1;
        });
    }
}
