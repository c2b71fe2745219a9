package io.maniple.server.engine;

import io.maniple.bridge.program.Layout;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where the extreme of each row stands. A row is folded piece by piece, and only the piece that has the row's extreme
 * first is looked at for its place: the data are read once. NumPy's rule that the first NaN wins follows, since a NaN is
 * the extreme of any piece that holds one.
 */
final class Extremes {
    /** Of a row that one thread folds; short, since it is looked at twice. */
    private static final long PIECE_BYTES = 8_192;
    /** Elements that a thread takes at a time; longer rows are cut. */
    private static final long SEGMENT = 65_536;
    /** Words of the argument block, and a place for the result of a fold. */
    private static final int BLOCK_WORDS = 32;

    private static final int RESULT_WORD = 24;

    private record Key(Reduction reduction, ElementType type) {}

    /** @param extreme folds a piece to its extreme; first finds the least index of what equals a scalar */
    private record Kernels(Executable extreme, Executable first) {}

    private final Workers workers;
    private final Compilers compilers;
    private final Map<Key, Kernels> kernels = new ConcurrentHashMap<>();

    Extremes(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    Map<String, RoutineCode> routines() {
        return Map.of(
                "argmax.reduce", call -> run(call, Reduction.MAXIMUM),
                "argmin.reduce", call -> run(call, Reduction.MINIMUM));
    }

    /** Operands: indices, one a row; values, whose rows are the last dimension or, with one index, everything. */
    private void run(RoutineCall call, Reduction reduction) {
        Layout layout = call.layout(1);
        long rows = call.layout(0).elements();
        ElementType type = Casts.storage(layout.type());
        try (Memory.Scratch blocks = call.memory().scratch(8L * BLOCK_WORDS * workers.threads())) {
            Kernels code = kernels.computeIfAbsent(new Key(reduction, type), this::compile);
            Search search = new Search(
                    reduction,
                    type,
                    code,
                    call.address(1),
                    layout.elements() / rows,
                    blocks.address(),
                    call.address(0));
            if (search.length <= SEGMENT) {
                workers.run(rows, Math.max(1, SEGMENT / search.length), (worker, begin, end) -> {
                    for (long row = begin; row < end; row++) {
                        search.row(worker, row);
                    }
                });
            } else {
                search.cut(rows, workers);
            }
        }
    }

    private Kernels compile(Key key) {
        return new Kernels(extreme(key), first(key.type));
    }

    private Executable extreme(Key key) {
        KernelBuilder builder = new KernelBuilder();
        int result = builder.newOperand();
        builder.reduce(result, key.reduction, builder.load(builder.newOperand(), key.type));
        return compilers.compile(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS), false);
    }

    /** The index where the value is the scalar, or NaN, and no index elsewhere. */
    private Executable first(ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int result = builder.newOperand();
        int value = builder.load(builder.newOperand(), type);
        int found = builder.apply(Primitive.EQUAL, value, builder.scalar(builder.newScalar(), type.computed()));
        if (type.isFloating()) {
            found = builder.apply(Primitive.OR, found, builder.apply(Primitive.NOT_EQUAL, value, value));
        }
        int none = builder.literal(ElementType.INT64, Long.MAX_VALUE);
        builder.reduce(result, Reduction.MINIMUM, builder.apply(Primitive.SELECT, found, builder.index(), none));
        return compilers.compile(builder.build(), List.of(Access.STRIDED, Access.CONTIGUOUS), false);
    }

    /** One call's data. */
    private static final class Search {
        private final Reduction reduction;
        private final ElementType type;
        private final Kernels kernels;
        private final long values;
        /** Of a row. */
        private final long length;

        private final long blocks;
        private final long indices;
        private final long piece;

        Search(
                Reduction reduction,
                ElementType type,
                Kernels kernels,
                long values,
                long length,
                long blocks,
                long indices) {
            this.reduction = reduction;
            this.type = type;
            this.kernels = kernels;
            this.values = values;
            this.length = length;
            this.blocks = blocks;
            this.indices = indices;
            this.piece = PIECE_BYTES / type.bytes();
        }

