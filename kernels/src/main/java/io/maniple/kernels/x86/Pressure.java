package io.maniple.kernels.x86;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How many registers a body needs, and which invariants to keep in those it leaves over. */
final class Pressure {
    private Pressure() {}

    /** The invariants used most, by value, with the registers they get: the last of the first {@code available} ones. */
    static Map<Integer, Integer> residentInvariants(Steps steps, int available) {
        List<Step> body = steps.body();
        int[] lastUse = new int[steps.valueCount()];
        int[] useCount = new int[steps.valueCount()];
        for (int position = 0; position < body.size(); position++) {
            for (int source : body.get(position).sources()) {
                lastUse[source] = position;
                useCount[source]++;
            }
        }
        int spare = available - mostAlive(steps, lastUse);
        List<Integer> candidates = new ArrayList<>();
        for (int value = 0; value < useCount.length; value++) {
            if (useCount[value] > 0 && steps.home(value) != Steps.Home.BODY && !steps.isMask(value)) {
                candidates.add(value);
            }
        }
        candidates.sort(Comparator.comparingInt((Integer value) -> -useCount[value]));
        Map<Integer, Integer> residents = new HashMap<>();
        for (int k = 0; k < Math.min(spare, candidates.size()); k++) {
            residents.put(candidates.get(k), RegisterFile.register(available - 1 - k));
        }
        return residents;
    }

    private static int mostAlive(Steps steps, int[] lastUse) {
        List<Step> body = steps.body();
        int alive = 0;
        int most = 0;
        int[] ends = new int[body.size()];
        for (int position = 0; position < body.size(); position++) {
            int value = body.get(position).destination();
            if (value >= 0 && !steps.isMask(value)) {
                alive++;
                ends[Math.max(position, lastUse[value])]++;
            }
            // two more for sources that must be brought into registers
            most = Math.max(most, alive + 2);
            alive -= ends[position];
        }
        return most;
    }
}
