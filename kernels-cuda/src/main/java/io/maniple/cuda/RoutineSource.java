package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import java.util.List;
import java.util.Locale;

/**
 * Writes the kernels of operations that are no fused loops: gathers, cumulative folds, random numbers, sorts. Each takes
 * one structure of 64-bit words, in the order of its declaration here.
 */
public final class RoutineSource {
    /** Elements a thread sorts by itself, and writes of a merge. */
    public static final int SORTED = 8;
    /** Elements of a block of a cumulative fold: those of the processor's engine. */
    public static final long SCANNED = 65_536;
    /** Powers of two of a generator's step that are handed over. */
    public static final int JUMPS = 48;

    private RoutineSource() {}

    /**
     * out[item] = in[index0[item], index1[item], …], runs of units. An index out of range sets {@code bad}.
     *
     * @param unitBytes 1, 2, 4 or 8
     * @param dimensions index arrays
     */
    public static KernelText take(int unitBytes, int dimensions) {
        String unit = unit(unitBytes);
        return KernelText.of(name -> fill("""
                struct NAME_box {
                    UNIT* out; const UNIT* in; long long count, run; unsigned long long* bad;
                    const long long* index[D]; long long size[D], step[D];
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long all = box.count * box.run, turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long item = box.run == 1 ? t : t / box.run;
                        long long from = t - item * box.run;
                        bool good = true;
                        for (int d = 0; d < D; d++) {
                            long long at = box.index[d][item];
                            at += at < 0 ? box.size[d] : 0;
                            good = good && at >= 0 && at < box.size[d];
                            from += at * box.step[d];
                        }
                        if (good) box.out[t] = box.in[from];
                        else atomicOr(box.bad, 1ULL);
                    }
                }
                """, name, "UNIT", unit, "D", Integer.toString(dimensions)));
    }

    /**
     * Sets {@code bad} if any of some numbers is infinite or NaN.
     *
     * @param bytes of a number, 4 or 8
     */
    public static KernelText notFinite(int bytes) {
        return KernelText.of(name ->
                fill("""
                struct NAME_box { const WORD* in; long long count; unsigned long long* bad; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    bool any = false;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < box.count; t += turn) {
                        any = any || (box.in[t] & EXPONENT) == EXPONENT;
                    }
                    if (any) atomicOr(box.bad, 1ULL);
                }
                """, name, "WORD", unit(bytes), "EXPONENT", bytes == 8 ? "0x7ff0000000000000ULL" : "0x7f800000U"));
    }

    /** The type of a number of so many bytes. */
    static String unit(int bytes) {
        return switch (bytes) {
            case 1 -> "unsigned char";
            case 2 -> "unsigned short";
            case 4 -> "unsigned int";
            case 8 -> "unsigned long long";
            default -> throw new IllegalArgumentException("units of " + bytes + " bytes");
        };
    }

    /** Fills in names; those that are part of others come last. */
    static String fill(String text, String name, String... replaced) {
        String filled = text.replace("NAME", name);
        for (int pair = 0; pair < replaced.length; pair += 2) {
            filled = filled.replaceAll("\\b" + replaced[pair] + "\\b", replaced[pair + 1]);
        }
        return filled;
    }

