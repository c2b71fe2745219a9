package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.server.distribution.Peers;
import io.maniple.server.distribution.Spans;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One worker's part of a step: it computes, exchanges partial results where there are any, and finishes. */
public abstract sealed class StepShare implements AutoCloseable {
    /**
     * Partial results in this worker's memory.
     *
     * @param byWorker the bytes that each worker makes, from the address on
     */
    public record Partials(long address, List<Spans> byWorker) {}

    private StepShare() {}

    /** Does this worker's part. */
    public abstract void compute();

    /** What everybody needs of everybody before {@link #finish()}. */
    public List<Partials> partials() {
        return List.of();
    }

    /** How a share with exchanges of its own reaches the others. All of them make the same calls. */
    public interface Exchanges {
        /** Does work between two exchanges, in turn with other sessions. */
        void compute(Runnable work);

        /**
         * What each worker makes in place goes to all others.
         *
         * @param address where the bytes begin, here and there
         * @param failure why this worker has not made its own
         * @throws RuntimeException if any worker has failed, at all of them
         */
        void spread(long address, List<Spans> byWorker, @Nullable RuntimeException failure);

        /**
         * Pieces that go to single workers.
         *
         * @param failure why this worker's pieces mean nothing
         * @throws RuntimeException if this worker has failed, or one that something came from
         */
        void exchange(List<Peers.Parcel> outgoing, List<Peers.Parcel> incoming, @Nullable RuntimeException failure);

        /** What of the output each worker writes, in bytes from its first element on; known only now. */
        void written(List<Spans> byWorker);
    }

    /** Exchanges of its own, behind that of partial results. */
    public void exchange(Exchanges exchanges) {}

    /** Makes the results of everybody's partial ones. */
    public void finish() {}

    /** The floating-point errors that the client wants to know. */
    public List<Diagnosis.Suspect> guilty() {
        return List.of();
    }

    @Override
    public void close() {}

    static StepShare of(Engine engine, SharedPlan plan, int index, List<Scalar> scalars, Memory memory) {
        Plan.Step step = plan.prepared().plan().steps().get(index);
        return switch (plan.division(index, scalars)) {
            case Division.Everywhere everywhere -> new Whole(engine, plan.prepared(), index, scalars, memory);
            case Division.Alone alone -> new Whole(engine, plan.prepared(), index, scalars, memory);
            case Division.Slices slices ->
                slices.low()[plan.rank()] >= slices.high()[plan.rank()]
                        ? new Nothing()
                        : new Kernel(
                                engine,
                                (Plan.KernelStep) step,
                                plan.slice(index, slices),
                                scalars,
                                memory,
                                slices.dimension(),
                                slices.low()[plan.rank()],
                                null,
                                plan.rank());
            case Division.Rows rows ->
                rows.low()[plan.rank()] >= rows.high()[plan.rank()]
                        ? new Nothing()
                        : new Routine(engine, plan.part(index, rows), scalars, memory);
            case Division.Items items ->
                new Items(
                        engine,
                        (Plan.RoutineStep) step,
                        scalars,
                        memory,
                        items.cuts()[plan.rank()],
                        items.cuts()[plan.rank() + 1]);
            case Division.Line line -> new Scanned(engine, (Plan.RoutineStep) step, memory, line, plan.rank());
            case Division.Sorted sorted ->
                new Together(new SharedSort(engine, (Plan.RoutineStep) step, sorted.cuts(), plan.rank(), memory));
            case Division.Selected selected ->
                new Together(new SharedSelection(
                        engine,
                        plan.part(index, selected.rows()),
                        scalars,
                        memory,
                        plan.rank(),
                        selected.rows().low().length));
            case Division.Tally tally ->
                new Together(new SharedTally(
                        engine,
                        plan.part(index, tally.rows()),
                        scalars,
                        memory,
                        plan.rank(),
                        tally.rows().low().length));
            case Division.Boxes boxes ->
                new Kernel(
                        engine,
                        (Plan.KernelStep) step,
                        Objects.requireNonNull(plan.prepared().launch(index)),
                        scalars,
                        memory,
                        -1,
                        0,
                        boxes,
                        plan.rank());
            case Division.Blocks blocks ->
                new Cascade(
                        engine,
                        Objects.requireNonNull(plan.prepared().cascade(index)),
                        scalars,
                        memory,
                        blocks,
                        plan.rank());
        };
    }

    private static final class Nothing extends StepShare {
        @Override
        public void compute() {}
    }

    private static final class Whole extends StepShare {
        private final Engine engine;
        private final PreparedPlan plan;
        private final int step;
        private final List<Scalar> scalars;
        private final Memory memory;
        private List<Diagnosis.Suspect> guilty = List.of();

        Whole(Engine engine, PreparedPlan plan, int step, List<Scalar> scalars, Memory memory) {
            this.engine = engine;
            this.plan = plan;
            this.step = step;
            this.scalars = scalars;
            this.memory = memory;
        }

        @Override
        public void compute() {
            guilty = engine.run(plan, step, scalars, memory);
        }

        @Override
        public List<Diagnosis.Suspect> guilty() {
            return guilty;
        }
    }

    private static final class Routine extends StepShare {
        private final Engine engine;
        private final Plan.RoutineStep part;
        private final List<Scalar> scalars;
        private final Memory memory;
        private List<Diagnosis.Suspect> guilty = List.of();

