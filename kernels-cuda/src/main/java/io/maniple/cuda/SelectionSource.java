package io.maniple.cuda;

/**
 * Writes the kernels of selections by masks and of writing by arrays of indices. Each takes one structure of 64-bit words,
 * in the order of its declaration here.
 */
public final class SelectionSource {
    /** Elements of a mask that a thread looks at. */
    public static final int MASKED = 16;
    /** Units of what one element of a mask chooses that a block of threads moves. */
    public static final int SLICE = 1_024;

    private SelectionSource() {}

    /** Elements of a mask that a block of threads looks at: a tile. */
    public static long tile(int blockThreads) {
        return (long) blockThreads * MASKED;
    }

    /**
     * How many elements each tile of a mask chooses.
     *
     * @param blockThreads of the launch
     */
    public static KernelText counts(int blockThreads) {
        return KernelText.of(name -> fill("""
                struct NAME_box { const unsigned char* mask; long long length, tiles; long long* counts; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    __shared__ int total;
                    for (long long tile = blockIdx.x; tile < box.tiles; tile += gridDim.x) {
                        if (threadIdx.x == 0) total = 0;
                        __syncthreads();
                        const long long begin = tile * TILE;
                        const long long end = begin + TILE < box.length ? begin + TILE : box.length;
                        int own = 0;
                        for (long long at = begin + threadIdx.x; at < end; at += THREADS) own += box.mask[at] != 0;
                        if (own) atomicAdd(&total, own);
                        __syncthreads();
                        if (threadIdx.x == 0) box.counts[tile] = total;
                        __syncthreads();
                    }
                }
                """, name, blockThreads));
    }

    /** Numbers become the sums of those before them, in place; {@code total} gets the sum of all. One block of threads. */
    public static KernelText starts(int blockThreads) {
        return KernelText.of(name -> fill("""
                struct NAME_box { long long length; long long* counts; long long* total; };
                extern "C" __global__ void NAME(const NAME_box box) {
                    __shared__ long long sums[THREADS];
                    const long long each = (box.length + THREADS - 1) / THREADS, begin = threadIdx.x * each;
                    const long long end = begin + each < box.length ? begin + each : box.length;
                    long long sum = 0;
                    for (long long at = begin; at < end; at++) sum += box.counts[at];
                    sums[threadIdx.x] = sum;
                    __syncthreads();
                    if (threadIdx.x == 0) {
                        long long before = 0;
                        for (int k = 0; k < THREADS; k++) {
                            const long long own = sums[k];
                            sums[k] = before;
                            before += own;
                        }
                        *box.total = before;
                    }
                    __syncthreads();
                    long long before = sums[threadIdx.x];
                    for (long long at = begin; at < end; at++) {
                        const long long own = box.counts[at];
                        box.counts[at] = before;
                        before += own;
                    }
                }
                """, name, blockThreads));
    }

