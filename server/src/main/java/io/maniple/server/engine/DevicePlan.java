package io.maniple.server.engine;

import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the steps of a plan are on a device. */
final class DevicePlan {
    /** For each step the kernels that it is, in order; null where the device has no form for it. */
    private final List<@Nullable List<DeviceStep>> steps = new ArrayList<>();
    /** For each step the routine that it is; null where it is none that the device has. */
    private final List<@Nullable DeviceRoutine> routines = new ArrayList<>();

    DevicePlan(Plan plan, DeviceProperties properties) {
        DeviceRoutines known = new DeviceRoutines(properties);
        for (Plan.Step step : plan.steps()) {
            routines.add(
                    step instanceof Plan.RoutineStep routine ? known.of(routine).orElse(null) : null);
            steps.add(
                    switch (step) {
                        case Plan.KernelStep kernel -> of(List.of(kernel), properties);
                        case Plan.CascadeStep cascade ->
                            of(cascade.stages().stream().map(Plan.Stage::whole).toList(), properties);
                        case Plan.RoutineStep _ -> null;
                    });
        }
    }

    private static @Nullable List<DeviceStep> of(List<Plan.KernelStep> kernels, DeviceProperties properties) {
        List<DeviceStep> made = new ArrayList<>();
        for (Plan.KernelStep kernel : kernels) {
            if (kernel.kernel() != null) {
                DeviceStep one = DeviceStep.of(kernel, properties).orElse(null);
                if (one == null) {
                    return null;
                }
                made.add(one);
            }
        }
        return made;
    }

    @Nullable List<DeviceStep> step(int step) {
        return steps.get(step);
    }

    @Nullable DeviceRoutine routine(int step) {
        return routines.get(step);
    }

    List<KernelText> texts() {
        List<KernelText> texts = new ArrayList<>();
        for (List<DeviceStep> step : steps) {
            if (step != null) {
                step.forEach(one -> texts.addAll(one.texts()));
            }
        }
        for (DeviceRoutine routine : routines) {
            if (routine != null) {
                texts.addAll(routine.texts());
            }
        }
        return texts;
    }
}
