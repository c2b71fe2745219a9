package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.server.distribution.Peers;
import io.maniple.server.distribution.Spans;
import io.maniple.server.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sorts one vector by several workers. From a sample of everybody's keys all choose the same keys that part the result; each
 * deals its part of the input out, sends what is others' and sorts what it gets. Equal keys at a border are dealt out in
 * turn, so that many of them burden nobody. Sorting by a sample: W. Frazer and A. McKellar, Samplesort, J. ACM 17 (1970).
 */
final class SharedSort implements SharedRoutine {
    /** Of each worker: parts differ in length by half a percent then. */
    private static final int SAMPLE = 8192;

    private static final int BLOCK = 65_536;
    /** What is counted of the keys for one worker: all, negative zeros, positive zeros. */
    private static final int COUNTS = 3;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;
    private final Sorting sorting;
    private final DType type;
    private final int bytes;
    private final long source;
    private final long target;
    private final long[] cuts;
    private final int rank;
    private final int size;
    private final Memory memory;
    private final List<Memory.Scratch> taken = new ArrayList<>();
    private final Memory.Scratch samples;
    private final Memory.Scratch counts;
    private long[] borders = new long[0];
    /** Of each block, how many of its keys go to each worker. */
    private int[][] dealt = new int[0][];

    /** The keys that go to others, by worker. */
    private long away;

    /** All keys that this worker sorts. */
    private long received;

    private Memory.@Nullable Scratch signs;

    /**
     * @param step operands: out, in
     * @param cuts where each worker's part of the input begins, and the number of elements last
     */
    SharedSort(Engine engine, Plan.RoutineStep step, long[] cuts, int rank, Memory memory) {
        Operand.View in = step.instruction().view(1);
        this.workers = engine.workers();
        this.sorting = new Sorting(workers, engine.compilers());
        this.type = in.layout().type();
        this.bytes = type.bytes();
        this.source = Routines.address(in, memory);
        this.target = Routines.address(step.instruction().view(0), memory);
        this.cuts = cuts;
        this.rank = rank;
        this.size = cuts.length - 1;
        this.memory = memory;
        this.samples = take(8L * SAMPLE * size);
        this.counts = take(8L * COUNTS * size * size);
    }

    private Memory.Scratch take(long wanted) {
        Memory.Scratch scratch = memory.scratch(Math.max(1, wanted));
        taken.add(scratch);
        return scratch;
    }

