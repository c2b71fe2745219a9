package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes kernels by chance: every node is well typed, all results are stored or folded. */
final class RandomKernels {
    private static final ElementType[] COMPUTED = {
        ElementType.BOOL,
        ElementType.INT8,
        ElementType.UINT8,
        ElementType.INT16,
        ElementType.UINT16,
        ElementType.INT32,
        ElementType.UINT32,
        ElementType.INT64,
        ElementType.UINT64,
        ElementType.FLOAT32,
        ElementType.FLOAT64
    };
    private static final Primitive[] FLOATING = {
        Primitive.ADD, Primitive.SUBTRACT, Primitive.MULTIPLY, Primitive.DIVIDE, Primitive.MINIMUM, Primitive.MAXIMUM,
        Primitive.NEGATE, Primitive.ABSOLUTE, Primitive.SQRT, Primitive.FLOOR, Primitive.CEIL, Primitive.TRUNC,
        Primitive.RINT, Primitive.LESS, Primitive.LESS_EQUAL, Primitive.EQUAL, Primitive.NOT_EQUAL, Primitive.SELECT,
        Primitive.FUSED_MULTIPLY_ADD
    };
    private static final Primitive[] INTEGER = {
        Primitive.ADD,
        Primitive.SUBTRACT,
        Primitive.MULTIPLY,
        Primitive.MINIMUM,
        Primitive.MAXIMUM,
        Primitive.NEGATE,
        Primitive.ABSOLUTE,
        Primitive.AND,
        Primitive.OR,
        Primitive.XOR,
        Primitive.NOT,
        Primitive.SHIFT_LEFT,
        Primitive.SHIFT_RIGHT,
        Primitive.LESS,
        Primitive.LESS_EQUAL,
        Primitive.EQUAL,
        Primitive.NOT_EQUAL,
        Primitive.SELECT,
        Primitive.QUOTIENT,
        Primitive.REMAINDER,
        Primitive.INTEGER_POWER
    };
    private static final Primitive[] BOOL = {
        Primitive.AND,
        Primitive.OR,
        Primitive.XOR,
        Primitive.NOT,
        Primitive.LESS,
        Primitive.LESS_EQUAL,
        Primitive.EQUAL,
        Primitive.NOT_EQUAL,
        Primitive.MINIMUM,
        Primitive.MAXIMUM,
        Primitive.SELECT
    };
    private static final Primitive[] FUNCTIONS = {
        Primitive.EXP, Primitive.SIN, Primitive.TANH, Primitive.POW, Primitive.ATAN2, Primitive.EXP2, Primitive.FMOD
    };

    private final Random random;
    private final boolean withFunctions;
    private final ElementType[] types;
    private final KernelBuilder builder = new KernelBuilder();
    private final List<Access> accesses = new ArrayList<>();
    private final List<Integer> values = new ArrayList<>();

    RandomKernels(Random random, boolean withFunctions) {
        this.random = random;
        this.withFunctions = withFunctions;
        // kernels of few types are denser in interesting combinations than those of all
        int count = 1 + random.nextInt(4);
        types = new ElementType[count];
        for (int k = 0; k < count; k++) {
            types[k] = withFunctions && k == 0
                    ? (random.nextBoolean() ? ElementType.FLOAT32 : ElementType.FLOAT64)
                    : COMPUTED[random.nextInt(COMPUTED.length)];
        }
    }

    List<Access> accesses() {
        return accesses;
    }