        Routine(Engine engine, Plan.RoutineStep part, List<Scalar> scalars, Memory memory) {
            this.engine = engine;
            this.part = part;
            this.scalars = scalars;
            this.memory = memory;
        }

        @Override
        public void compute() {
            guilty = engine.run(part, scalars, memory);
        }

        @Override
        public List<Diagnosis.Suspect> guilty() {
            return guilty;
        }
    }

    private static final class Items extends StepShare {
        private final Engine engine;
        private final Plan.RoutineStep step;
        private final List<Scalar> scalars;
        private final Memory memory;
        private final long begin;
        private final long end;

        Items(Engine engine, Plan.RoutineStep step, List<Scalar> scalars, Memory memory, long begin, long end) {
            this.engine = engine;
            this.step = step;
            this.scalars = scalars;
            this.memory = memory;
            this.begin = begin;
            this.end = end;
        }

        @Override
        public void compute() {
            engine.run(step, scalars, memory, begin, end);
        }
    }

    /** A cumulative operation on one line: totals of blocks, exchanged, and then the blocks. */
    private static final class Scanned extends StepShare {
        private final Plan.RoutineStep step;
        private final Division.Line line;
        private final int rank;
        private final ErrorFlags errors;
        private final Memory.Scratch totals;
        private final Scans.Line scan;

        Scanned(Engine engine, Plan.RoutineStep step, Memory memory, Division.Line line, int rank) {
            this.step = step;
            this.line = line;
            this.rank = rank;
            this.errors = new ErrorFlags();
            this.scan = engine.scans().line(step, memory, step.wanted() == 0 ? null : errors);
            this.totals = memory.scratch(8 * line.cuts()[line.cuts().length - 1]);
        }

        @Override
        public void compute() {
            scan.totals(totals.address(), line.cuts()[rank], line.cuts()[rank + 1]);
        }

        @Override
        public List<Partials> partials() {
            return List.of(new Partials(totals.address(), line.totals()));
        }

        @Override
        public void finish() {
            scan.finish(totals.address(), line.cuts()[rank], line.cuts()[rank + 1]);
        }

        @Override
        public List<Diagnosis.Suspect> guilty() {
            return step.wanted() == 0 ? List.of() : Diagnosis.of(step, errors.kinds());
        }

        @Override
        public void close() {
            totals.close();
        }
    }

    private static final class Together extends StepShare {
        private final SharedRoutine routine;

        Together(SharedRoutine routine) {
            this.routine = routine;
        }

        @Override
        public void compute() {
            routine.compute();
        }

        @Override
        public List<Partials> partials() {
            return List.of(routine.shown());
        }

        @Override
        public void exchange(Exchanges exchanges) {
            routine.exchange(exchanges);
        }

        @Override
        public void finish() {
            routine.finish();
        }

        @Override
        public void close() {
            routine.close();
        }
    }

    private static final class Kernel extends StepShare {
        private final Engine engine;
        private final Launch launch;
        private final Division.@Nullable Boxes boxes;
        private final int rank;
        private final @Nullable Inspector inspector;
        private final KernelRun run;

        Kernel(
                Engine engine,
                Plan.KernelStep step,
                Launch launch,
                List<Scalar> scalars,
                Memory memory,
                int dimension,
                long first,
                Division.@Nullable Boxes boxes,
                int rank) {
            this.engine = engine;
            this.launch = launch;
            this.boxes = boxes;
            this.rank = rank;
            this.inspector = step.diagnosis() == null ? null : new Inspector(step.diagnosis(), engine.compilers());
            this.run = new KernelRun(launch, scalars, memory, inspector, dimension, first);
        }

        @Override
        public void compute() {
            if (boxes == null) {
                run.compute(engine.workers(), engine.blocks());
                run.combine();
            } else {
                run.compute(engine.workers(), engine.blocks(), boxes.cuts(), rank);
            }
        }

        @Override
        public List<Partials> partials() {
            List<Partials> partials = new ArrayList<>();
            for (int fold = 0; boxes != null && fold < launch.partials().size(); fold++) {
                if (!launch.partials().get(fold).direct()) {
                    partials.add(
                            new Partials(run.partials(fold), boxes.partials().get(fold)));
                }
            }
            return partials;
        }

        @Override
        public void finish() {
            if (boxes != null) {
                run.combine();
            }
        }

        @Override
        public List<Diagnosis.Suspect> guilty() {
            return inspector == null ? List.of() : inspector.guilty();
        }

        @Override
        public void close() {
            run.close();
        }
    }

    private static final class Cascade extends StepShare {
        private final Engine engine;
        private final CascadeRun run;
        private final Division.Blocks division;
        private final int rank;

        Cascade(
                Engine engine,
                CascadeLaunch launch,
                List<Scalar> scalars,
                Memory memory,
                Division.Blocks division,
                int rank) {
            this.engine = engine;
            this.division = division;
            this.rank = rank;
            this.run = new CascadeRun(launch, scalars, memory, engine.compilers(), engine.blocks());
            run.begin();
        }

        @Override
        public void compute() {
            run.compute(engine.workers(), division.cuts()[rank], division.cuts()[rank + 1]);
        }

        @Override
        public List<Partials> partials() {
            return run.partials(division.cuts());
        }

        @Override
        public void finish() {
            run.combine();
        }

        @Override
        public List<Diagnosis.Suspect> guilty() {
            return run.guilty();
        }

        @Override
        public void close() {
            run.close();
        }
    }
}
