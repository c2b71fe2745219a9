package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One run of a kernel: where its operands and partial results lie, its calls, and what is made of the partial results. */
final class KernelRun implements AutoCloseable {
    private static final long ELEMENTS_A_TURN = 65_536;

    private final Launch launch;
    private final @Nullable Inspector inspector;
    private final List<Memory.Scratch> scratches = new ArrayList<>();
    private final long[] partialAddresses;
    private final long[] destinations;
    private final long[] addresses;
    private final long[] words;

    /**
     * @param dimension along which the launch is a slice of the loop; -1 for none
     * @param first where the slice begins
     */
    KernelRun(
            Launch launch,
            List<Scalar> scalars,
            Memory memory,
            @Nullable Inspector inspector,
            int dimension,
            long first) {
        this.launch = launch;
        this.inspector = inspector;
        Plan.KernelStep step = launch.step();
        int folds = launch.partials().size();
        this.partialAddresses = new long[folds];
        this.destinations = new long[folds];
        this.addresses = new long[step.bindings().size()];
        this.words = Scalars.words(step.scalars(), scalars);
        try {
            for (int fold = 0; fold < folds; fold++) {
                Launch.Partials partials = launch.partials().get(fold);
                Plan.FoldBinding binding = partials.fold();
                destinations[fold] = memory.address(binding.buffer())
                        + binding.offset()
                        + shift(binding.strides(), dimension, first);
                if (partials.direct()) {
                    partialAddresses[fold] = destinations[fold];
                } else {
                    Memory.Scratch scratch = memory.scratch(partials.bytes());
                    scratches.add(scratch);
                    partialAddresses[fold] = scratch.address();
                }
                if (partials.prefill()) {
                    Combine.prefill(partials, partialAddresses[fold], destinations[fold]);
                }
            }
            for (int operand = 0; operand < addresses.length; operand++) {
                Plan.Binding binding = step.bindings().get(operand);
                addresses[operand] = binding.buffer() < 0
                        ? partialAddresses[-1 - binding.buffer()]
                        : memory.address(binding.buffer())
                                + binding.offset()
                                + shift(binding.strides(), dimension, first);
            }
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    private static long shift(long[] strides, int dimension, long first) {
        return dimension < 0 ? 0 : strides[dimension] * first;
    }

    /** Runs everything. */
    void compute(Workers workers, long[] blocks) {
        put(blocks);
        for (Region region : launch.regions()) {
            compute(workers, blocks, region, 0, region.boxes());
        }
    }

    /** Runs some of the calls of each region. */
    void compute(Workers workers, long[] blocks, long[][] cuts, int rank) {
        put(blocks);
        for (int number = 0; number < cuts.length; number++) {
            compute(workers, blocks, launch.regions().get(number), cuts[number][rank], cuts[number][rank + 1]);
        }
    }

    private void put(long[] blocks) {
        for (long block : blocks) {
            Scalars.put(block, addresses.length, words);
        }
    }

    private void compute(Workers workers, long[] blocks, Region region, long first, long last) {
        long boxes = last - first;
        long grain = launch.parallel() ? Math.max(1, ELEMENTS_A_TURN / region.elementsPerBox()) : Math.max(1, boxes);
        BooleanSupplier cancelled = Workers.CANCELLED.orElse(Workers.NEVER);
        workers.run(
                boxes,
                grain,
                (worker, begin, end) ->
                        region.run(blocks[worker], addresses, first + begin, first + end, inspector, cancelled));
    }

    /** The address of the partial results of a fold. */
    long partials(int fold) {
        return partialAddresses[fold];
    }

    /** Makes the results of the partial ones. */
    void combine() {
        for (int fold = 0; fold < partialAddresses.length; fold++) {
            Launch.Partials partials = launch.partials().get(fold);
            if (!partials.direct()) {
                Combine.run(partials, partialAddresses[fold], destinations[fold], inspector);
            }
        }
    }

    @Override
    public void close() {
        scratches.forEach(Memory.Scratch::close);
    }
}