    /**
     * Folds lines in place, block by block: line l has its elements {@code step} apart, block b of it begins with
     * {@code before[l * blocks + b]}, or with the neutral value where {@code before} is null. One block of threads a block
     * of elements: they load and store together, and one of them adds up in order.
     *
     * @param blockThreads of the launch
     */
    public static KernelText scan(Reduction reduction, ElementType type, int blockThreads) {
        String combined = CudaExpressions.expression(reduction.primitive(), type.computed(), List.of("folded", "term"));
        return KernelText.of(name -> scanText("""
                struct NAME_box {
                    char* address; long long lines, length, inner, blocks; const TYPE* before; unsigned long long* word;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    __shared__ TYPE terms[THREADS];
                    __shared__ TYPE carried;
                    unsigned long long word = 0;
                    const long long all = box.lines * box.blocks;
                    for (long long part = blockIdx.x; part < all; part += gridDim.x) {
                        const long long line = part / box.blocks, block = part % box.blocks;
                        char* const first = box.address
                            + (line / box.inner * box.length * box.inner + line % box.inner) * SIZE;
                        const long long begin = block * BLOCK;
                        const long long end = begin + BLOCK < box.length ? begin + BLOCK : box.length;
                        if (threadIdx.x == 0) carried = box.before ? box.before[part] : NEUTRAL;
                        for (long long tile = begin; tile < end; tile += THREADS) {
                            const long long own = tile + threadIdx.x;
                            char* const at = first + own * box.inner * SIZE;
                            if (own < end) terms[threadIdx.x] = LOAD;
                            __syncthreads();
                            if (threadIdx.x == 0) {
                                TYPE folded = carried;
                                const int count = (int) (end - tile < THREADS ? end - tile : THREADS);
                                for (int k = 0; k < count; k++) {
                                    const TYPE term = terms[k], last = folded;
                                    folded = COMBINED;
                                    ROUNDED
                                    WATCHED
                                    terms[k] = folded;
                                }
                                carried = folded;
                            }
                            __syncthreads();
                            if (own < end) { const TYPE v = terms[threadIdx.x]; STORE }
                            __syncthreads();
                        }
                    }
                    if (box.word && word) atomicOr(box.word, word);
                }
                """, name, reduction, type, blockThreads, combined));
    }

    /** The totals of all blocks of a line but the last one: {@code totals[l * blocks + b]}. */
    public static KernelText scanTotals(Reduction reduction, ElementType type, int blockThreads) {
        String combined = CudaExpressions.expression(reduction.primitive(), type.computed(), List.of("folded", "term"));
        return KernelText.of(name -> scanText("""
                struct NAME_box { char* address; long long lines, length, inner, blocks; TYPE* totals; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    __shared__ TYPE terms[THREADS];
                    const long long all = box.lines * (box.blocks - 1);
                    for (long long part = blockIdx.x; part < all; part += gridDim.x) {
                        const long long line = part / (box.blocks - 1), block = part % (box.blocks - 1);
                        char* const first = box.address
                            + (line / box.inner * box.length * box.inner + line % box.inner) * SIZE;
                        TYPE folded = NEUTRAL;
                        for (long long tile = block * BLOCK; tile < (block + 1) * BLOCK; tile += THREADS) {
                            char* const at = first + (tile + threadIdx.x) * box.inner * SIZE;
                            terms[threadIdx.x] = LOAD;
                            __syncthreads();
                            if (threadIdx.x == 0) {
                                for (int k = 0; k < THREADS; k++) {
                                    const TYPE term = terms[k];
                                    folded = COMBINED;
                                }
                            }
                            __syncthreads();
                        }
                        if (threadIdx.x == 0) box.totals[line * box.blocks + block] = folded;
                    }
                }
                """, name, reduction, type, blockThreads, combined));
    }

    /** What each block begins with, from the totals of those before it, in place. */
    public static KernelText scanBefore(Reduction reduction, ElementType type, int blockThreads) {
        String combined = CudaExpressions.expression(reduction.primitive(), type.computed(), List.of("folded", "term"));
        return KernelText.of(name -> scanText("""
                struct NAME_box { long long lines, blocks; TYPE* totals; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long line = (long long) blockIdx.x * blockDim.x + threadIdx.x; line < box.lines; line += turn) {
                        TYPE folded = NEUTRAL;
                        for (long long block = 0; block < box.blocks; block++) {
                            TYPE* const at = box.totals + line * box.blocks + block;
                            const TYPE term = block + 1 < box.blocks ? *at : folded;
                            *at = folded;
                            folded = COMBINED;
                        }
                    }
                }
                """, name, reduction, type, blockThreads, combined));
    }

    /** Adds each row to the one behind it, a thread a column. */
    public static KernelText scanRows(Reduction reduction, ElementType type, int blockThreads) {
        String combined = CudaExpressions.expression(reduction.primitive(), type.computed(), List.of("folded", "term"));
        return KernelText.of(name -> scanText("""
                struct NAME_box { char* address; long long outer, length, inner; unsigned long long* word; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    unsigned long long word = 0;
                    const long long all = box.outer * box.inner, turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        char* at = box.address + (t / box.inner * box.length * box.inner + t % box.inner) * SIZE;
                        TYPE folded = LOAD;
                        for (long long row = 1; row < box.length; row++) {
                            at += box.inner * SIZE;
                            const TYPE term = LOAD, last = folded;
                            folded = COMBINED;
                            ROUNDED
                            WATCHED
                            const TYPE v = folded;
                            STORE
                        }
                    }
                    if (box.word && word) atomicOr(box.word, word);
                }
                """, name, reduction, type, blockThreads, combined));
    }