    private <T> T any(T[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    Kernel make() {
        int inputs = 1 + random.nextInt(6);
        for (int k = 0; k < inputs; k++) {
            leaf(any(types));
        }
        int operations = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 15);
        for (int k = 0; k < operations; k++) {
            operation();
        }
        if (random.nextInt(3) == 0) {
            foldAll(any(types));
        }
        int outputs = 1 + random.nextInt(4);
        boolean reduces = random.nextInt(4) == 0;
        for (int k = 0; k < outputs; k++) {
            // mostly late values, so that most of the kernel is alive
            int value = values.get(Math.max(0, values.size() - 1 - random.nextInt(1 + values.size() / 2)));
            output(value, reduces && (k == 0 || random.nextBoolean()));
        }
        return builder.build();
    }

    /** One value made of all of a type, oldest last: until then they are all alive, more than there are registers. */
    private void foldAll(ElementType type) {
        while (builder.operandCount() < 18) {
            leaf(type);
        }
        int fold = valueOf(type);
        for (int value :
                values.stream().filter(v -> builder.typeOf(v) == type).toList().reversed()) {
            fold = builder.apply(type == ElementType.BOOL ? Primitive.XOR : Primitive.SUBTRACT, fold, value);
        }
        values.add(fold);
    }

    private void output(int value, boolean reduce) {
        ElementType type = builder.typeOf(value);
        if (reduce) {
            Reduction reduction = any(Reduction.values());
            boolean fits = switch (reduction) {
                case SUM, PRODUCT -> type != ElementType.BOOL;
                case MINIMUM, MAXIMUM -> true;
                case AND, OR, XOR -> !type.isFloating();
            };
            if (fits) {
                int operand = builder.newOperand();
                accesses.add(Access.STRIDED);
                builder.reduce(operand, reduction, value);
                return;
            }
        }
        int operand = builder.newOperand();
        accesses.add(random.nextInt(4) == 0 ? Access.STRIDED : Access.CONTIGUOUS);
        ElementType storage = type == ElementType.FLOAT32 && random.nextInt(4) == 0 ? ElementType.FLOAT16 : type;
        builder.store(operand, storage, value, random.nextInt(5) == 0 ? valueOf(ElementType.BOOL) : -1);
    }

    private int leaf(ElementType type) {
        int value;
        switch (random.nextInt(12)) {
            case 0 -> value = builder.literal(type, TestValues.random(type, random));
            case 1 -> value = builder.scalar(builder.newScalar(), type);
            case 2 -> value = type == ElementType.INT64 ? builder.index() : load(type);
            default -> value = load(type);
        }
        values.add(value);
        return value;
    }

    private int load(ElementType type) {
        int operand = builder.newOperand();
        accesses.add(
                switch (random.nextInt(8)) {
                    case 0 -> Access.BROADCAST;
                    case 1, 2 -> Access.STRIDED;
                    default -> Access.CONTIGUOUS;
                });
        boolean half = type == ElementType.FLOAT32 && random.nextInt(4) == 0;
        return builder.load(operand, half ? ElementType.FLOAT16 : type);
    }

    private int valueOf(ElementType type) {
        List<Integer> fitting =
                values.stream().filter(value -> builder.typeOf(value) == type).toList();
        if (!fitting.isEmpty() && random.nextInt(8) != 0) {
            return fitting.get(random.nextInt(fitting.size()));
        }
        if (builder.operandCount() < 16 && random.nextBoolean()) {
            return leaf(type);
        }
        int cast = builder.cast(values.get(random.nextInt(values.size())), type);
        values.add(cast);
        return cast;
    }

    private void operation() {
        ElementType type = any(types);
        Primitive primitive;
        if (type.isFloating()) {
            primitive = withFunctions && random.nextInt(4) == 0 ? any(FUNCTIONS) : any(FLOATING);
            if (type == ElementType.FLOAT32 && random.nextInt(12) == 0) {
                primitive = Primitive.ROUND_TO_HALF;
            }
        } else {
            primitive = type == ElementType.BOOL ? any(BOOL) : any(INTEGER);
        }
        int[] arguments = new int[primitive.arity()];
        for (int k = 0; k < arguments.length; k++) {
            arguments[k] = valueOf(primitive == Primitive.SELECT && k == 0 ? ElementType.BOOL : type);
        }
        boolean shift = primitive == Primitive.SHIFT_LEFT || primitive == Primitive.SHIFT_RIGHT;
        if (shift && random.nextBoolean()) {
            arguments[1] = builder.literal(type, random.nextInt(8 * type.bytes() + 2) - 1);
        }
        values.add(builder.apply(primitive, arguments));
    }
}
