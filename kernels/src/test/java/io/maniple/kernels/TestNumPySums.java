package io.maniple.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.KernelLauncher.Operand;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.portable.PortableCompiler;
import io.maniple.kernels.x86.X86Compiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sums of rows of up to 128 doubles have the bits of NumPy's. */
class TestNumPySums {
    private static final int LONGEST = 128;
    private static final int ROWS = 5;

    static Stream<KernelCompiler> compilers() {
        return Stream.of(Stream.of(new PortableCompiler()), X86Compiler.avx2().stream(), X86Compiler.avx512().stream())
                .flatMap(s -> s);
    }

    @ParameterizedTest
    @MethodSource("compilers")
    void contiguousRows(KernelCompiler compiler) {
        check(compiler, 1);
    }

    @ParameterizedTest
    @MethodSource("compilers")
    void stridedRows(KernelCompiler compiler) {
        check(compiler, 3);
    }

    private static void check(KernelCompiler compiler, int step) {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        builder.reduce(out, Reduction.SUM, builder.load(builder.newOperand(), ElementType.FLOAT64));
        Kernel kernel = builder.build();
        Random random = new Random(128);
        for (int n = 1; n <= LONGEST; n++) {
            double[] data = random.doubles((long) ROWS * n * step, -1, 1).toArray();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment results = arena.allocate(8L * ROWS, 8);
                MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, data);
                Operand in = new Operand(memory, 0, 8L * step, 8L * step * n, 8);
                new KernelLauncher(compiler).launch(kernel, n, ROWS, List.of(new Operand(results, 0, 0, 8, 8), in));
                for (int row = 0; row < ROWS; row++) {
                    assertThat(results.getAtIndex(ValueLayout.JAVA_DOUBLE, row))
                            .as("row %d of %d elements", row, n)
                            .isEqualTo(Double.valueOf(pairwiseSum(data, row * n * step, n, step)));
                }
            }
        }
    }

    /** NumPy's pairwise_sum (loops_utils.h.src), the part for up to 128 elements. */
    private static double pairwiseSum(double[] a, int first, int n, int step) {
        if (n < 8) {
            double sum = -0.0;
            for (int i = 0; i < n; i++) {
                sum += a[first + i * step];
            }
            return sum;
        }
        double[] r = new double[8];
        for (int j = 0; j < 8; j++) {
            r[j] = a[first + j * step];
        }
        int i = 8;
        for (; i < n - n % 8; i += 8) {
            for (int j = 0; j < 8; j++) {
                r[j] += a[first + (i + j) * step];
            }
        }
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++) {
            sum += a[first + i * step];
        }
        return sum;
    }
}
