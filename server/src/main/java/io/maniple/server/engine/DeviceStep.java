package io.maniple.server.engine;

import io.maniple.cuda.CombineSource;
import io.maniple.cuda.CudaSource;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.LoopArguments;
import io.maniple.cuda.LoopSource;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.cuda.driver.Transform;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.FloatingPointRules;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import io.maniple.server.plan.Watch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A kernel step as kernels of a device: one a region, and one a fold whose partial results are to be combined. Regions
 * and partial results are those of the processor's engine, so that folds have its results to the bit.
 */
final class DeviceStep {
    /** A device takes so many bytes of arguments; a kernel that needs more has no form here. */
    private static final int MOST_ARGUMENT_BYTES = 4_000;
    /** Beyond this, offsets need 64 bits. */
    private static final long NARROW = 1L << 30;
    /** Blocks a multiprocessor that hide its latency; more only cost. */
    private static final int BLOCKS_A_PROCESSOR = 16;
    /** More partial results than this are shared by a block. */
    private static final long SERIAL_PARTIALS = 16;

    /** How regions are cut, without compiling anything for the processor. */
    private static final Compilers GEOMETRY = new Compilers(List.of(new KernelCompiler() {
        @Override
        public Optional<Executable> compile(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
            return Optional.of(arguments -> {
                throw new IllegalStateException("compiled for no engine");
            });
        }

        @Override
        public String name() {
            return "none";
        }
    }));

    /**
     * A region's kernel.
     *
     * @param rows product of the sizes
     * @param sizes of the row dimensions
     * @param motions one an operand, addresses being offsets
     */
    private record Loop(
            KernelText text,
            LoopSource.Form form,
            long rows,
            long n0,
            long n1,
            long size1,
            long[] sizes,
            LoopArguments.Motion index,
            List<LoopArguments.Motion> motions,
            int lanes) {}

    private record Merge(KernelText text, Launch.Partials partials, boolean shared, long overflow, long invalid) {}

    private final Plan.KernelStep step;
    private final DeviceProperties properties;
    private final Launch launch;
    private final Kernel kernel;
    private final @Nullable Watch watch;
    private final List<Loop> loops = new ArrayList<>();
    private final List<Merge> merges = new ArrayList<>();

    private DeviceStep(Plan.KernelStep step, DeviceProperties properties) {
        this.step = step;
        this.properties = properties;
        Diagnosis diagnosis = step.diagnosis();
        this.watch = diagnosis == null ? null : diagnosis.watch();
        this.kernel = watch == null ? Objects.requireNonNull(step.kernel()) : watch.kernel();
        this.launch = new LaunchBuilder(step, GEOMETRY).build();
        for (Region region : launch.regions()) {
            loops.add(loop(region));
        }
        for (Launch.Partials partials : launch.partials()) {
            if (!partials.direct()) {
                merges.add(merge(partials));
            }
        }
    }

    /** @return empty where the device has no form for the step */
    static Optional<DeviceStep> of(Plan.KernelStep step, DeviceProperties properties) {
        DeviceStep made = new DeviceStep(step, properties);
        int words = made.loops.stream()
                .mapToInt(loop -> 4
                        + loop.sizes().length
                        + (2 + made.kernel.operands()) * (loop.sizes().length + 3)
                        + made.kernel.scalars())
                .max()
                .orElse(0);
        return words * Long.BYTES > MOST_ARGUMENT_BYTES ? Optional.empty() : Optional.of(made);
    }

    List<KernelText> texts() {
        List<KernelText> texts = new ArrayList<>();
        loops.forEach(loop -> texts.add(loop.text()));
        merges.forEach(merge -> texts.add(merge.text()));
        return texts;
    }

    int launches() {
        return loops.size() + merges.size();
    }