        private void row(int worker, long row) {
            long[] best = new long[2];
            segment(worker, row * length, length, best);
            index(row, place(worker, row * length, best));
        }

        /** Rows that are cut: the first of the segments with the extreme has it. */
        private void cut(long rows, Workers workers) {
            long segments = (length + SEGMENT - 1) / SEGMENT;
            long[][] bests = new long[Math.toIntExact(rows * segments)][2];
            workers.run(bests.length, 1, (worker, begin, end) -> {
                for (long item = begin; item < end; item++) {
                    long start = item % segments * SEGMENT;
                    long row = item / segments * length;
                    segment(worker, row + start, Math.min(SEGMENT, length - start), bests[(int) item]);
                }
            });
            for (long row = 0; row < rows; row++) {
                long[] best = bests[(int) (row * segments)];
                for (long segment = 1; segment < segments; segment++) {
                    long[] next = bests[(int) (row * segments + segment)];
                    if (isBetter(next[0], best[0])) {
                        best = next;
                    }
                }
                index(row, place(0, row * length, best));
            }
        }

        /** The extreme's bits of some elements, and where the first piece that has it begins. */
        private void segment(int worker, long from, long count, long[] best) {
            long block = blocks + 8L * BLOCK_WORDS * worker;
            long result = block + 8 * RESULT_WORD;
            for (long begin = from; begin < from + count; begin += piece) {
                arguments(block, begin, Math.min(piece, from + count - begin), result);
                int ignored = kernels.extreme.run(block);
                long found = Scalars.read(type.computed(), result);
                if (begin == from || isBetter(found, best[0])) {
                    best[0] = found;
                    best[1] = begin;
                }
            }
        }

        /** The index in the row of the first element of a piece that is its extreme. */
        private long place(int worker, long row, long[] best) {
            long block = blocks + 8L * BLOCK_WORDS * worker;
            long result = block + 8 * RESULT_WORD;
            arguments(block, best[1], Math.min(piece, row + length - best[1]), result);
            put(block, Kernel.Arguments.INDEX_BASE, best[1] - row);
            put(block, Kernel.Arguments.scalars(2), best[0]);
            int ignored = kernels.first.run(block);
            return Scalars.MEMORY.get(ValueLayout.JAVA_LONG, result);
        }

        private void arguments(long block, long begin, long count, long result) {
            put(block, Kernel.Arguments.N0, count);
            put(block, Kernel.Arguments.N1, 1);
            put(block, Kernel.Arguments.INDEX_BASE, 0);
            put(block, Kernel.Arguments.INDEX_STEP0, 1);
            put(block, Kernel.Arguments.INDEX_STEP1, 0);
            put(block, Kernel.Arguments.OPERANDS, result);
            put(block, Kernel.Arguments.OPERANDS + 1, 0);
            put(block, Kernel.Arguments.OPERANDS + 2, 0);
            put(block, Kernel.Arguments.OPERANDS + 3, values + begin * type.bytes());
            put(block, Kernel.Arguments.OPERANDS + 4, type.bytes());
            put(block, Kernel.Arguments.OPERANDS + 5, 0);
        }

        private static void put(long block, int word, long value) {
            Scalars.MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, value);
        }

        private void index(long row, long place) {
            Scalars.MEMORY.set(ValueLayout.JAVA_LONG, indices + 8 * row, place);
        }

        /** Whether a later piece's extreme goes beyond an earlier one's. */
        private boolean isBetter(long later, long earlier) {
            boolean greatest = reduction == Reduction.MAXIMUM;
            if (type.isFloating()) {
                double x = type == ElementType.FLOAT64
                        ? Double.longBitsToDouble(later)
                        : Float.intBitsToFloat((int) later);
                double y = type == ElementType.FLOAT64
                        ? Double.longBitsToDouble(earlier)
                        : Float.intBitsToFloat((int) earlier);
                return !Double.isNaN(y) && (Double.isNaN(x) || (greatest ? x > y : x < y));
            }
            int order =
                    type == ElementType.UINT64 ? Long.compareUnsigned(later, earlier) : Long.compare(later, earlier);
            return greatest ? order > 0 : order < 0;
        }
    }
}
