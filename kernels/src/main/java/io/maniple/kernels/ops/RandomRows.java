package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.INTEGERS;

/** Random numbers of the bit generators whose stream can be entered anywhere. */
final class RandomRows {
    private RandomRows() {}

    static void add(TableBuilder table) {
        Operation.Kind routine = new Operation.Kind.Routine();
        for (String generator : new String[] {"pcg64", "pcg64dxsm", "philox"}) {
            table.row("random." + generator, INTEGERS + "fd", "->Tl", 0, routine);
        }
    }
}