    private Loop loop(Region region) {
        long[] sizes;
        long n0 = region.size0();
        long n1 = 1;
        long size1 = 1;
        int rank;
        if (step.mode() == Plan.Mode.MAP) {
            sizes = Arrays.copyOf(step.shape(), step.shape().length - 1);
            rank = sizes.length;
        } else {
            rank = region.outer().length + 1;
            sizes = Arrays.copyOf(region.outer(), rank);
            sizes[rank - 1] = region.size1();
            if (step.mode() == Plan.Mode.FOLD_OUTER) {
                n1 = Math.min(region.chunk1(), region.size1());
                size1 = region.size1();
                sizes[rank - 1] = (size1 + n1 - 1) / n1;
            }
        }
        long rows = 1;
        for (long size : sizes) {
            rows *= size;
        }
        List<LoopArguments.Motion> motions = new ArrayList<>();
        for (int operand = 0; operand < step.bindings().size(); operand++) {
            motions.add(
                    step.mode() == Plan.Mode.MAP
                            ? whole(step.bindings().get(operand).strides())
                            : motion(region.operands()[operand], n1));
        }
        long[] indexStrides = step.indexStrides();
        LoopArguments.Motion index = step.mode() != Plan.Mode.MAP
                ? motion(region.index(), n1)
                : whole(indexStrides == null ? new long[step.shape().length] : indexStrides);
        LoopSource.Form form = form(n0, sizes, motions);
        boolean wide = isWide(rows, n0, n1, size1, sizes, motions);
        int lanes = LoopSource.lanes(Objects.requireNonNull(step.kernel()));
        LoopSource.Shape shape = new LoopSource.Shape(
                kernel,
                form,
                rank,
                wide,
                properties.blockThreads(),
                lanes,
                reductions(),
                watches(),
                watch == null ? -1 : watch.word());
        return new Loop(
                KernelText.of(name -> LoopSource.write(shape, name)),
                form,
                rows,
                n0,
                n1,
                size1,
                sizes,
                index,
                motions,
                lanes);
    }

    /** Steps along all dimensions, and none along inner rows. */
    private static LoopArguments.Motion whole(long[] strides) {
        int rank = strides.length - 1;
        long[] steps = Arrays.copyOf(strides, rank + 2);
        steps[rank] = 0;
        steps[rank + 1] = strides[rank];
        return new LoopArguments.Motion(0, steps);
    }

    private LoopArguments.Motion motion(Region.Motion motion, long n1) {
        int outer = motion.outer().length;
        long[] steps = Arrays.copyOf(motion.outer(), outer + 3);
        boolean pieces = step.mode() == Plan.Mode.FOLD_OUTER;
        steps[outer] = pieces ? motion.chunkStep1() : motion.step1();
        steps[outer + 1] = pieces && n1 > 0 ? motion.step1() : 0;
        steps[outer + 2] = motion.step0();
        return new LoopArguments.Motion(motion.start(), steps);
    }

    private LoopSource.Form form(long n0, long[] sizes, List<LoopArguments.Motion> motions) {
        switch (step.mode()) {
            case FOLD_INNER -> {
                return LoopSource.Form.FOLD_INNER;
            }
            case FOLD_OUTER -> {
                return LoopSource.Form.FOLD_OUTER;
            }
            case MAP -> {
                if (sizes.length > 0 || step.indexStrides() != null) {
                    return LoopSource.Form.MAP;
                }
            }
        }
        int pack = CudaSource.pack(kernel);
        boolean contiguous = n0 >= pack;
        for (int operand = 0; operand < motions.size(); operand++) {
            Plan.Binding binding = step.bindings().get(operand);
            int bytes = binding.storage().bytes();
            contiguous &= bytes < Long.BYTES
                    && motions.get(operand).steps()[1] == bytes
                    && binding.offset() % ((long) pack * bytes) == 0;
        }
        return contiguous && !motions.isEmpty() ? LoopSource.Form.MAP_WIDE : LoopSource.Form.MAP;
    }

