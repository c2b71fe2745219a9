package io.maniple.server.engine;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Kernel.Access;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Cuts a kernel step into regions and compiles its kernel for the access each operand has there. */
final class LaunchBuilder {
    /** Elements a call: long enough to hide the call, short enough to share between threads. */
    private static final long CALL = 65_536;
    /** A longer inner loop is folded in pieces of {@link #FOLD_PIECE}, whose results are combined pairwise. */
    private static final long FOLD_WHOLE = 4_096;

    private static final long FOLD_PIECE = 2_048;
    /** Accumulators of one call when rows are added up: they stay in the first-level cache. */
    private static final long FOLD_ROW = 2_048;

    private static final long FOLD_LEAST_ROW = 128;
    private static final long FOLD_COLUMNS = 1_024;
    /** Fewer rows are not worth a kernel for several at a time. */
    private static final long FOLD_LEAST_GROUPED = 16;

    private static final long FOLD_LEAST_ROWS = 64;
    /** How far a call goes through memory that is perhaps a disk's. */
    private static final long FOLD_CALL_BYTES = 8L << 20;

    private static final long FOLD_BLOCK = 262_144;
    private static final long MOST_FOLD_BLOCKS = 64;
    /** Transposing access goes by tiles of this edge, so that both sides use whole cache lines. */
    private static final long TILE = 64;
    /** Outputs larger than the last-level cache bypass it. */
    static final long STREAMING_BYTES = 32L << 20;

    /**
     * How a kernel of a cascade differs from one that stands alone.
     *
     * @param foldsRows whether each call of the launch makes partial results only
     * @param repeats how often the launch runs, with other rows each time
     * @param handedOn whether a later kernel reads a buffer
     * @param indexBase the linear index of the first element
     * @param whole the step of which this one is a slice: it decides in what pieces is folded; null if it is all of it
     */
    record Role(
            boolean foldsRows, long repeats, IntPredicate handedOn, long indexBase, Plan.@Nullable KernelStep whole) {
        static final Role ALONE = new Role(false, 1, buffer -> false, 0, null);

        static Role slice(Plan.KernelStep whole, long indexBase) {
            return new Role(false, 1, buffer -> false, indexBase, whole);
        }
    }

    private final Plan.KernelStep step;
    private final Role role;
    private final Kernel kernel;
    private final Compilers compilers;
    private final int rank;
    private final List<Launch.Partials> partials = new ArrayList<>();

    LaunchBuilder(Plan.KernelStep step, Compilers compilers) {
        this(step, compilers, Role.ALONE);
    }

    LaunchBuilder(Plan.KernelStep step, Compilers compilers, Role role) {
        this.step = step;
        this.role = role;
        this.kernel = Objects.requireNonNull(step.kernel());
        this.compilers = compilers;
        this.rank = step.shape().length;
    }

    Launch build() {
        List<Region> regions = switch (step.mode()) {
            case MAP -> List.of(map());
            case FOLD_INNER -> foldInner();
            case FOLD_OUTER -> List.of(foldOuter());
        };
        return new Launch(step, regions, partials, Effort.deservesThreads(step, kernel));
    }

    private long size1() {
        return rank >= 2 ? step.shape()[rank - 2] : 1;
    }

    private long size0() {
        return step.shape()[rank - 1];
    }

    private long[] outerSizes() {
        return Arrays.copyOf(step.shape(), Math.max(0, rank - 2));
    }

    private Region map() {
        long size0 = size0();
        long size1 = size1();
        long chunk0 = Math.min(size0, CALL);
        long chunk1 = Math.max(1, Math.min(size1, CALL / chunk0));
        if (isTransposing() && size0 >= TILE && size1 >= TILE) {
            chunk0 = TILE;
            chunk1 = TILE;
        }
        List<Region.Motion> motions = new ArrayList<>();
        for (Plan.Binding binding : step.bindings()) {
            motions.add(motion(binding.strides(), chunk1, chunk0));
        }
        return region(size1, size0, chunk1, chunk0, motions, indexMotion(chunk1, chunk0, 0), isStreaming());
    }

