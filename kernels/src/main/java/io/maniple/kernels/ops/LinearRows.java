package io.maniple.kernels.ops;

/**
 * Linear algebra by LAPACK, which NumPy calls in double precision whatever the arrays' own. Results are LAPACK's, whose
 * errors are bounded for the whole problem (backward), not in units of the last place of each element.
 */
final class LinearRows {
    private static final String TYPES = "dD";

    private LinearRows() {}

    static void add(TableBuilder table) {
        Operation.Kind routine = new Operation.Kind.Routine();
        table.row("linalg.solve", TYPES, "TT->T", 1, routine)
                .row("linalg.inv", TYPES, "T->T", 1, routine)
                .row("linalg.det", TYPES, "T->T", 1, routine)
                .row("linalg.slogdet", TYPES, "T->Td", 1, routine)
                .row("linalg.cholesky", TYPES, "T->T", 1, routine)
                .row("linalg.qr", TYPES, "T->TT", 1, routine)
                .row("linalg.q", TYPES, "TT->T", 1, routine)
                .row("linalg.svd", TYPES, "T->TdT", 1, routine)
                .row("linalg.svdvals", TYPES, "T->d", 1, routine)
                .row("linalg.eig", TYPES, "T->DD", 1, routine)
                .row("linalg.eigvals", TYPES, "T->D", 1, routine)
                .row("linalg.eigh", TYPES, "T->dT", 1, routine)
                .row("linalg.eigvalsh", TYPES, "T->d", 1, routine)
                .row("linalg.lstsq", TYPES, "TTd->Tdid", 1, routine);
    }
}