    /**
     * Moves what a mask chooses: out[k] = in[place of the k-th], runs of units; or the other way round. A block of threads
     * does a tile of the mask, and of long runs a slice.
     *
     * @param unitBytes 1, 2, 4 or 8
     * @param scatters whether out[place of the k-th] = in[k]
     */
    public static KernelText move(int unitBytes, boolean scatters, int blockThreads) {
        String chosen = "(tile * TILE + places[item]) * box.run + unit";
        String packed = "(first + item) * box.run + unit";
        String statement =
                "box.out[" + (scatters ? chosen : packed) + "] = box.in[" + (scatters ? packed : chosen) + "];";
        return KernelText.of(name ->
                fill("""
                struct NAME_box {
                    UNIT* out; const UNIT* in; const unsigned char* mask; const long long* starts;
                    long long length, tiles, run, slices;
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    __shared__ unsigned short places[TILE];
                    __shared__ int before[THREADS];
                    __shared__ int chosen;
                    const long long all = box.tiles * box.slices;
                    for (long long part = blockIdx.x; part < all; part += gridDim.x) {
                        const long long tile = part / box.slices, slice = part % box.slices;
                        const int own = threadIdx.x * MASKED;
                        const long long rest = box.length - tile * TILE - own;
                        const int end = rest < MASKED ? (int) (rest < 0 ? 0 : rest) : MASKED;
                        const unsigned char* const mask = box.mask + tile * TILE + own;
                        int count = 0;
                        for (int k = 0; k < end; k++) count += mask[k] != 0;
                        before[threadIdx.x] = count;
                        __syncthreads();
                        if (threadIdx.x == 0) {
                            int sum = 0;
                            for (int k = 0; k < THREADS; k++) {
                                const int one = before[k];
                                before[k] = sum;
                                sum += one;
                            }
                            chosen = sum;
                        }
                        __syncthreads();
                        int at = before[threadIdx.x];
                        for (int k = 0; k < end; k++) {
                            if (mask[k]) places[at++] = (unsigned short) (own + k);
                        }
                        __syncthreads();
                        const long long first = box.starts[tile], from = slice * SLICE;
                        const long long width = box.run - from < SLICE ? box.run - from : SLICE;
                        for (long long t = threadIdx.x; t < chosen * width; t += THREADS) {
                            const long long item = width == 1 ? t : t / width, unit = from + t - item * width;
                            STATEMENT
                        }
                        __syncthreads();
                    }
                }
                """.replace("STATEMENT", statement), name, blockThreads, "UNIT", RoutineSource.unit(unitBytes)));
    }

    /** The steps of writing by indices. */
    public enum PutStep {
        /** Forgets who writes where; an index out of range sets {@code bad}. */
        CLEAR,
        /** The last of those that write to one place is its writer. */
        CLAIM,
        /** Writers write. */
        WRITE
    }

    /**
     * out[index0[item], index1[item], …] = in[item], runs of units, where of equal indices the last one wins. The steps are
     * launched in their order, with one structure; {@code writers} is memory for one number a place, whatever is in it.
     *
     * @param unitBytes 1, 2, 4 or 8
     * @param dimensions index arrays
     * @param wide whether there are 2^32 - 1 items or more
     */
    public static KernelText put(PutStep step, int unitBytes, int dimensions, boolean wide) {
        String body = switch (step) {
            case CLEAR -> "if (good) box.writers[place] = 0; else atomicOr(box.bad, 1ULL);";
            case CLAIM -> "if (good) atomicMax(box.writers + place, (WRITER) (item + 1));";
            case WRITE ->
                "if (good && box.writers[place] == (WRITER) (item + 1)) "
                        + "box.out[place * box.run + t - item * box.run] = box.in[t];";
        };
        return KernelText.of(name -> RoutineSource.fill(
                """
                struct NAME_box {
                    UNIT* out; const UNIT* in; long long count, run; unsigned long long* bad; WRITER* writers;
                    const long long* index[D]; long long size[D], step[D];
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long all = box.count * RUN, turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long item = RUN == 1 ? t : t / RUN;
                        long long place = 0;
                        bool good = true;
                        for (int d = 0; d < D; d++) {
                            long long at = box.index[d][item];
                            at += at < 0 ? box.size[d] : 0;
                            good = good && at >= 0 && at < box.size[d];
                            place += at * box.step[d];
                        }
                        BODY
                    }
                }
                """.replace("BODY", body),
                name,
                "UNIT",
                RoutineSource.unit(unitBytes),
                "WRITER",
                RoutineSource.unit(wide ? 8 : 4),
                "RUN",
                step == PutStep.WRITE ? "box.run" : "1",
                "D",
                Integer.toString(dimensions)));
    }

    private static String fill(String text, String name, int blockThreads, String... replaced) {
        return RoutineSource.fill(
                RoutineSource.fill(text, name, replaced),
                name,
                "TILE",
                tile(blockThreads) + "LL",
                "MASKED",
                Integer.toString(MASKED),
                "SLICE",
                SLICE + "LL",
                "THREADS",
                Integer.toString(blockThreads));
    }
}
