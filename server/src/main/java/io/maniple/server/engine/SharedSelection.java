package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.Spans;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What a mask chooses, by several workers: each counts what its rows give, all tell each other, and each writes behind what
 * those before it have. The result is where it is made.
 */
final class SharedSelection implements SharedRoutine {
    private static final long GRAIN = 65_536;
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Engine engine;
    private final Plan.RoutineStep part;
    private final List<Scalar> scalars;
    private final Memory memory;
    private final int rank;
    private final int size;
    private final Memory.Scratch counts;
    /** Bytes of what one element of the mask chooses. */
    private final long runBytes;

    /** @param part this worker's rows; operands: out, count, in, mask */
    SharedSelection(Engine engine, Plan.RoutineStep part, List<Scalar> scalars, Memory memory, int rank, int size) {
        this.engine = engine;
        this.part = part;
        this.scalars = scalars;
        this.memory = memory;
        this.rank = rank;
        this.size = size;
        this.counts = memory.scratch(8L * size);
        Layout in = part.instruction().view(2).layout();
        long run = in.type().bytes();
        int masked = part.instruction().view(3).layout().rank();
        for (int dimension = masked; dimension < in.rank(); dimension++) {
            run *= in.size(dimension);
        }
        this.runBytes = run;
    }

    @Override
    public StepShare.Partials shown() {
        return new StepShare.Partials(counts.address(), Spans.equalParts(Long.BYTES, size));
    }

    @Override
    public void compute() {
        Operand.View mask = part.instruction().view(3);
        long address = Routines.address(mask, memory);
        long[] chosen = new long[engine.workers().threads()];
        engine.workers().run(mask.layout().elements(), GRAIN, (worker, begin, end) -> {
            long sum = 0;
            for (long index = begin; index < end; index++) {
                sum += MEMORY.get(ValueLayout.JAVA_BYTE, address + index) == 0 ? 0 : 1;
            }
            chosen[worker] += sum;
        });
        long sum = 0;
        for (long own : chosen) {
            sum += own;
        }
        MEMORY.set(ValueLayout.JAVA_LONG, counts.address() + 8L * rank, sum);
    }

    private long before(int worker) {
        long sum = 0;
        for (int earlier = 0; earlier < worker; earlier++) {
            sum += MEMORY.get(ValueLayout.JAVA_LONG, counts.address() + 8L * earlier);
        }
        return sum;
    }

    @Override
    public void exchange(StepShare.Exchanges exchanges) {
        Layout out = part.instruction().view(0).layout();
        long room = out.size(0);
        if (before(size) > room) {
            // Everybody sees this.
            throw new ManipleException(
                    Status.INDEX_OUT_OF_RANGE,
                    "the mask selects " + before(size) + " elements, there is room for " + room);
        }
        List<Spans> byWorker = new ArrayList<>();
        for (int worker = 0; worker < size; worker++) {
            byWorker.add(Spans.range(before(worker) * runBytes, before(worker + 1) * runBytes));
        }
        exchanges.written(byWorker);
    }

    @Override
    public void finish() {
        Operand.View out = part.instruction().view(0);
        Operand.View count = part.instruction().view(1);
        List<Operand> operands = new ArrayList<>(part.instruction().operands());
        operands.set(0, new Operand.View(out.buffer(), out.layout(), out.offset() + before(rank) * runBytes));
        Instruction instruction = new Instruction(
                part.instruction().operation(), operands, part.instruction().source());
        engine.run(new Plan.RoutineStep(part.operation(), instruction, part.frees(), part.wanted()), scalars, memory);
        // The part's own count was written there.
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, Routines.address(count, memory), before(size));
    }

    @Override
    public void close() {
        counts.close();
    }
}
