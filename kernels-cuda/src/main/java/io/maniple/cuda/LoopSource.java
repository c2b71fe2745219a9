package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Reduction;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a kernel over a loop nest of any rank in CUDA C++, in one of three forms. Folds give the bits that
 * {@link Kernel} prescribes.
 *
 * <p>It takes one structure of 64-bit words ({@link LoopArguments} writes them): rows, n0, n1 and size1; the sizes of the
 * row dimensions; the index's base and steps; of each operand the address and the steps in bytes; the bits of the
 * scalars. Steps are those along the row dimensions, along the inner rows and along the innermost dimension.
 */
public final class LoopSource {
    /** How the loops are shared between threads. */
    public enum Form {
        /** Each element by itself. */
        MAP,
        /** The same for contiguous operands: a thread takes 16 bytes of the widest operand at a time. */
        MAP_WIDE,
        /** Each row is folded by as many threads as {@link Kernel} keeps partial results. */
        FOLD_INNER,
        /** Each column is folded by one thread, row after row; the kernel loads and stores its accumulators. */
        FOLD_OUTER
    }

    /**
     * What tells of floating-point errors while a fold runs.
     *
     * @param overflow bits to report where finite numbers make an infinite one
     * @param invalid bits to report where numbers make a NaN
     */
    public record FoldWatch(long overflow, long invalid) {
        static final FoldWatch NONE = new FoldWatch(0, 0);

        boolean isNone() {
            return overflow == 0 && invalid == 0;
        }
    }

    /**
     * A kernel to be written.
     *
     * @param rank how many row dimensions there are
     * @param wide whether sizes and offsets need 64 bits
     * @param blockThreads threads a block, a power of two, at least 64
     * @param lanes threads that share a row's fold: {@link #lanes} of the kernel without its watches
     * @param folds what the accumulator operands are folded by
     * @param watches of those of them that are watched
     * @param word the operand of one 64-bit word that a final OR reduction and the watches report to; -1 for none
     */
    public record Shape(
            Kernel kernel,
            Form form,
            int rank,
            boolean wide,
            int blockThreads,
            int lanes,
            Map<Integer, Reduction> folds,
            Map<Integer, FoldWatch> watches,
            int word) {
        public Shape {
            folds = Map.copyOf(folds);
            watches = Map.copyOf(watches);
        }
    }

    private final Shape shape;
    private final Kernel kernel;
    private final String name;
    private final Map<Integer, Reduction> folds;
    private final StringBuilder text = new StringBuilder();

    private LoopSource(Shape shape, String name) {
        this.shape = shape;
        this.kernel = shape.kernel();
        this.name = name;
        this.folds = new TreeMap<>(shape.folds());
    }

    /** @param name of the function, and part of the name of its structure */
    public static String write(Shape shape, String name) {
        LoopSource source = new LoopSource(shape, name);
        source.box();
        switch (shape.form()) {
            case MAP -> source.map();
            case MAP_WIDE -> source.mapWide();
            case FOLD_INNER -> source.foldInner();
            case FOLD_OUTER -> source.foldOuter();
        }
        return source.text.toString();
    }

