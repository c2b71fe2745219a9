package io.maniple.cuda;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationKernels;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.kernels.portable.PortableCompiler;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;

/**
 * Writes what a machine with a GPU needs to check all elementwise operations and casts: their sources, and what the
 * portable engine makes of special and random values.
 *
 * <p>usage: OperationBundle FOLDER
 */
final class OperationBundle {
    private static final int COUNT = 640;

    /** One kernel to check. The operands are the outputs, then the inputs, all contiguous. */
    private record Check(String name, Kernel kernel, List<ElementType> outputs, List<ElementType> inputs, double ulp) {}

    private final Random random = new Random(1);
    private final PrintStream list;
    private final OutputStream data;
    private final StringBuilder source = new StringBuilder(CudaSource.PRELUDE);

    private OperationBundle(PrintStream list, OutputStream data) {
        this.list = list;
        this.data = data;
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        try (PrintStream list = new PrintStream(
                        Files.newOutputStream(folder.resolve("checks.tsv")), false, StandardCharsets.UTF_8);
                OutputStream data = new BufferedOutputStream(
                        new GZIPOutputStream(Files.newOutputStream(folder.resolve("data.bin.gz"))))) {
            OperationBundle bundle = new OperationBundle(list, data);
            int number = 0;
            for (Check check : checks()) {
                bundle.write("k" + number++, check);
            }
            try (OutputStream sources = new GZIPOutputStream(Files.newOutputStream(folder.resolve("kernels.cu.gz")))) {
                sources.write(bundle.source.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private static List<Check> checks() {
        List<Check> checks = new ArrayList<>();
        for (Operation operation : OperationTable.standard().operations()) {
            if (operation.kind() instanceof Operation.Kind.Elementwise kind) {
                checks.add(new Check(
                        operation.name() + ":" + operation.signature(),
                        OperationKernels.elementwise(operation, kind),
                        OperationKernels.storages(operation.outputs()),
                        OperationKernels.storages(operation.inputs()),
                        operation.ulp()));
            }
        }
        for (DType from : DType.values()) {
            for (DType to : DType.values()) {
                checks.add(new Check(
                        "cast:" + from.character() + "->" + to.character(),
                        OperationKernels.cast(from, to),
                        OperationKernels.storages(List.of(to)),
                        OperationKernels.storages(List.of(from)),
                        0));
            }
        }
        for (ElementType type : List.of(ElementType.FLOAT64, ElementType.FLOAT32)) {
            String character = type == ElementType.FLOAT64 ? "d" : "f";
            String name = "chain:" + character + character + "->" + character;
            checks.add(new Check(name, chain(type), List.of(type), List.of(type, type), 1));
        }
        return checks;
    }

    /** What several operations of a program become: sqrt(x x + 1) exp(-x) + 0.5 y. */
    private static Kernel chain(ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        int x = builder.load(builder.newOperand(), type);
        int y = builder.load(builder.newOperand(), type);
        int root = builder.apply(
                Primitive.SQRT,
                builder.apply(Primitive.ADD, builder.apply(Primitive.MULTIPLY, x, x), builder.number(type, 1)));
        int fall = builder.apply(Primitive.EXP, builder.apply(Primitive.NEGATE, x));
        int product = builder.apply(Primitive.MULTIPLY, root, fall);
        int half = builder.apply(Primitive.MULTIPLY, builder.number(type, 0.5), y);
        builder.store(target, type, builder.apply(Primitive.ADD, product, half), -1);
        return builder.build();
    }

    private void write(String function, Check check) throws IOException {
        int operands = check.outputs.size() + check.inputs.size();
        source.append(CudaSource.map(check.kernel, function)).append(CudaSource.flat(check.kernel, function));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(8L * Kernel.Arguments.scalars(operands), 64);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, COUNT);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, 1);
            List<ElementType> types = new ArrayList<>(check.outputs);
            types.addAll(check.inputs);
            List<MemorySegment> buffers = new ArrayList<>();
            for (int operand = 0; operand < operands; operand++) {
                int bytes = types.get(operand).bytes();
                MemorySegment buffer = arena.allocate((long) COUNT * bytes, 64);
                if (operand >= check.outputs.size()) {
                    int input = operand - check.outputs.size();
                    // Whole numbers to negative powers are an error before any kernel is run.
                    boolean exponent = check.name.startsWith("power:") && input == 1;
                    fill(buffer, types.get(operand), input, exponent ? 0x3f : -1);
                }
                buffers.add(buffer);
                int word = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
                block.setAtIndex(ValueLayout.JAVA_LONG, word, buffer.address());
                block.setAtIndex(ValueLayout.JAVA_LONG, word + 1, bytes);
            }
            new PortableCompiler()
                    .compile(check.kernel, Collections.nCopies(operands, Access.CONTIGUOUS), false)
                    .orElseThrow()
                    .run(block.address());
            for (MemorySegment buffer : buffers) {
                data.write(buffer.toArray(ValueLayout.JAVA_BYTE));
            }
            list.println(String.join(
                    "\t",
                    function,
                    check.name,
                    Double.toString(check.ulp),
                    Integer.toString(COUNT),
                    Integer.toString(check.outputs.size()),
                    String.join(",", types.stream().map(Enum::name).toList())));
        }
    }

    /** Special values in all pairs first, then random ones of all magnitudes. */
    private void fill(MemorySegment buffer, ElementType type, int input, long mask) {
        long[] special = special(type);
        for (int index = 0; index < COUNT; index++) {
            int step = (int) Math.pow(special.length, input);
            long bits = index < special.length * special.length
                    ? special[index / step % special.length]
                    : random(type, index % 3);
            if (type.isInteger()) {
                bits &= mask;
            }
            long at = (long) index * type.bytes();
            switch (type.bytes()) {
                case 1 -> buffer.set(ValueLayout.JAVA_BYTE, at, (byte) bits);
                case 2 -> buffer.set(ValueLayout.JAVA_SHORT, at, (short) bits);
                case 4 -> buffer.set(ValueLayout.JAVA_INT, at, (int) bits);
                default -> buffer.set(ValueLayout.JAVA_LONG, at, bits);
            }
        }
    }

    private long random(ElementType type, int kind) {
        double number = kind == 0 ? random.nextGaussian() : random.nextGaussian() * 100;
        return switch (type) {
            case BOOL -> random.nextInt(2);
            case FLOAT16 -> kind == 2 ? random.nextInt(0x7c00) : Float.floatToFloat16((float) number);
            case FLOAT32 -> kind == 2 ? random.nextInt(0x7f800000) : Float.floatToRawIntBits((float) number);
            case FLOAT64 -> kind == 2 ? random.nextLong(0x7ff0_0000_0000_0000L) : Double.doubleToRawLongBits(number);
            case INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 ->
                kind == 2
                        ? random.nextLong()
                        : random.nextInt(200) - (type.kind() == ElementType.Kind.SIGNED ? 100 : 0);
        };
    }

    private static long[] special(ElementType type) {
        if (type == ElementType.BOOL) {
            return new long[] {0, 1};
        }
        if (!type.isFloating()) {
            return new long[] {0, 1, 2, 3, 7, 63, 64, 127, -1, -2, -128, Long.MAX_VALUE, Long.MIN_VALUE, 0x7fff_ffff};
        }
        double[] numbers = {
            0,
            -0.0,
            1,
            -1,
            2,
            0.5,
            -2.5,
            3,
            1e-3,
            100,
            65504,
            1e9,
            -1e10,
            3e18,
            1e19,
            -1e20,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            Double.NaN,
            1e-310,
            1e-40,
            -6e-8,
            1e300,
            708,
            -745
        };
        return Arrays.stream(numbers)
                .mapToLong(number -> switch (type) {
                    case FLOAT16 -> Float.floatToFloat16((float) number);
                    case FLOAT32 -> Float.floatToRawIntBits((float) number);
                    default -> Double.doubleToRawLongBits(number);
                })
                .toArray();
    }
}
