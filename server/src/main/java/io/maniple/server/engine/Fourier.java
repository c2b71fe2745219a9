package io.maniple.server.engine;

import io.maniple.bridge.program.Layout;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.server.engine.FourierEnds.Row;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Discrete Fourier transforms of rows, computed in double precision whatever the type. How a row is transformed depends on
 * its length and the number of rows only; many rows are shared out among the threads, few long ones are cut.
 */
final class Fourier {
    /** Rows of at least this length are worth cutting. */
    private static final long LONG_ROW = 1 << 15;
    /** Items of a cut row, or elements of whole rows, that a thread takes at a time. */
    private static final long TURN = 8_192;
    /** Rows of more elements, side by side, do not stay in the cache. */
    private static final long LONGEST_BATCH = 16_384;
    /** Shorter rows are not worth being made a matrix. */
    private static final long LEAST_MATRIX = 512;

    private final Workers workers;
    private final Compilers compilers;
    private final Map<Integer, Executable> butterflies = new ConcurrentHashMap<>();
    private volatile FourierLong.@Nullable Kernels kernels;

    Fourier(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    /** Operands: out, in, factor, and a scalar; the last dimension is transformed. */
    Map<String, RoutineCode> routines() {
        Map<String, RoutineCode> codes = new HashMap<>();
        codes.put("fft.complex", call -> run(call, new FourierWhole(call, length(call, 0), call.integer(3) != 0)));
        codes.put("fft.from_real", call -> {
            long length = Math.max(1, 2 * (length(call, 0) - 1) + (call.integer(3) != 0 ? 1 : 0));
            run(call, length % 2 == 0 ? new FourierHalves(call, length) : new FourierWhole(call, length, false));
        });
        codes.put("fft.to_real", call -> {
            long length = length(call, 0);
            run(call, length % 2 == 0 ? new FourierHalves(call, length) : new FourierWhole(call, length, true));
        });
        return codes;
    }

    private static long length(RoutineCall call, int operand) {
        Layout layout = call.layout(operand);
        return layout.size(layout.rank() - 1);
    }

    private void run(RoutineCall call, FourierEnds ends) {
        long length = ends.length();
        long rows = call.layout(0).elements() / ends.outLength;
        boolean wide = rows >= FourierBatch.LEAST_ROWS && length <= LONGEST_BATCH;
        if (length >= LEAST_MATRIX && !wide && FourierLong.suits(length)) {
            matrices(ends, rows, call.memory());
            return;
        }
        boolean cut = length >= LONG_ROW && rows < workers.threads();
        FourierPlan.Runner alone = (items, body) -> body.run(0, items);
        FourierPlan.Runner together =
                (items, body) -> workers.run(items, TURN, (worker, begin, end) -> body.run(begin, end));
        long rowBytes = 16 * FourierPlan.rowPairs(length);
        int copies = cut ? 1 : (int) Math.min(rows, workers.threads());
        try (Memory.Scratch tables = call.memory().scratch(16 * FourierPlan.tablePairs(length));
                Memory.Scratch scratch = call.memory().scratch(rowBytes * copies)) {
            FourierPlan plan = new FourierPlan(length, tables.address(), scratch.address(), together);
            if (FourierBatch.suits(plan, rows)) {
                batches(new FourierBatch(plan, this::butterfly), ends, rows, call.memory());
                return;
            }
            if (cut) {
                for (long row = 0; row < rows; row++) {
                    row(plan, ends, row, scratch.address(), together);
                }
                return;
            }
            // A worker's number may be above the number of copies where there are fewer rows than threads.
            long grain = Math.max(Math.max(1, TURN / length), rows <= copies ? 1 : 0);
            workers.run(rows, grain, (worker, begin, end) -> {
                for (long row = begin; row < end; row++) {
                    long slot = rows <= copies ? row : worker;
                    row(plan, ends, row, scratch.address() + slot * rowBytes, alone);
                }
            });
        }
    }

    private Executable butterfly(int radix) {
        return butterflies.computeIfAbsent(radix, missing -> FourierBatch.butterfly(missing, compilers));
    }

    private FourierLong.Kernels kernels() {
        FourierLong.Kernels known = kernels;
        if (known == null) {
            known = FourierLong.Kernels.of(compilers);
            kernels = known;
        }
        return known;
    }

    /** Long rows one after the other, all threads at each, or one each where there are enough of them. */
    private void matrices(FourierEnds ends, long rows, Memory memory) {
        long length = ends.length();
        boolean apart = rows >= workers.threads();
        // What is stored is made of two elements of the result: they have to be there first.
        long resultBytes = ends.storesOneByOne() ? 0 : 16 * length;
        long rowBytes = FourierLong.rowBytes(length) + resultBytes;
        long threadBytes = FourierLong.threadBytes(length);
        try (Memory.Scratch tables = memory.scratch(FourierLong.tableBytes(length));
                Memory.Scratch threads = memory.scratch(threadBytes * workers.threads());
                Memory.Scratch scratch = memory.scratch(rowBytes * (apart ? workers.threads() : 1))) {
            FourierLong matrix =
                    new FourierLong(length, tables.address(), threads.address(), this::butterfly, kernels());
            if (apart) {
                workers.run(rows, 1, (worker, begin, end) -> {
                    long work = threads.address() + worker * threadBytes;
                    Loop own = (items, grain, body) -> body.run(worker, 0, items);
                    for (long row = begin; row < end; row++) {
                        matrix(matrix, ends, row, scratch.address() + worker * rowBytes, work, 0, own);
                    }
                });
                return;
            }
            for (long row = 0; row < rows; row++) {
                matrix(matrix, ends, row, scratch.address(), threads.address(), threadBytes, workers::run);
            }
        }
    }

    /** Runs a loop on one thread or on all. */
    @FunctionalInterface
    private interface Loop {
        void run(long items, long grain, Workers.Body body);
    }

    /** @param threadBytes from one thread's memory at {@code work} to the next one's; 0 if there is one only */
    private static void matrix(
            FourierLong matrix, FourierEnds ends, long row, long middle, long work, long threadBytes, Loop loop) {
        long length = ends.length();
        long result = middle + FourierLong.rowBytes(length);
        loop.run(matrix.columnBatches(), 1, (worker, begin, end) -> {
            for (long batch = begin; batch < end; batch++) {
                matrix.columns(ends, row, middle, work + worker * threadBytes, batch);
            }
        });
        FourierLong.Target target = ends.storesOneByOne()
                // Of a real row only the first half is asked for.
                ? (found, begin, end) -> ends.store(row, found, begin, Math.min(end, ends.stores()))
                : (found, begin, end) -> pairs(found, result, begin, end);
        loop.run(matrix.rowBatches(), 1, (worker, begin, end) -> {
            for (long batch = begin; batch < end; batch++) {
                matrix.rows(target, middle, work + worker * threadBytes, batch);
            }
        });
        if (!ends.storesOneByOne()) {
            loop.run(ends.stores(), TURN, (worker, begin, end) -> ends.store(row, Row.ofPairs(result), begin, end));
        }
    }

    private static void pairs(Row found, long result, long begin, long end) {
        for (long index = begin; index < end; index++) {
            FourierPasses.put(
                    result + 16 * index,
                    FourierPasses.get(found.real() + found.step() * index),
                    FourierPasses.get(found.imaginary() + found.step() * index));
        }
    }

    private void batches(FourierBatch batch, FourierEnds ends, long rows, Memory memory) {
        long count = (rows + FourierBatch.LANES - 1) / FourierBatch.LANES;
        int copies = (int) Math.min(count, workers.threads());
        long bytes = FourierBatch.bytes(ends.length());
        try (Memory.Scratch scratch = memory.scratch(bytes * copies)) {
            workers.run(
                    count,
                    count <= copies ? 1 : Math.max(1, TURN / ends.length() / FourierBatch.LANES),
                    (worker, begin, end) -> {
                        for (long number = begin; number < end; number++) {
                            long slot = count <= copies ? number : worker;
                            batch(batch, ends, number * FourierBatch.LANES, rows, scratch.address() + slot * bytes);
                        }
                    });
        }
    }

    private static void batch(FourierBatch batch, FourierEnds ends, long first, long rows, long work) {
        int lanes = (int) Math.min(FourierBatch.LANES, rows - first);
        long plane = FourierBatch.plane(ends.length());
        if (lanes < FourierBatch.LANES) {
            Matrices.clear(work, 2 * plane);
        }
        for (int lane = 0; lane < lanes; lane++) {
            ends.load(first + lane, Row.ofLane(work, plane, lane), 0, ends.length());
        }
        long result = batch.transform(work);
        for (int lane = 0; lane < lanes; lane++) {
            ends.store(first + lane, Row.ofLane(result, plane, lane), 0, ends.stores());
        }
    }

    private static void row(FourierPlan plan, FourierEnds ends, long row, long work, FourierPlan.Runner runner) {
        runner.run(ends.length(), (begin, end) -> ends.load(row, Row.ofPairs(work), begin, end));
        Row result = Row.ofPairs(plan.transform(work, runner));
        runner.run(ends.stores(), (begin, end) -> ends.store(row, result, begin, end));
    }
}
