package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.ALL;
import static io.maniple.kernels.ops.TableBuilder.BOOL;
import static io.maniple.kernels.ops.TableBuilder.COMPLEX;
import static io.maniple.kernels.ops.TableBuilder.FLOATS;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.REAL;

/** What orders, searches, counts and updates by index; all of it has routines of its own. */
final class SortRows {
    private SortRows() {}

    static void add(TableBuilder table) {
        Operation.Kind routine = new Operation.Kind.Routine();
        table.row("sort", ALL, "T->T", 0, routine)
                .row("argsort", ALL, "T->l", 0, routine)
                .row("partition", ALL, "Tl->T", 0, routine)
                .row("searchsorted", ALL, "TT->l", 0, routine)
                .row("bincount", "l", "T->l", 0, routine)
                .row("bincount", "l", "Td->d", 0, routine)
                .row("histogram", "d", "TT->l", 0, routine)
                // Each step is rounded to the type, in the order of the indices, as in NumPy.
                .row("add.at", ALL, "Tl->T", 0, routine)
                .row("subtract.at", REAL + COMPLEX, "Tl->T", 0, routine)
                .row("multiply.at", BOOL + REAL, "Tl->T", 0, routine)
                .row("minimum.at", BOOL + REAL, "Tl->T", 0, routine)
                .row("maximum.at", BOOL + REAL, "Tl->T", 0, routine)
                // The bound for n terms is n ulp of the sum of their absolute values.
                .row("add.reduceat", BOOL + INTEGERS, "Tl->T", 0, routine)
                .row("add.reduceat", FLOATS, "Tl->T", 1, routine)
                .row("multiply.reduceat", BOOL + INTEGERS, "Tl->T", 0, routine)
                .row("multiply.reduceat", "fd", "Tl->T", 1, routine)
                .row("minimum.reduceat", BOOL + REAL, "Tl->T", 0, routine)
                .row("maximum.reduceat", BOOL + REAL, "Tl->T", 0, routine);
    }
}
