package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Runs the steps of plans on this machine's processors. */
public final class Engine {
    /** Of an argument block. */
    static final int BLOCK_WORDS = 4_096;

    private final Workers workers;
    private final Compilers compilers;
    private final Routines routines;
    private final long[] blocks;

    public Engine(Workers workers, Compilers compilers, Blas blas) {
        this.workers = workers;
        this.compilers = compilers;
        this.routines = new Routines(workers, compilers, blas);
        this.blocks = new long[workers.threads()];
        for (int worker = 0; worker < blocks.length; worker++) {
            blocks[worker] = Arena.global().allocate(8L * BLOCK_WORDS, 64).address();
        }
    }

    /**
     * Runs one step. Only one thread may call this at a time per engine.
     *
     * @return the floating-point errors that the client wants to know
     */
    public synchronized List<Diagnosis.Suspect> run(PreparedPlan plan, int step, List<Scalar> scalars, Memory memory) {
        switch (plan.plan().steps().get(step)) {
            case Plan.KernelStep kernel -> {
                Launch launch = plan.launch(step);
                if (launch == null) {
                    return List.of();
                }
                Inspector inspector = kernel.diagnosis() == null ? null : new Inspector(kernel.diagnosis(), compilers);
                run(launch, scalars, memory, inspector);
                return inspector == null ? List.of() : inspector.guilty();
            }
            case Plan.CascadeStep cascade -> {
                CascadeLaunch launch = Objects.requireNonNull(plan.cascade(step));
                return new CascadeRun(launch, scalars, memory, compilers, blocks).run(workers);
            }
            case Plan.RoutineStep routine -> {
                return run(routine, scalars, memory);
            }
        }
    }

    List<Diagnosis.Suspect> run(Plan.RoutineStep routine, List<Scalar> scalars, Memory memory) {
        return Diagnosis.of(routine, routines.run(routine, scalars, memory));
    }

    void run(Plan.RoutineStep routine, List<Scalar> scalars, Memory memory, long begin, long end) {
        routines.run(routine, scalars, memory, begin, end);
    }

    Scans scans() {
        return routines.scans();
    }

    private void run(Launch launch, List<Scalar> scalars, Memory memory, @Nullable Inspector inspector) {
        try (KernelRun run = new KernelRun(launch, scalars, memory, inspector, -1, 0)) {
            run.compute(workers, blocks);
            run.combine();
        }
    }

    /**
     * One worker's part of a step that several workers run together. Nothing is computed yet.
     *
     * @param plan the plan divided among the workers
     * @param memory of which the part's reads are up to date
     */
    public StepShare share(SharedPlan plan, int step, List<Scalar> scalars, Memory memory) {
        return StepShare.of(this, plan, step, scalars, memory);
    }

    Workers workers() {
        return workers;
    }

    Compilers compilers() {
        return compilers;
    }

    long[] blocks() {
        return blocks;
    }
}
