package io.maniple.server.engine;

import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A cascade whose kernels are compiled.
 *
 * @param stages one entry a stage of the step
 */
record CascadeLaunch(Plan.CascadeStep step, List<Stage> stages) {
    CascadeLaunch {
        stages = List.copyOf(stages);
    }

    /** @param byRows how a block of so many rows runs */
    record Stage(Plan.Stage stage, Map<Long, Launch> byRows) {
        Stage {
            byRows = Map.copyOf(byRows);
        }
    }

    static CascadeLaunch of(Plan.CascadeStep step, Compilers compilers) {
        Set<Integer> shared = sharedBuffers(step);
        List<Stage> stages = new ArrayList<>();
        for (Plan.Stage stage : step.stages()) {
            Map<Long, Launch> byRows = new HashMap<>();
            LaunchBuilder.Role role =
                    new LaunchBuilder.Role(stage.foldsRows(), step.blocks(), shared::contains, 0, null);
            stage.byRows()
                    .forEach((rows, kernel) -> byRows.put(rows, new LaunchBuilder(kernel, compilers, role).build()));
            stages.add(new Stage(stage, byRows));
        }
        return new CascadeLaunch(step, stages);
    }

    private static Set<Integer> sharedBuffers(Plan.CascadeStep step) {
        Set<Integer> once = new HashSet<>();
        Set<Integer> shared = new HashSet<>();
        for (Plan.Stage stage : step.stages()) {
            Set<Integer> own = new HashSet<>();
            stage.whole().bindings().forEach(binding -> own.add(binding.buffer()));
            stage.whole().folds().forEach(fold -> own.add(fold.buffer()));
            for (int buffer : own) {
                if (!once.add(buffer)) {
                    shared.add(buffer);
                }
            }
        }
        return shared;
    }
}