    private static String scanText(
            String text, String name, Reduction reduction, ElementType type, int blockThreads, String combined) {
        boolean watched = type.isFloating() && (reduction == Reduction.SUM || reduction == Reduction.PRODUCT);
        String watch = watched ? "if (box.word) word |= " + foldErrors("last", "term", "folded") + ";" : "";
        String filled = fill(
                text,
                name,
                "THREADS",
                Integer.toString(blockThreads),
                "BLOCK",
                SCANNED + "LL",
                "SIZE",
                Integer.toString(type.bytes()),
                "TYPE",
                CudaExpressions.typeName(type));
        String neutral =
                CudaBody.bits("0x" + Long.toHexString(reduction.neutralBits(type.computed())) + "ULL", type.computed());
        return filled.replace("NEUTRAL", "(" + CudaExpressions.typeName(type) + ") (" + neutral + ")")
                .replace("COMBINED", combined)
                .replace("ROUNDED", type == ElementType.FLOAT16 ? "folded = maniple_round_to_half(folded);" : "")
                .replace("WATCHED", watch)
                .replace("LOAD", CudaBody.load(type, "at"))
                .replace("STORE", CudaBody.store(type, "at", "v"));
    }

    /** The errors of one step of a fold, by FloatingPointRules' numbers of an overflow and of an invalid value. */
    static String foldErrors(String left, String right, String result) {
        return "maniple_fold_errors(" + left + ", " + right + ", " + result + ", 2ULL, 8ULL)";
    }

    /**
     * Float64 numbers of a 128-bit linear congruential generator: out[k] = low + length * u(word k). {@code jump} has
     * multiplier and increment (high, low) of 1, 2, 4, … steps, {@code stride} those of a turn of all threads.
     *
     * @param dxsm PCG64DXSM; otherwise PCG64
     */
    public static KernelText pcg64(boolean dxsm) {
        String word = dxsm ? """
                            unsigned long long mixed = x.high;
                            mixed ^= mixed >> 32;
                            mixed *= 0xda942042e4dd58b5ULL;
                            mixed ^= mixed >> 48;
                            mixed *= x.low | 1;
                """ : """
                            const int turned = (int) (x.high >> 58);
                            const unsigned long long both = x.high ^ x.low;
                            const unsigned long long mixed = both >> turned | both << (-turned & 63);
                """;
        return KernelText.of(name ->
                fill("""
                struct NAME_wide { unsigned long long high, low; };
                struct NAME_step { NAME_wide multiplier, increment; };
                struct NAME_box {
                    double* out; long long count; long long* consumed; unsigned long long low, length;
                    NAME_wide state; NAME_step jump[JUMPS]; NAME_step stride;
                };
                __device__ inline NAME_wide NAME_after(NAME_wide x, const NAME_step& step) {
                    NAME_wide y;
                    y.low = x.low * step.multiplier.low;
                    y.high = __umul64hi(x.low, step.multiplier.low) + x.high * step.multiplier.low
                        + x.low * step.multiplier.high;
                    const unsigned long long low = y.low + step.increment.low;
                    y.high += step.increment.high + (low < y.low ? 1 : 0);
                    y.low = low;
                    return y;
                }
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long thread = (long long) blockIdx.x * blockDim.x + threadIdx.x;
                    if (thread == 0) *box.consumed = box.count;
                    if (thread >= box.count) return;
                    NAME_wide x = box.state;
                    const long long first = thread + FIRST;
                    for (int bit = 0; bit < JUMPS; bit++) {
                        if (first >> bit & 1) x = NAME_after(x, box.jump[bit]);
                    }
                    const double low = __longlong_as_double((long long) box.low);
                    const double length = __longlong_as_double((long long) box.length);
                    for (long long k = thread; k < box.count; k += (long long) gridDim.x * blockDim.x) {
                WORD
                        box.out[k] = low + length * ((double) (mixed >> 11) * (1.0 / 9007199254740992.0));
                        x = NAME_after(x, box.stride);
                    }
                }
                """.replace("WORD\n", word), name, "JUMPS", Integer.toString(JUMPS), "FIRST", dxsm ? "0" : "1"));
    }

