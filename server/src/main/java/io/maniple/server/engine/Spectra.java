package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/** Singular values, eigenvalues and least squares: see {@link LinearAlgebra}. */
final class Spectra {
    static final String QR = "Incorrect argument found while performing QR factorization";
    private static final String EIGENVALUES = "Eigenvalues did not converge";
    private static final String SVD = "SVD did not converge";

    private final LinearAlgebra matrices;

    Spectra(LinearAlgebra matrices) {
        this.matrices = matrices;
    }

    Map<String, RoutineCode> routines() {
        Map<String, RoutineCode> codes = new HashMap<>();
        codes.put("linalg.svd", call -> singular(call, true));
        codes.put("linalg.svdvals", call -> singular(call, false));
        codes.put("linalg.eig", call -> eigen(call, true));
        codes.put("linalg.eigvals", call -> eigen(call, false));
        codes.put("linalg.eigh", call -> hermitian(call, true));
        codes.put("linalg.eigvalsh", call -> hermitian(call, false));
        codes.put("linalg.lstsq", this::leastSquares);
        return codes;
    }

    /** The workspaces of a routine: the sizes that a query of them answers. */
    private record Workspaces(long work, long reals, long integers) {}

    /** Calls a routine with the workspaces and their sizes given by address. */
    @FunctionalInterface
    private interface Asked {
        void run(LapackCall lapack, long work, long reals, long integers, long minusOne);
    }

    private Workspaces ask(RoutineCall call, int matrix, Asked asked) {
        long[] found = new long[2];
        long work = matrices.workspace(call, matrix, (lapack, first, minusOne) -> {
            long reals = lapack.part(16);
            long integers = lapack.part(16);
            Matrices.number(reals, 1);
            Matrices.integer(integers, 1);
            asked.run(lapack, first, reals, integers, minusOne);
            found[0] = (long) Matrices.number(reals);
            found[1] = Matrices.integer(integers);
        });
        return new Workspaces(work, Math.max(1, found[0]), Math.max(1, found[1]));
    }

