package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Primitive;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels made by chance, compiled and interpreted, to the bit. A failure names the seed that makes it again. */
@ParameterizedClass
@MethodSource("io.maniple.kernels.x86.KernelBench#compilers")
class TestRandomKernels {
    private static final int KERNELS = Integer.getInteger("maniple.test.randomKernels", 3000);
    private static final int[] SIZES = {1, 2, 3, 5, 8, 13, 16, 31, 32, 33, 63, 64, 65, 100, 130, 200};

    private final Map<Object, KernelCompiler.Executable> singles = new HashMap<>();

    private final KernelCompiler compiler;

    TestRandomKernels(KernelCompiler compiler) {
        this.compiler = compiler;
    }

    /** The very functions that kernels call, on one element: so a chain of them agrees to the bit. */
    private double single(Primitive function, boolean isDouble, double x, double y) {
        ElementType type = isDouble ? ElementType.FLOAT64 : ElementType.FLOAT32;
        KernelCompiler.Executable executable = singles.computeIfAbsent(function + " " + type, key -> {
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            int[] arguments = new int[function.arity()];
            for (int k = 0; k < arguments.length; k++) {
                arguments[k] = builder.load(builder.newOperand(), type);
            }
            builder.store(out, type, builder.apply(function, arguments), -1);
            Kernel kernel = builder.build();
            return compiler.compile(kernel, Collections.nCopies(kernel.operands(), Access.CONTIGUOUS), false)
                    .orElseThrow();
        });
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(8 * 20, 64);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, 1);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, 1);
            MemorySegment numbers = arena.allocate(8 * 3, 64);
            for (int k = 0; k <= function.arity(); k++) {
                block.setAtIndex(
                        ValueLayout.JAVA_LONG,
                        Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * k,
                        numbers.address() + 8L * k);
            }
            for (int k = 0; k < 2; k++) {
                double argument = k == 0 ? x : y;
                ReferenceInterpreter.write(
                        numbers.address() + 8L * (k + 1),
                        type,
                        isDouble ? Double.doubleToRawLongBits(argument) : Float.floatToRawIntBits((float) argument));
            }
            executable.run(block.address());
            return isDouble ? numbers.get(ValueLayout.JAVA_DOUBLE, 0) : numbers.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    private void check(long seed, boolean withFunctions) {
        Random random = new Random(seed);
        RandomKernels generator = new RandomKernels(random, withFunctions);
        Kernel kernel = generator.make();
        long[] scalars = new long[kernel.scalars()];
        for (int k = 0; k < scalars.length; k++) {
            scalars[k] = TestValues.random(ElementType.INT64, random);
        }
        // a BOOL scalar is 0 or 1 in its whole word
        kernel.nodes().forEach(node -> {
            if (node instanceof io.maniple.kernels.ir.Node.Scalar scalar && scalar.type() == ElementType.BOOL) {
                scalars[scalar.slot()] &= 1;
            }
        });
        try {
            new KernelBench(compiler, kernel, generator.accesses(), random)
                    .scalars(scalars)
                    .functions(this::single)
                    .check(SIZES[random.nextInt(SIZES.length)], 1 + random.nextInt(3), random.nextInt(4) == 0);
        } catch (AssertionError | RuntimeException failure) {
            throw new AssertionError(
                    compiler.name() + ", seed " + seed + (withFunctions ? " with functions" : ""), failure);
        }
    }

    @Test
    void arithmetic() {
        long first = Long.getLong("maniple.test.seed", 1L);
        for (long seed = first; seed < first + KERNELS; seed++) {
            check(seed, false);
        }
    }

    @Test
    void functions() {
        long first = Long.getLong("maniple.test.seed", 1L);
        for (long seed = first; seed < first + KERNELS / 5; seed++) {
            check(seed, true);
        }
    }
}
