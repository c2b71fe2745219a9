package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.server.plan.Plan;
import java.util.List;

/**
 * A kernel step ready to run: regions and the accumulators of its folds.
 *
 * @param regions parts of the loop nest, independent of each other
 * @param partials one entry a fold
 * @param parallel whether several threads should share the work
 */
record Launch(Plan.KernelStep step, List<Region> regions, List<Partials> partials, boolean parallel) {
    Launch {
        regions = List.copyOf(regions);
        partials = List.copyOf(partials);
    }

    /**
     * Where a fold's partial results lie before they are combined.
     *
     * @param direct whether the kernel writes to the destination itself (one partial result of the right type)
     * @param prefill whether the accumulators must hold the identity before the kernel runs
     * @param results how many results the fold has
     * @param perResult how many partial results each of them has
     * @param resultStep bytes from a result's partials to the next result's
     * @param partialStep bytes from one partial result to the next
     * @param keptShape sizes of the dimensions that are not folded
     * @param destinationSteps the destination's bytes along them
     */
    record Partials(
            Plan.FoldBinding fold,
            boolean direct,
            boolean prefill,
            long results,
            long perResult,
            long resultStep,
            long partialStep,
            long[] keptShape,
            long[] destinationSteps) {
        long bytes() {
            return Math.multiplyExact(
                    Math.multiplyExact(results, perResult), fold.accumulator().bytes());
        }

        ElementType accumulator() {
            return fold.accumulator();
        }
    }
}
