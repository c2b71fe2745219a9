package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Operation;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What to do for a batch of some structure, buffers and scalars still open.
 *
 * @param steps in order
 * @param unused buffers freed without having been used
 * @param temporaries sizes in bytes of buffers that live inside the batch only
 * @param firstTemporary the number of the first of them
 */
public record Plan(List<Step> steps, List<Integer> unused, List<Long> temporaries, int firstTemporary) {
    public Plan {
        steps = List.copyOf(steps);
        unused = List.copyOf(unused);
        temporaries = List.copyOf(temporaries);
    }

    /** One thing to do. */
    public sealed interface Step {
        /** Buffers nobody needs behind this step. */
        List<Integer> frees();
    }

    /**
     * An instruction with a routine of its own.
     *
     * @param wanted the kinds of floating-point errors that the client wants to know of
     */
    public record RoutineStep(Operation operation, Instruction instruction, List<Integer> frees, int wanted)
            implements Step {
        public RoutineStep {
            frees = List.copyOf(frees);
        }
    }

    /**
     * Kernels that run block of rows by block of rows, each block through all of them before the next one: what they hand
     * on is still in the cache. Row r of a stage stands at the coordinate {@code first + r}; every buffer that one of
     * them writes and another one touches is touched at the same coordinate by both.
     *
     * @param stages in order
     * @param groups how many groups of the batch it takes
     * @param rows coordinates from 0 to before this
     * @param block coordinates a block
     * @param locals buffers that nobody needs but the block that makes them
     */
    public record CascadeStep(
            List<Stage> stages, int groups, long rows, long block, List<Local> locals, List<Integer> frees)
            implements Step {
        public CascadeStep {
            stages = List.copyOf(stages);
            locals = List.copyOf(locals);
            frees = List.copyOf(frees);
        }

        public long blocks() {
            return (rows + block - 1) / block;
        }

        /** How many rows of a stage a block can have. */
        static Set<Long> sizes(long rows, long block, long first, long count) {
            Set<Long> sizes = new TreeSet<>();
            for (long begin = 0; begin < rows; begin += block) {
                long size = Math.min(begin + block, first + count) - Math.max(begin, first);
                if (size > 0) {
                    sizes.add(size);
                }
            }
            return sizes;
        }
    }

    /**
     * A kernel of a cascade.
     *
     * @param whole the kernel over all its rows
     * @param first the coordinate of its first row
     * @param count how many rows it has
     * @param byRows the kernel over so many rows, for each number that a block can have
     * @param foldsRows whether the rows themselves are folded, so that each block makes partial results only
     */
    public record Stage(KernelStep whole, long first, long count, Map<Long, KernelStep> byRows, boolean foldsRows) {
        public Stage {
            byRows = Map.copyOf(byRows);
        }
    }

    /**
     * A buffer of which each block has only its own rows.
     *
     * @param rowBytes bytes from one row to the next
     * @param firstRow the buffer's row at coordinate 0
     */
    public record Local(int buffer, long rowBytes, long firstRow) {}

    /** How folds are laid onto the loop. */
    public enum Mode {
        /** No fold. */
        MAP,
        /** The innermost dimension is folded: the kernel reduces. */
        FOLD_INNER,
        /** Only outer dimensions are folded: the kernel adds rows to accumulators in memory. */
        FOLD_OUTER
    }

    /**
     * An operand of a kernel.
     *
     * @param buffer number of the buffer, or -1 - k for the accumulators of fold k
     * @param strides bytes along the loop's dimensions, outermost first
     * @param stored whether the kernel writes it
     * @param loaded whether the kernel reads it
     * @param rowStep bytes from one row of a cascade to the next
     */
    public record Binding(
            int buffer,
            long offset,
            long[] strides,
            ElementType storage,
            boolean stored,
            boolean loaded,
            long rowStep) {}

    /**
     * A scalar slot of a kernel.
     *
     * @param position the scalar's position in the batch
     * @param part 0 for the value or its real part, 1 for the imaginary one
     */
    public record ScalarBinding(int position, DType type, int part) {}

    /**
     * A fold of a kernel: partial results are combined and written to the destination.
     *
     * @param operand the kernel operand that is bound to the partial results
     * @param buffer destination
     * @param offset destination's first element (of this part), bytes
     * @param strides destination's bytes along the loop's dimensions; 0 along folded ones
     * @param type destination's type (of this part)
     * @param rowStep the destination's bytes from one row of a cascade to the next
     */
    public record FoldBinding(
            int operand,
            Reduction reduction,
            ElementType accumulator,
            int buffer,
            long offset,
            long[] strides,
            ElementType type,
            long rowStep) {}

    /**
     * A fused kernel over a loop nest.
     *
     * @param kernel the body; null if everything it would do is dead
     * @param shape sizes of the loop's dimensions, outermost first, at least one
     * @param folded which of them are folded
     * @param indexStrides how the index grows along them; null if the kernel does not ask
     * @param members what was fused, for reports
     * @param elided buffers that would have been written and read without fusion
     * @param diagnosis how to find floating-point errors; null if the client does not want to know of any
     */
    public record KernelStep(
            @Nullable Kernel kernel,
            long[] shape,
            boolean[] folded,
            long @Nullable [] indexStrides,
            Mode mode,
            List<Binding> bindings,
            List<ScalarBinding> scalars,
            List<FoldBinding> folds,
            List<Described> members,
            int elided,
            List<Integer> frees,
            @Nullable Diagnosis diagnosis)
            implements Step {
        public KernelStep {
            bindings = List.copyOf(bindings);
            scalars = List.copyOf(scalars);
            folds = List.copyOf(folds);
            members = List.copyOf(members);
            frees = List.copyOf(frees);
        }

        KernelStep with(@Nullable Diagnosis found) {
            return new KernelStep(
                    kernel, shape, folded, indexStrides, mode, bindings, scalars, folds, members, elided, frees, found);
        }

        public long elements() {
            long elements = 1;
            for (long size : shape) {
                elements *= size;
            }
            return elements;
        }

        /** Elements of the dimensions that are not folded. */
        public long keptElements() {
            long elements = 1;
            for (int dimension = 0; dimension < shape.length; dimension++) {
                elements *= folded[dimension] ? 1 : shape[dimension];
            }
            return elements;
        }
    }

    /** A fused instruction, for reports. */
    public record Described(String operation, String signature, int source) {}
}
