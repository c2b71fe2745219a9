package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.kernels.ir.Kernel;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One run of a cascade: threads take whole blocks, and do all stages of a block one after the other. */
final class CascadeRun {
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
    private Forms[] forms = {};
    private long areaBytes;
    private long areas;

    /** The partial results of one fold: as many for each block as the largest one makes. */
    private record BlockPartials(
            Launch.Partials whole,
            long address,
            long blockBytes,
            @Nullable Inspector inspector) {}

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
            lay();
            areas = scratch(areaBytes * argumentBlocks.length);
            workers.run(step.blocks(), 1, (worker, begin, end) -> {
                for (long block = begin; block < end; block++) {
                    block(worker, block);
                }
            });
            for (List<BlockPartials> folds : blockPartials) {
                for (BlockPartials partials : folds) {
                    Plan.FoldBinding fold = partials.whole().fold();
                    long destination = memory.address(fold.buffer()) + fold.offset();
                    combine(partials.whole(), partials.address(), destination, partials.inspector());
                }
            }
        } finally {
            scratches.forEach(Memory.Scratch::close);
        }
        Set<Diagnosis.Suspect> guilty = new LinkedHashSet<>();
        inspectors.forEach(inspector -> guilty.addAll(inspector.guilty()));
        return List.copyOf(guilty);
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
        forms = launch.stages().stream().map(this::forms).toArray(Forms[]::new);
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
            Launch.Partials some = null;
            Launch last = null;
            for (Launch variant : stage.byRows().values()) {
                last = variant;
                some = variant.partials().get(fold);
                perBlock = Math.max(perBlock, some.perResult());
                bytes = Math.max(bytes, some.direct() ? 0 : some.bytes());
            }
            if (some == null || last == null) {
                throw new IllegalStateException("a stage without blocks");
            }
            if (stage.stage().foldsRows()) {
                ofBlocks.add(blockPartials(some, perBlock, inspector(last)));
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
        for (int number = 0; number < forms.length; number++) {
            Plan.Stage stage = launch.stages().get(number).stage();
            long from = Math.max(begin, stage.first());
            long to = Math.min(end, stage.first() + stage.count());
            if (from < to) {
                stage(worker, block, forms[number].get(to - from), from - stage.first());
            }
        }
    }

    /** The forms of one stage: almost all blocks have the same number of rows. */
    private record Forms(long usual, Form first, Map<Long, Form> others) {
        Form get(long rows) {
            Form form = rows == usual ? first : others.get(rows);
            if (form == null) {
                throw new IllegalStateException("no block of this cascade was to have " + rows + " rows");
            }
            return form;
        }
    }

    private Forms forms(CascadeLaunch.Stage stage) {
        Map<Long, Form> all = new HashMap<>();
        stage.byRows().forEach((rows, variant) -> all.put(rows, form(stage, variant)));
        long usual = all.containsKey(step.block())
                ? step.block()
                : all.keySet().iterator().next();
        return new Forms(usual, Objects.requireNonNull(all.get(usual)), all);
    }

    /**
     * Everything about one form of a stage that is the same for all blocks.
     *
     * @param bases where each operand is at coordinate 0 and row 0; for a local buffer, from the area's beginning
     * @param rowSteps bytes from one row of the stage to the next
     * @param localSteps bytes that a local operand falls back with each coordinate of the block's beginning
     * @param folds one entry a fold
     * @param words scalars
     */
    private record Form(
            Launch launch,
            long[] bases,
            long[] rowSteps,
            long[] localSteps,
            boolean[] local,
            FoldForm[] folds,
            int[] foldOf,
            long[] words,
            @Nullable Inspector inspector) {}

    /** A fold of a form: where its destination is, as for operands, and where partial results go. */
    private record FoldForm(
            Launch.Partials partials,
            long base,
            long rowStep,
            long localStep,
            boolean local,
            long partialStart,
            long blockStep,
            boolean ofBlock) {}

    private Form form(CascadeLaunch.Stage stage, Launch variant) {
        List<Plan.Binding> bindings = variant.step().bindings();
        int count = bindings.size();
        long[] bases = new long[count];
        long[] rowSteps = new long[count];
        long[] localSteps = new long[count];
        boolean[] local = new boolean[count];
        int[] foldOf = new int[count];
        for (int operand = 0; operand < count; operand++) {
            Plan.Binding binding = bindings.get(operand);
            foldOf[operand] = binding.buffer() < 0 ? -1 - binding.buffer() : -1;
            if (binding.buffer() >= 0) {
                bases[operand] = base(binding.buffer(), binding.offset());
                rowSteps[operand] = binding.rowStep();
                localSteps[operand] = localStep(binding.buffer());
                local[operand] = locals.containsKey(binding.buffer());
            }
        }
        boolean foldsRows = stage.stage().foldsRows();
        FoldForm[] folds = new FoldForm[variant.partials().size()];
        for (int fold = 0; fold < folds.length; fold++) {
            Launch.Partials own = variant.partials().get(fold);
            int buffer = own.fold().buffer();
            BlockPartials all = foldsRows ? blockPartials.get(stage.number()).get(fold) : null;
            folds[fold] = new FoldForm(
                    own,
                    base(buffer, own.fold().offset()),
                    own.fold().rowStep(),
                    localStep(buffer),
                    locals.containsKey(buffer),
                    all == null ? partialStarts.get(stage.number())[fold] : all.address(),
                    all == null ? 0 : all.blockBytes(),
                    foldsRows);
        }
        long[] words = new long[variant.step().scalars().size()];
        for (int slot = 0; slot < words.length; slot++) {
            Plan.ScalarBinding binding = variant.step().scalars().get(slot);
            words[slot] = Scalars.word(scalars.get(binding.position()), binding.type(), binding.part());
        }
        return new Form(variant, bases, rowSteps, localSteps, local, folds, foldOf, words, inspector(variant));
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

    private long base(int buffer, long offset) {
        Plan.Local local = locals.get(buffer);
        long start = Objects.requireNonNull(starts.get(buffer)) + offset;
        return local == null ? start : start - local.firstRow() * local.rowBytes();
    }

    private long localStep(int buffer) {
        Plan.Local local = locals.get(buffer);
        return local == null ? 0 : local.rowBytes();
    }

    /** @param row the stage's first row in this block */
    private void stage(int worker, long block, Form form, long row) {
        long area = areas + worker * areaBytes;
        long coordinate = block * step.block();
        FoldForm[] folds = form.folds();
        long[] partials = new long[folds.length];
        for (int fold = 0; fold < folds.length; fold++) {
            FoldForm own = folds[fold];
            long destination = destination(own, area, coordinate, row);
            if (own.ofBlock()) {
                partials[fold] = own.partialStart() + block * own.blockStep();
            } else {
                partials[fold] = own.partials().direct() ? destination : area + own.partialStart();
                if (own.partials().prefill()) {
                    Combine.prefill(own.partials(), partials[fold], destination);
                }
            }
        }
        long[] addresses = new long[form.bases().length];
        for (int operand = 0; operand < addresses.length; operand++) {
            addresses[operand] = form.foldOf()[operand] >= 0
                    ? partials[form.foldOf()[operand]]
                    : form.bases()[operand]
                            + row * form.rowSteps()[operand]
                            - coordinate * form.localSteps()[operand]
                            + (form.local()[operand] ? area : 0);
        }
        long arguments = argumentBlocks[worker];
        int scalarWord = Kernel.Arguments.scalars(addresses.length);
        for (int slot = 0; slot < form.words().length; slot++) {
            Scalars.MEMORY.set(ValueLayout.JAVA_LONG, arguments + 8L * (scalarWord + slot), form.words()[slot]);
        }
        for (Region region : form.launch().regions()) {
            region.run(arguments, addresses, 0, region.boxes(), form.inspector());
        }
        for (int fold = 0; fold < folds.length; fold++) {
            FoldForm own = folds[fold];
            if (!own.ofBlock() && !own.partials().direct()) {
                long destination = destination(own, area, coordinate, row);
                combine(own.partials(), partials[fold], destination, form.inspector());
            }
        }
    }

    private static void combine(
            Launch.Partials partials, long address, long destination, @Nullable Inspector inspector) {
        ErrorFlags errors = inspector == null ? null : new ErrorFlags();
        Combine.run(partials, address, destination, errors);
        if (inspector != null && errors != null && errors.kinds() != 0) {
            inspector.combined(partials.fold(), errors.kinds());
        }
    }

    private static long destination(FoldForm fold, long area, long coordinate, long row) {
        return fold.base() + row * fold.rowStep() - coordinate * fold.localStep() + (fold.local() ? area : 0);
    }
}
