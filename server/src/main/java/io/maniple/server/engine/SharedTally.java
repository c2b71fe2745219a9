package io.maniple.server.engine;

import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.server.distribution.Spans;
import io.maniple.server.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Whole numbers that are counted by several workers, each its part of the values; everybody adds everybody's counts. */
final class SharedTally implements SharedRoutine {
    private static final long GRAIN = 65_536;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Engine engine;
    private final Plan.RoutineStep part;
    private final List<Scalar> scalars;
    private final Memory memory;
    private final int rank;
    private final int size;
    private final long bins;
    private final Memory.Scratch tallies;

    /** @param part this worker's values; the first operand is the result, of int64 */
    SharedTally(Engine engine, Plan.RoutineStep part, List<Scalar> scalars, Memory memory, int rank, int size) {
        this.engine = engine;
        this.part = part;
        this.scalars = scalars;
        this.memory = memory;
        this.rank = rank;
        this.size = size;
        this.bins = part.instruction().view(0).layout().elements();
        this.tallies = memory.scratch(Math.max(1, 8 * bins * size));
    }

    @Override
    public StepShare.Partials shown() {
        return new StepShare.Partials(tallies.address(), Spans.equalParts(Long.BYTES * bins, size));
    }

    @Override
    public void compute() {
        Operand.View out = part.instruction().view(0);
        long own = tallies.address() + 8 * bins * rank - out.offset();
        engine.run(part, scalars, new Memory() {
            @Override
            public long address(int buffer) {
                return buffer == out.buffer() ? own : memory.address(buffer);
            }

            @Override
            public Scratch scratch(long bytes) {
                return memory.scratch(bytes);
            }
        });
    }

    @Override
    public void finish() {
        long target = Routines.address(part.instruction().view(0), memory);
        engine.workers().run(bins, GRAIN, (worker, begin, end) -> {
            for (long bin = begin; bin < end; bin++) {
                long sum = 0;
                for (int from = 0; from < size; from++) {
                    sum += MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, tallies.address() + 8 * (bins * from + bin));
                }
                MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, target + 8 * bin, sum);
            }
        });
    }

    @Override
    public void close() {
        tallies.close();
    }
}