    private Region.Motion motion(long[] strides, long chunk1, long chunk0) {
        long step0 = strides[rank - 1];
        long step1 = rank >= 2 ? strides[rank - 2] : 0;
        return new Region.Motion(
                0, Arrays.copyOf(strides, Math.max(0, rank - 2)), step1 * chunk1, step0 * chunk0, step1, step0);
    }

    private Region.Motion indexMotion(long chunk1, long chunk0, long start) {
        long[] strides = step.indexStrides();
        if (strides == null) {
            return new Region.Motion(0, new long[Math.max(0, rank - 2)], 0, 0, 0, 0);
        }
        Region.Motion plain = motion(strides, chunk1, chunk0);
        return new Region.Motion(
                role.indexBase() + start,
                plain.outer(),
                plain.chunkStep1(),
                plain.chunkStep0(),
                plain.step1(),
                plain.step0());
    }

    private Region region(
            long size1,
            long size0,
            long chunk1,
            long chunk0,
            List<Region.Motion> motions,
            Region.Motion index,
            boolean streaming) {
        List<Access> accesses = new ArrayList<>();
        for (int operand = 0; operand < motions.size(); operand++) {
            long step0 = motions.get(operand).step0();
            int bytes = step.bindings().get(operand).storage().bytes();
            accesses.add(
                    step0 == 0 && size0 > 1
                            ? Access.BROADCAST
                            : step0 == bytes || size0 == 1 ? Access.CONTIGUOUS : Access.STRIDED);
        }
        Executable executable = compilers.compile(kernel, accesses, streaming);
        return new Region(
                executable,
                accesses,
                outerSizes(),
                size1,
                size0,
                chunk1,
                chunk0,
                step.mode() == Plan.Mode.FOLD_OUTER ? rowsACall(motions, chunk1, chunk0) : chunk1,
                motions.toArray(Region.Motion[]::new),
                index,
                step.mode() == Plan.Mode.FOLD_OUTER && chunk1 >= FOLD_LEAST_GROUPED ? groups(motions, accesses) : null);
    }

    /** So many that a call is no longer than others and moves on by little. */
    private static long rowsACall(List<Region.Motion> motions, long chunk1, long chunk0) {
        long step = motions.stream()
                .mapToLong(motion -> Math.abs(motion.step1()))
                .max()
                .orElse(0);
        long rows = Math.min(CALL / chunk0, FOLD_CALL_BYTES / Math.max(1, step));
        return Math.clamp(
                rows / FOLD_LEAST_GROUPED * FOLD_LEAST_GROUPED,
                FOLD_LEAST_GROUPED,
                Math.max(FOLD_LEAST_GROUPED, chunk1));
    }

    private @Nullable RowGroups groups(List<Region.Motion> motions, List<Access> accesses) {
        boolean[] shared = new boolean[motions.size()];
        for (int operand = 0; operand < shared.length; operand++) {
            shared[operand] = motions.get(operand).step1() == 0;
        }
        return RowGroups.of(kernel, shared, accesses, compilers)
                .filter(groups -> groups.words() <= Engine.BLOCK_WORDS)
                .orElse(null);
    }

    private boolean isTransposing() {
        if (rank < 2) {
            return false;
        }
        return step.bindings().stream()
                .anyMatch(binding -> Math.abs(binding.strides()[rank - 1]) >= TILE
                        && Math.abs(binding.strides()[rank - 1]) > Math.abs(binding.strides()[rank - 2])
                        && binding.strides()[rank - 2] != 0);
    }

    private boolean isStreaming() {
        long bytes = 0;
        for (Plan.Binding binding : step.bindings()) {
            if (binding.stored()) {
                if (binding.loaded()
                        || role.handedOn().test(binding.buffer())
                        || binding.strides()[rank - 1] != binding.storage().bytes()) {
                    return false;
                }
                bytes += binding.storage().bytes() * step.elements() * role.repeats();
            }
        }
        return bytes > STREAMING_BYTES && size0() >= 512;
    }

