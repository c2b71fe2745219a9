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

    DevicePlan(Plan plan, DeviceProperties properties) {
        for (Plan.Step step : plan.steps()) {
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

    List<KernelText> texts() {
        List<KernelText> texts = new ArrayList<>();
        for (List<DeviceStep> step : steps) {
            if (step != null) {
                step.forEach(one -> texts.addAll(one.texts()));
            }
        }
        return texts;
    }
}
