package io.maniple.kernels.portable;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.KernelLauncher;
import io.maniple.kernels.KernelLauncher.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reductions to the bit, against the definition written out for doubles. */
class TestPortableReductions {
    private static final KernelLauncher LAUNCHER = new KernelLauncher(new PortableCompiler());

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 63, 64, 65, 1000, 1024, 1025, 5000})
    void combinesPartialsInTheirOrder(int n0) {
        check(Reduction.SUM, Double::sum, -0.0, n0);
        check(Reduction.PRODUCT, (x, y) -> x * y, 1, n0);
        check(Reduction.MINIMUM, (x, y) -> x <= y || Double.isNaN(x) ? x : y, Double.POSITIVE_INFINITY, n0);
        check(Reduction.MAXIMUM, (x, y) -> x >= y || Double.isNaN(x) ? x : y, Double.NEGATIVE_INFINITY, n0);
    }

    private static void check(Reduction reduction, DoubleBinaryOperator combine, double identity, int n0) {
        int n1 = 5;
        long seed = 31L * n0 + reduction.ordinal();
        Random random = new Random(seed);
        double[] data = new double[n0 * n1];
        for (int i = 0; i < data.length; i++) {
            data[i] = random.nextInt(50) == 0 ? Double.NaN : random.nextGaussian();
        }
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int in = builder.newOperand();
        builder.reduce(out, reduction, builder.load(in, ElementType.FLOAT64));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment results = arena.allocate(8L * n1, 8);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, data);
            LAUNCHER.launch(
                    builder.build(),
                    n0,
                    n1,
                    List.of(new Operand(results, 0, 0, 8, 8), Operand.contiguous(memory, 8, n0)));
            for (int row = 0; row < n1; row++) {
                double[] partials = new double[8];
                Arrays.fill(partials, identity);
                int grouped = n0 - n0 % 8;
                for (int i = 0; i < grouped; i++) {
                    partials[i % 8] = combine.applyAsDouble(partials[i % 8], data[row * n0 + i]);
                }
                for (int distance = 1; distance < 8; distance *= 2) {
                    for (int l = 0; l < 8; l += 2 * distance) {
                        partials[l] = combine.applyAsDouble(partials[l], partials[l + distance]);
                    }
                }
                for (int i = grouped; i < n0; i++) {
                    partials[0] = combine.applyAsDouble(partials[0], data[row * n0 + i]);
                }
                assertThat(results.getAtIndex(ValueLayout.JAVA_DOUBLE, row))
                        .as("%s, seed %d, row %d", reduction, seed, row)
                        .isEqualTo(Double.valueOf(partials[0]));
            }
        }
    }

    @Test
    void aWiderValueInTheBodyHalvesThePartials() {
        // 2^24 + 1 is 2^24 in float, so the sum tells which elements met first.
        float[] data = new float[32];
        data[16] = 1;
        data[24] = 1;
        data[8] = 1;
        data[0] = 0x1p24f;
        // 16 partials: 0 and 16, 8 and 24 (2), at last both: 2^24 + 2. 8 partials: all one by one.
        assertThat(sumOfFloats(data, false)).isEqualTo(0x1p24f + 2);
        assertThat(sumOfFloats(data, true)).isEqualTo(0x1p24f);
    }

    private static float sumOfFloats(float[] data, boolean withDouble) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int in = builder.newOperand();
        int value = builder.load(in, ElementType.FLOAT32);
        if (withDouble) {
            value = builder.cast(builder.cast(value, ElementType.FLOAT64), ElementType.FLOAT32);
        }
        builder.reduce(out, Reduction.SUM, value);
        Kernel kernel = builder.build();
        assertThat(kernel.widestBytes()).isEqualTo(withDouble ? 8 : 4);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(4, 8);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, data);
            LAUNCHER.launch(
                    kernel,
                    data.length,
                    1,
                    List.of(new Operand(result, 0, 0, 0, 4), Operand.contiguous(memory, 4, data.length)));
            return result.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    @Test
    void aSumOfNegativeZerosIsZero() {
        assertThat(sumOfFloats(new float[] {-0.0f, -0.0f}, false)).isEqualTo(Float.valueOf(0.0f));
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"BOOL", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64"})
    void foldsWholeNumbersOfEveryType(ElementType type) {
        long top = type == ElementType.BOOL ? 1 : 1L << (8 * type.bytes() - 1);
        long all = type == ElementType.BOOL ? 1 : -1L >>> (64 - 8 * type.bytes());
        boolean signed = type.kind() == ElementType.Kind.SIGNED;
        // The elements 0, top, 1, top and 1: with BOOL all but the first are true.
        long[] data = {0, top, 1, top, 1};
        assertThat(fold(Reduction.AND, type, data)).isZero();
        assertThat(fold(Reduction.AND, type, new long[] {all, top})).isEqualTo(top);
        assertThat(fold(Reduction.OR, type, data)).isEqualTo(type == ElementType.BOOL ? 1 : top | 1);
        assertThat(fold(Reduction.XOR, type, data)).isZero();
        assertThat(fold(Reduction.MINIMUM, type, data)).isEqualTo(signed ? top : 0);
        assertThat(fold(Reduction.MAXIMUM, type, data)).isEqualTo(signed ? 1 : top);
        if (type != ElementType.BOOL) {
            assertThat(fold(Reduction.SUM, type, data)).isEqualTo(2);
            assertThat(fold(Reduction.PRODUCT, type, new long[] {3, all, 5})).isEqualTo(-15 & all);
        }
    }

    /** The result's bits, the type's only. */
    private static long fold(Reduction reduction, ElementType type, long[] data) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int in = builder.newOperand();
        int value = builder.load(in, type);
        builder.reduce(out, reduction, value);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(8, 8);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_LONG, data);
            // Little-endian: the low bytes of each long are the element.
            LAUNCHER.launch(
                    builder.build(),
                    data.length,
                    1,
                    List.of(new Operand(result, 0, 0, 0, type.bytes()), new Operand(memory, 0, 8, 0, type.bytes())));
            return result.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Test
    void foldsAndStoresInOneBody() {
        try (Arena arena = Arena.ofConfined()) {
            KernelBuilder builder = new KernelBuilder();
            int sums = builder.newOperand();
            int squares = builder.newOperand();
            int in = builder.newOperand();
            int x = builder.load(in, ElementType.INT32);
            int square = builder.apply(Primitive.MULTIPLY, x, x);
            builder.store(squares, ElementType.INT32, square, -1);
            builder.reduce(sums, Reduction.SUM, builder.cast(square, ElementType.INT64));
            int[] data = new int[300 * 10];
            Arrays.setAll(data, i -> i % 300);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_INT, data);
            MemorySegment results = arena.allocate(8 * 10, 8);
            LAUNCHER.launch(
                    builder.build(),
                    300,
                    10,
                    List.of(
                            new Operand(results, 0, 0, 8, 8),
                            Operand.contiguous(memory, 4, 300),
                            Operand.contiguous(memory, 4, 300)));
            assertThat(results.toArray(ValueLayout.JAVA_LONG)).containsOnly(8955050);
            assertThat(memory.getAtIndex(ValueLayout.JAVA_INT, 2999)).isEqualTo(299 * 299);
        }
    }
}
