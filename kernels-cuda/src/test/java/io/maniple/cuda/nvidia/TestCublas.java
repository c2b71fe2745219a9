package io.maniple.cuda.nvidia;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The binding of cuBLAS, with one that works on the host's memory in its place. */
class TestCublas {
    private static final long STREAM = 815;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void makeLibrary() throws Exception {
        FakeLibraries.compile(folder, "fake_cublas.cpp", "libcublas.so.13");
    }

    private static double get(Product.Type type, MemorySegment memory, long number) {
        return type.partBytes() == 8
                ? memory.getAtIndex(ValueLayout.JAVA_DOUBLE, number)
                : memory.getAtIndex(ValueLayout.JAVA_FLOAT, number);
    }

    private static MemorySegment random(Arena arena, Product.Type type, long elements, Random random) {
        MemorySegment memory = arena.allocate(elements * type.bytes(), 16);
        for (long number = 0; number < elements * type.bytes() / type.partBytes(); number++) {
            if (type.partBytes() == 8) {
                memory.setAtIndex(ValueLayout.JAVA_DOUBLE, number, random.nextGaussian());
            } else {
                memory.setAtIndex(ValueLayout.JAVA_FLOAT, number, (float) random.nextGaussian());
            }
        }
        return memory;
    }

    @ParameterizedTest
    @EnumSource(Product.Type.class)
    void multipliesRowsByColumns(Product.Type type) throws Exception {
        long rows = 3;
        long columns = 4;
        long depth = 5;
        long count = 2;
        int parts = type.isComplex() ? 2 : 1;
        Random random = new Random(3);
        try (Cublas cublas = Cublas.open(List.of(folder));
                Arena arena = Arena.ofConfined()) {
            for (int form = 0; form < 8; form++) {
                boolean leftTurned = (form & 1) != 0;
                boolean rightTurned = (form & 2) != 0;
                // The same right matrix for all products, too.
                long rightStep = (form & 4) != 0 ? 0 : 60;
                long leftLeading = (leftTurned ? rows : depth) + 2;
                long rightLeading = (rightTurned ? depth : columns) + 1;
                MemorySegment left = random(arena, type, 100, random);
                MemorySegment right = random(arena, type, 120, random);
                MemorySegment target = random(arena, type, count * rows * columns, random);
                cublas.multiply(
                        STREAM,
                        new Product(
                                type,
                                leftTurned,
                                rightTurned,
                                rows,
                                columns,
                                depth,
                                left.address(),
                                leftLeading,
                                50,
                                right.address(),
                                rightLeading,
                                rightStep,
                                target.address(),
                                count));
                for (long index = 0; index < count * rows * columns; index++) {
                    long number = index / (rows * columns);
                    long row = index / columns % rows;
                    long column = index % columns;
                    double real = 0;
                    double imaginary = 0;
                    for (long place = 0; place < depth; place++) {
                        long x = 50 * number + (leftTurned ? place * leftLeading + row : row * leftLeading + place);
                        long y = rightStep * number
                                + (rightTurned ? column * rightLeading + place : place * rightLeading + column);
                        double xr = get(type, left, parts * x);
                        double yr = get(type, right, parts * y);
                        real += xr * yr;
                        if (type.isComplex()) {
                            double xi = get(type, left, parts * x + 1);
                            double yi = get(type, right, parts * y + 1);
                            real -= xi * yi;
                            imaginary += xr * yi + xi * yr;
                        }
                    }
                    assertThat(get(type, target, parts * index))
                            .as("%s form %d element %d", type, form, index)
                            .isCloseTo(real, within(1e-5));
                    if (type.isComplex()) {
                        assertThat(get(type, target, parts * index + 1)).isCloseTo(imaginary, within(1e-5));
                    }
                }
            }
        }
    }

    @Test
    void saysWhatWentWrong() throws Exception {
        Product product = new Product(Product.Type.FLOAT64, false, false, 2, 2, 2, 16, 2, 0, 16, 2, 0, 16, 1);
        try (Cublas cublas = Cublas.open(List.of(folder))) {
            assertThatThrownBy(() -> cublas.multiply(STREAM + 1, product))
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("cublasDgemm: cuBLAS error 1");
        }
        assertThat(Cublas.suits(product)).isTrue();
        assertThat(Cublas.suits(
                        new Product(Product.Type.FLOAT64, false, false, 1L << 31, 2, 2, 16, 2, 0, 16, 2, 0, 16, 1)))
                .isFalse();
        assertThat(Cublas.isThere(List.of(folder))).isTrue();
    }

    @Test
    void aLibraryThatIsNoneIsNamed(@TempDir Path empty) throws Exception {
        Files.writeString(empty.resolve("libcublas.so.12"), "nothing");
        assertThatThrownBy(() -> Cublas.open(List.of(empty)))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("there is no cuBLAS that works; " + empty.resolve("libcublas.so.12"));
    }
}
