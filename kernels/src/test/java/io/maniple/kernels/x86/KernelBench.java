package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Node;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Runs a kernel compiled and interpreted on equal memory and compares every byte, those between elements included. */
final class KernelBench {
    private static final int AREA = 512 * 1024;
    private static final List<GuardedMemory> AREA_POOL = new ArrayList<>();

    private final KernelCompiler compiler;
    private final Kernel kernel;
    private final List<Kernel.Access> accesses;
    private final Random random;
    private final ElementType[] storages;
    private int ulps;
    private ReferenceInterpreter.Functions functions = TestFunctions.STRICT;
    private long[] scalars = new long[0];
    private boolean calmRun;

    /** One for each instruction set that this machine has. */
    static List<KernelCompiler> compilers() {
        return Arrays.stream(InstructionSet.values())
                .flatMap(set -> X86Compiler.create(set).stream())
                .toList();
    }

    KernelBench(KernelCompiler compiler, Kernel kernel, List<Kernel.Access> accesses, Random random) {
        this.compiler = compiler;
        this.kernel = kernel;
        this.accesses = accesses;
        this.random = random;
        this.storages = new ElementType[kernel.operands()];
        for (Node node : kernel.nodes()) {
            switch (node) {
                case Node.Load load -> storages[load.operand()] = load.storage();
                case Node.Store store -> storages[store.operand()] = store.storage();
                case Node.Reduce reduce -> storages[reduce.operand()] = reduce.type();
                default -> {}
            }
        }
    }

    KernelBench within(int tolerance) {
        ulps = tolerance;
        return this;
    }

    KernelBench functions(ReferenceInterpreter.Functions implementation) {
        functions = implementation;
        return this;
    }

    KernelBench scalars(long... values) {
        scalars = values;
        return this;
    }

    private static GuardedMemory area(int k) {
        while (AREA_POOL.size() <= k) {
            AREA_POOL.add(new GuardedMemory(AREA));
        }
        return AREA_POOL.get(k);
    }

    /** One layout: strides, and where in its area the operand lies. */
    private record Layout(long first, long stride0, long stride1) {}

    void check(int n0, int n1, boolean streaming) {
        KernelCompiler.Executable executable =
                compiler.compile(kernel, accesses, streaming).orElseThrow(() -> new AssertionError("no form: " + this));
        check(executable, n0, n1);
    }

