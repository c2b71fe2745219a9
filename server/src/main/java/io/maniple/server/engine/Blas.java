package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.server.plan.MatrixLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Matrix products: large ones of real numbers by machine code of our own ({@link PackedProduct}), the others by the OpenBLAS
 * that NumPy itself brings (64-bit integers, names like {@code scipy_cblas_dgemm64_}), so that results are NumPy's to the
 * bit. Without either a plain loop computes them.
 */
public final class Blas {
    /** A product of more multiplications is worth a turn of its own. */
    private static final long GRAIN = 1L << 18;
    /** Of a stack, products of at most so many are better shared out whole than each cut in pieces. */
    private static final long SMALL_PRODUCT = 1L << 26;

    /**
     * What is called of OpenBLAS for a type, with factors of 1 for the product and 0 for what the result held: flags as
     * int, sizes and addresses as long, in the order of CBLAS.
     */
    record Calls(MethodHandle gemm, MethodHandle gemv, MethodHandle syrk) {}

    private final Optional<Path> library;
    private final Lapack lapack;
    private boolean opened;
    private final Map<DType, Calls> calls = new EnumMap<>(DType.class);

    /**
     * @param library OpenBLAS with CBLAS and 64-bit integers; empty for none. It is opened at the first product.
     */
    public Blas(Optional<Path> library) {
        this.library = library;
        this.lapack = new Lapack(library);
    }

    /** What else the library can do. */
    Lapack lapack() {
        return lapack;
    }

