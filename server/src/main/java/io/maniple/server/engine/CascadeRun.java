package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.server.distribution.Spans;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One run of a cascade: threads take whole blocks, and do all stages of a block one after the other. */
final class CascadeRun implements AutoCloseable {
    /** Scratch areas begin on lines of their own. */
    private static final long ALIGNMENT = 64;
    /** A line more for each area: equal offsets in a page would contend for the same lines of the cache. */
    private static final long STAGGER = 128;

    private final CascadeLaunch launch;
    private final Plan.CascadeStep step;
    private final List<Scalar> scalars;
    private final Memory memory;
    private final Compilers compilers;
    private final long[] argumentBlocks;
    private final Map<Integer, Plan.Local> locals = new HashMap<>();
    /** Where a buffer begins: in memory, or from the beginning of a thread's scratch area. */
    private final Map<Integer, Long> starts = new HashMap<>();
    /** Where the partial results of a stage inside a block begin in a thread's scratch area. */
    private final List<long[]> partialStarts = new ArrayList<>();

    private final List<Memory.Scratch> scratches = new ArrayList<>();
    /** Partial results of all blocks for each stage that folds its rows; empty for the others. */
    private final List<List<BlockPartials>> blockPartials = new ArrayList<>();

    private final List<Inspector> inspectors = new ArrayList<>();
    /** For each stage its forms by the number of rows. */
    private final List<Map<Long, Form>> forms = new ArrayList<>();

    private long areaBytes;
    private long areas;

    /** The partial results of one fold: as many for each block as the largest one makes. */
    private record BlockPartials(
            Launch.Partials whole,
            long address,
            long blockBytes,
            @Nullable Inspector inspector) {
        /** Where those of some blocks lie. */
        Spans ofBlocks(long first, long last) {
            return Spans.range(first * blockBytes, last * blockBytes);
        }
    }

    CascadeRun(CascadeLaunch launch, List<Scalar> scalars, Memory memory, Compilers compilers, long[] argumentBlocks) {
        this.launch = launch;
        this.step = launch.step();
        this.scalars = scalars;
        this.memory = memory;
        this.compilers = compilers;
        this.argumentBlocks = argumentBlocks;
    }

    /** @return the floating-point errors that the client wants to know */
    List<Diagnosis.Suspect> run(Workers workers) {
        try {
            begin();
            compute(workers, 0, step.blocks());
            combine();
        } finally {
            close();
        }
        return guilty();
    }

