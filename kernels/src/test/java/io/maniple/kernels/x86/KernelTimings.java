package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Nanoseconds per element of typical kernels, on data in the second-level cache and in memory; the best of many runs.
 * Not a test: run its main method. With a directory as argument the machine code is left there, for
 * {@code objdump -D -b binary -m i386:x86-64}.
 */
final class KernelTimings {
    private static final InstructionSet SET = InstructionSet.valueOf(System.getProperty("maniple.set", "AVX2"));
    private static final ElementType F64 = ElementType.FLOAT64;

    private KernelTimings() {}

    private static int f64(KernelBuilder builder, double value) {
        return builder.number(F64, value);
    }

    private static Kernel axpy() {
        KernelBuilder b = new KernelBuilder();
        int x = b.newOperand();
        int y = b.newOperand();
        int sum = b.apply(
                Primitive.ADD,
                b.apply(Primitive.MULTIPLY, b.scalar(b.newScalar(), F64), b.load(x, F64)),
                b.load(y, F64));
        b.store(y, F64, sum, -1);
        return b.build();
    }

    private static Kernel add(ElementType type) {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), type);
        int y = b.load(b.newOperand(), type);
        b.store(b.newOperand(), type, b.apply(Primitive.ADD, x, y), -1);
        return b.build();
    }

    private static int normalDistribution(KernelBuilder b, int x) {
        int z = b.apply(Primitive.ABSOLUTE, x);
        int t = b.apply(
                Primitive.DIVIDE,
                f64(b, 1),
                b.apply(Primitive.ADD, f64(b, 1), b.apply(Primitive.MULTIPLY, f64(b, 0.2316419), z)));
        int polynomial = f64(b, 1.330274429);
        for (double c : new double[] {-1.821255978, 1.781477937, -0.356563782, 0.319381530}) {
            polynomial = b.apply(Primitive.ADD, b.apply(Primitive.MULTIPLY, polynomial, t), f64(b, c));
        }
        int density = b.apply(
                Primitive.MULTIPLY,
                b.apply(Primitive.EXP, b.apply(Primitive.MULTIPLY, f64(b, -0.5), b.apply(Primitive.MULTIPLY, x, x))),
                f64(b, 0.3989422804014327));
        int upper = b.apply(Primitive.MULTIPLY, density, b.apply(Primitive.MULTIPLY, polynomial, t));
        int less = b.apply(Primitive.LESS, x, f64(b, 0));
        return b.apply(Primitive.SELECT, less, upper, b.apply(Primitive.SUBTRACT, f64(b, 1), upper));
    }

    private static Kernel blackScholes() {
        KernelBuilder b = new KernelBuilder();
        int spot = b.load(b.newOperand(), F64);
        int strike = b.load(b.newOperand(), F64);
        int time = b.load(b.newOperand(), F64);
        int call = b.newOperand();
        int put = b.newOperand();
        int root = b.apply(Primitive.MULTIPLY, f64(b, 0.3), b.apply(Primitive.SQRT, time));
        int d1 = b.apply(
                Primitive.DIVIDE,
                b.apply(
                        Primitive.ADD,
                        b.apply(Primitive.LOG, b.apply(Primitive.DIVIDE, spot, strike)),
                        b.apply(Primitive.MULTIPLY, f64(b, 0.125), time)),
                root);
        int d2 = b.apply(Primitive.SUBTRACT, d1, root);
        int discounted = b.apply(
                Primitive.MULTIPLY, strike, b.apply(Primitive.EXP, b.apply(Primitive.MULTIPLY, f64(b, -0.08), time)));
        int value = b.apply(
                Primitive.SUBTRACT,
                b.apply(Primitive.MULTIPLY, spot, normalDistribution(b, d1)),
                b.apply(Primitive.MULTIPLY, discounted, normalDistribution(b, d2)));
        b.store(call, F64, value, -1);
        b.store(put, F64, b.apply(Primitive.ADD, b.apply(Primitive.SUBTRACT, value, spot), discounted), -1);
        return b.build();
    }

    private static Kernel chain() {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), F64);
        int sine = b.apply(Primitive.SIN, x);
        int cosine = b.apply(Primitive.COS, x);
        int root = b.apply(
                Primitive.SQRT,
                b.apply(
                        Primitive.ADD,
                        b.apply(Primitive.MULTIPLY, sine, sine),
                        b.apply(Primitive.MULTIPLY, cosine, cosine)));
        int bell = b.apply(Primitive.EXP, b.apply(Primitive.NEGATE, b.apply(Primitive.MULTIPLY, x, x)));
        int rest = b.apply(Primitive.DIVIDE, bell, b.apply(Primitive.ADD, f64(b, 1), b.apply(Primitive.ABSOLUTE, x)));
        b.store(b.newOperand(), F64, b.apply(Primitive.ADD, root, rest), -1);
        return b.build();
    }

    private static Kernel sum(boolean masked) {
        KernelBuilder b = new KernelBuilder();
        int value = b.load(b.newOperand(), F64);
        if (masked) {
            int mask = b.load(b.newOperand(), ElementType.BOOL);
            value = b.apply(Primitive.SELECT, mask, value, f64(b, -0.0));
        }
        b.reduce(b.newOperand(), Reduction.SUM, value);
        return b.build();
    }

    private static Kernel compareChain() {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), ElementType.INT64);
        int y = b.load(b.newOperand(), ElementType.INT64);
        int inside = b.apply(
                Primitive.AND,
                b.apply(Primitive.LESS, b.number(ElementType.INT64, 10), x),
                b.apply(Primitive.LESS_EQUAL, x, y));
        b.store(
                b.newOperand(),
                ElementType.BOOL,
                b.apply(Primitive.OR, inside, b.apply(Primitive.EQUAL, y, b.number(ElementType.INT64, 7))),
                -1);
        return b.build();
    }

    private static Kernel longMath(Primitive primitive) {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), ElementType.INT64);
        int y = b.load(b.newOperand(), ElementType.INT64);
        b.store(b.newOperand(), ElementType.INT64, b.apply(primitive, x, y), -1);
        return b.build();
    }

    private static Kernel cast(ElementType from, ElementType to) {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), from);
        b.store(b.newOperand(), to, b.cast(x, to.computed()), -1);
        return b.build();
    }

    private static Kernel polynomial() {
        KernelBuilder b = new KernelBuilder();
        int x = b.load(b.newOperand(), F64);
        int result = f64(b, 1);
        for (int k = 1; k < 10; k++) {
            result = b.apply(Primitive.ADD, b.apply(Primitive.MULTIPLY, result, x), f64(b, k));
        }
        b.store(b.newOperand(), F64, result, -1);
        return b.build();
    }

    public static void main(String[] arguments) throws IOException {
        Map<String, Kernel> kernels = new LinkedHashMap<>();
        kernels.put("axpy f64", axpy());
        kernels.put("add f64", add(F64));
        kernels.put("add u8", add(ElementType.UINT8));
        kernels.put("polynomial f64", polynomial());
        kernels.put("Black-Scholes", blackScholes());
        kernels.put("sin cos exp chain", chain());
        kernels.put("sum f64", sum(false));
        kernels.put("masked sum f64", sum(true));
        kernels.put("i64 compare chain", compareChain());
        kernels.put("i64 multiply", longMath(Primitive.MULTIPLY));
        kernels.put("i64 quotient", longMath(Primitive.QUOTIENT));
        kernels.put("cast f64 i64", cast(F64, ElementType.INT64));
        kernels.put("cast i64 f64", cast(ElementType.INT64, F64));
        kernels.put("cast u8 f32", cast(ElementType.UINT8, ElementType.FLOAT32));
        kernels.put("cast f64 i32", cast(F64, ElementType.INT32));
        System.out.println("kernel                  in L2   in memory   streaming   strided (L2)   rows of 10");
        for (Map.Entry<String, Kernel> entry : kernels.entrySet()) {
            Kernel kernel = entry.getValue();
            if (arguments.length > 0) {
                Path file = Path.of(arguments[0], entry.getKey().replace(' ', '-') + ".bin");
                Files.write(file, KernelEmitter.emit(SET, kernel, accesses(kernel, Access.CONTIGUOUS), false));
            }
            System.out.printf(
                    "%-20s %8.3f %11.3f %11.3f %14.3f %12.3f%n",
                    entry.getKey(),
                    measure(kernel, Access.CONTIGUOUS, 8192, 1, false),
                    measure(kernel, Access.CONTIGUOUS, 8 << 20, 1, false),
                    measure(kernel, Access.CONTIGUOUS, 8 << 20, 1, true),
                    measure(kernel, Access.STRIDED, 4096, 1, false),
                    measure(kernel, Access.CONTIGUOUS, 10, 400, false));
        }
        callOverhead();
        compileTime();
    }

    private static List<Access> accesses(Kernel kernel, Access inner) {
        List<Access> accesses = new ArrayList<>();
        for (int k = 0; k < kernel.operands(); k++) {
            accesses.add(inner);
        }
        return accesses;
    }

    private static ElementType storage(Kernel kernel, int operand) {
        for (Node node : kernel.nodes()) {
            switch (node) {
                case Node.Load load
                when load.operand() == operand -> {
                    return load.storage();
                }
                case Node.Store store
                when store.operand() == operand -> {
                    return store.storage();
                }
                case Node.Reduce reduce
                when reduce.operand() == operand -> {
                    return reduce.type();
                }
                default -> {}
            }
        }
        throw new IllegalArgumentException("operand " + operand);
    }

    /** Nanoseconds per element. */
    private static double measure(Kernel kernel, Access inner, int n0, int n1, boolean streaming) {
        KernelCompiler.Executable executable = X86Compiler.create(SET)
                .orElseThrow()
                .compile(kernel, accesses(kernel, inner), streaming)
                .orElseThrow();
        int factor = inner == Access.STRIDED ? 2 : 1;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = block(arena, kernel, n0, n1);
            for (int operand = 0; operand < kernel.operands(); operand++) {
                ElementType type = storage(kernel, operand);
                MemorySegment memory = arena.allocate((long) factor * n0 * n1 * type.bytes(), 64);
                for (long k = 0; k < (long) factor * n0 * n1; k++) {
                    double value = 0.5 + (k % 97) / 40.0;
                    ReferenceInterpreter.write(
                            memory.address() + k * type.bytes(),
                            type,
                            type == F64 ? Double.doubleToRawLongBits(value) : 1 + k % 97);
                }
                describe(block, operand, memory, (long) factor * type.bytes(), (long) n0 * type.bytes());
            }
            double best = Double.MAX_VALUE;
            long end = System.nanoTime() + 250_000_000L;
            int repeats = n0 * n1 > 100_000 ? 1 : 50;
            int runs = 0;
            while (runs++ < 3 || System.nanoTime() < end) {
                long start = System.nanoTime();
                for (int k = 0; k < repeats; k++) {
                    executable.run(block.address());
                }
                best = Math.min(best, System.nanoTime() - start);
            }
            return best / repeats / ((double) n0 * n1);
        }
    }

    private static MemorySegment block(Arena arena, Kernel kernel, int n0, int n1) {
        MemorySegment block = arena.allocate(8L * (Kernel.Arguments.scalars(kernel.operands()) + kernel.scalars()), 64);
        block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, n0);
        block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, n1);
        return block;
    }

    private static void describe(MemorySegment block, int operand, MemorySegment memory, long stride0, long stride1) {
        int at = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
        block.setAtIndex(ValueLayout.JAVA_LONG, at, memory.address());
        block.setAtIndex(ValueLayout.JAVA_LONG, at + 1, stride0);
        block.setAtIndex(ValueLayout.JAVA_LONG, at + 2, stride1);
    }

    private static void callOverhead() {
        Kernel kernel = add(F64);
        KernelCompiler.Executable executable = X86Compiler.create(SET)
                .orElseThrow()
                .compile(kernel, accesses(kernel, Access.CONTIGUOUS), false)
                .orElseThrow();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = block(arena, kernel, 4, 1);
            for (int operand = 0; operand < 3; operand++) {
                describe(block, operand, arena.allocate(64, 64), 8, 32);
            }
            double best = Double.MAX_VALUE;
            for (int round = 0; round < 40; round++) {
                long start = System.nanoTime();
                for (int k = 0; k < 100_000; k++) {
                    executable.run(block.address());
                }
                best = Math.min(best, (System.nanoTime() - start) / 100_000.0);
            }
            System.out.printf("call with 4 elements: %.1f ns%n", best);
        }
    }

    private static void compileTime() {
        Kernel kernel = blackScholes();
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 300; round++) {
            long start = System.nanoTime();
            KernelCompiler.Executable compiled = X86Compiler.create(SET)
                    .orElseThrow()
                    .compile(kernel, accesses(kernel, Access.CONTIGUOUS), false)
                    .orElseThrow();
            long time = System.nanoTime() - start;
            Objects.requireNonNull(compiled);
            if (round == 0) {
                System.out.printf("first compile in a warm process: %.2f ms%n", time / 1e6);
            }
            best = Math.min(best, time);
        }
        System.out.printf("compile of %d nodes: %.2f ms%n", kernel.nodes().size(), best / 1e6);
    }
}
