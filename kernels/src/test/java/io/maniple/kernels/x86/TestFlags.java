package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.FloatingPointFlags;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The floating-point flags that kernels return. */
@ParameterizedClass
@MethodSource("io.maniple.kernels.x86.KernelBench#compilers")
final class TestFlags {
    private final KernelCompiler compiler;

    TestFlags(KernelCompiler compiler) {
        this.compiler = compiler;
    }

    private static final List<Primitive> LARGE_DOMAIN = List.of(
            Primitive.EXP,
            Primitive.EXP2,
            Primitive.EXPM1,
            Primitive.LOG,
            Primitive.LOG2,
            Primitive.LOG10,
            Primitive.LOG1P,
            Primitive.SIN,
            Primitive.COS,
            Primitive.TAN,
            Primitive.SINH,
            Primitive.COSH,
            Primitive.TANH,
            Primitive.SQRT,
            Primitive.POW);

    private int flags(Primitive primitive, ElementType type, double[]... arguments) {
        return flags(primitive, type, Access.CONTIGUOUS, arguments);
    }

    private int flags(Primitive primitive, ElementType type, Access access, double[]... arguments) {
        KernelBuilder builder = new KernelBuilder();
        int[] values = new int[primitive.arity()];
        for (int k = 0; k < values.length; k++) {
            values[k] = builder.load(builder.newOperand(), type);
        }
        int result = builder.apply(primitive, values);
        builder.store(builder.newOperand(), builder.typeOf(result), result, -1);
        List<Access> accesses = Collections.nCopies(values.length + 1, access);
        int count = arguments[0].length;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(8L * Kernel.Arguments.scalars(values.length + 1), 64);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, count);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, 1);
            int step = access == Access.STRIDED ? 2 : 1;
            for (int operand = 0; operand <= values.length; operand++) {
                MemorySegment memory = arena.allocate(8L * step * count, 64);
                int bytes = operand < values.length
                        ? type.bytes()
                        : builder.typeOf(result).bytes();
                for (int i = 0; operand < values.length && i < count; i++) {
                    switch (type) {
                        case FLOAT64 ->
                            memory.setAtIndex(ValueLayout.JAVA_DOUBLE, (long) step * i, arguments[operand][i]);
                        case FLOAT32 ->
                            memory.setAtIndex(ValueLayout.JAVA_FLOAT, (long) step * i, (float) arguments[operand][i]);
                        default ->
                            memory.setAtIndex(ValueLayout.JAVA_LONG, (long) step * i, (long) arguments[operand][i]);
                    }
                }
                int word = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
                block.setAtIndex(ValueLayout.JAVA_LONG, word, memory.address());
                block.setAtIndex(ValueLayout.JAVA_LONG, word + 1, (long) step * bytes);
            }
            return compiler.compile(builder.build(), accesses, false)
                    .orElseThrow()
                    .run(block.address());
        }
    }

    private static double[] full(int count, double value) {
        double[] values = new double[count];
        Arrays.fill(values, value);
        return values;
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"FLOAT32", "FLOAT64"})
    void arithmeticRaisesItsFlags(ElementType type) {
        double large = type == ElementType.FLOAT64 ? 1e308 : 3e38;
        double inf = Double.POSITIVE_INFINITY;
        for (int count = 1; count <= 17; count++) {
            assertThat(flags(Primitive.DIVIDE, type, full(count, 1), full(count, 0)))
                    .isEqualTo(FloatingPointFlags.DIVIDE);
            assertThat(flags(Primitive.DIVIDE, type, full(count, 0), full(count, 0)))
                    .isEqualTo(FloatingPointFlags.INVALID);
            assertThat(flags(Primitive.MULTIPLY, type, full(count, large), full(count, large)))
                    .isEqualTo(FloatingPointFlags.OVERFLOW);
            assertThat(flags(Primitive.SUBTRACT, type, full(count, inf), full(count, inf)))
                    .isEqualTo(FloatingPointFlags.INVALID);
            assertThat(flags(Primitive.SQRT, type, full(count, -1))).isEqualTo(FloatingPointFlags.INVALID);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONTIGUOUS", "STRIDED"})
    void lanesBehindTheEndRaiseNothing(String access) {
        for (ElementType type : List.of(ElementType.FLOAT64, ElementType.FLOAT32, ElementType.INT64)) {
            Primitive divide = type.isInteger() ? Primitive.QUOTIENT : Primitive.DIVIDE;
            for (int count = 1; count <= 17; count++) {
                assertThat(flags(divide, type, Access.valueOf(access), full(count, 6), full(count, 3)))
                        .isZero();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"FLOAT32", "FLOAT64"})
    void comparisonsOfNanRaiseNothing(ElementType type) {
        for (Primitive primitive : List.of(
                Primitive.LESS,
                Primitive.LESS_EQUAL,
                Primitive.EQUAL,
                Primitive.NOT_EQUAL,
                Primitive.ADD,
                Primitive.FLOOR,
                Primitive.RINT)) {
            double[][] arguments = new double[primitive.arity()][];
            Arrays.fill(arguments, full(13, Double.NaN));
            assertThat(flags(primitive, type, arguments)).as(primitive.name()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"FLOAT32", "FLOAT64"})
    void functionsOfOrdinaryNumbersRaiseNothing(ElementType type) {
        double[] x = new double[1001];
        for (int k = 0; k < x.length; k++) {
            x[k] = 0.01 + k * 0.02;
        }
        for (Primitive primitive : LARGE_DOMAIN) {
            double[][] arguments = new double[primitive.arity()][];
            Arrays.fill(arguments, x);
            assertThat(flags(primitive, type, arguments)).as(primitive.name()).isZero();
        }
    }

    @Test
    void integerDivisionByZeroIsAnnounced() {
        for (double dividend : new double[] {0, 5, 0x1p60}) {
            for (Primitive primitive : List.of(Primitive.QUOTIENT, Primitive.REMAINDER)) {
                assertThat(flags(primitive, ElementType.INT64, full(7, dividend), full(7, 0)))
                        .isNotZero();
            }
        }
    }
}
