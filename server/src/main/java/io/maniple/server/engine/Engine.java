package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Runs the steps of plans on this machine's processors. */
public final class Engine {
    /** Of an argument block. */
    static final int BLOCK_WORDS = 4_096;

    private static final long ELEMENTS_A_TURN = 65_536;

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
                return Diagnosis.of(routine, routines.run(routine, scalars, memory));
            }
        }
    }

    private void run(Launch launch, List<Scalar> scalars, Memory memory, @Nullable Inspector inspector) {
        Plan.KernelStep step = launch.step();
        List<Memory.Scratch> scratches = new ArrayList<>();
        try {
            long[] partialAddresses = new long[launch.partials().size()];
            for (int fold = 0; fold < partialAddresses.length; fold++) {
                Launch.Partials partials = launch.partials().get(fold);
                long destination = memory.address(partials.fold().buffer())
                        + partials.fold().offset();
                if (partials.direct()) {
                    partialAddresses[fold] = destination;
                } else {
                    Memory.Scratch scratch = memory.scratch(partials.bytes());
                    scratches.add(scratch);
                    partialAddresses[fold] = scratch.address();
                }
                if (partials.prefill()) {
                    Combine.prefill(partials, partialAddresses[fold], destination);
                }
            }
            long[] addresses = new long[step.bindings().size()];
            for (int operand = 0; operand < addresses.length; operand++) {
                Plan.Binding binding = step.bindings().get(operand);
                addresses[operand] = binding.buffer() < 0
                        ? partialAddresses[-1 - binding.buffer()]
                        : memory.address(binding.buffer()) + binding.offset();
            }
            long[] words = Scalars.words(step.scalars(), scalars);
            for (long block : blocks) {
                Scalars.put(block, addresses.length, words);
            }
            for (Region region : launch.regions()) {
                long boxes = region.boxes();
                long grain = launch.parallel() ? Math.max(1, ELEMENTS_A_TURN / region.elementsPerBox()) : boxes;
                workers.run(
                        boxes,
                        grain,
                        (worker, begin, end) -> region.run(blocks[worker], addresses, begin, end, inspector));
            }
            for (int fold = 0; fold < partialAddresses.length; fold++) {
                Launch.Partials partials = launch.partials().get(fold);
                if (!partials.direct()) {
                    long destination = memory.address(partials.fold().buffer())
                            + partials.fold().offset();
                    Combine.run(partials, partialAddresses[fold], destination, inspector);
                }
            }
        } finally {
            scratches.forEach(Memory.Scratch::close);
        }
    }
}
