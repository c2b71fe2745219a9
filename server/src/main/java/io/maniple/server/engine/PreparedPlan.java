package io.maniple.server.engine;

import io.maniple.server.plan.Plan;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A plan whose kernels are compiled; those of a session that uses a device, when a step runs on the processor. */
public final class PreparedPlan {
    private final Plan plan;
    private final Compilers compilers;
    private final @Nullable Launch[] launches;
    private final @Nullable CascadeLaunch[] cascades;
    private @Nullable DevicePlan device;

    /** @param lazily whether steps are compiled only when they run */
    public PreparedPlan(Plan plan, Compilers compilers, boolean lazily) {
        this.plan = plan;
        this.compilers = compilers;
        this.launches = new Launch[plan.steps().size()];
        this.cascades = new CascadeLaunch[plan.steps().size()];
        if (!lazily) {
            for (int step = 0; step < launches.length; step++) {
                launch(step);
                cascade(step);
            }
        }
    }

    public Plan plan() {
        return plan;
    }

    @Nullable Launch launch(int step) {
        Launch made = launches[step];
        if (made == null && plan.steps().get(step) instanceof Plan.KernelStep kernel && kernel.kernel() != null) {
            made = new LaunchBuilder(kernel, compilers).build();
            launches[step] = made;
        }
        return made;
    }

    @Nullable CascadeLaunch cascade(int step) {
        CascadeLaunch made = cascades[step];
        if (made == null && plan.steps().get(step) instanceof Plan.CascadeStep cascade) {
            made = CascadeLaunch.of(cascade, compilers);
            cascades[step] = made;
        }
        return made;
    }

    /** What the plan is on the session's device. */
    DevicePlan onDevice(Function<Plan, DevicePlan> maker) {
        DevicePlan made = device;
        if (made == null) {
            made = maker.apply(plan);
            device = made;
        }
        return made;
    }
}
