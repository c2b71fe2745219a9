package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every operation on every type, access and awkward size against the interpreter. */
class TestAvx2Compiler {
    private static final int[] SIZES = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1000};
    private static final Set<ElementType> COMPUTED = EnumSet.complementOf(EnumSet.of(ElementType.FLOAT16));

    private final Random random = new Random(42);

    private static boolean applies(Primitive primitive, ElementType type) {
        return switch (primitive) {
            case ADD, SUBTRACT, MULTIPLY, NEGATE, ABSOLUTE -> type != ElementType.BOOL;
            case DIVIDE, SQRT, FLOOR, CEIL, TRUNC, RINT -> type.isFloating();
            case ROUND_TO_HALF -> type == ElementType.FLOAT32;
            case AND, OR, XOR, NOT -> !type.isFloating();
            case SHIFT_LEFT, SHIFT_RIGHT, QUOTIENT, REMAINDER -> type.isInteger();
            case MINIMUM, MAXIMUM, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL, SELECT -> true;
            case INTEGER_POWER -> false;
            default -> type.isFloating();
        };
    }

    /** A kernel out = primitive(in...) and the operand count. */
    private static Kernel kernelOf(Primitive primitive, ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int[] arguments = new int[primitive.arity()];
        for (int k = 0; k < arguments.length; k++) {
            ElementType argument = primitive == Primitive.SELECT && k == 0 ? ElementType.BOOL : type;
            arguments[k] = builder.load(builder.newOperand(), argument);
        }
        int result = builder.apply(primitive, arguments);
        builder.store(out, builder.typeOf(result), result, -1);
        return builder.build();
    }

    private static List<Access> all(Kernel kernel, Access access) {
        List<Access> accesses = new ArrayList<>();
        for (int k = 0; k < kernel.operands(); k++) {
            accesses.add(access);
        }
        return accesses;
    }

    private void checkSizes(Kernel kernel, List<Access> accesses, int ulps) {
        KernelCompiler.Executable executable =
                KernelBench.COMPILER.compile(kernel, accesses, false).orElseThrow(() -> new AssertionError("no form: " + kernel));
        for (int n0 : SIZES) {
            new KernelBench(kernel, accesses, random).within(ulps).check(executable, n0, 1 + random.nextInt(3));
        }
    }

    @ParameterizedTest
    @EnumSource(Primitive.class)
    void primitive(Primitive primitive) {
        for (ElementType type : COMPUTED) {
            if (!applies(primitive, type)) {
                continue;
            }
            Kernel kernel = kernelOf(primitive, type);
            int ulps = primitive.isFunction() ? 2 : 0;
            checkSizes(kernel, all(kernel, Access.CONTIGUOUS), ulps);
            checkSizes(kernel, all(kernel, Access.STRIDED), ulps);
            List<Access> mixed = new ArrayList<>(all(kernel, Access.CONTIGUOUS));
            mixed.set(1, Access.BROADCAST);
            checkSizes(kernel, mixed, ulps);
        }
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void cast(ElementType from) {
        for (ElementType to : ElementType.values()) {
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            int value = builder.cast(builder.load(builder.newOperand(), from), to.computed());
            builder.store(out, to, value, -1);
            Kernel kernel = builder.build();
            checkSizes(kernel, List.of(Access.CONTIGUOUS, Access.CONTIGUOUS), 0);
            checkSizes(kernel, List.of(Access.STRIDED, Access.STRIDED), 0);
            checkSizes(kernel, List.of(Access.CONTIGUOUS, Access.BROADCAST), 0);
        }
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void maskedStore(ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int value = builder.load(builder.newOperand(), type);
        int mask = builder.load(builder.newOperand(), ElementType.BOOL);
        builder.store(out, type, value, mask);
        Kernel kernel = builder.build();
        checkSizes(kernel, all(kernel, Access.CONTIGUOUS), 0);
        checkSizes(kernel, all(kernel, Access.STRIDED), 0);
        checkSizes(kernel, List.of(Access.CONTIGUOUS, Access.CONTIGUOUS, Access.BROADCAST), 0);
    }

    @ParameterizedTest
    @EnumSource(Reduction.class)
    void reduction(Reduction reduction) {
        for (ElementType type : COMPUTED) {
            if (!applies(reduction.primitive(), type)) {
                continue;
            }
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            int in = builder.newOperand();
            builder.reduce(out, reduction, builder.load(in, type));
            checkSizes(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS), 0);
            checkSizes(builder.build(), List.of(Access.STRIDED, Access.STRIDED), 0);
            // a wider value beside it leaves the accumulator part of a register
            builder.reduce(builder.newOperand(), Reduction.MAXIMUM, builder.cast(builder.load(in, type), ElementType.INT64));
            checkSizes(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS, Access.STRIDED), 0);
        }
    }

    @Test
    void streamingStores() {
        for (ElementType type : ElementType.values()) {
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            builder.store(out, type, builder.load(builder.newOperand(), type), -1);
            builder.store(builder.newOperand(), ElementType.FLOAT64, builder.cast(builder.load(1, type), ElementType.FLOAT64), -1);
            for (int n0 : SIZES) {
                new KernelBench(builder.build(), all(builder.build(), Access.CONTIGUOUS), random).check(n0, 2, true);
            }
        }
    }
}
