package io.maniple.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.emulation.EmulatedDriver;
import io.maniple.cuda.emulation.EmulationSettings;
import io.maniple.cuda.emulation.HostCompiler;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.portable.PortableCompiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Kernels as written in CUDA C++ against the portable engine, on the emulated device. A sample of the operations, or
 * with {@code -Dmaniple.kernels=all} all of them.
 */
class TestLoopSource {
    private static final int COUNT = 301;
    private static final long SEED = 20_261_127;
    private static final double MOST_ULP = 4;

    private Device device;
    private Arena arena;
    private final Random random = new Random(SEED);

    @BeforeEach
    void open() throws Exception {
        device = new Device(
                new EmulatedDriver(EmulationSettings.defaults(), SEED),
                new HostCompiler("g++"),
                new CodeCache(Optional.empty()),
                1L << 28);
        arena = Arena.ofAuto();
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void mapsAsThePortableEngineDoes() throws Exception {
        List<KernelForms.Mapped> all = KernelForms.mapped();
        int step = System.getProperty("maniple.kernels", "").equals("all") ? 1 : 12;
        List<KernelText> texts = new ArrayList<>();
        for (int index = 0; index < all.size(); index += step) {
            texts.addAll(forms(all.get(index)));
        }
        device.library().require(texts);
        for (int index = 0; index < all.size(); index += step) {
            check(all.get(index));
        }
    }

    private static List<KernelText> forms(KernelForms.Mapped mapped) {
        List<KernelText> forms = new ArrayList<>();
        forms.add(KernelForms.map(mapped.kernel(), LoopSource.Form.MAP, 0, false));
        if (KernelForms.isWide(mapped)) {
            forms.add(KernelForms.map(mapped.kernel(), LoopSource.Form.MAP_WIDE, 0, false));
        }
        return forms;
    }

    private void check(KernelForms.Mapped mapped) throws Exception {
        List<ElementType> types = mapped.operands();
        List<MemorySegment> buffers = new ArrayList<>();
        List<DevicePool.Block> blocks = new ArrayList<>();
        for (int operand = 0; operand < types.size(); operand++) {
            MemorySegment buffer =
                    arena.allocate((long) COUNT * types.get(operand).bytes(), 64);
            if (operand >= mapped.outputs().size()) {
                boolean exponent = mapped.name().startsWith("power:") && operand == types.size() - 1;
                fill(buffer, types.get(operand), exponent ? 0x3f : -1);
            }
            buffers.add(buffer);
            DevicePool.Block block = device.pool().allocate(buffer.byteSize(), 1);
            device.upload(buffer.address(), block.address(), buffer.byteSize());
            blocks.add(block);
        }
        portable(mapped.kernel(), buffers, types);
        for (KernelText form : forms(mapped)) {
            List<LoopArguments.Motion> motions = new ArrayList<>();
            for (int operand = 0; operand < types.size(); operand++) {
                motions.add(new LoopArguments.Motion(
                        blocks.get(operand).address(),
                        new long[] {0, types.get(operand).bytes()}));
            }
            device.launch(
                    form,
                    new Driver.Grid(2, 1, KernelForms.BLOCK_THREADS, 1),
                    new LoopArguments(
                                    1,
                                    COUNT,
                                    1,
                                    1,
                                    new long[0],
                                    new LoopArguments.Motion(0, new long[2]),
                                    motions,
                                    new long[0])
                            .bytes());
            for (int output = 0; output < mapped.outputs().size(); output++) {
                MemorySegment got = arena.allocate(buffers.get(output).byteSize(), 64);
                device.download(blocks.get(output).address(), got.address(), got.byteSize());
                compare(mapped, types.get(output), buffers.get(output), got);
            }
        }
        blocks.forEach(device.pool()::release);
    }

    private static void portable(Kernel kernel, List<MemorySegment> buffers, List<ElementType> types) {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment block = own.allocate(8L * Kernel.Arguments.scalars(buffers.size()), 64);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, COUNT);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, 1);
            for (int operand = 0; operand < buffers.size(); operand++) {
                int word = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
                block.setAtIndex(
                        ValueLayout.JAVA_LONG, word, buffers.get(operand).address());
                block.setAtIndex(
                        ValueLayout.JAVA_LONG, word + 1, types.get(operand).bytes());
            }
            new PortableCompiler()
                    .compile(kernel, Collections.nCopies(buffers.size(), Access.CONTIGUOUS), false)
                    .orElseThrow()
                    .run(block.address());
        }
    }

    private static void compare(KernelForms.Mapped mapped, ElementType type, MemorySegment want, MemorySegment got) {
        for (int index = 0; index < COUNT; index++) {
            double wanted = number(type, want, index);
            double found = number(type, got, index);
            boolean same =
                    bits(type, want, index) == bits(type, got, index) || (Double.isNaN(wanted) && Double.isNaN(found));
            // The functions are those of the same C library; what is left are parts that cancel.
            boolean near = mapped.ulp() > 0
                    && Math.abs(wanted - found)
                            <= MOST_ULP
                                    * Math.max(Math.ulp(1.0f) * (type == ElementType.FLOAT64 ? 1e-8 : 1), 0)
                                    * Math.max(1, Math.abs(wanted));
            assertThat(same || near)
                    .as("%s element %d: %s, not %s (seed %d)", mapped.name(), index, found, wanted, SEED)
                    .isTrue();
        }
    }

    private static long bits(ElementType type, MemorySegment buffer, int index) {
        return switch (type.bytes()) {
            case 1 -> buffer.get(ValueLayout.JAVA_BYTE, index);
            case 2 -> buffer.getAtIndex(ValueLayout.JAVA_SHORT, index);
            case 4 -> buffer.getAtIndex(ValueLayout.JAVA_INT, index);
            default -> buffer.getAtIndex(ValueLayout.JAVA_LONG, index);
        };
    }

    private static double number(ElementType type, MemorySegment buffer, int index) {
        return switch (type) {
            case FLOAT16 -> Float.float16ToFloat(buffer.getAtIndex(ValueLayout.JAVA_SHORT, index));
            case FLOAT32 -> buffer.getAtIndex(ValueLayout.JAVA_FLOAT, index);
            case FLOAT64 -> buffer.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64 -> bits(type, buffer, index);
        };
    }

    private void fill(MemorySegment buffer, ElementType type, long mask) {
        double[] special = {0, -0.0, 1, -1, 0.5, 2, 1e9, -3e18, 65504, 1e-310, Double.NaN, Double.POSITIVE_INFINITY};
        for (int index = 0; index < COUNT; index++) {
            double number = index % 3 == 0 ? special[random.nextInt(special.length)] : random.nextGaussian() * 50;
            switch (type) {
                case BOOL -> buffer.set(ValueLayout.JAVA_BYTE, index, (byte) random.nextInt(2));
                case FLOAT16 -> buffer.setAtIndex(ValueLayout.JAVA_SHORT, index, Float.floatToFloat16((float) number));
                case FLOAT32 -> buffer.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) number);
                case FLOAT64 -> buffer.setAtIndex(ValueLayout.JAVA_DOUBLE, index, number);
                case INT8, UINT8 -> buffer.set(ValueLayout.JAVA_BYTE, index, (byte) (random.nextLong() & mask));
                case INT16, UINT16 ->
                    buffer.setAtIndex(ValueLayout.JAVA_SHORT, index, (short) (random.nextLong() & mask));
                case INT32, UINT32 -> buffer.setAtIndex(ValueLayout.JAVA_INT, index, (int) (random.nextLong() & mask));
                case INT64, UINT64 -> buffer.setAtIndex(ValueLayout.JAVA_LONG, index, random.nextLong() & mask);
            }
        }
    }

    /** Rows of lengths around the number of partial results, and the bits that the portable engine has. */
    @Test
    void foldsRowsToTheBit() throws Exception {
        for (ElementType type : List.of(ElementType.FLOAT64, ElementType.FLOAT32, ElementType.INT8)) {
            for (int length : new int[] {1, 7, 8, 17, 64, 65, 1_000}) {
                for (Reduction reduction : List.of(Reduction.SUM, Reduction.MAXIMUM)) {
                    fold(type, length, reduction);
                }
            }
        }
    }

    private void fold(ElementType type, int length, Reduction reduction) throws Exception {
        int rows = 11;
        int bytes = type.bytes();
        MemorySegment in = arena.allocate((long) rows * length * bytes, 64);
        for (int index = 0; index < rows * length; index++) {
            switch (type) {
                case FLOAT64 -> in.setAtIndex(ValueLayout.JAVA_DOUBLE, index, random.nextGaussian());
                case FLOAT32 -> in.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) random.nextGaussian());
                default -> in.set(ValueLayout.JAVA_BYTE, index, (byte) random.nextInt());
            }
        }
        MemorySegment want = arena.allocate((long) rows * bytes, 64);
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        builder.reduce(target, reduction, builder.load(builder.newOperand(), type));
        Kernel kernel = builder.build();
        MemorySegment words = arena.allocate(8L * Kernel.Arguments.scalars(2), 64);
        long[] values = {length, rows, 0, 0, 0, want.address(), 0, bytes, in.address(), bytes, (long) length * bytes};
        for (int word = 0; word < values.length; word++) {
            words.setAtIndex(ValueLayout.JAVA_LONG, word, values[word]);
        }
        new PortableCompiler()
                .compile(kernel, List.of(Access.BROADCAST, Access.CONTIGUOUS), false)
                .orElseThrow()
                .run(words.address());

        LoopSource.Shape shape = new LoopSource.Shape(
                kernel,
                LoopSource.Form.FOLD_INNER,
                1,
                false,
                KernelForms.BLOCK_THREADS,
                LoopSource.lanes(kernel),
                Map.of(target, reduction),
                Map.of(),
                -1);
        DevicePool.Block input = device.pool().allocate(in.byteSize(), 1);
        DevicePool.Block output = device.pool().allocate(want.byteSize(), 1);
        device.upload(in.address(), input.address(), in.byteSize());
        device.launch(
                KernelText.of(name -> LoopSource.write(shape, name)),
                new Driver.Grid(2, 1, KernelForms.BLOCK_THREADS, 1),
                new LoopArguments(
                                rows,
                                length,
                                1,
                                1,
                                new long[] {rows},
                                new LoopArguments.Motion(0, new long[3]),
                                List.of(
                                        new LoopArguments.Motion(output.address(), new long[] {bytes, 0, 0}),
                                        new LoopArguments.Motion(
                                                input.address(), new long[] {(long) length * bytes, 0, bytes})),
                                new long[0])
                        .bytes());
        MemorySegment got = arena.allocate(want.byteSize(), 64);
        device.download(output.address(), got.address(), got.byteSize());
        assertThat(got.mismatch(want))
                .as("%s of %d × %s (seed %d)", reduction, length, type, SEED)
                .isEqualTo(-1);
        device.pool().release(input);
        device.pool().release(output);
    }

    @Test
    void memoryIsHandedOutAgain() throws Exception {
        Driver driver = new EmulatedDriver(EmulationSettings.parse("memory=1m"), 1);
        DevicePool pool = new DevicePool(driver, driver.stream(), 600_000);
        DevicePool.Block first = pool.allocate(300_000, 1);
        pool.release(first);
        DevicePool.Block again = pool.allocate(300_000, 1);
        assertThat(again.address()).isEqualTo(first.address());
        assertThat(pool.used()).isEqualTo(again.bytes());
        pool.release(again);
        // Unused memory of another size goes back first.
        DevicePool.Block large = pool.allocate(500_000, 1);
        assertThat(pool.held()).isEqualTo(large.bytes());
        assertThat(pool.peak()).isEqualTo(large.bytes());
    }
}