    /**
     * Sorts runs of {@link #SORTED} elements of rows, stably, in NumPy's order; NaN comes last.
     *
     * @param indices whether the places of the elements are carried along, beginning with 0, 1, …
     */
    public static KernelText sortRuns(ElementType type, boolean indices) {
        return KernelText.of(name -> sortText("""
                struct NAME_box { const KEY* from; KEY* to; long long* places; long long rows, length; };
                LESS
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long runs = (box.length + RUN - 1) / RUN, all = box.rows * runs;
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long row = t / runs, first = t % runs * RUN, base = row * box.length;
                        const int count = (int) (box.length - first < RUN ? box.length - first : RUN);
                        KEY keys[RUN];
                        long long places[RUN];
                        for (int k = 0; k < count; k++) {
                            const KEY key = box.from[base + first + k];
                            int at = k;
                            for (; at > 0 && NAME_less(key, keys[at - 1]); at--) {
                                keys[at] = keys[at - 1];
                                places[at] = places[at - 1];
                            }
                            keys[at] = key;
                            places[at] = first + k;
                        }
                        for (int k = 0; k < count; k++) {
                            box.to[base + first + k] = keys[k];
                            if (PLACES) box.places[base + first + k] = places[k];
                        }
                    }
                }
                """, name, type, indices));
    }

    /** Merges neighbouring sorted runs of {@code width} elements of rows, stably. */
    public static KernelText merge(ElementType type, boolean indices) {
        return KernelText.of(name -> sortText("""
                struct NAME_box {
                    const KEY* from; KEY* to; const long long* placesFrom; long long* placesTo;
                    long long rows, length, width;
                };
                LESS
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long runs = (box.length + RUN - 1) / RUN, all = box.rows * runs;
                    const long long turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long row = t / runs, first = t % runs * RUN;
                        const long long pair = first / (2 * box.width) * (2 * box.width);
                        const long long leftCount = box.length - pair < box.width ? box.length - pair : box.width;
                        const long long rest = box.length - pair - leftCount;
                        const long long rightCount = rest < box.width ? rest : box.width;
                        const KEY* const left = box.from + row * box.length + pair;
                        const KEY* const right = left + leftCount;
                        const long long before = first - pair;
                        long long low = before > rightCount ? before - rightCount : 0;
                        long long high = before < leftCount ? before : leftCount;
                        while (low < high) {
                            const long long middle = (low + high) / 2;
                            if (NAME_less(right[before - 1 - middle], left[middle])) high = middle;
                            else low = middle + 1;
                        }
                        long long i = low, j = before - low;
                        const long long base = row * box.length + first;
                        const int count = (int) (box.length - first < RUN ? box.length - first : RUN);
                        for (int k = 0; k < count; k++) {
                            const bool takeRight = i >= leftCount || (j < rightCount && NAME_less(right[j], left[i]));
                            const long long chosen = takeRight ? leftCount + j++ : i++;
                            box.to[base + k] = left[chosen];
                            if (PLACES) box.placesTo[base + k] = box.placesFrom[row * box.length + pair + chosen];
                        }
                    }
                }
                """, name, type, indices));
    }

    private static String sortText(String text, String name, ElementType type, boolean indices) {
        return fill(
                text.replace("LESS", less(type, name)),
                name,
                "RUN",
                Integer.toString(SORTED),
                "KEY",
                CudaBody.memoryType(type),
                "PLACES",
                Boolean.toString(indices));
    }

    /** The function NAME_less(KEY, KEY): NumPy's order, NaN behind everything else. */
    static String less(ElementType type, String name) {
        String value = type == ElementType.FLOAT16 ? "maniple_half_value(%s)" : "%s";
        String c = CudaExpressions.typeName(type);
        String order = type.isFloating() ? "a < b || (b != b && a == a)" : "a < b";
        return "__device__ inline bool " + name + "_less(KEY x, KEY y) { const " + c + " a = "
                + String.format(Locale.ROOT, value, "x") + ", b = "
                + String.format(Locale.ROOT, value, "y") + "; return " + order + "; }";
    }
}