    void check(KernelCompiler.Executable executable, int n0, int n1) {
        calmRun = random.nextInt(3) == 0;
        List<Layout> layouts = new ArrayList<>();
        for (int operand = 0; operand < kernel.operands(); operand++) {
            layouts.add(layout(operand, n0, n1));
        }
        try (Arena arena = Arena.ofConfined()) {
            int words = Kernel.Arguments.scalars(kernel.operands()) + kernel.scalars();
            MemorySegment block = arena.allocate(8L * words, 64);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N0, n0);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.N1, n1);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.INDEX_BASE, 1000);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.INDEX_STEP0, random.nextInt(7) - 3);
            block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.INDEX_STEP1, n0);
            for (int k = 0; k < kernel.scalars(); k++) {
                long value = scalars == null ? 3 : scalars[k];
                block.setAtIndex(ValueLayout.JAVA_LONG, Kernel.Arguments.scalars(kernel.operands()) + k, value);
            }
            byte[][] before = new byte[kernel.operands()][];
            for (int operand = 0; operand < kernel.operands(); operand++) {
                Layout layout = layouts.get(operand);
                int at = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
                block.setAtIndex(ValueLayout.JAVA_LONG, at, layout.first);
                block.setAtIndex(ValueLayout.JAVA_LONG, at + 1, layout.stride0);
                block.setAtIndex(ValueLayout.JAVA_LONG, at + 2, layout.stride1);
                fill(operand, layout, n0, n1);
                before[operand] = span(operand, layout, n0, n1).toArray(ValueLayout.JAVA_BYTE);
            }
            new ReferenceInterpreter(kernel, functions).run(block.address());
            byte[][] expected = new byte[kernel.operands()][];
            for (int operand = 0; operand < kernel.operands(); operand++) {
                MemorySegment span = span(operand, layouts.get(operand), n0, n1);
                expected[operand] = span.toArray(ValueLayout.JAVA_BYTE);
                MemorySegment.copy(before[operand], 0, span, ValueLayout.JAVA_BYTE, 0, before[operand].length);
            }
            executable.run(block.address());
            for (int operand = 0; operand < kernel.operands(); operand++) {
                compare(operand, layouts.get(operand), n0, n1, before[operand], expected[operand]);
            }
        }
    }

    private boolean isReduced(int operand) {
        return kernel.nodes().stream()
                .anyMatch(node -> node instanceof Node.Reduce reduce && reduce.operand() == operand);
    }

    private Layout layout(int operand, int n0, int n1) {
        GuardedMemory area = area(operand);
        int bytes = storages[operand].bytes();
        boolean reduced = isReduced(operand);
        int count0 = reduced ? 1 : n0;
        long stride0 = switch (accesses.get(operand)) {
            case CONTIGUOUS -> bytes;
            case BROADCAST -> 0;
            case STRIDED -> {
                long stride = bytes * (1L + random.nextInt(12)) + random.nextInt(4) / 3;
                yield random.nextBoolean() ? stride : -stride;
            }
        };
        long extent = Math.abs(stride0) * (count0 - 1) + bytes;
        long stride1 = (extent + random.nextInt(9)) * (random.nextInt(4) == 0 ? -1 : 1);
        boolean atEnd = random.nextInt(3) != 0;
        long lowest0 = stride0 < 0 ? stride0 * (count0 - 1) : 0;
        long lowest = lowest0 + (stride1 < 0 ? stride1 * (n1 - 1) : 0);
        long total = extent + Math.abs(stride1) * (n1 - 1);
        assertThat(total).isLessThan(area.size() - 128);
        long begin = atEnd ? area.end() - total : area.start() + (random.nextBoolean() ? 64 : 0);
        return new Layout(begin - lowest, stride0, stride1);
    }

    /** The operand's memory and up to 64 bytes on either side, as far as the area goes. */
    private MemorySegment span(int operand, Layout layout, int n0, int n1) {
        GuardedMemory area = area(operand);
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;
        boolean reduced = isReduced(operand);
        for (long i0 : new long[] {0, reduced ? 0 : n0 - 1}) {
            for (long i1 : new long[] {0, n1 - 1}) {
                long address = layout.first + i0 * layout.stride0 + i1 * layout.stride1;
                low = Math.min(low, address);
                high = Math.max(high, address + storages[operand].bytes());
            }
        }
        low = Math.max(area.start(), low - 64);
        high = Math.min(area.end(), high + 64);
        return area.segment().asSlice(low - area.start(), high - low);
    }

    private void fill(int operand, Layout layout, int n0, int n1) {
        MemorySegment span = span(operand, layout, n0, n1);
        for (long k = 0; k < span.byteSize(); k++) {
            span.set(ValueLayout.JAVA_BYTE, k, (byte) 0xA5);
        }
        boolean reduced = isReduced(operand);
        int count0 = reduced ? 1 : n0;
        for (long i1 = 0; i1 < n1; i1++) {
            for (long i0 = 0; i0 < count0; i0++) {
                ReferenceInterpreter.write(
                        layout.first + i0 * layout.stride0 + i1 * layout.stride1,
                        storages[operand],
                        calmRun
                                ? TestValues.calm(storages[operand], random)
                                : TestValues.random(storages[operand], random));
            }
        }
    }

    private void compare(int operand, Layout layout, int n0, int n1, byte[] before, byte[] expected) {
        MemorySegment span = span(operand, layout, n0, n1);
        byte[] actual = span.toArray(ValueLayout.JAVA_BYTE);
        if (Arrays.equals(actual, expected)) {
            return;
        }
        ElementType storage = storages[operand];
        if (storage.isFloating()) {
            // put the expected bytes where the actual element is as good
            MemorySegment expectedSegment = MemorySegment.ofArray(expected);
            for (long i1 = 0; i1 < n1; i1++) {
                for (long i0 = 0; i0 < n0; i0++) {
                    long at = layout.first + i0 * layout.stride0 + i1 * layout.stride1 - span.address();
                    if (at < 0 || at + storage.bytes() > actual.length) {
                        continue;
                    }
                    if (TestValues.near(storage, expectedSegment, span, at, ulps)) {
                        System.arraycopy(expected, (int) at, actual, (int) at, storage.bytes());
                    }
                }
            }
        }
        for (int k = 0; k < actual.length; k++) {
            if (actual[k] != expected[k]) {
                long address = span.address() + k;
                for (long i1 = 0; i1 < n1; i1++) {
                    for (long i0 = 0; i0 < n0; i0++) {
                        long element = layout.first + i0 * layout.stride0 + i1 * layout.stride1;
                        if (element <= address && address < element + storage.bytes()) {
                            int at = (int) (element - span.address());
                            throw new AssertionError(
                                    "operand %d (%s %s) at i0=%d i1=%d of %dx%d: expected %s, was %s (before %s)%n%s"
                                            .formatted(
                                                    operand,
                                                    storage,
                                                    accesses.get(operand),
                                                    i0,
                                                    i1,
                                                    n0,
                                                    n1,
                                                    TestValues.show(storage, expected, at),
                                                    TestValues.show(storage, actual, at),
                                                    TestValues.show(storage, before, at),
                                                    this));
                        }
                    }
                }
                throw new AssertionError(
                        "operand %d: byte %d between elements was changed%n%s".formatted(operand, k, this));
            }
        }
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("accesses " + accesses + "\n");
        for (int k = 0; k < kernel.nodes().size(); k++) {
            text.append(k).append(": ").append(kernel.nodes().get(k)).append('\n');
        }
        return text.toString();
    }
}
