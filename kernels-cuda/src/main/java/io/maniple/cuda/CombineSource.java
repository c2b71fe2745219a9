package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import java.util.List;

/**
 * Writes the kernels that combine the partial results of a fold: of p partials the last p/2 are combined with the first
 * ones until one is left, which is cast and written to its place.
 *
 * <p>The structure's words: results, partials a result, address of the partials, bytes from a result's to the next
 * one's, bytes from one partial to the next, address of the destination, sizes of the kept dimensions and the
 * destination's bytes along them, address of the word to report to, the bits of an overflow, those of an invalid value.
 */
public final class CombineSource {
    private CombineSource() {}

    /**
     * @param rank kept dimensions
     * @param shared whether a block shares a result; otherwise each thread has its own
     * @param name of the function, and part of the name of its structure
     */
    public static String write(
            Reduction reduction, ElementType from, ElementType to, int rank, boolean shared, String name) {
        String c = CudaExpressions.typeName(from);
        StringBuilder text = new StringBuilder();
        String combined = CudaExpressions.expression(reduction.primitive(), from, List.of("x", "y"));
        text.append("struct ").append(name).append("_box {\n");
        text.append("    long long results, count; char* partials; long long resultStep, partialStep; char* target;\n");
        if (rank > 0) {
            text.append("    long long n[")
                    .append(rank)
                    .append("], step[")
                    .append(rank)
                    .append("];\n");
        }
        text.append("    unsigned long long* word; unsigned long long overflow, invalid;\n};\n");
        text.append("extern \"C\" __global__ void ")
                .append(name)
                .append("(const ")
                .append(name)
                .append("_box box) {\n");
        text.append("    unsigned long long word = 0;\n");
        if (shared) {
            text.append("    const int thread = threadIdx.x, threads = blockDim.x;\n");
            text.append("    for (long long result = blockIdx.x; result < box.results; result += gridDim.x) {\n");
        } else {
            text.append("    const int thread = 0, threads = 1;\n");
            text.append("    for (long long result = (long long) blockIdx.x * blockDim.x + threadIdx.x;"
                    + " result < box.results; result += (long long) gridDim.x * blockDim.x) {\n");
        }
        text.append("        char* const base = box.partials + result * box.resultStep;\n");
        text.append("        for (long long count = box.count; count > 1;) {\n");
        text.append("            const long long half = (count + 1) / 2;\n");
        text.append("            for (long long part = half + thread; part < count; part += threads) {\n");
        text.append("                char* const left = base + (part - half) * box.partialStep;\n");
        text.append("                const ")
                .append(c)
                .append(" x = ")
                .append(CudaBody.load(from, "left"))
                .append(";\n");
        text.append("                const ")
                .append(c)
                .append(" y = ")
                .append(CudaBody.load(from, "(base + part * box.partialStep)"))
                .append(";\n");
        text.append("                const ")
                .append(c)
                .append(" z = ")
                .append(combined)
                .append(";\n");
        if (from.isFloating()) {
            text.append(
                    "                if (box.word) word |= maniple_fold_errors(x, y, z, box.overflow, box.invalid);\n");
        }
        text.append("                ")
                .append(CudaBody.store(from, "left", "z"))
                .append('\n');
        text.append("            }\n            count = half;\n");
        text.append(shared ? "            __syncthreads();\n" : "");
        text.append("        }\n");
        text.append("        if (thread == 0) {\n            long long rest = result, offset = 0;\n");
        for (int dimension = rank - 1; dimension >= 0; dimension--) {
            text.append("            offset += rest % box.n[" + dimension + "] * box.step[" + dimension + "];\n");
            text.append("            rest /= box.n[" + dimension + "];\n");
        }
        text.append("            const ")
                .append(c)
                .append(" x = ")
                .append(CudaBody.load(from, "base"))
                .append(";\n");
        text.append("            const ")
                .append(CudaExpressions.typeName(to))
                .append(" z = ")
                .append(from.computed() == to.computed() ? "x" : CudaBody.cast("x", from, to))
                .append(";\n");
        text.append("            ")
                .append(CudaBody.store(to, "(box.target + offset)", "z"))
                .append('\n');
        if (from.isFloating() && to.isFloating() && from != to) {
            String written = to == ElementType.FLOAT16 ? "maniple_round_to_half(z)" : "(" + c + ") z";
            text.append("            if (box.word) word |= maniple_fold_errors(x, x, (" + c + ") " + written
                    + ", box.overflow, box.invalid);\n");
        }
        text.append("        }\n    }\n");
        text.append("    if (box.word && word) atomicOr(box.word, word);\n}\n");
        return text.toString();
    }
}