    private static long get(long address, long index) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index);
    }

    private static void put(long address, long index, long value) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + 8 * index, value);
    }

    private long length(int worker) {
        return cuts[worker + 1] - cuts[worker];
    }

    private static long sampled(long length) {
        return Math.min(SAMPLE, length);
    }

    private long key(long index) {
        return SortKeys.reversible(type, source + index * bytes);
    }

    /** The bytes that each worker's sample takes up among all. */
    static List<Spans> sampleBytes(long[] cuts) {
        List<Spans> byWorker = new ArrayList<>();
        for (int worker = 0; worker + 1 < cuts.length; worker++) {
            long begin = 8L * SAMPLE * worker;
            byWorker.add(Spans.range(begin, begin + 8 * sampled(cuts[worker + 1] - cuts[worker])));
        }
        return byWorker;
    }

    @Override
    public StepShare.Partials shown() {
        return new StepShare.Partials(samples.address(), sampleBytes(cuts));
    }

    @Override
    public void compute() {
        long length = length(rank);
        for (long index = 0; index < sampled(length); index++) {
            long place = length <= SAMPLE ? index : Buckets.place(index, length);
            put(samples.address(), (long) SAMPLE * rank + index, key(cuts[rank] + place));
        }
    }

    /**
     * Everything from the samples on to what this worker has to sort. Whoever fails takes part in the next exchange all the
     * same, which tells the others; in the last one only those are told who get something.
     */
    @Override
    public void exchange(StepShare.Exchanges exchanges) {
        RuntimeException failure = attempt(() -> exchanges.compute(() -> {
            chooseBorders();
            count();
        }));
        exchanges.spread(counts.address(), Spans.equalParts(8L * COUNTS * size, size), failure);
        failure = attempt(() -> exchanges.written(ranges()));
        if (mixesZeros()) {
            exchangeSigns(exchanges, failure);
        }
        exchangeKeys(exchanges, failure);
    }

    private static @Nullable RuntimeException attempt(Runnable work) {
        try {
            work.run();
            return null;
        } catch (RuntimeException thrown) {
            return thrown;
        }
    }

    private void chooseBorders() {
        long[] all = new long[SAMPLE * size];
        int found = 0;
        for (int worker = 0; worker < size; worker++) {
            for (long index = 0; index < sampled(length(worker)); index++) {
                all[found++] = get(samples.address(), (long) SAMPLE * worker + index);
            }
        }
        Arrays.sort(all, 0, found);
        borders = new long[size - 1];
        for (int border = 0; border < borders.length; border++) {
            borders[border] = all[(int) ((long) found * (border + 1) / size)];
        }
    }

    /** @param index the key's place in the input, by which equal keys at a border are dealt out */
    private int destination(long key, long index) {
        int below = 0;
        for (long border : borders) {
            below += border < key ? 1 : 0;
        }
        if (below == borders.length || borders[below] != key) {
            return below;
        }
        int equal = 1;
        while (below + equal < borders.length && borders[below + equal] == key) {
            equal++;
        }
        return below + (int) (index % (equal + 1));
    }

    // -- counting ---------------------------------------------------------------------------------------------------

    private int blocks() {
        return Math.toIntExact((length(rank) + BLOCK - 1) / BLOCK);
    }

    /** What is done with some keys of a block; {@code first} is the place of the first one in the input. */
    @FunctionalInterface
    private interface Body {
        void run(int block, long[] keys, int count, long first);
    }

    private void eachBlock(Body body) {
        workers.run(blocks(), 1, (worker, begin, end) -> {
            long[] keys = new long[BLOCK];
            for (int block = (int) begin; block < end; block++) {
                long first = cuts[rank] + (long) block * BLOCK;
                int count = (int) Math.min(BLOCK, cuts[rank + 1] - first);
                SortKeys.readReversible(type, source, first, count, 0, keys);
                body.run(block, keys, count, first);
            }
        });
    }

    private boolean hasZeros() {
        return type == DType.FLOAT16 || type == DType.FLOAT32 || type == DType.FLOAT64;
    }

    private void count() {
        dealt = new int[blocks()][];
        long[][] zeros = new long[blocks()][];
        long zero = hasZeros() ? SortKeys.zero(type) : Long.MIN_VALUE;
        eachBlock((block, keys, count, first) -> {
            int[] own = new int[size];
            long[] ownZeros = new long[2 * size];
            for (int index = 0; index < count; index++) {
                long key = keys[index];
                int to = destination(key, first + index);
                own[to]++;
                if (key == zero || key == zero - 1) {
                    ownZeros[2 * to + (key == zero ? 1 : 0)]++;
                }
            }
            dealt[block] = own;
            zeros[block] = ownZeros;
        });
        for (int to = 0; to < size; to++) {
            long all = 0;
            long negative = 0;
            long positive = 0;
            for (int block = 0; block < dealt.length; block++) {
                all += dealt[block][to];
                negative += hasZeros() ? zeros[block][2 * to] : 0;
                positive += hasZeros() ? zeros[block][2 * to + 1] : 0;
            }
            long at = (long) COUNTS * (rank * size + to);
            put(counts.address(), at, all);
            put(counts.address(), at + 1, negative);
            put(counts.address(), at + 2, positive);
        }
    }

    private long counted(int from, int to, int what) {
        return get(counts.address(), (long) COUNTS * (from * size + to) + what);
    }

    private long counted(int to) {
        long sum = 0;
        for (int from = 0; from < size; from++) {
            sum += counted(from, to, 0);
        }
        return sum;
    }

    /** Where a worker's part of the output begins. */
    private long start(int worker) {
        long sum = 0;
        for (int before = 0; before < worker; before++) {
            sum += counted(before);
        }
        return sum;
    }

    /** The output's elements by worker, as bytes from its first one on. */
    private List<Spans> ranges() {
        List<Spans> byWorker = new ArrayList<>();
        for (int worker = 0; worker < size; worker++) {
            byWorker.add(Spans.range(start(worker) * bytes, start(worker + 1) * bytes));
        }
        return byWorker;
    }

    // -- moving -----------------------------------------------------------------------------------------------------

    private void exchangeKeys(StepShare.Exchanges exchanges, @Nullable RuntimeException before) {
        RuntimeException failure = before;
        if (failure == null) {
            failure = attempt(() -> {
                long sent = length(rank) - counted(rank, rank, 0);
                away = take(sent * bytes).address();
                received = take(counted(rank) * bytes).address();
                exchanges.compute(() -> deal(away, received));
            });
        }
        if (failure != null) {
            // What comes all the same is dropped.
            received = 0;
        }
        List<Peers.Parcel> outgoing = new ArrayList<>();
        List<Peers.Parcel> incoming = new ArrayList<>();
        long out = away;
        long in = received;
        for (int peer = 0; peer < size; peer++) {
            long sent = counted(rank, peer, 0) * bytes;
            long got = counted(peer, rank, 0) * bytes;
            if (peer != rank) {
                add(outgoing, peer, out, sent);
                add(incoming, peer, received == 0 ? 0 : in, got);
                out += sent;
            }
            in += got;
        }
        exchanges.exchange(outgoing, incoming, failure);
    }

    private static void add(List<Peers.Parcel> parcels, int peer, long address, long length) {
        if (length > 0) {
            parcels.add(new Peers.Parcel(peer, new long[] {address}, new long[] {length}));
        }
    }

    /** @param away where the others' keys go, by worker; @param own where the keys of all workers for this one lie */
    private void deal(long away, long own) {
        long[] bases = new long[size];
        long out = away;
        for (int peer = 0; peer < size; peer++) {
            bases[peer] = out;
            out += peer == rank ? 0 : counted(rank, peer, 0) * bytes;
        }
        long in = own;
        for (int peer = 0; peer < rank; peer++) {
            in += counted(peer, rank, 0) * bytes;
        }
        bases[rank] = in;
        long[][] next = new long[dealt.length][];
        for (int block = 0; block < dealt.length; block++) {
            next[block] = bases.clone();
            for (int peer = 0; peer < size; peer++) {
                bases[peer] += (long) dealt[block][peer] * bytes;
            }
        }
        eachBlock((block, keys, count, first) -> {
            long[] places = next[block];
            for (int index = 0; index < count; index++) {
                int to = destination(keys[index], first + index);
                Elements.copy(source + (first + index) * bytes, places[to], bytes);
                places[to] += bytes;
            }
        });
    }

    // -- zeros ------------------------------------------------------------------------------------------------------

    private long zeros(int from, int what) {
        long sum = 0;
        for (int to = 0; to < size; to++) {
            sum += counted(from, to, what);
        }
        return sum;
    }

    /** Whether there are zeros of both signs: these are equal, and stay in the order in which they stood. */
    private boolean mixesZeros() {
        long negative = 0;
        long positive = 0;
        for (int from = 0; from < size; from++) {
            negative += zeros(from, 1);
            positive += zeros(from, 2);
        }
        return negative > 0 && positive > 0;
    }

    private void exchangeSigns(StepShare.Exchanges exchanges, @Nullable RuntimeException before) {
        List<Spans> byWorker = new ArrayList<>();
        long[] begins = new long[size + 1];
        for (int from = 0; from < size; from++) {
            begins[from + 1] = begins[from] + zeros(from, 1) + zeros(from, 2);
            byWorker.add(Spans.range(begins[from], begins[from + 1]));
        }
        RuntimeException failure = before != null
                ? before
                : attempt(() -> {
                    Memory.Scratch all = take(begins[size]);
                    signs = all;
                    exchanges.compute(() -> noteSigns(all.address() + begins[rank]));
                });
        exchanges.spread(signs == null ? 0 : signs.address(), byWorker, failure);
    }

    private void noteSigns(long to) {
        long zero = SortKeys.zero(type);
        long next = to;
        for (long index = cuts[rank]; index < cuts[rank + 1]; index++) {
            long key = key(index);
            if (key == zero || key == zero - 1) {
                MEMORY.set(ValueLayout.JAVA_BYTE, next++, (byte) (key == zero ? 1 : 0));
            }
        }
    }

    // -- sorting ----------------------------------------------------------------------------------------------------

    @Override
    public void finish() {
        long length = counted(rank);
        if (length == 0) {
            return;
        }
        long to = target + start(rank) * bytes;
        sorting.sort(Layout.contiguous(type, new long[] {length}), received, to, memory);
        if (signs != null) {
            restoreZeros(to, length, signs.address());
        }
    }

    private void restoreZeros(long to, long length, long allSigns) {
        long zero = SortKeys.zero(type);
        long first = Sorting.firstNotBelow(type, to, length, zero - 1);
        long behind = Sorting.firstNotBelow(type, to, length, zero + 1);
        // Zeros of both signs may stand in any order here, but all between these two.
        long before = 0;
        for (int from = 0; from < size; from++) {
            for (int worker = 0; worker < rank; worker++) {
                before += counted(from, worker, 1) + counted(from, worker, 2);
            }
        }
        for (long index = first; index < behind; index++) {
            byte positive = MEMORY.get(ValueLayout.JAVA_BYTE, allSigns + before + index - first);
            SortKeys.write(type, to + index * bytes, zero - 1 + positive);
        }
    }

    @Override
    public void close() {
        taken.forEach(Memory.Scratch::close);
    }
}