    private static boolean isWide(
            long rows, long n0, long n1, long size1, long[] sizes, List<LoopArguments.Motion> motions) {
        if (rows >= NARROW || n0 >= NARROW || size1 >= NARROW || rows * n0 >= NARROW) {
            return true;
        }
        for (LoopArguments.Motion motion : motions) {
            long reach = 16;
            for (int dimension = 0; dimension < sizes.length; dimension++) {
                reach += sizes[dimension] * Math.abs(motion.steps()[dimension]);
            }
            reach += n1 * Math.abs(motion.steps()[sizes.length]) + n0 * Math.abs(motion.steps()[sizes.length + 1]);
            if (reach >= NARROW) {
                return true;
            }
        }
        return false;
    }

    private Map<Integer, Reduction> reductions() {
        Map<Integer, Reduction> reductions = new HashMap<>();
        for (Plan.FoldBinding fold : step.folds()) {
            reductions.put(fold.operand(), fold.reduction());
        }
        return reductions;
    }

    private Map<Integer, LoopSource.FoldWatch> watches() {
        Map<Integer, LoopSource.FoldWatch> watches = new HashMap<>();
        for (Plan.FoldBinding fold : step.folds()) {
            if (watch != null && combines(fold.reduction())) {
                watches.put(
                        fold.operand(),
                        new LoopSource.FoldWatch(
                                bits(fold, FloatingPointRules.OVERFLOW), bits(fold, FloatingPointRules.INVALID)));
            }
        }
        return watches;
    }

    private static boolean combines(Reduction reduction) {
        return reduction == Reduction.SUM || reduction == Reduction.PRODUCT;
    }

    private long bits(Plan.FoldBinding fold, int kind) {
        Diagnosis diagnosis = step.diagnosis();
        return diagnosis == null ? 0 : diagnosis.bitsOf(fold, kind);
    }

    private Merge merge(Launch.Partials partials) {
        Plan.FoldBinding fold = partials.fold();
        boolean shared = partials.perResult() > SERIAL_PARTIALS;
        int rank = partials.keptShape().length;
        KernelText text = KernelText.of(
                name -> CombineSource.write(fold.reduction(), fold.accumulator(), fold.type(), rank, shared, name));
        return new Merge(
                text,
                partials,
                shared,
                bits(fold, FloatingPointRules.OVERFLOW),
                bits(fold, FloatingPointRules.INVALID));
    }

    /** What a run needs of its surroundings. */
    interface Surroundings {
        /** Queues a kernel. */
        void launch(KernelText text, Driver.Grid grid, byte[] argument) throws DeviceException;

        /** Queues products of matrices; false if the device cannot do them. */
        boolean multiply(Product product) throws DeviceException;

        /** Queues Fourier transforms; false if the device cannot do them. */
        boolean transform(Transform transform) throws DeviceException;

        /** Device memory until the step is queued. */
        long scratch(long bytes) throws DeviceException;

        void zero(long address, long bytes) throws DeviceException;

        /** Waits for all that is queued, and reads a word. */
        long word(long address) throws DeviceException;
    }

    /** Bytes of device memory that a run needs beside its buffers. */
    long scratchBytes() {
        return launch.partials().stream()
                .filter(partials -> !partials.direct())
                .mapToLong(Launch.Partials::bytes)
                .sum();
    }