    /** Sizes and destination strides of the dimensions that are not folded. */
    private long[] kept(long[] values) {
        List<Long> kept = new ArrayList<>();
        for (int dimension = 0; dimension < rank; dimension++) {
            if (!step.folded()[dimension]) {
                kept.add(values[dimension]);
            }
        }
        return kept.stream().mapToLong(Long::longValue).toArray();
    }

    private static long product(long[] sizes) {
        long product = 1;
        for (long size : sizes) {
            product *= size;
        }
        return product;
    }

    private List<Region> foldInner() {
        long size0 = size0();
        long pieces = size0 > FOLD_WHOLE ? size0 / FOLD_PIECE : 0;
        long rest = size0 - pieces * FOLD_PIECE;
        long perRow = pieces + (rest > 0 ? 1 : 0);
        long results = product(kept(step.shape()));
        long foldedOuter = product(step.shape()) / size0 / results;
        long perResult = foldedOuter * perRow;
        for (Plan.FoldBinding fold : step.folds()) {
            int bytes = fold.accumulator().bytes();
            partials.add(new Launch.Partials(
                    fold,
                    perResult == 1 && !role.foldsRows() && fold.type() == fold.accumulator(),
                    false,
                    results,
                    perResult,
                    perResult * bytes,
                    bytes,
                    kept(step.shape()),
                    kept(fold.strides())));
        }
        List<Region> regions = new ArrayList<>();
        if (pieces == 0) {
            regions.add(foldInnerWhole(perRow));
        } else {
            regions.add(foldInnerPieces(pieces, FOLD_PIECE, 0, perRow, 0));
            if (rest > 0) {
                regions.add(foldInnerPieces(1, rest, pieces * FOLD_PIECE, perRow, pieces));
            }
        }
        return regions;
    }

    private Region foldInnerWhole(long perRow) {
        long size0 = size0();
        long size1 = size1();
        long chunk1 = Math.max(1, Math.min(size1, CALL / size0));
        List<Region.Motion> motions = new ArrayList<>();
        for (int operand = 0; operand < step.bindings().size(); operand++) {
            Plan.Binding binding = step.bindings().get(operand);
            long[] strides = binding.buffer() < 0 ? partialStrides(-1 - binding.buffer(), perRow) : binding.strides();
            motions.add(motion(strides, chunk1, size0));
        }
        return region(size1, size0, chunk1, size0, motions, indexMotion(chunk1, size0, 0), false);
    }

    /** The innermost dimension as rows of equal pieces: all other dimensions are outer ones. */
    private Region foldInnerPieces(long pieces, long piece, long firstElement, long perRow, long firstPartial) {
        long chunk1 = Math.max(1, Math.min(pieces, CALL / piece));
        long[] outer = Arrays.copyOf(step.shape(), rank - 1);
        List<Region.Motion> motions = new ArrayList<>();
        List<Access> accesses = new ArrayList<>();
        for (Plan.Binding binding : step.bindings()) {
            boolean isPartial = binding.buffer() < 0;
            long[] strides = isPartial ? partialStrides(-1 - binding.buffer(), perRow) : binding.strides();
            int bytes = binding.storage().bytes();
            long step0 = isPartial ? 0 : strides[rank - 1];
            long rowStep = isPartial ? bytes : step0 * piece;
            long start = isPartial ? firstPartial * bytes : firstElement * step0;
            motions.add(
                    new Region.Motion(start, Arrays.copyOf(strides, rank - 1), rowStep * chunk1, 0, rowStep, step0));
            accesses.add(step0 == 0 ? Access.BROADCAST : step0 == bytes ? Access.CONTIGUOUS : Access.STRIDED);
        }
        long[] index = step.indexStrides() == null ? new long[rank] : step.indexStrides();
        long indexStep = index[rank - 1];
        Region.Motion indexMotion = new Region.Motion(
                role.indexBase() + firstElement * indexStep,
                Arrays.copyOf(index, rank - 1),
                indexStep * piece * chunk1,
                0,
                indexStep * piece,
                indexStep);
        return new Region(
                compilers.compile(kernel, accesses, false),
                accesses,
                outer,
                pieces,
                piece,
                chunk1,
                piece,
                chunk1,
                motions.toArray(Region.Motion[]::new),
                indexMotion,
                null);
    }

