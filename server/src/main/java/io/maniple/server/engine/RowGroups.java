package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.Node;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A kernel that adds up rows, made to take several rows at a time: the accumulators are read and written once for all of
 * them. Row after row is added as before, so the results are the same to the bit.
 *
 * @param executable the kernel for a group of rows
 * @param rows rows of a group
 * @param copies of each operand of the plain kernel how many there are: one for every row, or one if the rows share it
 * @param scalars how many scalars the kernel has
 */
record RowGroups(Executable executable, int rows, int[] copies, int scalars) {
    private static final MemorySegment MEMORY = Scalars.MEMORY;
    private static final int MOST_NODES = 64;
    /** Operands that a compiled loop keeps pointers to. */
    private static final int MOST_OPERANDS = 7;

    private static final int[] GROUPS = {4, 2};

    /**
     * @param shared of each operand whether all rows have the same one
     * @param accesses of each operand
     * @return empty where the kernel is no plain accumulation of rows, or too large
     */
    static Optional<RowGroups> of(Kernel kernel, boolean[] shared, List<Access> accesses, Compilers compilers) {
        if (!accumulates(kernel, shared)) {
            return Optional.empty();
        }
        for (int rows : GROUPS) {
            int operands = 0;
            int[] copies = new int[shared.length];
            List<Access> access = new ArrayList<>();
            for (int operand = 0; operand < shared.length; operand++) {
                copies[operand] = shared[operand] ? 1 : rows;
                operands += copies[operand];
                for (int copy = 0; copy < copies[operand]; copy++) {
                    access.add(accesses.get(operand));
                }
            }
            if (operands <= MOST_OPERANDS && rows * kernel.nodes().size() <= MOST_NODES) {
                Kernel grouped = new Grouping(kernel, copies, rows).kernel(operands);
                return Optional.of(
                        new RowGroups(compilers.compile(grouped, access, false), rows, copies, kernel.scalars()));
            }
        }
        return Optional.empty();
    }

    /** Whether everything that is stored is stored to what all rows share, and nothing depends on the row's number. */
    private static boolean accumulates(Kernel kernel, boolean[] shared) {
        boolean stores = false;
        for (Node node : kernel.nodes()) {
            switch (node) {
                case Node.Store store -> {
                    if (!shared[store.operand()]
                            || store.mask() >= 0
                            || store.storage() != store.storage().computed()) {
                        return false;
                    }
                    stores = true;
                }
                case Node.Index _, Node.Reduce _ -> {
                    return false;
                }
                case Node.Load _, Node.Scalar _, Node.Literal _, Node.Apply _, Node.Cast _, Node.Reinterpret _ -> {}
            }
        }
        return stores;
    }

    /** Writes down a kernel's body once for every row of a group. */
    private static final class Grouping {
        private final Kernel kernel;
        private final int rows;
        private final int[] first;
        private final int[] copies;
        private final List<Node> nodes = new ArrayList<>();
        /** What an accumulator holds at last, and its type in memory. */
        private final Map<Integer, Integer> held = new HashMap<>();

        private final Map<Integer, ElementType> storages = new HashMap<>();

        Grouping(Kernel kernel, int[] copies, int rows) {
            this.kernel = kernel;
            this.rows = rows;
            this.copies = copies;
            this.first = new int[copies.length];
            for (int operand = 1; operand < copies.length; operand++) {
                first[operand] = first[operand - 1] + copies[operand - 1];
            }
        }

        Kernel kernel(int operands) {
            for (int row = 0; row < rows; row++) {
                write(row);
            }
            held.forEach((operand, value) -> nodes.add(new Node.Store(first[operand], storage(operand), value, -1)));
            return new Kernel(nodes, operands, kernel.scalars());
        }

        private ElementType storage(int operand) {
            ElementType storage = storages.get(operand);
            if (storage == null) {
                throw new IllegalStateException("operand " + operand + " is not stored to");
            }
            return storage;
        }

        private void write(int row) {
            int[] values = new int[kernel.nodes().size()];
            for (int number = 0; number < values.length; number++) {
                switch (kernel.nodes().get(number)) {
                    case Node.Load load -> {
                        Integer value = held.get(load.operand());
                        int copy = copies[load.operand()] == 1 ? 0 : row;
                        values[number] = value != null
                                ? value
                                : add(new Node.Load(first[load.operand()] + copy, load.storage()));
                    }
                    case Node.Store store -> {
                        held.put(store.operand(), values[store.value()]);
                        storages.put(store.operand(), store.storage());
                    }
                    case Node.Apply apply ->
                        values[number] = add(new Node.Apply(
                                apply.primitive(),
                                apply.type(),
                                apply.arguments().stream()
                                        .map(argument -> values[argument])
                                        .toList()));
                    case Node.Cast cast ->
                        values[number] = add(new Node.Cast(values[cast.value()], cast.from(), cast.type()));
                    case Node.Reinterpret again ->
                        values[number] = add(new Node.Reinterpret(values[again.value()], again.from(), again.type()));
                    case Node.Scalar scalar -> values[number] = add(scalar);
                    case Node.Literal literal -> values[number] = add(literal);
                    case Node.Index _, Node.Reduce _ -> throw new IllegalStateException("no accumulation of rows");
                }
            }
        }

        private int add(Node node) {
            int known = nodes.indexOf(node);
            if (known >= 0 && !(node instanceof Node.Apply)) {
                return known;
            }
            nodes.add(node);
            return nodes.size() - 1;
        }
    }

    /**
     * Runs all full groups of a box.
     *
     * @param block the argument block of the plain kernel, behind which there is room for another one
     * @return the kernel's flags
     */
    int run(long block) {
        int plainWords = Kernel.Arguments.scalars(copies.length) + scalars;
        long own = block + 8L * plainWords;
        put(own, Kernel.Arguments.N0, get(block, Kernel.Arguments.N0));
        put(own, Kernel.Arguments.N1, get(block, Kernel.Arguments.N1) / rows);
        put(own, Kernel.Arguments.INDEX_BASE, 0);
        put(own, Kernel.Arguments.INDEX_STEP0, 0);
        put(own, Kernel.Arguments.INDEX_STEP1, 0);
        int from = Kernel.Arguments.OPERANDS;
        int to = Kernel.Arguments.OPERANDS;
        int operands = 0;
        for (int count : copies) {
            long address = get(block, from);
            long step1 = get(block, from + 2);
            for (int copy = 0; copy < count; copy++) {
                put(own, to, address + copy * step1);
                put(own, to + 1, get(block, from + 1));
                put(own, to + 2, step1 * rows);
                to += Kernel.Arguments.WORDS_PER_OPERAND;
            }
            operands += count;
            from += Kernel.Arguments.WORDS_PER_OPERAND;
        }
        for (int slot = 0; slot < scalars; slot++) {
            put(
                    own,
                    Kernel.Arguments.scalars(operands) + slot,
                    get(block, Kernel.Arguments.scalars(copies.length) + slot));
        }
        return executable.run(own);
    }

    /** How many words a block needs. */
    int words() {
        int operands = 0;
        for (int count : copies) {
            operands += count;
        }
        return Kernel.Arguments.scalars(copies.length) + Kernel.Arguments.scalars(operands) + 2 * scalars;
    }

    private static long get(long block, int word) {
        return MEMORY.get(ValueLayout.JAVA_LONG, block + 8L * word);
    }

    private static void put(long block, int word, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, value);
    }
}
