package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * What numpy.linalg does by LAPACK, matrix by matrix, with the routines NumPy calls and on the same layout, so that
 * results are NumPy's. Small matrices of a stack are shared out among the threads; a large one is OpenBLAS's own to
 * share. Which of the two depends on the shapes alone.
 */
final class LinearAlgebra {
    /** Matrices of at most this order are done by one thread each. */
    private static final long SMALL = 128;
    /** So many elements' work are worth handing to another thread. */
    private static final long TURN = 4_096;
    /** For the numbers passed by address. */
    private static final long NUMBERS = 4_096;

    private final Workers workers;
    private final Lapack lapack;

    LinearAlgebra(Workers workers, Lapack lapack) {
        this.workers = workers;
        this.lapack = lapack;
    }

    Map<String, RoutineCode> routines() {
        Map<String, RoutineCode> codes = new HashMap<>();
        codes.put("linalg.solve", this::solve);
        codes.put("linalg.inv", this::inverse);
        codes.put("linalg.det", call -> determinant(call, false));
        codes.put("linalg.slogdet", call -> determinant(call, true));
        codes.put("linalg.cholesky", this::cholesky);
        codes.put("linalg.qr", this::factors);
        codes.put("linalg.q", this::orthogonal);
        codes.putAll(new Spectra(this).routines());
        return codes;
    }

    /** What is done to one matrix of a stack; {@code index} counts them. */
    @FunctionalInterface
    interface Task {
        void run(LapackCall lapack, long index);
    }

    /**
     * @param matrix the operand whose last two dimensions are the matrix
     * @param elements how many elements of memory a task needs, numbers apart
     */
    void each(RoutineCall call, int matrix, long elements, Task task) {
        Layout layout = call.layout(matrix);
        boolean complex = layout.type() == DType.COMPLEX128;
        long rows = rows(layout);
        long columns = columns(layout);
        long count = layout.elements() / (rows * columns);
        long bytes = elements * (complex ? 16 : 8) + NUMBERS;
        boolean small = count > 1 && Math.max(rows, columns) <= SMALL;
        int threads = small ? workers.threads() : 1;
        for (int operand = 0; operand < call.operands(); operand++) {
            if (call.instruction().operands().get(operand) instanceof Operand.View) {
                // Allocated now, by one thread.
                call.address(operand);
            }
        }
        try (Memory.Scratch scratch = call.memory().scratch(bytes * threads)) {
            LapackCall[] calls = new LapackCall[threads];
            for (int thread = 0; thread < threads; thread++) {
                calls[thread] = new LapackCall(
                        lapack, complex, scratch.address() + thread * bytes, bytes, small ? null : workers);
            }
            if (!small) {
                for (long index = 0; index < count; index++) {
                    if (Workers.CANCELLED.orElse(() -> false).getAsBoolean()) {
                        throw new CancellationException();
                    }
                    calls[0].reset();
                    task.run(calls[0], index);
                }
                return;
            }
            try (Lapack.SingleThreaded _ = lapack.singleThreaded()) {
                workers.runWhole(count, Math.max(1, TURN / (rows * columns)), (worker, begin, end) -> {
                    for (long index = begin; index < end; index++) {
                        calls[worker].reset();
                        task.run(calls[worker], index);
                    }
                });
            }
        }
    }

    /** What a query of the best size of a workspace answers, in elements; asked once for all matrices. */
    long workspace(RoutineCall call, int matrix, Query query) {
        boolean complex = call.layout(matrix).type() == DType.COMPLEX128;
        try (Memory.Scratch scratch = call.memory().scratch(NUMBERS)) {
            LapackCall lapackCall = new LapackCall(lapack, complex, scratch.address(), NUMBERS, null);
            lapackCall.reset();
            long work = lapackCall.part(16);
            query.run(lapackCall, work, lapackCall.integer(-1));
            return Math.max(1, (long) Matrices.number(work));
        }
    }

    /** Calls a routine whose workspace is at {@code work}, its size -1 at {@code size}. */
    @FunctionalInterface
    interface Query {
        void run(LapackCall lapack, long work, long size);
    }

    static long rows(Layout layout) {
        return layout.size(layout.rank() - 2);
    }

    static long columns(Layout layout) {
        return layout.size(layout.rank() - 1);
    }

    static ManipleException failure(String message) {
        return new ManipleException(Status.NUMERICAL_FAILURE, message);
    }

