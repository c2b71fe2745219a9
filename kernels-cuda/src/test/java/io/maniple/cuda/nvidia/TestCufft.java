package io.maniple.cuda.nvidia;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Transform;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The binding of cuFFT, with one that works on the host's memory in its place. */
class TestCufft {
    private static final long STREAM = 815;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void makeLibrary() throws Exception {
        FakeLibraries.compile(folder, "fake_cufft.cpp", "libcufft.so.12");
    }

    private static MemorySegment random(Arena arena, int numbers) {
        Random random = new Random(numbers);
        MemorySegment memory = arena.allocate(8L * numbers, 16);
        for (int number = 0; number < numbers; number++) {
            memory.setAtIndex(ValueLayout.JAVA_DOUBLE, number, random.nextGaussian());
        }
        return memory;
    }

    @ParameterizedTest
    @CsvSource({"1,1,false", "1,3,true", "2,5,false", "12,1,true", "12,3,false", "17,2,true"})
    void transformsRowsInPlace(int length, int rows, boolean backward) throws Exception {
        try (Cufft cufft = Cufft.open(List.of(folder));
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena, 2 * length * rows);
            double[] before = memory.toArray(ValueLayout.JAVA_DOUBLE);
            cufft.transform(STREAM, new Transform(memory.address(), length, rows, backward));
            for (int row = 0; row < rows; row++) {
                for (int k = 0; k < length; k++) {
                    double real = 0;
                    double imaginary = 0;
                    for (int j = 0; j < length; j++) {
                        double angle = (backward ? 2 : -2) * Math.PI * (k * j % length) / length;
                        double x = before[2 * (row * length + j)];
                        double y = before[2 * (row * length + j) + 1];
                        real += x * Math.cos(angle) - y * Math.sin(angle);
                        imaginary += x * Math.sin(angle) + y * Math.cos(angle);
                    }
                    long at = 2L * (row * length + k);
                    assertThat(memory.getAtIndex(ValueLayout.JAVA_DOUBLE, at)).isCloseTo(real, within(1e-12));
                    assertThat(memory.getAtIndex(ValueLayout.JAVA_DOUBLE, at + 1))
                            .isCloseTo(imaginary, within(1e-12));
                }
            }
        }
    }

    private static int plans() throws Throwable {
        MethodHandle count = Linker.nativeLinker()
                .downcallHandle(
                        SymbolLookup.libraryLookup(folder.resolve("libcufft.so.12"), Arena.global())
                                .findOrThrow("fake_cufft_plans"),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT));
        return (int) count.invokeExact();
    }

    @Test
    void plansAreKeptAndTheOldestGiveWay() throws Throwable {
        try (Cufft cufft = Cufft.open(List.of(folder));
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena, 100);
            for (int turn = 0; turn < 2; turn++) {
                for (int length = 1; length <= 12; length++) {
                    cufft.transform(STREAM, new Transform(memory.address(), length, 1, false));
                    cufft.transform(STREAM, new Transform(memory.address(), length, 1, true));
                    assertThat(plans()).isEqualTo(turn == 0 ? Math.min(length, 8) : 8);
                }
            }
        }
        assertThat(plans()).isZero();
    }

    @Test
    void saysWhatWentWrong() throws Exception {
        try (Cufft cufft = Cufft.open(List.of(folder));
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena, 100);
            assertThatThrownBy(() -> cufft.transform(STREAM + 1, new Transform(memory.address(), 5, 1, false)))
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("cufftExecZ2Z: cuFFT error 1");
            assertThatThrownBy(() -> cufft.transform(STREAM, new Transform(memory.address(), 13, 1, false)))
                    .isInstanceOfSatisfying(
                            DeviceException.class,
                            failure -> assertThat(failure.kind()).isEqualTo(DeviceException.Kind.OUT_OF_MEMORY));
        }
        assertThat(Cufft.suits(new Transform(16, 1L << 31, 1, false))).isFalse();
        assertThat(Cufft.suits(new Transform(16, 1L << 30, 1, false))).isTrue();
        assertThat(Cufft.isThere(List.of(folder))).isTrue();
    }

    @Test
    void aLibraryThatIsNoneIsNamed(@TempDir Path empty) throws Exception {
        Files.writeString(empty.resolve("libcufft.so.11"), "nothing");
        assertThatThrownBy(() -> Cufft.open(List.of(empty)))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("there is no cuFFT that works; " + empty.resolve("libcufft.so.11"));
    }
}
