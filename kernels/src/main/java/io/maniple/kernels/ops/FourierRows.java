package io.maniple.kernels.ops;

/**
 * Discrete Fourier transforms of rows. For n elements the error, relative to the root mean square of the row, is at most
 * some ulp times log2 n, in double precision for single-precision rows, too.
 */
final class FourierRows {
    private FourierRows() {}

    static void add(TableBuilder table) {
        Operation.Kind routine = new Operation.Kind.Routine();
        table.row("fft.complex", "D", "Dd->D", 1, routine)
                .row("fft.complex", "F", "Ff->F", 1, routine)
                .row("fft.from_real", "D", "dd->D", 1, routine)
                .row("fft.from_real", "F", "ff->F", 1, routine)
                .row("fft.to_real", "D", "Dd->d", 1, routine)
                .row("fft.to_real", "F", "Ff->f", 1, routine);
    }
}