    private void solve(RoutineCall call) {
        long order = rows(call.layout(1));
        long sides = columns(call.layout(2));
        each(call, 1, order * order + order * sides + order + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            long b = lapack.elements(order * sides);
            lapack.turn(call.address(1) + index * order * order * bytes, order, a, order, order, order, bytes);
            lapack.turn(call.address(2) + index * order * sides * bytes, sides, b, order, order, sides, bytes);
            gesv(lapack, order, sides, a, b);
            lapack.turn(b, order, call.address(0) + index * order * sides * bytes, sides, sides, order, bytes);
        });
    }

    private static void gesv(LapackCall lapack, long order, long sides, long a, long b) {
        long n = lapack.integer(order);
        if (!lapack.run(
                "dgesv", "zgesv", n, lapack.integer(sides), a, n, lapack.part(order * 8), b, n, lapack.info())) {
            throw failure("Singular matrix");
        }
    }

    private void inverse(RoutineCall call) {
        long order = rows(call.layout(1));
        each(call, 1, 2 * order * order + order + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            long b = lapack.elements(order * order);
            long offset = index * order * order * bytes;
            lapack.turn(call.address(1) + offset, order, a, order, order, order, bytes);
            Matrices.clear(b, order * order * bytes);
            for (long row = 0; row < order; row++) {
                Matrices.number(b + row * (order + 1) * bytes, 1);
            }
            gesv(lapack, order, order, a, b);
            lapack.turn(b, order, call.address(0) + offset, order, order, order, bytes);
        });
    }

    /** Sign and logarithm of the absolute value, or NumPy's product of both. */
    private void determinant(RoutineCall call, boolean apart) {
        int matrix = apart ? 2 : 1;
        long order = rows(call.layout(matrix));
        each(call, matrix, order * order + order + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            lapack.turn(call.address(matrix) + index * order * order * bytes, order, a, order, order, order, bytes);
            long pivots = lapack.part(order * 8);
            long n = lapack.integer(order);
            boolean regular = lapack.run("dgetrf", "zgetrf", n, n, a, n, pivots, lapack.info());
            Determinant determinant = regular ? Determinant.ofFactors(a, order, pivots, bytes) : Determinant.ZERO;
            if (apart) {
                determinant.storeSign(call.address(0) + index * bytes, bytes);
                Matrices.number(call.address(1) + index * 8, determinant.logarithm());
            } else {
                determinant.store(call.address(0) + index * bytes, bytes);
            }
        });
    }

    private void cholesky(RoutineCall call) {
        long order = rows(call.layout(1));
        boolean upper = call.integer(2) != 0;
        each(call, 1, order * order + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            long offset = index * order * order * bytes;
            lapack.turn(call.address(1) + offset, order, a, order, order, order, bytes);
            long n = lapack.integer(order);
            if (!lapack.run("dpotrf", "zpotrf", lapack.character(upper ? 'U' : 'L'), n, a, n, lapack.info(), 1)) {
                throw failure("Matrix is not positive definite");
            }
            for (long column = 0; column < order; column++) {
                long first = a + column * order * bytes;
                if (upper) {
                    Matrices.clear(first + (column + 1) * bytes, (order - column - 1) * bytes);
                } else {
                    Matrices.clear(first, column * bytes);
                }
            }
            lapack.turn(a, order, call.address(0) + offset, order, order, order, bytes);
        });
    }

    /** Outputs: the factors as LAPACK leaves them, and the reflectors' scales. */
    private void factors(RoutineCall call) {
        long rows = rows(call.layout(2));
        long columns = columns(call.layout(2));
        long least = Math.min(rows, columns);
        long size = workspace(call, 2, (lapack, work, length) -> {
            long m = lapack.integer(rows);
            lapack.run("dgeqrf", "zgeqrf", m, lapack.integer(columns), work, m, work, work, length, lapack.info());
        });
        long length = Math.max(columns, size);
        each(call, 2, rows * columns + least + length + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(rows * columns);
            long offset = index * rows * columns * bytes;
            lapack.turn(call.address(2) + offset, columns, a, rows, rows, columns, bytes);
            long m = lapack.integer(rows);
            long tau = lapack.elements(least);
            long work = lapack.elements(length);
            if (!lapack.run(
                    "dgeqrf",
                    "zgeqrf",
                    m,
                    lapack.integer(columns),
                    a,
                    m,
                    tau,
                    work,
                    lapack.integer(length),
                    lapack.info())) {
                throw failure(Spectra.QR);
            }
            lapack.turn(a, rows, call.address(0) + offset, columns, columns, rows, bytes);
            Matrices.copy(tau, call.address(1) + index * least * bytes, least * bytes);
        });
    }

    /** The first columns of the orthogonal matrix that the factors stand for, as many as the output has. */
    private void orthogonal(RoutineCall call) {
        long rows = rows(call.layout(1));
        long columns = columns(call.layout(1));
        long wanted = columns(call.layout(0));
        long least = Math.min(rows, columns);
        long size = workspace(call, 1, (lapack, work, length) -> {
            long m = lapack.integer(rows);
            lapack.run(
                    "dorgqr",
                    "zungqr",
                    m,
                    lapack.integer(wanted),
                    lapack.integer(least),
                    work,
                    m,
                    work,
                    work,
                    length,
                    lapack.info());
        });
        long length = Math.max(wanted, size);
        each(call, 1, rows * wanted + length + 64, (lapack, index) -> {
            int bytes = lapack.bytes();
            long q = lapack.elements(rows * wanted);
            lapack.turn(call.address(1) + index * rows * columns * bytes, columns, q, rows, rows, least, bytes);
            long m = lapack.integer(rows);
            long work = lapack.elements(length);
            if (!lapack.run(
                    "dorgqr",
                    "zungqr",
                    m,
                    lapack.integer(wanted),
                    lapack.integer(least),
                    q,
                    m,
                    call.address(2) + index * least * bytes,
                    work,
                    lapack.integer(length),
                    lapack.info())) {
                throw failure(Spectra.QR);
            }
            lapack.turn(q, rows, call.address(0) + index * rows * wanted * bytes, wanted, wanted, rows, bytes);
        });
    }
}
