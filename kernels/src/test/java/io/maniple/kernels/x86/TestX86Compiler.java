package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation on every type, access and awkward size against the interpreter. */
@ParameterizedClass
@MethodSource("io.maniple.kernels.x86.KernelBench#compilers")
class TestX86Compiler {
    private static final int[] SIZES = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1000};
    private static final Set<ElementType> COMPUTED = EnumSet.complementOf(EnumSet.of(ElementType.FLOAT16));

    private final Random random = new Random(42);

    private final KernelCompiler compiler;

    TestX86Compiler(KernelCompiler compiler) {
        this.compiler = compiler;
    }

    private static boolean applies(Primitive primitive, ElementType type) {
        return switch (primitive) {
            case ADD, SUBTRACT, MULTIPLY, NEGATE, ABSOLUTE -> type != ElementType.BOOL;
            case DIVIDE, SQRT, FLOOR, CEIL, TRUNC, RINT -> type.isFloating();
            case ROUND_TO_HALF -> type == ElementType.FLOAT32;
            case AND, OR, XOR, NOT -> !type.isFloating();
            case SHIFT_LEFT, SHIFT_RIGHT, QUOTIENT, REMAINDER, INTEGER_POWER -> type.isInteger();
            case MINIMUM, MAXIMUM, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL, SELECT -> true;
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
                compiler.compile(kernel, accesses, false).orElseThrow(() -> new AssertionError("no form: " + kernel));
        for (int n0 : SIZES) {
            new KernelBench(compiler, kernel, accesses, random)
                    .within(ulps)
                    .check(executable, n0, 1 + random.nextInt(3));
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
            int wider = builder.cast(builder.load(in, type), ElementType.INT64);
            builder.reduce(builder.newOperand(), Reduction.MAXIMUM, wider);
            checkSizes(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS, Access.STRIDED), 0);
        }
    }

    @Test
    void streamingStores() {
        for (ElementType type : ElementType.values()) {
            KernelBuilder builder = new KernelBuilder();
            int out = builder.newOperand();
            builder.store(out, type, builder.load(builder.newOperand(), type), -1);
            int wider = builder.cast(builder.load(1, type), ElementType.FLOAT64);
            builder.store(builder.newOperand(), ElementType.FLOAT64, wider, -1);
            for (int n0 : SIZES) {
                new KernelBench(compiler, builder.build(), all(builder.build(), Access.CONTIGUOUS), random)
                        .check(n0, 2, true);
            }
        }
    }

    /** Element i is read before it is written, and a load after a store sees what was stored. */
    @ParameterizedTest
    @EnumSource(ElementType.class)
    void inPlace(ElementType type) {
        for (Access access : List.of(Access.CONTIGUOUS, Access.STRIDED)) {
            KernelBuilder builder = new KernelBuilder();
            int both = builder.newOperand();
            int other = builder.load(builder.newOperand(), type);
            Primitive combine = type == ElementType.BOOL ? Primitive.XOR : Primitive.MAXIMUM;
            builder.store(both, type, builder.apply(combine, other, builder.load(both, type)), -1);
            builder.store(builder.newOperand(), type, builder.apply(combine, builder.load(both, type), other), -1);
            checkSizes(builder.build(), all(builder.build(), access), 0);
        }
    }

    @Test
    void fillWithAScalar() {
        for (ElementType type : ElementType.values()) {
            KernelBuilder builder = new KernelBuilder();
            int scalar = builder.scalar(builder.newScalar(), type.computed());
            builder.store(builder.newOperand(), type, scalar, -1);
            long bits = type == ElementType.BOOL ? 1 : 0x4048F5C34048F5C3L;
            for (int n0 : SIZES) {
                new KernelBench(compiler, builder.build(), List.of(Access.CONTIGUOUS), random)
                        .scalars(bits)
                        .check(n0, 2, true);
            }
        }
    }

    @Test
    void storeToOneElementKeepsTheLast() {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        builder.store(out, ElementType.INT32, builder.load(builder.newOperand(), ElementType.INT32), -1);
        checkSizes(builder.build(), List.of(Access.BROADCAST, Access.CONTIGUOUS), 0);
    }

    /** More live values than registers on both sides of calls. */
    @Test
    void manyValuesLiveAcrossCalls() {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        List<Integer> loads = new ArrayList<>();
        for (int k = 0; k < 20; k++) {
            loads.add(builder.load(builder.newOperand(), ElementType.FLOAT64));
        }
        int result = builder.apply(Primitive.ATAN2, loads.get(0), loads.get(19));
        for (int load : loads.reversed()) {
            result = builder.apply(Primitive.ATAN, builder.apply(Primitive.ADD, result, load));
        }
        for (int load : loads) {
            result = builder.apply(Primitive.MAXIMUM, result, load);
        }
        builder.store(out, ElementType.FLOAT64, result, -1);
        checkSizes(builder.build(), all(builder.build(), Access.CONTIGUOUS), 2);
    }

    @Test
    void severalThreadsRunOneKernel() throws InterruptedException {
        Kernel kernel = kernelOf(Primitive.SIN, ElementType.FLOAT64);
        KernelCompiler.Executable executable =
                compiler.compile(kernel, all(kernel, Access.CONTIGUOUS), false).orElseThrow();
        AtomicInteger wrong = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            double x = t + 0.25;
            threads.add(Thread.ofPlatform().start(() -> wrong.addAndGet(countWrong(executable, x))));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong).hasValue(0);
    }

    private static int countWrong(KernelCompiler.Executable executable, double x) {
        int n = 1001;
        int wrong = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(8L * n, 64);
            MemorySegment out = arena.allocate(8L * n, 64);
            for (int k = 0; k < n; k++) {
                in.setAtIndex(ValueLayout.JAVA_DOUBLE, k, x);
            }
            MemorySegment block = arena.allocate(8L * 16, 64);
            long[] words = {n, 1, 0, 0, 0, out.address(), 8, 0, in.address(), 8, 0};
            MemorySegment.copy(words, 0, block, ValueLayout.JAVA_LONG, 0, words.length);
            for (int round = 0; round < 200; round++) {
                executable.run(block.address());
                for (int k = 0; k < n; k++) {
                    double y = out.getAtIndex(ValueLayout.JAVA_DOUBLE, k);
                    wrong += Math.abs(y - StrictMath.sin(x)) < 1e-15 ? 0 : 1;
                }
            }
        }
        return wrong;
    }

    @Test
    void kernelsWithoutAFormAreDeclined() {
        KernelBuilder builder = new KernelBuilder();
        int out = builder.newOperand();
        builder.reduce(out, Reduction.SUM, builder.load(builder.newOperand(), ElementType.BOOL));
        assertThat(compiler.compile(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS), false))
                .isEmpty();
    }
}