    private synchronized void open() {
        if (opened || library.isEmpty()) {
            return;
        }
        opened = true;
        SymbolLookup lookup = SymbolLookup.libraryLookup(library.get(), Arena.global());
        MemorySegment doubles = Arena.global().allocateFrom(ValueLayout.JAVA_DOUBLE, 1.0, 0.0, 0.0, 0.0);
        MemorySegment floats = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, 1.0f, 0.0f, 0.0f, 0.0f);
        bind(lookup, DType.FLOAT64, "d", ValueLayout.JAVA_DOUBLE, 1.0, 0.0);
        bind(lookup, DType.FLOAT32, "s", ValueLayout.JAVA_FLOAT, 1.0f, 0.0f);
        bind(lookup, DType.COMPLEX128, "z", ValueLayout.ADDRESS, doubles, doubles.asSlice(16));
        bind(lookup, DType.COMPLEX64, "c", ValueLayout.ADDRESS, floats, floats.asSlice(8));
    }

    private void bind(SymbolLookup lookup, DType type, String letter, MemoryLayout scalar, Object one, Object zero) {
        MemoryLayout integer = ValueLayout.JAVA_LONG;
        MemoryLayout flag = ValueLayout.JAVA_INT;
        MemoryLayout pointer = ValueLayout.JAVA_LONG;
        MethodHandle gemm = handle(
                lookup,
                "cblas_" + letter + "gemm",
                FunctionDescriptor.ofVoid(
                        flag, flag, flag, integer, integer, integer, scalar, pointer, integer, pointer, integer, scalar,
                        pointer, integer));
        MethodHandle gemv = handle(
                lookup,
                "cblas_" + letter + "gemv",
                FunctionDescriptor.ofVoid(
                        flag, flag, integer, integer, scalar, pointer, integer, pointer, integer, scalar, pointer,
                        integer));
        MethodHandle syrk = handle(
                lookup,
                "cblas_" + letter + "syrk",
                FunctionDescriptor.ofVoid(
                        flag, flag, flag, integer, integer, scalar, pointer, integer, scalar, pointer, integer));
        calls.put(
                type,
                new Calls(
                        factors(gemm, 6, one, 11, zero),
                        factors(gemv, 4, one, 9, zero),
                        factors(syrk, 5, one, 8, zero)));
    }

    private static MethodHandle handle(SymbolLookup lookup, String name, FunctionDescriptor descriptor) {
        MemorySegment symbol = lookup.find("scipy_" + name + "64_")
                .or(() -> lookup.find(name + "64_"))
                .orElseThrow(() -> new IllegalStateException("OpenBLAS lacks " + name));
        return Linker.nativeLinker().downcallHandle(symbol, descriptor);
    }

    /** Fixes the arguments at two positions. */
    private static MethodHandle factors(MethodHandle handle, int first, Object one, int second, Object zero) {
        return MethodHandles.insertArguments(MethodHandles.insertArguments(handle, second, zero), first, one);
    }

    /**
     * Operands: out (…,m,n) C-contiguous, a (…,m,k), b (…,k,n), of the last two dimensions one contiguous. Small products
     * of a stack are shared out among the threads whole, a large one by tiles.
     */
    void matmul(Instruction instruction, Memory memory, Workers workers, Compilers compilers) {
        open();
        Operand.View out = instruction.view(0);
        Operand.View a = instruction.view(1);
        Operand.View b = instruction.view(2);
        int rank = out.layout().rank();
        if (out.layout().elements() == 0) {
            return;
        }
        // Memory is taken now, by one thread.
        long target = Routines.address(out, memory);
        long left = Routines.address(a, memory);
        long right = Routines.address(b, memory);
        DType type = out.layout().type();
        MatrixProduct product = new MatrixProduct(type, matrix(a.layout()), matrix(b.layout()), calls.get(type));
        long rows = out.layout().size(rank - 2);
        long columns = out.layout().size(rank - 1);
        long count = out.layout().elements() / (rows * columns);
        long depth = a.layout().size(rank - 1);
        long work = rows * columns * Math.max(1, depth);
        if (count == 1) {
            Tiles tiles = Tiles.of(rows, columns, depth, workers.threads());
            ProductCode code = compilers.products(type).orElse(null);
            if (code != null
                    && work > MatrixLayout.LEAST_PART
                    && !product.isVector()
                    && !product.isSymmetric(left, right)) {
                PackedProduct packed =
                        new PackedProduct(code, type, matrix(a.layout()), matrix(b.layout()), block(type));
                byTiles(packed, target, left, right, tiles, memory, workers);
            } else if (product.isVector() && tiles.count() > 1 && !calls.isEmpty()) {
                byTiles(product, target, left, right, tiles, workers);
            } else {
                product.run(target, left, right);
            }
            return;
        }
        Workers.Body body = (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                product.run(
                        target + offset(out.layout(), index),
                        left + offset(a.layout(), index),
                        right + offset(b.layout(), index));
            }
        };
        boolean whole = work <= GRAIN || (work <= SMALL_PRODUCT && count >= 2L * workers.threads());
        if (whole && !calls.isEmpty()) {
            try (Lapack.SingleThreaded _ = lapack.singleThreaded()) {
                // Nobody else's large product may find OpenBLAS with one thread.
                workers.runWhole(count, Math.max(1, GRAIN / work), body);
            }
        } else {
            workers.run(count, count, body);
        }
    }

    /** Places along the common dimension that OpenBLAS sums up by themselves: GEMM_Q of its param.h. */
    private long block(DType type) {
        boolean wide = library.isPresent() && lapack.coreName().matches("(?i)skylakex|cooperlake|sapphirerapids");
        return type == DType.FLOAT64 ? wide ? 384 : 256 : wide ? 448 : 320;
    }

    private void byTiles(
            PackedProduct product, long target, long left, long right, Tiles tiles, Memory memory, Workers workers) {
        long each = product.scratchBytes(tiles.height, tiles.width);
        try (Memory.Scratch scratch = memory.scratch(each * workers.threads())) {
            workers.run(tiles.count(), 1, (worker, begin, end) -> {
                for (long index = begin; index < end; index++) {
                    long mine = scratch.address() + worker * each;
                    product.run(target, tiles.columns, left, right, tiles.get(index), mine);
                }
            });
        }
    }

    /** A product with a vector, shared out by parts that have the last bits of the whole. */
    private void byTiles(MatrixProduct product, long target, long left, long right, Tiles tiles, Workers workers) {
        try (Lapack.SingleThreaded _ = lapack.singleThreaded()) {
            workers.run(tiles.count(), 1, (worker, begin, end) -> {
                for (long index = begin; index < end; index++) {
                    product.run(target, left, right, tiles.get(index));
                }
            });
        }
    }

    /**
     * A matrix cut into tiles.
     *
     * @param height rows of a tile, a multiple of {@link MatrixLayout#TOGETHER}; the last one may be lower
     * @param width columns of a tile, likewise
     */
    record Tiles(long rows, long columns, long height, long width) {
        /** Larger tiles cost nothing in memory, smaller ones are packed by OpenBLAS more often than need be. */
        private static final long MOST = 2016;

        private static final long LEAST = 2 * MatrixLayout.TOGETHER;

        /** As large as leaves each thread a few. */
        static Tiles of(long rows, long columns, long depth, int threads) {
            long down = pieces(rows, MOST);
            long across = pieces(columns, MOST);
            long wanted = threads == 1 ? 1 : 2L * threads;
            while (down * across < wanted) {
                long height = rows / down;
                long width = columns / across;
                boolean small = height * width * depth < 4 * MatrixLayout.LEAST_PART;
                if (small || Math.max(height, width) < 2 * LEAST) {
                    break;
                }
                if (height >= width) {
                    down++;
                } else {
                    across++;
                }
            }
            return new Tiles(rows, columns, even(rows, down), even(columns, across));
        }

        private static long pieces(long size, long most) {
            return (size + most - 1) / most;
        }

        private static long even(long size, long pieces) {
            long exact = (size + pieces - 1) / pieces;
            return pieces(exact, MatrixLayout.TOGETHER) * MatrixLayout.TOGETHER;
        }

        long count() {
            return pieces(rows, height) * pieces(columns, width);
        }

        PackedProduct.Tile get(long index) {
            long across = pieces(columns, width);
            long top = index / across * height;
            long left = index % across * width;
            return new PackedProduct.Tile(top, Math.min(rows, top + height), left, Math.min(columns, left + width));
        }
    }

    /** The layout of each matrix of a stack. */
    private static Layout matrix(Layout stack) {
        int rank = stack.rank();
        return new Layout(stack.type(), new long[] {stack.size(rank - 2), stack.size(rank - 1)}, new long[] {
            stack.stride(rank - 2), stack.stride(rank - 1)
        });
    }

    /** From a stack's first matrix to another one, counted in C order. */
    private static long offset(Layout stack, long index) {
        long offset = 0;
        long rest = index;
        for (int dimension = stack.rank() - 3; dimension >= 0 && rest != 0; dimension--) {
            long size = stack.size(dimension);
            offset += rest % size * stack.stride(dimension);
            rest /= size;
        }
        return offset;
    }
}
