package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.util.List;

/**
 * Writes the kernels that search, count, and fold by index. Each takes one structure of 64-bit words, in the order of its
 * declaration here. Rounded sums are made in the order of the indices, as the processor makes them.
 */
public final class CountSource {
    /** So many bins a block of threads counts by itself. */
    public static final int OWN_BINS = 4_096;
    /** Sums of segments are halved down to so many terms, as the processor's engine does. */
    private static final int TERMS = 128;

    private CountSource() {}

    /**
     * Where values belong in a sorted vector. The middles are NumPy's, so that in a vector that is not sorted the places
     * are.
     *
     * @param type of a complex number's parts, or of the elements
     */
    public static KernelText search(ElementType type, boolean complex, boolean right) {
        String key = CudaBody.memoryType(type);
        String pair = """
                struct NAME_key { KEY re, im; };
                __device__ inline bool NAME_less(const NAME_key& a, const NAME_key& b) {
                    if (a.re < b.re) return a.im == a.im || b.im != b.im;
                    if (a.re > b.re) return b.im != b.im && a.im == a.im;
                    if (a.re == b.re || (a.re != a.re && b.re != b.re)) return a.im < b.im || (b.im != b.im && a.im == a.im);
                    return b.re != b.re;
                }
                """;
        String before = right ? "!NAME_less(value, box.sorted[middle])" : "NAME_less(box.sorted[middle], value)";
        return KernelText.of(name -> RoutineSource.fill(
                """
                ORDER
                struct NAME_box { long long* out; const ITEM* sorted; const ITEM* values; long long length, count; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < box.count; t += turn) {
                        const ITEM value = box.values[t];
                        long long low = 0, high = box.length;
                        while (low < high) {
                            const long long middle = (low + high) >> 1;
                            if (BEFORE) low = middle + 1;
                            else high = middle;
                        }
                        box.out[t] = low;
                    }
                }
                """.replace("ORDER", complex ? pair : RoutineSource.less(type, name))
                        .replace("BEFORE", before)
                        .replace("ITEM", complex ? "NAME_key" : key),
                name,
                "KEY",
                key));
    }

    /**
     * Adds up how often each number comes: out[value]++. A value outside sets {@code bad}.
     *
     * @param own whether there are at most {@link #OWN_BINS} bins, of which each block of threads has its own
     */
    public static KernelText count(boolean own, int blockThreads) {
        return tally("long long", """
                const long long bin = box.values[t];
                const bool inside = bin >= 0 && bin < box.bins;
                if (!inside) atomicOr(box.bad, 1ULL);
                """, own, blockThreads);
    }

    /** Counts values in bins of one width between edges, as NumPy does, step by step; what lies outside is not counted. */
    public static KernelText histogram(boolean own, int blockThreads) {
        return tally("double", """
                const double value = box.values[t], first = box.edges[0], last = box.edges[box.bins];
                const bool inside = value >= first && value <= last;
                long long bin = 0;
                if (inside) {
                    const double place = (value - first) / (last - first) * (double) box.bins;
                    bin = place >= 0 ? place < (double) box.bins ? (long long) place : box.bins - 1 : 0;
                    if (value < box.edges[bin]) bin--;
                    if (bin != box.bins - 1 && value >= box.edges[bin + 1]) bin++;
                }
                """, own, blockThreads);
    }

    private static KernelText tally(String value, String bin, boolean own, int blockThreads) {
        String owned = """
                    __shared__ unsigned int own[BINS];
                    for (long long k = threadIdx.x; k < box.bins; k += THREADS) own[k] = 0;
                    __syncthreads();
                """;
        String given = """
                    __syncthreads();
                    for (long long k = threadIdx.x; k < box.bins; k += THREADS) {
                        if (own[k]) atomicAdd(box.out + k, (unsigned long long) own[k]);
                    }
                """;
        return KernelText.of(name -> RoutineSource.fill(
                """
                struct NAME_box {
                    unsigned long long* out; const VALUE* values; long long count, bins; unsigned long long* bad;
                    const double* edges;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                OWNED
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < box.count; t += turn) {
                BIN
                        if (inside) COUNT;
                    }
                GIVEN
                }
                """.replace("OWNED\n", own ? owned : "")
                        .replace("GIVEN\n", own ? given : "")
                        .replace("BIN\n", bin)
                        .replace("COUNT", own ? "atomicAdd(own + bin, 1U)" : "atomicAdd(box.out + bin, 1ULL)"),
                name,
                "VALUE",
                value,
                "BINS",
                Integer.toString(OWN_BINS),
                "THREADS",
                Integer.toString(blockThreads)));
    }

    /**
     * Indices as places: with {@code wraps} negative ones count from the end. One out of range sets {@code bad}.
     */
    public static KernelText places() {
        return KernelText.of(name -> RoutineSource.fill("""
                struct NAME_box {
                    long long* places; const long long* indices; long long count, size, wraps; unsigned long long* bad;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < box.count; t += turn) {
                        long long at = box.indices[t];
                        if (box.wraps && at < 0) at += box.size;
                        if (at < 0 || at >= box.size) atomicOr(box.bad, 1ULL);
                        box.places[t] = at;
                    }
                }
                """, name));
    }

