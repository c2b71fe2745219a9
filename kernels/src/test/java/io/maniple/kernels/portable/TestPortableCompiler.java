package io.maniple.kernels.portable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.maniple.kernels.KernelLauncher;
import io.maniple.kernels.KernelLauncher.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestPortableCompiler {
    private static final KernelLauncher LAUNCHER = new KernelLauncher(new PortableCompiler());
    private static final double NAN = Double.NaN;
    private static final double INF = Double.POSITIVE_INFINITY;

    static Stream<Arguments> floats() {
        return Stream.of(
                arguments(Primitive.ADD, 1.5, new double[] {1, 0.5}),
                arguments(Primitive.SUBTRACT, 0.5, new double[] {1, 0.5}),
                arguments(Primitive.MULTIPLY, -3.0, new double[] {-6, 0.5}),
                arguments(Primitive.DIVIDE, -INF, new double[] {-1, 0.0}),
                arguments(Primitive.MINIMUM, NAN, new double[] {1, NAN}),
                arguments(Primitive.MINIMUM, NAN, new double[] {NAN, 1}),
                arguments(Primitive.MINIMUM, 0.0, new double[] {0.0, -0.0}),
                arguments(Primitive.MAXIMUM, NAN, new double[] {NAN, INF}),
                arguments(Primitive.MAXIMUM, -0.0, new double[] {-0.0, 0.0}),
                arguments(Primitive.MAXIMUM, 2.0, new double[] {1, 2}),
                arguments(Primitive.NEGATE, -0.0, new double[] {0}),
                arguments(Primitive.ABSOLUTE, 0.0, new double[] {-0.0}),
                arguments(Primitive.SQRT, 1.5, new double[] {2.25}),
                arguments(Primitive.SQRT, NAN, new double[] {-1}),
                arguments(Primitive.FLOOR, -1.0, new double[] {-0.5}),
                arguments(Primitive.CEIL, -0.0, new double[] {-0.5}),
                arguments(Primitive.TRUNC, -0.0, new double[] {-0.5}),
                arguments(Primitive.TRUNC, -2.0, new double[] {-2.75}),
                arguments(Primitive.RINT, 2.0, new double[] {2.5}),
                arguments(Primitive.RINT, -0.0, new double[] {-0.5}),
                arguments(Primitive.EXP, 1.0, new double[] {0}),
                arguments(Primitive.EXP2, 0.125, new double[] {-3}),
                arguments(Primitive.EXPM1, -1.0, new double[] {-INF}),
                arguments(Primitive.LOG, -INF, new double[] {0}),
                arguments(Primitive.LOG2, 10.0, new double[] {1024}),
                arguments(Primitive.LOG10, 3.0, new double[] {1000}),
                arguments(Primitive.LOG1P, -0.0, new double[] {-0.0}),
                arguments(Primitive.SIN, -0.0, new double[] {-0.0}),
                arguments(Primitive.COS, 1.0, new double[] {0}),
                arguments(Primitive.TAN, NAN, new double[] {INF}),
                arguments(Primitive.ASIN, NAN, new double[] {2}),
                arguments(Primitive.ACOS, 0.0, new double[] {1}),
                arguments(Primitive.ATAN, -0.0, new double[] {-0.0}),
                arguments(Primitive.SINH, INF, new double[] {INF}),
                arguments(Primitive.COSH, INF, new double[] {-INF}),
                arguments(Primitive.TANH, -1.0, new double[] {-INF}),
                arguments(Primitive.ASINH, -0.0, new double[] {-0.0}),
                arguments(Primitive.ACOSH, NAN, new double[] {0.5}),
                arguments(Primitive.ATANH, -INF, new double[] {-1}),
                arguments(Primitive.CBRT, -3.0, new double[] {-27}),
                arguments(Primitive.POW, 1.0, new double[] {1, NAN}),
                arguments(Primitive.POW, 1.0, new double[] {-1, -INF}),
                arguments(Primitive.POW, -8.0, new double[] {-2, 3}),
                arguments(Primitive.ATAN2, -0.0, new double[] {-0.0, 1}),
                arguments(Primitive.HYPOT, INF, new double[] {INF, NAN}),
                arguments(Primitive.HYPOT, 5.0, new double[] {3, 4}),
                arguments(Primitive.FMOD, -1.0, new double[] {-7, 3}),
                arguments(Primitive.NEXTAFTER, -0.0, new double[] {0.0, -0.0}),
                arguments(Primitive.FUSED_MULTIPLY_ADD, NAN, new double[] {0, INF, 1}),
                // The product's last bit would be lost in float32 if it were rounded.
                arguments(Primitive.FUSED_MULTIPLY_ADD, 0x1p-24, new double[] {1 + 0x1p-12, 1 + 0x1p-12, -(1 + 0x1p-11)
                }));
    }

    @ParameterizedTest
    @MethodSource("floats")
    void floatingPointPrimitives(Primitive primitive, double expected, double[] values) {
        long[] wide = new long[values.length];
        long[] narrow = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            wide[i] = Double.doubleToRawLongBits(values[i]);
            narrow[i] = Float.floatToRawIntBits((float) values[i]);
        }
        assertThat(Double.longBitsToDouble(apply(primitive, ElementType.FLOAT64, wide)))
                .isEqualTo(Double.valueOf(expected));
        assertThat(Float.intBitsToFloat((int) apply(primitive, ElementType.FLOAT32, narrow)))
                .isEqualTo(Float.valueOf((float) expected));
    }

    static Stream<Arguments> integers() {
        return Stream.of(
                arguments(Primitive.ADD, ElementType.INT8, -128, new long[] {127, 1}),
                arguments(Primitive.ADD, ElementType.UINT32, 0, new long[] {0xffffffffL, 1}),
                arguments(Primitive.SUBTRACT, ElementType.UINT16, 65535, new long[] {0, 1}),
                arguments(Primitive.MULTIPLY, ElementType.INT64, -2, new long[] {Long.MAX_VALUE, 2}),
                arguments(Primitive.MINIMUM, ElementType.UINT64, 1, new long[] {-1, 1}),
                arguments(Primitive.MINIMUM, ElementType.INT64, -1, new long[] {-1, 1}),
                arguments(Primitive.MAXIMUM, ElementType.UINT8, 200, new long[] {200, 100}),
                arguments(Primitive.NEGATE, ElementType.UINT8, 255, new long[] {1}),
                arguments(Primitive.ABSOLUTE, ElementType.INT16, -32768, new long[] {-32768}),
                arguments(Primitive.ABSOLUTE, ElementType.UINT64, -5, new long[] {-5}),
                arguments(Primitive.AND, ElementType.INT32, 8, new long[] {12, 10}),
                arguments(Primitive.OR, ElementType.UINT32, 0xfffffffeL, new long[] {0xf0f0f0f0L, 0x0f0f0f0eL}),
                arguments(Primitive.XOR, ElementType.BOOL, 1, new long[] {1, 0}),
                arguments(Primitive.NOT, ElementType.BOOL, 0, new long[] {1}),
                arguments(Primitive.NOT, ElementType.UINT16, 65280, new long[] {255}),
                arguments(Primitive.SHIFT_LEFT, ElementType.INT8, 0, new long[] {1, 8}),
                arguments(Primitive.SHIFT_LEFT, ElementType.INT8, -128, new long[] {1, 7}),
                arguments(Primitive.SHIFT_LEFT, ElementType.INT32, 0, new long[] {1, -1}),
                arguments(Primitive.SHIFT_RIGHT, ElementType.INT32, -1, new long[] {-8, 40}),
                arguments(Primitive.SHIFT_RIGHT, ElementType.UINT64, 1, new long[] {-1, 63}),
                arguments(Primitive.SHIFT_RIGHT, ElementType.UINT32, 0, new long[] {5, 32}),
                arguments(Primitive.QUOTIENT, ElementType.INT32, Integer.MIN_VALUE, new long[] {Integer.MIN_VALUE, -1}),
                arguments(Primitive.QUOTIENT, ElementType.INT8, -128, new long[] {-128, -1}),
                arguments(Primitive.QUOTIENT, ElementType.UINT64, Long.MAX_VALUE, new long[] {-1, 2}),
                arguments(Primitive.QUOTIENT, ElementType.INT16, -3, new long[] {-7, 2}),
                arguments(Primitive.QUOTIENT, ElementType.UINT8, 0, new long[] {7, 0}),
                arguments(Primitive.REMAINDER, ElementType.INT16, -1, new long[] {-7, 2}),
                arguments(Primitive.REMAINDER, ElementType.UINT64, 5, new long[] {-1, 10}),
                arguments(Primitive.REMAINDER, ElementType.INT64, 0, new long[] {9, 0}),
                arguments(Primitive.INTEGER_POWER, ElementType.UINT8, 243, new long[] {3, 5}),
                arguments(Primitive.INTEGER_POWER, ElementType.INT64, 1, new long[] {0, 0}),
                arguments(Primitive.LESS, ElementType.UINT64, 0, new long[] {-1, 1}),
                arguments(Primitive.LESS, ElementType.INT64, 1, new long[] {-1, 1}),
                arguments(Primitive.LESS, ElementType.BOOL, 1, new long[] {0, 1}),
                arguments(Primitive.LESS_EQUAL, ElementType.UINT32, 0, new long[] {0xffffffffL, 0}),
                arguments(Primitive.EQUAL, ElementType.INT8, 1, new long[] {-1, -1}),
                arguments(Primitive.NOT_EQUAL, ElementType.BOOL, 1, new long[] {0, 1}));
    }

    @ParameterizedTest
    @MethodSource("integers")
    void integerPrimitives(Primitive primitive, ElementType type, long expected, long[] values) {
        assertThat(apply(primitive, type, values)).isEqualTo(expected);
    }

    @Test
    void nanIsUnorderedAndUnequal() {
        long nan = Double.doubleToRawLongBits(NAN);
        for (Primitive primitive : List.of(Primitive.LESS, Primitive.LESS_EQUAL, Primitive.EQUAL)) {
            assertThat(apply(primitive, ElementType.FLOAT64, nan, nan)).isZero();
        }
        assertThat(apply(Primitive.NOT_EQUAL, ElementType.FLOAT64, nan, nan)).isEqualTo(1);
    }

    @Test
    void everyPrimitiveIsTestedHere() {
        Set<Primitive> untested = EnumSet.allOf(Primitive.class);
        Stream.concat(floats(), integers()).forEach(test -> untested.remove((Primitive) test.get()[0]));
        // These two have tests of their own.
        assertThat(untested).containsExactlyInAnyOrder(Primitive.SELECT, Primitive.ROUND_TO_HALF);
    }

    @Test
    void roundsToHalf() {
        assertThat(roundedToHalf(1 + 0x1p-11f)).isEqualTo(1);
        assertThat(roundedToHalf(1 + 3 * 0x1p-11f)).isEqualTo(1 + 0x1p-9f);
        assertThat(roundedToHalf(65520)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(roundedToHalf(0x1p-26f)).isEqualTo(0);
    }

    private static float roundedToHalf(float x) {
        return Float.intBitsToFloat(
                (int) apply(Primitive.ROUND_TO_HALF, ElementType.FLOAT32, Float.floatToRawIntBits(x)));
    }

    /** One primitive of literals. */
    private static long apply(Primitive primitive, ElementType type, long... values) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int[] literals = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            literals[i] = builder.literal(type, values[i]);
        }
        ElementType result = primitive.isComparison() ? ElementType.BOOL : type;
        builder.store(out, result, builder.apply(primitive, literals), -1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64, 8);
            LAUNCHER.launch(builder.build(), 1, 1, List.of(Operand.contiguous(memory, result.bytes(), 1)));
            return read(memory, result, 0);
        }
    }

    private static long read(MemorySegment memory, ElementType type, long offset) {
        boolean signed = type.kind() == ElementType.Kind.SIGNED;
        return switch (type.bytes()) {
            case 1 -> memory.get(ValueLayout.JAVA_BYTE, offset) & (signed ? -1L : 0xffL);
            case 2 -> memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset) & (signed ? -1L : 0xffffL);
            case 4 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, offset) & (signed ? -1L : 0xffffffffL);
            default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
        };
    }

    /** Sizes around the block's, in one row and in many. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1023, 1024, 1025, 2048, 3000})
    void walksOverStridesOfEveryKind(int n0) {
        for (int n1 : new int[] {1, 3, 700}) {
            try (Arena arena = Arena.ofConfined()) {
                // out[j][i] = select(i % 3 == 0, in transposed and reversed, row's scalar) + index
                KernelBuilder builder = new KernelBuilder();
                int out = builder.newOperand();
                int transposed = builder.newOperand();
                int ofRow = builder.newOperand();
                int conditions = builder.newOperand();
                int picked = builder.apply(
                        Primitive.SELECT,
                        builder.load(conditions, ElementType.BOOL),
                        builder.load(transposed, ElementType.INT16),
                        builder.cast(builder.load(ofRow, ElementType.UINT8), ElementType.INT16));
                int sum = builder.apply(Primitive.ADD, builder.cast(picked, ElementType.INT64), builder.index());
                int scaled =
                        builder.apply(Primitive.MULTIPLY, sum, builder.scalar(builder.newScalar(), ElementType.INT64));
                builder.store(out, ElementType.INT64, scaled, -1);

                MemorySegment results = arena.allocate(8L * n0 * n1, 8);
                MemorySegment shorts = arena.allocate(2L * n0 * n1, 8);
                MemorySegment rows = arena.allocate(n1, 8);
                MemorySegment truths = arena.allocate(n0, 8);
                for (int i = 0; i < n0 * n1; i++) {
                    shorts.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (7 * i));
                }
                for (int i = 0; i < n1; i++) {
                    rows.set(ValueLayout.JAVA_BYTE, i, (byte) (3 * i));
                }
                for (int i = 0; i < n0; i++) {
                    truths.set(ValueLayout.JAVA_BYTE, i, (byte) (i % 3 == 0 ? 5 : 0));
                }
                LAUNCHER.launch(
                        builder.build(),
                        n0,
                        n1,
                        List.of(
                                Operand.contiguous(results, 8, n0),
                                new Operand(shorts, 2L * n1 * (n0 - 1), -2L * n1, 2, 2),
                                new Operand(rows, 0, 0, 1, 1),
                                new Operand(truths, 0, 1, 0, 1)),
                        10);
                for (int j = 0; j < n1; j++) {
                    for (int i = 0; i < n0; i++) {
                        long element = i % 3 == 0 ? (short) (7 * ((n0 - 1 - i) * n1 + j)) : (3 * j) & 0xff;
                        long result = results.getAtIndex(ValueLayout.JAVA_LONG, (long) j * n0 + i);
                        // Millions of them: only a wrong one is worth an assertion's time.
                        if (result != 10 * (element + (long) j * n0 + i)) {
                            fail("%d of row %d of %d x %d is %d", i, j, n0, n1, result);
                        }
                    }
                }
            }
        }
    }

    @Test
    void storesUnderAMaskAndAfterItLoadsWhatIsThere() {
        try (Arena arena = Arena.ofConfined()) {
            int count = 2500;
            KernelBuilder builder = new KernelBuilder();
            int data = builder.newOperand();
            int copy = builder.newOperand();
            int x = builder.load(data, ElementType.FLOAT16);
            int isNegative = builder.apply(Primitive.LESS, x, builder.number(ElementType.FLOAT32, 0));
            builder.store(data, ElementType.FLOAT16, builder.number(ElementType.FLOAT32, 0.1), isNegative);
            builder.store(copy, ElementType.FLOAT32, builder.load(data, ElementType.FLOAT16), -1);
            MemorySegment halves = arena.allocate(2L * count, 8);
            MemorySegment floats = arena.allocate(4L * count, 8);
            for (int i = 0; i < count; i++) {
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(i % 5 - 2));
            }
            LAUNCHER.launch(
                    builder.build(),
                    count,
                    1,
                    List.of(Operand.contiguous(halves, 2, count), Operand.contiguous(floats, 4, count)));
            for (int i = 0; i < count; i++) {
                float expected = i % 5 - 2 < 0 ? 0.0999755859375f : i % 5 - 2;
                assertThat(floats.getAtIndex(ValueLayout.JAVA_FLOAT, i)).isEqualTo(expected);
                assertThat(Float.float16ToFloat(halves.getAtIndex(ValueLayout.JAVA_SHORT, i)))
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void runsInManyThreadsAtOnce() throws Exception {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int in = builder.newOperand();
        int value = builder.load(in, ElementType.FLOAT64);
        for (int i = 0; i < 20; i++) {
            value = builder.apply(Primitive.ADD, value, builder.number(ElementType.FLOAT64, i));
        }
        builder.store(out, ElementType.FLOAT64, value, -1);
        Kernel kernel = builder.build();
        try (Arena arena = Arena.ofShared();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<MemorySegment>> tasks = new ArrayList<>();
            for (int task = 0; task < 16; task++) {
                MemorySegment data = arena.allocate(8 * 5000, 8);
                data.setAtIndex(ValueLayout.JAVA_DOUBLE, 4999, task);
                tasks.add(() -> {
                    Operand operand = Operand.contiguous(data, 8, 5000);
                    LAUNCHER.launch(kernel, 5000, 1, List.of(operand, operand));
                    return data;
                });
            }
            int task = 0;
            for (Future<MemorySegment> done : threads.invokeAll(tasks)) {
                assertThat(done.get().getAtIndex(ValueLayout.JAVA_DOUBLE, 4999)).isEqualTo(190 + task++);
            }
        }
    }

    @Test
    void readsAnyNonZeroByteAsTrue() {
        try (Arena arena = Arena.ofConfined()) {
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            int in = builder.newOperand();
            builder.store(out, ElementType.BOOL, builder.load(in, ElementType.BOOL), -1);
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) 0, (byte) 1, (byte) 2, (byte) -128);
            LAUNCHER.launch(
                    builder.build(), 4, 1, List.of(Operand.contiguous(bytes, 1, 4), Operand.contiguous(bytes, 1, 4)));
            assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).containsExactly(0, 1, 1, 1);
        }
    }

    @Test
    void reinterpretsBits() {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        int one = builder.number(ElementType.FLOAT32, -1);
        int bits = builder.reinterpret(one, ElementType.UINT32);
        int sign = builder.apply(Primitive.SHIFT_RIGHT, bits, builder.number(ElementType.UINT32, 31));
        int back = builder.reinterpret(
                builder.apply(
                        Primitive.XOR,
                        bits,
                        builder.apply(Primitive.SHIFT_LEFT, sign, builder.number(ElementType.UINT32, 31))),
                ElementType.FLOAT32);
        builder.store(out, ElementType.FLOAT32, back, -1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(4, 8);
            LAUNCHER.launch(builder.build(), 1, 1, List.of(Operand.contiguous(memory, 4, 1)));
            assertThat(memory.get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(1.0f);
        }
    }
}
