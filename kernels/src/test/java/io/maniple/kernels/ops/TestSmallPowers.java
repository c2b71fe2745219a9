package io.maniple.kernels.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.KernelLauncher;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.portable.PortableCompiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Powers by products against powers in sixty digits; the special values are in TestNumPyVectors. */
class TestSmallPowers {
    private static final MathContext DIGITS = new MathContext(60);
    private static final int COUNT = 4_000;

    static List<String> names() {
        return SmallPowers.names().toList();
    }

    private static double[] run(String name, double[] inputs) {
        Operation operation = OperationTable.standard().find(name, "d->d").orElseThrow();
        var kernel = OperationKernels.elementwise(operation, (Operation.Kind.Elementwise) operation.kind());
        assertThat(OperationKernels.storages(List.of(DType.FLOAT64))).containsExactly(ElementType.FLOAT64);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(8L * inputs.length, 64);
            MemorySegment out = arena.allocate(8L * inputs.length, 64);
            MemorySegment.copy(inputs, 0, in, ValueLayout.JAVA_DOUBLE, 0, inputs.length);
            new KernelLauncher(new PortableCompiler())
                    .launch(
                            kernel,
                            inputs.length,
                            1,
                            List.of(
                                    KernelLauncher.Operand.contiguous(out, 8, inputs.length),
                                    KernelLauncher.Operand.contiguous(in, 8, inputs.length)));
            return out.toArray(ValueLayout.JAVA_DOUBLE);
        }
    }

    private static BigDecimal exactly(double x, double exponent) {
        BigDecimal base = new BigDecimal(x);
        BigDecimal power = base.sqrt(DIGITS).pow((int) Math.abs(2 * exponent), DIGITS);
        return exponent < 0 ? BigDecimal.ONE.divide(power, DIGITS) : power;
    }

    @ParameterizedTest
    @MethodSource("names")
    void isCorrectlyRounded(String name) {
        double exponent = Double.parseDouble(name.substring("power".length()));
        Random random = new Random(7);
        double[] inputs = new double[COUNT];
        double reach = 960 / Math.abs(exponent);
        for (int i = 0; i < COUNT; i++) {
            double scale = i % 2 == 0 ? 0 : Math.clamp((2 * random.nextDouble() - 1) * reach, -1020, 1020);
            inputs[i] = Math.scalb(1 + random.nextDouble(), (int) scale);
        }
        double[] results = run(name, inputs);
        for (int i = 0; i < COUNT; i++) {
            double expected = exactly(inputs[i], exponent).doubleValue();
            assertThat(results[i]).as("%s of %s", name, inputs[i]).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void isOffByTwoUnitsAtMostWhereItVanishes(String name) {
        double exponent = Double.parseDouble(name.substring("power".length()));
        Random random = new Random(8);
        double[] inputs = new double[COUNT];
        for (int i = 0; i < COUNT; i++) {
            double result = -1076 + 100 * random.nextDouble();
            inputs[i] = Math.pow(2, Math.clamp(result / exponent, -1073, 1023)) * (1 + random.nextDouble() / 2);
        }
        double[] results = run(name, inputs);
        for (int i = 0; i < COUNT; i++) {
            double expected = exactly(inputs[i], exponent).doubleValue();
            assertThat(Math.abs(results[i] - expected))
                    .as("%s of %s: %s instead of %s", name, inputs[i], results[i], expected)
                    .isLessThanOrEqualTo(2 * Math.ulp(expected));
        }
    }
}
