package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.GatherForm;
import io.maniple.kernels.ir.GatherForm.Arguments;
import io.maniple.kernels.ir.KernelCompiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Rows copied by index, against a loop; nothing before or behind indices, rows and results is touched. */
class TestGatherEmitter {
    private static final int[] ROW_BYTES = {
        1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 192, 255, 256, 257,
        511, 512, 513, 520, 640, 1000, 1024
    };
    private static final long MOST_BYTES = 1024;
    private static final int ROWS = 100;
    private static final int MOST_COUNT = 40;

    private final GuardedMemory rows = new GuardedMemory(ROWS * MOST_BYTES);
    private final GuardedMemory indices = new GuardedMemory(8L * MOST_COUNT);
    private final GuardedMemory results = new GuardedMemory(MOST_COUNT * MOST_BYTES);

    private static List<KernelCompiler> compilers() {
        List<KernelCompiler> compilers = Stream.of(X86Compiler.avx512(), X86Compiler.avx2())
                .flatMap(Optional::stream)
                .toList();
        Assumptions.assumeFalse(compilers.isEmpty(), "no x86-64 with AVX2");
        return compilers;
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            mode = Mode.EXCLUDE,
            names = {"BOOL", "UINT64", "FLOAT16", "FLOAT32", "FLOAT64"})
    void rowsOfAnySizeByIndicesOfAnyType(ElementType index) {
        Random random = new Random(7);
        for (KernelCompiler compiler : compilers()) {
            for (int rowBytes : ROW_BYTES) {
                for (boolean distant : new boolean[] {false, true}) {
                    for (int count : new int[] {0, 1, 2, 3, 24, 25, MOST_COUNT}) {
                        check(compiler, index, rowBytes, distant, count, random);
                    }
                }
            }
        }
    }

    @Test
    void bytesByBytes() {
        Random random = new Random(8);
        MemorySegment memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        byte[] table = new byte[256];
        random.nextBytes(table);
        long source = rows.end() - table.length;
        MemorySegment.copy(table, 0, memory, ValueLayout.JAVA_BYTE, source, table.length);
        GuardedMemory places = new GuardedMemory(1024);
        for (KernelCompiler compiler : compilers()) {
            for (KernelCompiler.Executable code : compiler.lookUp().stream().toList()) {
                for (int count : new int[] {0, 1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000}) {
                    byte[] given = new byte[count];
                    random.nextBytes(given);
                    byte[] wanted = results.segment().toArray(ValueLayout.JAVA_BYTE);
                    for (int item = 0; item < count; item++) {
                        wanted[wanted.length - count + item] = table[given[item] & 0xff];
                    }
                    long first = places.end() - count;
                    MemorySegment.copy(given, 0, memory, ValueLayout.JAVA_BYTE, first, count);
                    try (Arena arena = Arena.ofConfined()) {
                        long block = arena.allocate(Arguments.BYTES, 8).address();
                        memory.set(ValueLayout.JAVA_LONG, block + Arguments.INDICES, first);
                        memory.set(ValueLayout.JAVA_LONG, block + Arguments.END, places.end());
                        memory.set(ValueLayout.JAVA_LONG, block + Arguments.SOURCE, source);
                        memory.set(ValueLayout.JAVA_LONG, block + Arguments.TARGET, results.end() - count);
                        assertThat(code.run(block)).isZero();
                        assertThat(memory.get(ValueLayout.JAVA_LONG, block + Arguments.INDICES))
                                .isEqualTo(places.end());
                    }
                    assertThat(results.segment().toArray(ValueLayout.JAVA_BYTE))
                            .as("%s, %d bytes", compiler.name(), count)
                            .isEqualTo(wanted);
                }
            }
        }
    }

    private void check(
            KernelCompiler compiler, ElementType index, int rowBytes, boolean distant, int count, Random random) {
        boolean streaming = rowBytes % 64 == 0 && random.nextBoolean();
        GatherForm form = GatherForm.of(index, compiler.moveBytes(), rowBytes, distant, streaming);
        KernelCompiler.Executable code = compiler.gather(form).orElseThrow();
        // What is read ends, what is written ends or begins, where memory ends or begins.
        long source = random.nextBoolean() ? rows.end() - (long) ROWS * rowBytes : rows.start();
        long first = indices.end() - (long) count * index.bytes();
        long target = streaming || random.nextBoolean() ? results.start() : results.end() - (long) count * rowBytes;
        MemorySegment memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        byte[] noise = new byte[ROWS * rowBytes];
        random.nextBytes(noise);
        MemorySegment.copy(noise, 0, memory, ValueLayout.JAVA_BYTE, source, noise.length);
        List<Integer> wanted = new ArrayList<>();
        int wrong = random.nextInt(3) == 0 && count > 0 ? random.nextInt(count) : count;
        for (int item = 0; item < count; item++) {
            int row = random.nextInt(ROWS);
            wanted.add(row);
            long written = index.isSigned() && random.nextBoolean() ? row - ROWS : row;
            if (item == wrong) {
                written = index.isSigned() && random.nextBoolean() ? -ROWS - 1 : ROWS;
            }
            write(memory, first + (long) item * index.bytes(), index.bytes(), written);
        }
        byte[] before = results.segment().toArray(ValueLayout.JAVA_BYTE);
        try (Arena arena = Arena.ofConfined()) {
            long block = arena.allocate(Arguments.BYTES, 8).address();
            long end = first + (long) count * index.bytes();
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.INDICES, first);
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.END, end);
            memory.set(
                    ValueLayout.JAVA_LONG,
                    block + Arguments.AHEAD,
                    Math.max(first, end - (long) form.ahead() * index.bytes()));
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.ROWS, ROWS);
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.ROW_BYTES, rowBytes);
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.SOURCE, source);
            memory.set(ValueLayout.JAVA_LONG, block + Arguments.TARGET, target);
            assertThat(code.run(block)).isZero();
            assertThat(memory.get(ValueLayout.JAVA_LONG, block + Arguments.INDICES))
                    .as("%s %s, %d rows of %d bytes", compiler.name(), form, count, rowBytes)
                    .isEqualTo(first + (long) wrong * index.bytes());
        }
        for (int item = 0; item < wrong; item++) {
            for (int at = 0; at < rowBytes; at++) {
                before[(int) (target - results.start()) + item * rowBytes + at] =
                        memory.get(ValueLayout.JAVA_BYTE, source + (long) wanted.get(item) * rowBytes + at);
            }
        }
        assertThat(results.segment().toArray(ValueLayout.JAVA_BYTE))
                .as("%s %s, %d rows of %d bytes", compiler.name(), form, count, rowBytes)
                .isEqualTo(before);
    }

    private static void write(MemorySegment memory, long address, int bytes, long value) {
        switch (bytes) {
            case 1 -> memory.set(ValueLayout.JAVA_BYTE, address, (byte) value);
            case 2 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) value);
            case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) value);
            default -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
        }
    }
}
