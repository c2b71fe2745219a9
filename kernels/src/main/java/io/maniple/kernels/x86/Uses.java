package io.maniple.kernels.x86;

import io.maniple.kernels.ir.Kernel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Facts about which step of a section uses which value. */
final class Uses {
    private Uses() {}

    /** The former partial results are of use to a write only where lanes beyond the end must keep them. */
    private static List<Integer> sources(Step step, boolean partial) {
        return step instanceof Step.WriteAccumulator write && !partial
                ? List.of(write.sources().get(0))
                : step.sources();
    }

    /** For each value the positions of its uses, ascending, a position twice where a step uses it twice. */
    static int[][] of(List<Step> section, int values, boolean partial) {
        int[] counts = new int[values];
        for (Step step : section) {
            for (int source : sources(step, partial)) {
                counts[source]++;
            }
        }
        int[][] uses = new int[values][];
        for (int value = 0; value < values; value++) {
            uses[value] = new int[counts[value]];
        }
        int[] filled = new int[values];
        for (int position = 0; position < section.size(); position++) {
            for (int source : sources(section.get(position), partial)) {
                uses[source][filled[source]++] = position;
            }
        }
        return uses;
    }

    /** Removes steps whose values nobody uses; {@code used} knows of later sections and learns of this one. */
    static void removeDead(List<Step> section, boolean[] used) {
        List<Step> kept = new ArrayList<>();
        for (Step step : section.reversed()) {
            if (step.destination() < 0 || used[step.destination()]) {
                kept.add(step);
                step.sources().forEach(source -> used[source] = true);
            }
        }
        Collections.reverse(kept);
        section.clear();
        section.addAll(kept);
    }

    /**
     * Contiguous loads that can be the memory operand of their only user. No store may lie between: the kernel may
     * overwrite what it loads.
     */
    static Map<Integer, Step.Load> foldable(List<Step> section, int[][] uses, int lanes, List<Kernel.Access> accesses) {
        Map<Integer, Step.Load> folded = new HashMap<>();
        Map<Integer, Step.Load> candidates = new HashMap<>();
        for (Step step : section) {
            switch (step) {
                case Step.Load load -> {
                    if (accesses.get(load.operand()) == Kernel.Access.CONTIGUOUS
                            && uses[load.destination()].length == 1) {
                        candidates.put(load.destination(), load);
                    }
                }
                case Step.Store store -> candidates.clear();
                case Step.Vector vector -> fold(vector, lanes, candidates, folded);
                default -> {}
            }
        }
        return folded;
    }

    private static void fold(
            Step.Vector vector, int lanes, Map<Integer, Step.Load> candidates, Map<Integer, Step.Load> folded) {
        List<Integer> sources = vector.sources();
        int place = switch (vector.op().form()) {
            case ONE, ONE_IMMEDIATE, MASKED -> 0;
            case TWO, TWO_IMMEDIATE, BLEND -> 1;
            case FUSED, MASKS, REVERSED, REVERSED_IMMEDIATE, SHIFT, MOVE -> -1;
        };
        if (place < 0) {
            return;
        }
        if (!fits(vector, sources.get(place), lanes, candidates)
                && place == 1
                && vector.op().commutes()) {
            place = 0;
        }
        if (fits(vector, sources.get(place), lanes, candidates)) {
            folded.put(sources.get(place), candidates.get(sources.get(place)));
        }
    }

    private static boolean fits(Step.Vector vector, int source, int lanes, Map<Integer, Step.Load> candidates) {
        Step.Load load = candidates.get(source);
        return load != null && vector.op().memoryBytes(vector.size()) == load.bytes() * lanes;
    }
}