    /**
     * Queues the step's kernels.
     *
     * @param addresses of the buffers' first bytes
     * @param scalars the words of the scalar slots
     * @param report address of the word that errors are reported to; 0 if nobody wants to know
     */
    void run(Surroundings surroundings, IntToLongFunction addresses, long[] scalars, long report)
            throws DeviceException {
        long[] partialAddresses = new long[launch.partials().size()];
        for (int fold = 0; fold < partialAddresses.length; fold++) {
            Launch.Partials partials = launch.partials().get(fold);
            partialAddresses[fold] = partials.direct()
                    ? addresses.applyAsLong(partials.fold().buffer())
                            + partials.fold().offset()
                    : surroundings.scratch(partials.bytes());
        }
        for (Loop loop : loops) {
            List<LoopArguments.Motion> operands = new ArrayList<>();
            for (int operand = 0; operand < step.bindings().size(); operand++) {
                Plan.Binding binding = step.bindings().get(operand);
                long base = binding.buffer() < 0
                        ? partialAddresses[-1 - binding.buffer()]
                        : addresses.applyAsLong(binding.buffer()) + binding.offset();
                LoopArguments.Motion motion = loop.motions().get(operand);
                operands.add(new LoopArguments.Motion(base + motion.address(), motion.steps()));
            }
            if (watch != null) {
                operands.add(new LoopArguments.Motion(report, new long[loop.sizes().length + 2]));
            }
            byte[] argument = new LoopArguments(
                            loop.rows(),
                            loop.n0(),
                            loop.n1(),
                            loop.size1(),
                            loop.sizes(),
                            loop.index(),
                            operands,
                            scalars)
                    .bytes();
            surroundings.launch(loop.text(), grid(loop), argument);
        }
        for (Merge merge : merges) {
            int fold = launch.partials().indexOf(merge.partials());
            long destination = addresses.applyAsLong(merge.partials().fold().buffer())
                    + merge.partials().fold().offset();
            surroundings.launch(
                    merge.text(), grid(merge), argument(merge, partialAddresses[fold], destination, report));
        }
    }

    private byte[] argument(Merge merge, long address, long destination, long report) {
        Launch.Partials partials = merge.partials();
        int rank = partials.keptShape().length;
        ByteBuffer words = ByteBuffer.allocate(8 * (9 + 2 * rank)).order(ByteOrder.LITTLE_ENDIAN);
        words.putLong(partials.results()).putLong(partials.perResult()).putLong(address);
        words.putLong(partials.resultStep()).putLong(partials.partialStep()).putLong(destination);
        for (long size : partials.keptShape()) {
            words.putLong(size);
        }
        for (long stride : partials.destinationSteps()) {
            words.putLong(stride);
        }
        boolean watched = watch != null && combines(partials.fold().reduction());
        words.putLong(watched ? report : 0).putLong(merge.overflow()).putLong(merge.invalid());
        return words.array();
    }

    private Driver.Grid grid(Merge merge) {
        int threads = properties.blockThreads();
        long blocks =
                merge.shared() ? merge.partials().results() : (merge.partials().results() + threads - 1) / threads;
        return new Driver.Grid(clamp(blocks), 1, threads, 1);
    }

    private int clamp(long blocks) {
        return (int) Math.clamp(blocks, 1, (long) properties.multiprocessors() * BLOCKS_A_PROCESSOR);
    }

    private Driver.Grid grid(Loop loop) {
        int threads = properties.blockThreads();
        return switch (loop.form()) {
            case FOLD_INNER -> {
                int rowsPerBlock = threads / loop.lanes();
                yield new Driver.Grid(clamp((loop.rows() + rowsPerBlock - 1) / rowsPerBlock), 1, threads, 1);
            }
            case MAP_WIDE -> {
                long packs = loop.n0() / CudaSource.pack(kernel);
                yield new Driver.Grid(clamp((packs + threads - 1) / threads), 1, threads, 1);
            }
            case MAP, FOLD_OUTER -> {
                int threadsX = threads;
                while (threadsX > 1 && threadsX / 2 >= loop.n0()) {
                    threadsX /= 2;
                }
                int threadsY = threads / threadsX;
                int blocksX = clamp((loop.n0() + threadsX - 1) / threadsX);
                long most = Math.max(1, (long) properties.multiprocessors() * BLOCKS_A_PROCESSOR / blocksX);
                int blocksY = (int) Math.min(Math.min(most, 65_535), (loop.rows() + threadsY - 1) / threadsY);
                yield new Driver.Grid(blocksX, Math.max(1, blocksY), threadsX, threadsY);
            }
        };
    }
}
