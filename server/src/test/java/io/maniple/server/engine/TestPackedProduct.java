package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.kernels.x86.X86Compiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every element is the sum of its blocks' chains, wherever it stands and however the product is cut. */
class TestPackedProduct {
    private static final int BLOCK = 7;

    private static ProductCode code(String set, DType type) {
        Optional<KernelCompiler> compiler = set.equals("avx512") ? X86Compiler.avx512() : X86Compiler.avx2();
        assumeTrue(compiler.isPresent(), () -> "this processor has no " + set);
        return compiler.get()
                .products(type == DType.FLOAT64 ? ElementType.FLOAT64 : ElementType.FLOAT32)
                .orElseThrow();
    }

    private static double get(DType type, MemorySegment memory, long offset) {
        return type == DType.FLOAT64
                ? memory.get(ValueLayout.JAVA_DOUBLE, offset)
                : memory.get(ValueLayout.JAVA_FLOAT, offset);
    }

    private static void set(DType type, MemorySegment memory, long offset, double value) {
        if (type == DType.FLOAT64) {
            memory.set(ValueLayout.JAVA_DOUBLE, offset, value);
        } else {
            memory.set(ValueLayout.JAVA_FLOAT, offset, (float) value);
        }
    }

    /** A matrix with room around its rows, or columns. */
    private record Matrix(MemorySegment memory, Layout layout) {
        static Matrix random(Arena arena, DType type, long rows, long columns, boolean turned, Random random) {
            long inner = turned ? rows : columns;
            long outer = turned ? columns : rows;
            long leading = inner + 3;
            int bytes = type.bytes();
            MemorySegment memory = arena.allocate(Math.max(1, outer * leading * bytes), 64);
            for (long index = 0; index < outer * leading; index++) {
                set(type, memory, index * bytes, random.nextGaussian());
            }
            long[] strides = turned ? new long[] {bytes, leading * bytes} : new long[] {leading * bytes, bytes};
            return new Matrix(memory, new Layout(type, new long[] {rows, columns}, strides));
        }

        double at(long row, long column) {
            return get(layout.type(), memory, row * layout.stride(0) + column * layout.stride(1));
        }
    }

    private static double expected(Matrix a, Matrix b, long row, long column) {
        boolean isDouble = a.layout.type() == DType.FLOAT64;
        long depth = a.layout.size(1);
        double sum = 0;
        long first = 0;
        while (first < depth) {
            long length = PackedProduct.depthOfBlock(depth - first, BLOCK);
            double chain = 0;
            for (long place = first; place < first + length; place++) {
                double x = a.at(row, place);
                double y = b.at(place, column);
                chain = isDouble ? Math.fma(x, y, chain) : Math.fma((float) x, (float) y, (float) chain);
            }
            sum = isDouble ? sum + chain : (float) sum + (float) chain;
            first += length;
        }
        return sum;
    }

    private static void assertProduct(String set, DType type, long m, long n, long k, int form) {
        ProductCode code = code(set, type);
        Random random = new Random(31 * (31 * m + n) + k);
        try (Arena arena = Arena.ofConfined()) {
            Matrix a = Matrix.random(arena, type, m, k, (form & 1) != 0, random);
            Matrix b = Matrix.random(arena, type, k, n, (form & 2) != 0, random);
            PackedProduct product = new PackedProduct(code, type, a.layout, b.layout, BLOCK);
            MemorySegment scratch = arena.allocate(product.scratchBytes(m, n), 64);
            int bytes = type.bytes();
            MemorySegment target = arena.allocate((m * n + 64) * bytes, 64);
            for (long index = 0; index < m * n + 64; index++) {
                set(type, target, index * bytes, 12345);
            }
            // In four tiles, which begin anywhere.
            long row = m / 3;
            long column = n / 2;
            for (PackedProduct.Tile tile : new PackedProduct.Tile[] {
                new PackedProduct.Tile(0, row, 0, column),
                new PackedProduct.Tile(0, row, column, n),
                new PackedProduct.Tile(row, m, 0, column),
                new PackedProduct.Tile(row, m, column, n)
            }) {
                product.run(target.address(), n, a.memory.address(), b.memory.address(), tile, scratch.address());
            }
            for (long index = 0; index < m * n; index++) {
                assertThat(get(type, target, index * bytes))
                        .as("%s %s %dx%dx%d form %d at %d", set, type, m, n, k, form, index)
                        .isEqualTo(expected(a, b, index / n, index % n));
            }
            for (long index = m * n; index < m * n + 64; index++) {
                assertThat(get(type, target, index * bytes)).isEqualTo(12345);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"avx512,FLOAT64", "avx512,FLOAT32", "avx2,FLOAT64", "avx2,FLOAT32"})
    void elementsAreChains(String set, DType type) {
        ProductCode code = code(set, type);
        long lanes = code.lanes();
        long[] rows = {1, 2, code.rows() - 1, code.rows(), code.rows() + 1, 200};
        long[] columns = {1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes, 3 * lanes + 1, 7 * lanes + 3};
        long[] depths = {1, 2, 3, 4, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 5 * BLOCK + 2};
        int number = 0;
        for (long m : rows) {
            for (long n : columns) {
                for (long k : depths) {
                    assertProduct(set, type, m, n, k, number++ & 3);
                }
            }
        }
    }

    @Test
    void theLastTwoBlocksAreAlike() {
        assertThat(PackedProduct.depthOfBlock(1000, 384)).isEqualTo(384);
        assertThat(PackedProduct.depthOfBlock(616, 384)).isEqualTo(308);
        assertThat(PackedProduct.depthOfBlock(385, 384)).isEqualTo(193);
        assertThat(PackedProduct.depthOfBlock(384, 384)).isEqualTo(384);
    }

    @Test
    void tilesCoverTheMatrixOnce() {
        for (long[] shape : new long[][] {{2000, 2000}, {1, 9000}, {9000, 1}, {97, 10_000}, {4096, 333}}) {
            for (int threads : new int[] {1, 2, 7, 64}) {
                Blas.Tiles tiles = Blas.Tiles.of(shape[0], shape[1], 1000, threads);
                long area = 0;
                for (long index = 0; index < tiles.count(); index++) {
                    PackedProduct.Tile tile = tiles.get(index);
                    assertThat(tile.top() % 48 + tile.left() % 48).isZero();
                    assertThat(tile.bottom()).isGreaterThan(tile.top()).isLessThanOrEqualTo(shape[0]);
                    assertThat(tile.right()).isGreaterThan(tile.left()).isLessThanOrEqualTo(shape[1]);
                    area += (tile.bottom() - tile.top()) * (tile.right() - tile.left());
                }
                assertThat(area).isEqualTo(shape[0] * shape[1]);
            }
        }
    }
}