    private void singular(RoutineCall call, boolean vectors) {
        int matrix = vectors ? 3 : 1;
        int values = vectors ? 1 : 0;
        long rows = LinearAlgebra.rows(call.layout(matrix));
        long columns = LinearAlgebra.columns(call.layout(matrix));
        long least = Math.min(rows, columns);
        long most = Math.max(rows, columns);
        long left = vectors ? LinearAlgebra.columns(call.layout(0)) : 1;
        long right = vectors ? LinearAlgebra.rows(call.layout(2)) : 1;
        char job = !vectors ? 'N' : left == rows && right == columns ? 'A' : 'S';
        boolean complex = call.layout(matrix).type() == DType.COMPLEX128;
        Workspaces sizes = ask(call, matrix, (lapack, work, reals, integers, minusOne) -> {
            gesdd(lapack, job, rows, columns, right, work, work, work, work, work, minusOne, reals, integers);
        });
        long realCount = 5 * least * least + 7 * least + 2 * most * least + 2 * least * least;
        long elements = rows * columns
                + rows * left
                + columns * right
                + least
                + sizes.work
                + (complex ? realCount : 0)
                + 8 * least
                + 64;
        matrices.each(call, matrix, elements, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(rows * columns);
            lapack.turn(call.address(matrix) + index * rows * columns * bytes, columns, a, rows, rows, columns, bytes);
            long u = lapack.elements(vectors ? rows * left : 1);
            long v = lapack.elements(vectors ? columns * right : 1);
            long work = lapack.elements(sizes.work);
            long reals = complex ? lapack.part(realCount * 8) : 0;
            long integers = lapack.part(8 * least * 8);
            long s = call.address(values) + index * least * 8;
            long size = lapack.integer(sizes.work);
            if (!gesdd(lapack, job, rows, columns, right, a, s, u, v, work, size, reals, integers)) {
                throw LinearAlgebra.failure(SVD);
            }
            if (vectors) {
                lapack.turn(u, rows, call.address(0) + index * rows * left * bytes, left, left, rows, bytes);
                lapack.turn(
                        v, right, call.address(2) + index * right * columns * bytes, columns, columns, right, bytes);
            }
        });
    }

    private static boolean gesdd(
            LapackCall lapack,
            char job,
            long rows,
            long columns,
            long right,
            long a,
            long s,
            long u,
            long v,
            long work,
            long size,
            long reals,
            long integers) {
        long jobz = lapack.character(job);
        long m = lapack.integer(rows);
        long n = lapack.integer(columns);
        long ldv = lapack.integer(right);
        return lapack.bytes() == 8
                ? lapack.run("dgesdd", "", jobz, m, n, a, m, s, u, m, v, ldv, work, size, integers, lapack.info(), 1)
                : lapack.run(
                        "", "zgesdd", jobz, m, n, a, m, s, u, m, v, ldv, work, size, reals, integers, lapack.info(), 1);
    }

    private void eigen(RoutineCall call, boolean vectors) {
        int matrix = vectors ? 2 : 1;
        long order = LinearAlgebra.rows(call.layout(matrix));
        Workspaces sizes = ask(
                call,
                matrix,
                (lapack, work, reals, integers, minusOne) ->
                        geev(lapack, vectors, order, work, work, work, work, minusOne, reals));
        long elements = order * order * (vectors ? 2 : 1) + 4 * order + sizes.work + 64;
        matrices.each(call, matrix, elements, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            lapack.turn(call.address(matrix) + index * order * order * bytes, order, a, order, order, order, bytes);
            long values = lapack.part(2 * order * 8);
            long v = lapack.elements(vectors ? order * order : 1);
            long reals = lapack.part(2 * order * 8);
            long work = lapack.elements(sizes.work);
            long size = lapack.integer(sizes.work);
            if (!geev(lapack, vectors, order, a, values, v, work, size, reals)) {
                throw LinearAlgebra.failure(EIGENVALUES);
            }
            long target = call.address(0) + index * order * 16;
            if (bytes == 16) {
                Matrices.copy(values, target, order * 16);
            } else {
                for (long row = 0; row < order; row++) {
                    Matrices.number(target + row * 16, Matrices.number(values + row * 8));
                    Matrices.number(target + row * 16 + 8, Matrices.number(values + (order + row) * 8));
                }
            }
            if (vectors) {
                long out = call.address(1) + index * order * order * 16;
                if (bytes == 16) {
                    lapack.turn(v, order, out, order, order, order, bytes);
                } else {
                    pairs(v, values + order * 8, out, order);
                }
            }
        });
    }

    /** Real eigenvectors as they are; of a pair of complex ones LAPACK gives the real and the imaginary part. */
    private static void pairs(long vectors, long imaginary, long out, long order) {
        for (long column = 0; column < order; column++) {
            boolean single = Matrices.number(imaginary + column * 8) == 0;
            for (long row = 0; row < order; row++) {
                long target = out + (row * order + column) * 16;
                double re = Matrices.number(vectors + (column * order + row) * 8);
                double im = single ? 0 : Matrices.number(vectors + ((column + 1) * order + row) * 8);
                Matrices.number(target, re);
                Matrices.number(target + 8, im);
                if (!single) {
                    Matrices.number(target + 16, re);
                    Matrices.number(target + 24, -im);
                }
            }
            if (!single) {
                column++;
            }
        }
    }

    private static boolean geev(
            LapackCall lapack,
            boolean vectors,
            long order,
            long a,
            long values,
            long v,
            long work,
            long size,
            long reals) {
        long none = lapack.character('N');
        long right = vectors ? lapack.character('V') : none;
        long n = lapack.integer(order);
        return lapack.bytes() == 8
                ? lapack.run(
                        "dgeev",
                        "",
                        none,
                        right,
                        n,
                        a,
                        n,
                        values,
                        values + order * 8,
                        v,
                        n,
                        v,
                        n,
                        work,
                        size,
                        lapack.info(),
                        1,
                        1)
                : lapack.run(
                        "", "zgeev", none, right, n, a, n, values, v, n, v, n, work, size, reals, lapack.info(), 1, 1);
    }

    /** The last operand says whether the lower triangle is read. */
    private void hermitian(RoutineCall call, boolean vectors) {
        int matrix = vectors ? 2 : 1;
        boolean lower = call.integer(matrix + 1) != 0;
        boolean complex = call.layout(matrix).type() == DType.COMPLEX128;
        long order = LinearAlgebra.rows(call.layout(matrix));
        Workspaces sizes = ask(
                call,
                matrix,
                (lapack, work, reals, integers, minusOne) -> evd(
                        lapack, vectors, lower, order, work, work, work, minusOne, reals, minusOne, integers,
                        minusOne));
        long elements = order * order + sizes.work + (complex ? sizes.reals : 0) + sizes.integers + 64;
        matrices.each(call, matrix, elements, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(order * order);
            long offset = index * order * order * bytes;
            lapack.turn(call.address(matrix) + offset, order, a, order, order, order, bytes);
            long work = lapack.elements(sizes.work);
            long reals = complex ? lapack.part(sizes.reals * 8) : 0;
            long integers = lapack.part(sizes.integers * 8);
            if (!evd(
                    lapack,
                    vectors,
                    lower,
                    order,
                    a,
                    call.address(0) + index * order * 8,
                    work,
                    lapack.integer(sizes.work),
                    reals,
                    lapack.integer(sizes.reals),
                    integers,
                    lapack.integer(sizes.integers))) {
                throw LinearAlgebra.failure(EIGENVALUES);
            }
            if (vectors) {
                lapack.turn(a, order, call.address(1) + offset, order, order, order, bytes);
            }
        });
    }

    private static boolean evd(
            LapackCall lapack,
            boolean vectors,
            boolean lower,
            long order,
            long a,
            long values,
            long work,
            long size,
            long reals,
            long realSize,
            long integers,
            long integerSize) {
        long jobz = lapack.character(vectors ? 'V' : 'N');
        long uplo = lapack.character(lower ? 'L' : 'U');
        long n = lapack.integer(order);
        return lapack.bytes() == 8
                ? lapack.run(
                        "dsyevd",
                        "",
                        jobz,
                        uplo,
                        n,
                        a,
                        n,
                        values,
                        work,
                        size,
                        integers,
                        integerSize,
                        lapack.info(),
                        1,
                        1)
                : lapack.run(
                        "",
                        "zheevd",
                        jobz,
                        uplo,
                        n,
                        a,
                        n,
                        values,
                        work,
                        size,
                        reals,
                        realSize,
                        integers,
                        integerSize,
                        lapack.info(),
                        1,
                        1);
    }

    /** Operands: solution, residuals, rank, singular values; matrix, right-hand sides, rcond. */
    private void leastSquares(RoutineCall call) {
        long rows = LinearAlgebra.rows(call.layout(4));
        long columns = LinearAlgebra.columns(call.layout(4));
        long sides = LinearAlgebra.columns(call.layout(5));
        long least = Math.min(rows, columns);
        long most = Math.max(rows, columns);
        boolean complex = call.layout(4).type() == DType.COMPLEX128;
        Workspaces sizes = ask(
                call,
                4,
                (lapack, work, reals, integers, minusOne) -> gelsd(
                        lapack,
                        rows,
                        columns,
                        sides,
                        work,
                        work,
                        work,
                        call.address(6),
                        work,
                        work,
                        minusOne,
                        reals,
                        integers));
        long elements = rows * columns + most * sides + sizes.work + (complex ? sizes.reals : 0) + sizes.integers + 64;
        matrices.each(call, 4, elements, (lapack, index) -> {
            int bytes = lapack.bytes();
            long a = lapack.elements(rows * columns);
            long b = lapack.elements(most * sides);
            lapack.turn(call.address(4) + index * rows * columns * bytes, columns, a, rows, rows, columns, bytes);
            lapack.turn(call.address(5) + index * rows * sides * bytes, sides, b, most, rows, sides, bytes);
            long work = lapack.elements(sizes.work);
            long reals = complex ? lapack.part(sizes.reals * 8) : 0;
            long integers = lapack.part(sizes.integers * 8);
            long rank = lapack.integer(0);
            long s = call.address(3) + index * least * 8;
            long size = lapack.integer(sizes.work);
            if (!gelsd(
                    lapack,
                    rows,
                    columns,
                    sides,
                    a,
                    b,
                    s,
                    call.address(6) + index * 8,
                    rank,
                    work,
                    size,
                    reals,
                    integers)) {
                throw LinearAlgebra.failure(SVD + " in Linear Least Squares");
            }
            lapack.turn(b, most, call.address(0) + index * columns * sides * bytes, sides, sides, columns, bytes);
            long found = Matrices.integer(rank);
            Scalars.MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, call.address(2) + index * 4, (int) found);
            for (long side = 0; side < sides; side++) {
                double sum = found == columns && rows >= columns ? 0 : Double.NaN;
                int parts = bytes / 8;
                for (long word = columns * parts; word < rows * parts; word += parts) {
                    long element = b + (side * most * parts + word) * 8;
                    double re = Matrices.number(element);
                    double im = complex ? Matrices.number(element + 8) : 0;
                    sum += complex ? re * re + im * im : re * re;
                }
                Matrices.number(call.address(1) + (index * sides + side) * 8, sum);
            }
        });
    }

    private static boolean gelsd(
            LapackCall lapack,
            long rows,
            long columns,
            long sides,
            long a,
            long b,
            long s,
            long rcond,
            long rank,
            long work,
            long size,
            long reals,
            long integers) {
        long m = lapack.integer(rows);
        long n = lapack.integer(columns);
        long nrhs = lapack.integer(sides);
        long ldb = lapack.integer(Math.max(rows, columns));
        return lapack.bytes() == 8
                ? lapack.run(
                        "dgelsd", "", m, n, nrhs, a, m, b, ldb, s, rcond, rank, work, size, integers, lapack.info())
                : lapack.run(
                        "",
                        "zgelsd",
                        m,
                        n,
                        nrhs,
                        a,
                        m,
                        b,
                        ldb,
                        s,
                        rcond,
                        rank,
                        work,
                        size,
                        reals,
                        integers,
                        lapack.info());
    }
}