    /** The number of partial results a row's fold keeps, and so of the threads that share a row. */
    public static int lanes(Kernel kernel) {
        return 64 / kernel.widestBytes();
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private void box() {
        int steps = shape.rank() + 2;
        line("struct " + name + "_box {");
        line("    long long rows, n0, n1, size1;");
        if (shape.rank() > 0) {
            line("    long long n[" + shape.rank() + "];");
        }
        line("    long long base, index[" + steps + "];");
        line("    struct { char* address; long long step[" + steps + "]; } operands[" + kernel.operands() + "];");
        if (kernel.scalars() > 0) {
            line("    unsigned long long scalars[" + kernel.scalars() + "];");
        }
        line("};");
        line("extern \"C\" __global__ void " + name + "(const " + name + "_box box) {");
        line("    typedef " + (shape.wide() ? "long long" : "int") + " I;");
        if (shape.word() >= 0) {
            line("    unsigned long long word = 0;");
        }
    }

    private void end() {
        if (shape.word() >= 0) {
            line("    if (word) atomicOr((unsigned long long*) box.operands[" + shape.word() + "].address, word);");
        }
        line("}");
    }

    private boolean inMemory(int operand) {
        return operand != shape.word();
    }

    /** The row's coordinates, and where each operand's row begins. */
    private void rowStarts(String row) {
        int rank = shape.rank();
        if (rank > 1) {
            line("        I rest = " + row + ";");
            for (int dimension = rank - 1; dimension > 0; dimension--) {
                line("        const I c" + dimension + " = rest % (I) box.n[" + dimension + "];");
                line("        rest /= (I) box.n[" + dimension + "];");
            }
            line("        const I c0 = rest;");
        } else if (rank == 1) {
            line("        const I c0 = " + row + ";");
        }
        for (int operand = 0; operand < kernel.operands(); operand++) {
            if (inMemory(operand)) {
                line("        char* const r" + operand + " = box.operands[" + operand + "].address"
                        + rowOffset("box.operands[" + operand + "].step") + ";");
            }
        }
        if (usesIndex()) {
            StringBuilder index = new StringBuilder("box.base");
            for (int dimension = 0; dimension < rank; dimension++) {
                index.append(" + (long long) c" + dimension + " * box.index[" + dimension + "]");
            }
            line("        const long long rowIndex = " + index + ";");
        }
    }

    private boolean usesIndex() {
        return kernel.nodes().stream().anyMatch(Node.Index.class::isInstance);
    }

    private String rowOffset(String steps) {
        StringBuilder offset = new StringBuilder();
        for (int dimension = 0; dimension < shape.rank(); dimension++) {
            offset.append(offset.isEmpty() ? " + (" : " + ")
                    .append("c")
                    .append(dimension)
                    .append(" * (I) ")
                    .append(steps)
                    .append("[")
                    .append(dimension)
                    .append("]");
        }
        return offset.isEmpty() ? "" : offset.append(")").toString();
    }

    /** The element's address of every operand in memory, from where its row begins. */
    private void elements(String second) {
        for (int operand = 0; operand < kernel.operands(); operand++) {
            if (inMemory(operand) && !folds.containsKey(operand)) {
                String step = "box.operands[" + operand + "].step";
                line("        char* const p" + operand + " = r" + operand + " + (i0 * (I) " + step + "["
                        + (shape.rank() + 1) + "]"
                        + (second.isEmpty() ? "" : " + " + second + " * (I) " + step + "[" + shape.rank() + "]")
                        + ");");
            }
        }
    }

    private String index(String second) {
        return "rowIndex + (long long) i0 * box.index[" + (shape.rank() + 1) + "]"
                + (second.isEmpty() ? "" : " + (long long) " + second + " * box.index[" + shape.rank() + "]");
    }

    private CudaBody.Places places(String second) {
        return new CudaBody.Places() {
            @Override
            public String index() {
                return LoopSource.this.index(second);
            }

            @Override
            public String variable(int operand) {
                return folds.containsKey(operand) ? accumulator(operand) : "";
            }

            @Override
            public String stored(Node.Store store) {
                if (kernel.nodes().get(store.value()) instanceof Node.Apply apply
                        && apply.arguments().size() == 2) {
                    return watch(
                            store.operand(),
                            store.storage(),
                            CudaBody.name(apply.arguments().getFirst()),
                            CudaBody.name(apply.arguments().getLast()),
                            accumulator(store.operand()));
                }
                return "";
            }

            @Override
            public String reduce(Node.Reduce reduce) {
                return LoopSource.this.reduce(reduce.operand(), reduce.type(), CudaBody.name(reduce.value()));
            }
        };
    }

    private static String accumulator(int operand) {
        return "acc" + operand;
    }

    private Reduction reduction(int operand) {
        Reduction reduction = folds.get(operand);
        if (reduction == null) {
            throw new IllegalArgumentException("operand " + operand + " is folded by nothing");
        }
        return reduction;
    }

    private String reduce(int operand, ElementType type, String value) {
        if (operand == shape.word()) {
            return "word |= (unsigned long long) " + value + ";";
        }
        String variable = accumulator(operand);
        String combined = CudaExpressions.expression(reduction(operand).primitive(), type, List.of(variable, value));
        String watch = watch(operand, type, "before", value, variable);
        return watch.isEmpty()
                ? variable + " = " + combined + ";"
                : "{ const " + CudaExpressions.typeName(type) + " before = " + variable + "; " + variable + " = "
                        + combined + ";" + watch + " }";
    }

    private String watch(int operand, ElementType type, String left, String right, String result) {
        FoldWatch watch = shape.watches().getOrDefault(operand, FoldWatch.NONE);
        if (watch.isNone() || !type.isFloating()) {
            return "";
        }
        return " word |= maniple_fold_errors(" + left + ", " + right + ", " + result + ", " + watch.overflow() + "ULL, "
                + watch.invalid() + "ULL);";
    }

    private String body(String second) {
        return CudaBody.of(kernel, places(second));
    }

    private void map() {
        line("    const I rows = (I) box.rows, n0 = (I) box.n0;");
        line("    for (I row = (I) (blockIdx.y * blockDim.y + threadIdx.y); row < rows;"
                + " row += (I) (gridDim.y * blockDim.y)) {");
        rowStarts("row");
        line("        for (I i0 = (I) blockIdx.x * (I) blockDim.x + (I) threadIdx.x; i0 < n0;"
                + " i0 += (I) gridDim.x * (I) blockDim.x) {");
        elements("");
        text.append(body(""));
        line("        }");
        line("    }");
        end();
    }

    private void mapWide() {
        ElementType[] storages = CudaSource.storages(kernel);
        boolean[] loaded = new boolean[storages.length];
        boolean[] stored = new boolean[storages.length];
        for (Node node : kernel.nodes()) {
            if (node instanceof Node.Load load) {
                loaded[load.operand()] = true;
            } else if (node instanceof Node.Store store) {
                stored[store.operand()] = true;
                loaded[store.operand()] |= store.mask() >= 0;
            }
        }
        int pack = CudaSource.pack(kernel);
        line("    const I n0 = (I) box.n0, packs = n0 / " + pack + ", turn = (I) gridDim.x * (I) blockDim.x;");
        line("    const I thread = (I) blockIdx.x * (I) blockDim.x + (I) threadIdx.x;");
        if (usesIndex()) {
            line("    const long long rowIndex = box.base;");
        }
        line("    for (I t = thread; t < packs; t += turn) {");
        for (int operand = 0; operand < storages.length; operand++) {
            if (inMemory(operand)) {
                String type = "maniple_pack<" + pack * storages[operand].bytes() + ">";
                line("        " + type + " a" + operand
                        + (loaded[operand]
                                ? " = ((const " + type + "*) box.operands[" + operand + "].address)[t];"
                                : ";"));
            }
        }
        line("        #pragma unroll");
        line("        for (int k = 0; k < " + pack + "; k++) {");
        line("        const I i0 = t * " + pack + " + k;");
        for (int operand = 0; operand < storages.length; operand++) {
            if (inMemory(operand)) {
                line("        char* const p" + operand + " = a" + operand + ".bytes + k * " + storages[operand].bytes()
                        + ";");
            }
        }
        text.append(body(""));
        line("        }");
        for (int operand = 0; operand < storages.length; operand++) {
            if (inMemory(operand) && stored[operand]) {
                String type = "maniple_pack<" + pack * storages[operand].bytes() + ">";
                line("        ((" + type + "*) box.operands[" + operand + "].address)[t] = a" + operand + ";");
            }
        }
        line("    }");
        line("    for (I i0 = packs * " + pack + " + thread; i0 < n0; i0 += turn) {");
        for (int operand = 0; operand < storages.length; operand++) {
            if (inMemory(operand)) {
                line("        char* const p" + operand + " = box.operands[" + operand + "].address + (long long) i0 * "
                        + storages[operand].bytes() + ";");
            }
        }
        text.append(body(""));
        line("    }");
        end();
    }

    private ElementType accumulatorType(int operand) {
        for (Node node : kernel.nodes()) {
            if (node instanceof Node.Reduce reduce && reduce.operand() == operand) {
                return reduce.type();
            }
            if (node instanceof Node.Store store && store.operand() == operand) {
                return store.storage();
            }
        }
        throw new IllegalArgumentException("operand " + operand + " is never folded");
    }

    private void declareAccumulators(String indent) {
        folds.forEach((operand, reduction) -> {
            ElementType type = accumulatorType(operand);
            String identity = "0x" + Long.toHexString(reduction.identityBits(type)) + "ULL";
            line(indent + CudaExpressions.typeName(type) + " " + accumulator(operand) + " = "
                    + CudaBody.bits(identity, type) + ";");
        });
    }

    private void foldInner() {
        int lanes = shape.lanes();
        int rowsPerBlock = shape.blockThreads() / lanes;
        folds.keySet()
                .forEach(operand -> line("    __shared__ " + CudaBody.memoryType(accumulatorType(operand)) + " s"
                        + operand + "[" + shape.blockThreads() + "];"));
        line("    const I rows = (I) box.rows, n0 = (I) box.n0, full = n0 / " + lanes + " * " + lanes + ";");
        line("    const int lane = (int) threadIdx.x % " + lanes + ";");
        line("    for (I first = (I) blockIdx.x * " + rowsPerBlock + "; first < rows; first += (I) gridDim.x * "
                + rowsPerBlock + ") {");
        line("        const I row = first + (I) threadIdx.x / " + lanes + ";");
        line("        const bool active = row < rows;");
        rowStarts("(active ? row : 0)");
        declareAccumulators("        ");
        line("        if (active) for (I i0 = lane; i0 < full; i0 += " + lanes + ") {");
        elements("");
        text.append(body(""));
        line("        }");
        folds.keySet()
                .forEach(operand -> line("        s" + operand + "[threadIdx.x] = " + accumulator(operand) + ";"));
        line("        __syncthreads();");
        line("        for (int distance = 1; distance < " + lanes + "; distance *= 2) {");
        line("            if (lane % (2 * distance) == 0) {");
        folds.forEach((operand, reduction) -> {
            ElementType type = accumulatorType(operand);
            String c = CudaExpressions.typeName(type);
            line("                const " + c + " x" + operand + " = s" + operand + "[threadIdx.x], y" + operand
                    + " = s" + operand + "[threadIdx.x + distance];");
            line("                const " + c + " z" + operand + " = "
                    + CudaExpressions.expression(reduction.primitive(), type, List.of("x" + operand, "y" + operand))
                    + ";" + watch(operand, type, "x" + operand, "y" + operand, "z" + operand));
            line("                s" + operand + "[threadIdx.x] = z" + operand + ";");
        });
        line("            }");
        line("            __syncthreads();");
        line("        }");
        line("        if (active && lane == 0) {");
        folds.keySet()
                .forEach(operand -> line("        " + accumulator(operand) + " = s" + operand + "[threadIdx.x];"));
        line("        for (I i0 = full; i0 < n0; i0++) {");
        elements("");
        text.append(body(""));
        line("        }");
        folds.keySet()
                .forEach(operand -> line(
                        "        " + CudaBody.store(accumulatorType(operand), "r" + operand, accumulator(operand))));
        line("        }");
        line("    }");
        end();
    }

    private void foldOuter() {
        line("    const I columns = (I) box.n0, rows = (I) box.rows;");
        line("    for (I row = (I) (blockIdx.y * blockDim.y + threadIdx.y); row < rows;"
                + " row += (I) (gridDim.y * blockDim.y)) {");
        rowStarts("row");
        // The last row dimension counts pieces of n1 rows.
        line("        const I before = c" + (shape.rank() - 1) + " * (I) box.n1;");
        line("        const I n1 = (I) box.size1 - before < (I) box.n1 ? (I) box.size1 - before : (I) box.n1;");
        line("        for (I i0 = (I) blockIdx.x * (I) blockDim.x + (I) threadIdx.x; i0 < columns;"
                + " i0 += (I) gridDim.x * (I) blockDim.x) {");
        declareAccumulators("        ");
        line("        for (I i1 = 0; i1 < n1; i1++) {");
        elements("i1");
        text.append(body("i1"));
        line("        }");
        folds.keySet()
                .forEach(operand -> line("        "
                        + CudaBody.store(
                                accumulatorType(operand),
                                "(r" + operand + " + i0 * (I) box.operands[" + operand + "].step[" + (shape.rank() + 1)
                                        + "])",
                                accumulator(operand))));
        line("        }");
        line("    }");
        end();
    }
}
