package io.maniple.server.engine;

import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A plan whose kernels are compiled. */
public final class PreparedPlan {
    private final Plan plan;
    private final List<@Nullable Launch> launches;
    private final List<@Nullable CascadeLaunch> cascades;

    /** Compiles what the plan needs. */
    public PreparedPlan(Plan plan, Compilers compilers) {
        this.plan = plan;
        this.launches = new ArrayList<>();
        this.cascades = new ArrayList<>();
        for (Plan.Step step : plan.steps()) {
            launches.add(
                    step instanceof Plan.KernelStep kernel && kernel.kernel() != null
                            ? new LaunchBuilder(kernel, compilers).build()
                            : null);
            cascades.add(step instanceof Plan.CascadeStep cascade ? CascadeLaunch.of(cascade, compilers) : null);
        }
    }

    public Plan plan() {
        return plan;
    }

    @Nullable Launch launch(int step) {
        return launches.get(step);
    }

    @Nullable CascadeLaunch cascade(int step) {
        return cascades.get(step);
    }
}