    /** Takes the memory it needs. */
    void begin() {
        try {
            lay();
            areas = scratch(areaBytes * argumentBlocks.length);
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    /** Does some of the blocks. */
    void compute(Workers workers, long first, long last) {
        workers.run(last - first, 1, (worker, begin, end) -> {
            for (long block = begin; block < end; block++) {
                block(worker, first + block);
            }
        });
    }

    /**
     * The partial results of folds over the rows.
     *
     * @param cuts where each worker's blocks begin, and their number last
     */
    List<StepShare.Partials> partials(long[] cuts) {
        List<StepShare.Partials> partials = new ArrayList<>();
        for (List<BlockPartials> folds : blockPartials) {
            for (BlockPartials fold : folds) {
                List<Spans> byWorker = new ArrayList<>();
                for (int worker = 0; worker + 1 < cuts.length; worker++) {
                    byWorker.add(fold.ofBlocks(cuts[worker], cuts[worker + 1]));
                }
                partials.add(new StepShare.Partials(fold.address(), byWorker));
            }
        }
        return partials;
    }

    /** Makes the results of folds over the rows. */
    void combine() {
        for (List<BlockPartials> folds : blockPartials) {
            for (BlockPartials partials : folds) {
                Plan.FoldBinding fold = partials.whole().fold();
                long destination = memory.address(fold.buffer()) + fold.offset();
                Combine.run(partials.whole(), partials.address(), destination, partials.inspector());
            }
        }
    }

    List<Diagnosis.Suspect> guilty() {
        Set<Diagnosis.Suspect> guilty = new LinkedHashSet<>();
        inspectors.forEach(inspector -> guilty.addAll(inspector.guilty()));
        return List.copyOf(guilty);
    }

    @Override
    public void close() {
        scratches.forEach(Memory.Scratch::close);
        scratches.clear();
    }

    private long scratch(long bytes) {
        if (bytes == 0) {
            return 0;
        }
        Memory.Scratch scratch = memory.scratch(bytes);
        scratches.add(scratch);
        return scratch.address();
    }

    private long reserve(long bytes) {
        long start = areaBytes;
        areaBytes += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + STAGGER;
        return start;
    }

    /** Decides where everything lies; only here is memory allocated. */
    private void lay() {
        for (Plan.Local local : step.locals()) {
            locals.put(local.buffer(), local);
            starts.put(local.buffer(), reserve(local.rowBytes() * step.block()));
        }
        for (CascadeLaunch.Stage stage : launch.stages()) {
            Plan.KernelStep whole = stage.stage().whole();
            for (Plan.Binding binding : whole.bindings()) {
                if (binding.buffer() >= 0) {
                    layBuffer(binding.buffer());
                }
            }
            whole.folds().forEach(fold -> layBuffer(fold.buffer()));
            layPartials(stage);
        }
        for (int number = 0; number < launch.stages().size(); number++) {
            forms.add(forms(number));
        }
    }

    private void layBuffer(int buffer) {
        if (!starts.containsKey(buffer)) {
            starts.put(buffer, memory.address(buffer));
        }
    }

    private void layPartials(CascadeLaunch.Stage stage) {
        int folds = stage.stage().whole().folds().size();
        long[] inArea = new long[folds];
        List<BlockPartials> ofBlocks = new ArrayList<>();
        for (int fold = 0; fold < folds; fold++) {
            long perBlock = 0;
            long bytes = 0;
            for (Launch variant : stage.byRows().values()) {
                Launch.Partials own = variant.partials().get(fold);
                perBlock = Math.max(perBlock, own.perResult());
                bytes = Math.max(bytes, own.direct() ? 0 : own.bytes());
            }
            if (stage.stage().foldsRows()) {
                Launch some = stage.byRows().values().iterator().next();
                ofBlocks.add(blockPartials(some.partials().get(fold), perBlock, inspector(some)));
            } else {
                inArea[fold] = reserve(bytes);
            }
        }
        partialStarts.add(inArea);
        blockPartials.add(ofBlocks);
    }

    /** The identity where a block has fewer partial results than others: that changes nothing. */
    private BlockPartials blockPartials(Launch.Partials some, long perBlock, @Nullable Inspector inspector) {
        int element = some.accumulator().bytes();
        long perResult = perBlock * step.blocks();
        boolean byRows = some.resultStep() < some.partialStep();
        Launch.Partials whole = new Launch.Partials(
                some.fold(),
                false,
                true,
                some.results(),
                perResult,
                byRows ? element : perResult * element,
                byRows ? element * some.results() : element,
                some.keptShape(),
                some.destinationSteps());
        long address = scratch(whole.bytes());
        Combine.prefill(whole, address, 0);
        return new BlockPartials(whole, address, perBlock * element * some.results(), inspector);
    }

    private void block(int worker, long block) {
        long begin = block * step.block();
        long end = Math.min(step.rows(), begin + step.block());
        for (int number = 0; number < forms.size(); number++) {
            Plan.Stage stage = launch.stages().get(number).stage();
            long from = Math.max(begin, stage.first());
            long to = Math.min(end, stage.first() + stage.count());
            if (from < to) {
                Form form = Objects.requireNonNull(forms.get(number).get(to - from));
                stage(worker, block, form, from - stage.first());
            }
        }
    }

    /**
     * Where a view's first element is.
     *
     * @param base at coordinate 0 and row 0; of a local buffer from the area's beginning
     * @param rowStep bytes from one row of the stage to the next
     * @param localStep bytes that a local view falls back with each coordinate of the block's beginning
     * @param local whether it lies in the thread's scratch area
     */
    private record Place(long base, long rowStep, long localStep, boolean local) {
        long address(long area, long coordinate, long row) {
            return base + row * rowStep - coordinate * localStep + (local ? area : 0);
        }
    }

    /**
     * Everything about one form of a stage that is the same for all blocks.
     *
     * @param operands where each one is; nothing for the accumulators of folds
     * @param folds one entry a fold
     * @param words scalars
     */
    private record Form(
            Launch launch,
            Place[] operands,
            FoldForm[] folds,
            long[] words,
            @Nullable Inspector inspector) {}

    /** A fold of a form: where its destination is, and where partial results go. */
    private record FoldForm(
            Launch.Partials partials, Place destination, long partialStart, long blockStep, boolean ofBlock) {}

    private Map<Long, Form> forms(int number) {
        Map<Long, Form> forms = new HashMap<>();
        launch.stages().get(number).byRows().forEach((rows, variant) -> forms.put(rows, form(number, variant)));
        return forms;
    }

    private Form form(int number, Launch variant) {
        List<Plan.Binding> bindings = variant.step().bindings();
        Place[] operands = new Place[bindings.size()];
        for (int operand = 0; operand < operands.length; operand++) {
            Plan.Binding binding = bindings.get(operand);
            if (binding.buffer() >= 0) {
                operands[operand] = place(binding.buffer(), binding.offset(), binding.rowStep());
            }
        }
        boolean foldsRows = launch.stages().get(number).stage().foldsRows();
        FoldForm[] folds = new FoldForm[variant.partials().size()];
        for (int fold = 0; fold < folds.length; fold++) {
            Launch.Partials own = variant.partials().get(fold);
            BlockPartials all = foldsRows ? blockPartials.get(number).get(fold) : null;
            folds[fold] = new FoldForm(
                    own,
                    place(own.fold().buffer(), own.fold().offset(), own.fold().rowStep()),
                    all == null ? partialStarts.get(number)[fold] : all.address(),
                    all == null ? 0 : all.blockBytes(),
                    foldsRows);
        }
        long[] words = Scalars.words(variant.step().scalars(), scalars);
        return new Form(variant, operands, folds, words, inspector(variant));
    }

    private @Nullable Inspector inspector(Launch variant) {
        Diagnosis diagnosis = variant.step().diagnosis();
        if (diagnosis == null) {
            return null;
        }
        Inspector inspector = new Inspector(diagnosis, compilers);
        inspectors.add(inspector);
        return inspector;
    }

    private Place place(int buffer, long offset, long rowStep) {
        Plan.Local local = locals.get(buffer);
        long start = Objects.requireNonNull(starts.get(buffer)) + offset;
        return local == null
                ? new Place(start, rowStep, 0, false)
                : new Place(start - local.firstRow() * local.rowBytes(), rowStep, local.rowBytes(), true);
    }

    /** @param row the stage's first row in this block */
    private void stage(int worker, long block, Form form, long row) {
        long area = areas + worker * areaBytes;
        long coordinate = block * step.block();
        FoldForm[] folds = form.folds();
        long[] destinations = new long[folds.length];
        long[] partials = new long[folds.length];
        for (int fold = 0; fold < folds.length; fold++) {
            FoldForm own = folds[fold];
            destinations[fold] = own.destination().address(area, coordinate, row);
            if (own.ofBlock()) {
                partials[fold] = own.partialStart() + block * own.blockStep();
            } else {
                partials[fold] = own.partials().direct() ? destinations[fold] : area + own.partialStart();
                if (own.partials().prefill()) {
                    Combine.prefill(own.partials(), partials[fold], destinations[fold]);
                }
            }
        }
        List<Plan.Binding> bindings = form.launch().step().bindings();
        long[] addresses = new long[bindings.size()];
        for (int operand = 0; operand < addresses.length; operand++) {
            int buffer = bindings.get(operand).buffer();
            addresses[operand] =
                    buffer < 0 ? partials[-1 - buffer] : form.operands()[operand].address(area, coordinate, row);
        }
        long arguments = argumentBlocks[worker];
        Scalars.put(arguments, addresses.length, form.words());
        for (Region region : form.launch().regions()) {
            region.run(arguments, addresses, 0, region.boxes(), form.inspector(), Workers.NEVER);
        }
        for (int fold = 0; fold < folds.length; fold++) {
            FoldForm own = folds[fold];
            if (!own.ofBlock() && !own.partials().direct()) {
                Combine.run(own.partials(), partials[fold], destinations[fold], form.inspector());
            }
        }
    }
}