    /** Strides of the partial results of a fold over the inner loop; for a direct one those of the destination. */
    private long[] partialStrides(int foldNumber, long perRow) {
        Launch.Partials target = partials.get(foldNumber);
        if (target.direct()) {
            return target.fold().strides();
        }
        long[] strides = new long[rank];
        long keptStep = target.resultStep();
        long foldedStep = target.partialStep() * perRow;
        for (int dimension = rank - 2; dimension >= 0; dimension--) {
            if (step.folded()[dimension]) {
                strides[dimension] = foldedStep;
                foldedStep *= step.shape()[dimension];
            } else {
                strides[dimension] = keptStep;
                keptStep *= step.shape()[dimension];
            }
        }
        return strides;
    }

    private Region foldOuter() {
        long size0 = size0();
        long size1 = size1();
        long results = product(kept(step.shape()));
        long blocks = foldBlocks(role.whole() == null ? step : role.whole());
        long chunk1 = (size1 + blocks - 1) / blocks;
        blocks = (size1 + chunk1 - 1) / chunk1;
        long chunk0 = Math.min(size0, Math.clamp(results / 2, FOLD_LEAST_ROW, FOLD_ROW));
        long perResult = product(step.shape()) / results / size1 * blocks;
        List<Region.Motion> motions = new ArrayList<>();
        for (Plan.FoldBinding fold : step.folds()) {
            int bytes = fold.accumulator().bytes();
            partials.add(new Launch.Partials(
                    fold,
                    perResult == 1 && !role.foldsRows() && fold.type() == fold.accumulator(),
                    true,
                    results,
                    perResult,
                    bytes,
                    results * bytes,
                    kept(step.shape()),
                    kept(fold.strides())));
        }
        for (Plan.Binding binding : step.bindings()) {
            motions.add(
                    binding.buffer() < 0
                            ? accumulatorMotion(partials.get(-1 - binding.buffer()), blocks, chunk0)
                            : motion(binding.strides(), chunk1, chunk0));
        }
        return region(size1, size0, chunk1, chunk0, motions, indexMotion(chunk1, chunk0, 0), false);
    }

    /** In how many pieces rows are added up. */
    private static long foldBlocks(Plan.KernelStep step) {
        int rank = step.shape().length;
        long size0 = step.shape()[rank - 1];
        long size1 = rank >= 2 ? step.shape()[rank - 2] : 1;
        // Enough columns to share: every one is added up from top to bottom, as NumPy does. Otherwise rows are shared.
        return step.keptElements() >= FOLD_COLUMNS
                ? 1
                : Math.max(
                        1, Math.min(Math.min(MOST_FOLD_BLOCKS, size1 / FOLD_LEAST_ROWS), size1 * size0 / FOLD_BLOCK));
    }

    private Region.Motion accumulatorMotion(Launch.Partials target, long blocks, long chunk0) {
        if (target.direct()) {
            long[] strides = target.fold().strides();
            return new Region.Motion(
                    0, Arrays.copyOf(strides, rank - 2), 0, strides[rank - 1] * chunk0, 0, strides[rank - 1]);
        }
        long bytes = target.accumulator().bytes();
        long[] outer = new long[rank - 2];
        long keptStep = bytes * size0();
        long foldedStep = target.partialStep() * blocks;
        for (int dimension = rank - 3; dimension >= 0; dimension--) {
            if (step.folded()[dimension]) {
                outer[dimension] = foldedStep;
                foldedStep *= step.shape()[dimension];
            } else {
                outer[dimension] = keptStep;
                keptStep *= step.shape()[dimension];
            }
        }
        return new Region.Motion(0, outer, target.partialStep(), bytes * chunk0, 0, bytes);
    }
}