    /**
     * out[place] = out[place] combined with values, in their order. {@code keys} are the places, sorted stably, and
     * {@code order} the numbers of the values; the first of equal keys has the thread that does them all.
     *
     * @param parts 2 for complex numbers
     * @param negated whether values are subtracted
     */
    public static KernelText update(Reduction reduction, ElementType type, int parts, boolean negated) {
        return KernelText.of(name -> folding(
                """
                struct NAME_box {
                    char* out; const char* values; const long long* keys; const long long* order; long long count;
                    unsigned long long* word;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    unsigned long long word = 0;
                    const long long all = box.count * PARTS, turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long first = t / PARTS, part = t % PARTS, key = box.keys[first];
                        if (first > 0 && box.keys[first - 1] == key) continue;
                        char* const to = box.out + (key * PARTS + part) * SIZE;
                        TYPE folded = LOAD_TO;
                        for (long long k = first; k < box.count && box.keys[k] == key; k++) {
                            const char* const at = box.values + (box.order[k] * PARTS + part) * SIZE;
                            const TYPE given = LOAD_AT, term = TERM, last = folded;
                            folded = COMBINED;
                            ROUNDED
                            WATCHED
                        }
                        STORED
                    }
                    if (box.word && word) atomicOr(box.word, word);
                }
                """.replace("PARTS", Integer.toString(parts))
                        .replace("LOAD_TO", CudaBody.load(type, "to"))
                        .replace("STORED", CudaBody.store(type, "to", "folded"))
                        .replace(
                                "TERM",
                                negated
                                        ? CudaExpressions.expression(
                                                Primitive.NEGATE, type.computed(), List.of("given"))
                                        : "given")
                        .replace("COMBINED", combined(reduction, type, "folded", "term")),
                name,
                reduction,
                type));
    }

    /**
     * Folds segments of rows, a thread each: from a start to the next one, the last one to the row's end; of an empty
     * segment its first element. Long sums of floating-point numbers are halved, in the processor's order.
     */
    public static KernelText segments(Reduction reduction, ElementType type) {
        boolean halved = type.isFloating() && reduction == Reduction.SUM;
        String text = """
                struct NAME_box {
                    char* out; const char* in; const long long* starts; long long results, segments, length;
                    unsigned long long* word;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    unsigned long long word = 0;
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < box.results; t += turn) {
                        const long long segment = t % box.segments;
                        const char* const row = box.in + t / box.segments * box.length * SIZE;
                        long long from = box.starts[segment];
                        long long to = segment + 1 < box.segments ? box.starts[segment + 1] : box.length;
                        to = to > from ? to : from + 1;
                        HALVES
                        TYPE folded;
                        for (;;) {
                            HALVE
                            const char* at = row + from * SIZE;
                            folded = LOAD_AT;
                            for (from++; from < to; from++) {
                                at += SIZE;
                                const TYPE term = LOAD_AT, last = folded;
                                folded = COMBINED;
                                WATCHED
                            }
                            JOIN
                        }
                        char* const at = box.out + t * SIZE;
                        STORED
                        FITTED
                    }
                    if (box.word && word) atomicOr(box.word, word);
                }
                """;
        return KernelText.of(name -> folding(
                text.replace("HALVES", halved ? HALVES : "")
                        .replace("HALVE", halved ? HALVE : "")
                        .replace("JOIN", halved ? JOIN : "break;")
                        .replace("STORED", CudaBody.store(type, "at", "folded"))
                        // What is finite may be too large for what is stored.
                        .replace(
                                "FITTED",
                                type == ElementType.FLOAT16
                                        ? "const float term = folded, last = folded; folded = LOAD_AT; WATCHED"
                                        : "")
                        .replace("COMBINED", combined(reduction, type, "folded", "term")),
                name,
                reduction,
                type));
    }

    // A segment is halved again and again; right halves, and the sums of left ones, wait on a stack.
    private static final String HALVES = """
            struct { long long middle, to; TYPE left; bool done; } halves[64];
                        int depth = 0;""";
    private static final String HALVE = """
            while (to - from > TERMS) {
                                halves[depth].middle = (from + to) >> 1;
                                halves[depth].to = to;
                                halves[depth].done = false;
                                to = halves[depth++].middle;
                            }""";
    private static final String JOIN = """
            while (depth > 0 && halves[depth - 1].done) {
                                const TYPE term = folded, last = halves[--depth].left;
                                folded = last;
                                folded = COMBINED;
                                WATCHED
                            }
                            if (depth == 0) break;
                            halves[depth - 1].left = folded;
                            halves[depth - 1].done = true;
                            from = halves[depth - 1].middle;
                            to = halves[depth - 1].to;""";

    private static String combined(Reduction reduction, ElementType type, String left, String right) {
        Primitive primitive = reduction.primitive();
        if (type == ElementType.BOOL) {
            primitive = switch (reduction) {
                case SUM -> Primitive.OR;
                case PRODUCT -> Primitive.AND;
                case MINIMUM, MAXIMUM, AND, OR, XOR -> primitive;
            };
        }
        return CudaExpressions.expression(primitive, type.computed(), List.of(left, right));
    }

    private static String folding(String text, String name, Reduction reduction, ElementType type) {
        boolean watched = type.isFloating() && (reduction == Reduction.SUM || reduction == Reduction.PRODUCT);
        return RoutineSource.fill(
                text.replace(
                                "WATCHED",
                                watched
                                        ? "if (box.word) word |= " + RoutineSource.foldErrors("last", "term", "folded")
                                                + ";"
                                        : "")
                        .replace("LOAD_AT", CudaBody.load(type, "at"))
                        .replace(
                                "ROUNDED",
                                type == ElementType.FLOAT16 ? "folded = maniple_round_to_half(folded);" : ""),
                name,
                "TERMS",
                Integer.toString(TERMS),
                "SIZE",
                Integer.toString(type.bytes()),
                "TYPE",
                CudaExpressions.typeName(type));
    }
}
