package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.server.plan.MatrixLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Matrix products by the OpenBLAS that NumPy itself brings (64-bit integers, names like
 * {@code scipy_cblas_dgemm64_}), so that results are NumPy's to the bit. Without it a plain loop computes them.
 */
public final class Blas {
    private static final int ROW_MAJOR = 101;
    private static final int PLAIN = 111;
    private static final int TRANSPOSED = 112;
    private static final int UPPER = 121;
    /** Of a stack, products of at most so many multiplications are better shared out whole than each cut in pieces. */
    private static final long SMALL_PRODUCT = 1L << 26;

    private static final long GRAIN = 1L << 18;
    /** Edge of the tiles in which a triangle is mirrored. */
    private static final long TILE = 64;

    private final Optional<Path> library;
    private final Lapack lapack;
    private boolean opened;
    private final Map<DType, MethodHandle> gemm = new EnumMap<>(DType.class);
    private final Map<DType, MethodHandle> gemv = new EnumMap<>(DType.class);
    private final Map<DType, MethodHandle> syrk = new EnumMap<>(DType.class);

    /** @param library OpenBLAS with CBLAS and 64-bit integers; empty for none. It is opened at the first product. */
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
        bind(lookup, DType.FLOAT64, "d", ValueLayout.JAVA_DOUBLE);
        bind(lookup, DType.FLOAT32, "s", ValueLayout.JAVA_FLOAT);
        bind(lookup, DType.COMPLEX128, "z", ValueLayout.ADDRESS);
        bind(lookup, DType.COMPLEX64, "c", ValueLayout.ADDRESS);
    }

    private void bind(SymbolLookup lookup, DType type, String letter, MemoryLayout scalar) {
        MemoryLayout integer = ValueLayout.JAVA_LONG;
        MemoryLayout flag = ValueLayout.JAVA_INT;
        MemoryLayout pointer = ValueLayout.JAVA_LONG;
        find(lookup, "cblas_" + letter + "gemm")
                .ifPresent(symbol -> gemm.put(
                        type,
                        Linker.nativeLinker()
                                .downcallHandle(
                                        symbol,
                                        FunctionDescriptor.ofVoid(
                                                flag, flag, flag, integer, integer, integer, scalar, pointer, integer,
                                                pointer, integer, scalar, pointer, integer))));
        find(lookup, "cblas_" + letter + "syrk")
                .ifPresent(symbol -> syrk.put(
                        type,
                        Linker.nativeLinker()
                                .downcallHandle(
                                        symbol,
                                        FunctionDescriptor.ofVoid(
                                                flag, flag, flag, integer, integer, scalar, pointer, integer, scalar,
                                                pointer, integer))));
        find(lookup, "cblas_" + letter + "gemv")
                .ifPresent(symbol -> gemv.put(
                        type,
                        Linker.nativeLinker()
                                .downcallHandle(
                                        symbol,
                                        FunctionDescriptor.ofVoid(
                                                flag, flag, integer, integer, scalar, pointer, integer, pointer,
                                                integer, scalar, pointer, integer))));
    }

    private static Optional<MemorySegment> find(SymbolLookup lookup, String name) {
        return lookup.find("scipy_" + name + "64_").or(() -> lookup.find(name + "64_"));
    }

    /**
     * Operands: out (…,m,n) C-contiguous, a (…,m,k), b (…,k,n), of the last two dimensions one contiguous. Small products
     * of a stack are shared out among the threads, a large one is OpenBLAS's own to share.
     */
    void matmul(Instruction instruction, Memory memory, Workers workers) {
        open();
        Operand.View out = instruction.view(0);
        Operand.View a = instruction.view(1);
        Operand.View b = instruction.view(2);
        int rank = out.layout().rank();
        if (rank == 2) {
            product(out, a, b, memory);
            return;
        }
        if (out.layout().elements() == 0) {
            return;
        }
        long rows = out.layout().size(rank - 2);
        long columns = out.layout().size(rank - 1);
        long count = out.layout().elements() / (rows * columns);
        long work = rows * columns * Math.max(1, a.layout().size(rank - 1));
        for (Operand.View view : List.of(out, a, b)) {
            // Allocated now, by one thread.
            memory.address(view.buffer());
        }
        boolean small =
                !gemm.isEmpty() && (work <= GRAIN || (work <= SMALL_PRODUCT && count >= 2L * workers.threads()));
        Workers.Body body = (worker, begin, end) -> {
            for (long index = begin; index < end; index++) {
                product(matrix(out, index), matrix(a, index), matrix(b, index), memory);
            }
        };
        if (small) {
            try (Lapack.SingleThreaded _ = lapack.singleThreaded()) {
                workers.run(count, Math.max(1, GRAIN / work), body);
            }
        } else {
            workers.run(count, count, body);
        }
    }

    /** One matrix of a stack, counted in C order. */
    private static Operand.View matrix(Operand.View stack, long index) {
        Layout layout = stack.layout();
        int rank = layout.rank();
        long offset = stack.offset();
        long rest = index;
        for (int dimension = rank - 3; dimension >= 0; dimension--) {
            long size = layout.size(dimension);
            offset += rest % size * layout.stride(dimension);
            rest /= size;
        }
        long[] shape = {layout.size(rank - 2), layout.size(rank - 1)};
        long[] strides = {layout.stride(rank - 2), layout.stride(rank - 1)};
        return new Operand.View(stack.buffer(), new Layout(layout.type(), shape, strides), offset);
    }

    private void product(Operand.View out, Operand.View left, Operand.View right, Memory memory) {
        Matrix a = new Matrix(left, memory);
        Matrix b = new Matrix(right, memory);
        DType type = out.layout().type();
        long target = Routines.address(out, memory);
        long rows = out.layout().size(0);
        long columns = out.layout().size(1);
        long depth = left.layout().size(1);
        if (out.layout().elements() == 0) {
            return;
        }
        if (depth == 0) {
            Scalars.MEMORY
                    .asSlice(target, out.layout().elements() * type.bytes())
                    .fill((byte) 0);
            return;
        }
        if (!gemm.containsKey(type)) {
            PlainProduct.run(
                    type, target, rows, columns, depth, a.address, a.view.layout(), b.address, b.view.layout());
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            if (columns == 1) {
                // NumPy uses gemv for products with a vector, and its sums are in another order than gemm's.
                gemv(type, a, false, b, depth, target, rows, arena);
            } else if (rows == 1) {
                gemv(type, b, true, a, depth, target, columns, arena);
            } else if (a.isTransposeOf(b) && syrk.containsKey(type)) {
                // As NumPy does: half the work, and exactly symmetric.
                invoke(
                        Objects.requireNonNull(syrk.get(type)),
                        ROW_MAJOR,
                        UPPER,
                        a.flag(),
                        rows,
                        depth,
                        one(type, arena),
                        a.address,
                        a.leading(),
                        zero(type, arena),
                        target,
                        columns);
                mirror(target, rows, type.bytes());
            } else {
                invoke(
                        Objects.requireNonNull(gemm.get(type)),
                        ROW_MAJOR,
                        a.flag(),
                        b.flag(),
                        rows,
                        columns,
                        depth,
                        one(type, arena),
                        a.address,
                        a.leading(),
                        b.address,
                        b.leading(),
                        zero(type, arena),
                        target,
                        columns);
            }
        }
    }

    /** Copies what is above the diagonal to below it. */
    private static void mirror(long matrix, long size, int bytes) {
        for (long top = 0; top < size; top += TILE) {
            for (long left = top; left < size; left += TILE) {
                for (long row = top; row < Math.min(size, top + TILE); row++) {
                    for (long column = Math.max(left, row + 1); column < Math.min(size, left + TILE); column++) {
                        Elements.copy(
                                matrix + (row * size + column) * bytes, matrix + (column * size + row) * bytes, bytes);
                    }
                }
            }
        }
    }

    private void gemv(
            DType type, Matrix matrix, boolean flip, Matrix vector, long depth, long target, long size, Arena arena) {
        boolean transposed = matrix.isTransposed() != flip;
        long storedRows = matrix.isTransposed() ? matrix.columns() : matrix.rows();
        long storedColumns = matrix.isTransposed() ? matrix.rows() : matrix.columns();
        Layout layout = vector.view.layout();
        int along = layout.size(0) == depth && layout.size(1) == 1 ? 0 : 1;
        long step = depth == 1 ? 1 : layout.stride(along) / type.bytes();
        invoke(
                Objects.requireNonNull(gemv.get(type)),
                ROW_MAJOR,
                transposed ? TRANSPOSED : PLAIN,
                storedRows,
                storedColumns,
                one(type, arena),
                matrix.address,
                matrix.leading(),
                vector.address,
                step,
                zero(type, arena),
                target,
                1L);
        assert size == (transposed ? storedColumns : storedRows);
    }

    private static Object one(DType type, Arena arena) {
        return switch (type) {
            case FLOAT64 -> 1.0;
            case FLOAT32 -> 1.0f;
            case COMPLEX128 -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 1.0, 0.0);
            case COMPLEX64 -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1.0f, 0.0f);
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT16 ->
                throw new IllegalArgumentException("no matrix product of " + type);
        };
    }

    private static Object zero(DType type, Arena arena) {
        return switch (type) {
            case FLOAT64 -> 0.0;
            case FLOAT32 -> 0.0f;
            case COMPLEX128 -> arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 0.0, 0.0);
            case COMPLEX64 -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0.0f, 0.0f);
            case BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT16 ->
                throw new IllegalArgumentException("no matrix product of " + type);
        };
    }

    private static void invoke(MethodHandle handle, Object... arguments) {
        try {
            handle.invokeWithArguments(arguments);
        } catch (Throwable impossible) {
            throw new IllegalStateException("a BLAS call failed", impossible);
        }
    }

    /** A matrix with contiguous rows, or with contiguous columns (then it is stored transposed). */
    private static final class Matrix {
        private final Operand.View view;
        private final long address;

        Matrix(Operand.View view, Memory memory) {
            this.view = view;
            this.address = Routines.address(view, memory);
        }

        long rows() {
            return view.layout().size(0);
        }

        long columns() {
            return view.layout().size(1);
        }

        /** Whether it is the other one's transpose, in the same memory. */
        boolean isTransposeOf(Matrix other) {
            Layout own = view.layout();
            Layout others = other.view.layout();
            return address == other.address
                    && own.size(0) == others.size(1)
                    && own.size(1) == others.size(0)
                    && own.stride(0) == others.stride(1)
                    && own.stride(1) == others.stride(0)
                    && isTransposed() != other.isTransposed();
        }

        boolean isTransposed() {
            return !MatrixLayout.isRowMajor(view.layout());
        }

        int flag() {
            return isTransposed() ? TRANSPOSED : PLAIN;
        }

        long leading() {
            Layout layout = view.layout();
            int bytes = layout.type().bytes();
            int outer = isTransposed() ? 1 : 0;
            long least = Math.max(1, layout.size(1 - outer));
            return layout.size(outer) == 1 ? least : Math.max(least, layout.stride(outer) / bytes);
        }
    }
}
