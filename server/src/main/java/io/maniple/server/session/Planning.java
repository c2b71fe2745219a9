package io.maniple.server.session;

import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.ProgramDecoder;
import io.maniple.bridge.program.ProgramException;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.server.engine.Compilers;
import io.maniple.server.engine.PreparedPlan;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.OperationChecks;
import io.maniple.server.plan.Plan;
import io.maniple.server.plan.Planner;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Verifies a session's batches and plans them; batches of one structure share a plan. */
public final class Planning {
    private static final int FORMAT = 2;
    private static final int CACHED_PLANS = 512;
    /** Of all plans that are kept together: a plan's instructions take some kilobytes each. */
    private static final int CACHED_INSTRUCTIONS = 100_000;
    /** What all observations of a batch may show inline together. */
    private static final long SHOWN_BYTES = 4L << 20;

    private final SessionOptions options;
    private final Limits limits;
    private final Compilers compilers;
    private final boolean lazily;
    private final OperationTable table = OperationTable.standard();
    private final boolean described;
    private final Map<PlanKey, KnownPlan> plans = new LinkedHashMap<>(64, 0.75f, true);
    private int cachedInstructions;

    /** Plans know their instructions' sources, and what is to be reported of them. */
    private record PlanKey(BatchStructure structure, List<Integer> source, List<Integer> reports) {}

    private record KnownPlan(
            PreparedPlan prepared, @Nullable PlanDescription description) {}

    /**
     * @param reused whether the plan was there already
     * @param description null where nobody wants one
     */
    record Planned(
            BatchStructure structure,
            PreparedPlan plan,
            boolean reused,
            @Nullable PlanDescription description) {}

    /** @param described whether plans are described for a trace */
    Planning(SessionOptions options, Limits limits, Compilers compilers, boolean described) {
        this(options, limits, compilers, described, false);
    }

    /**
     * @param described whether plans are described for a trace
     * @param lazily whether steps are compiled for the processor only when they run there, for a device may run them
     */
    Planning(SessionOptions options, Limits limits, Compilers compilers, boolean described, boolean lazily) {
        this.lazily = lazily;
        this.described = described;
        this.options = options;
        this.limits = limits;
        this.compilers = compilers;
    }

    /**
     * Verifies all of a batch before anything of it is done.
     *
     * @param bytes the size of a buffer by its handle, or -1 if there is none
     * @param unwanted whether it has been given up
     * @throws ManipleException what the client is told
     */
    Planned plan(Batch batch, BatchStructure.BufferSizes bytes, BooleanSupplier unwanted) {
        try {
            BatchStructure structure = verified(batch, bytes);
            PlanKey key = new PlanKey(structure, batch.getSourceList(), batch.getReportsList());
            KnownPlan known = plans.get(key);
            boolean reused = known != null;
            if (known == null) {
                List<Instruction> instructions = decoded(structure, batch);
                Planner planner = new Planner(structure, table, fusion(), batch.getReportsList(), lazily);
                Plan plan = planner.plan(instructions, unwanted);
                known = new KnownPlan(
                        new PreparedPlan(plan, compilers, lazily),
                        described ? PlanDescription.of(plan, instructions, table, structure.buffers()) : null);
                keep(key, known);
            }
            return new Planned(structure, known.prepared(), reused, known.description());
        } catch (ProgramException refused) {
            throw refusal(batch, refused);
        } catch (CancellationException interruption) {
            throw new ManipleException(Status.CANCELLED, LocalSession.INTERRUPTED, "", interruption);
        }
    }

    /** Those that were not used for longest make room. */
    private void keep(PlanKey key, KnownPlan fresh) {
        plans.put(key, fresh);
        cachedInstructions += key.structure().instructions();
        Iterator<PlanKey> eldest = plans.keySet().iterator();
        while (plans.size() > CACHED_PLANS || (cachedInstructions > CACHED_INSTRUCTIONS && plans.size() > 1)) {
            cachedInstructions -= eldest.next().structure().instructions();
            eldest.remove();
        }
    }

    /**
     * Verifies a batch without planning it.
     *
     * @throws ManipleException what the client is told
     */
    public void verify(Batch batch, BatchStructure.BufferSizes bytes) {
        try {
            // What it decodes to is of use only where it is planned.
            List<Instruction> ignored = decoded(verified(batch, bytes), batch);
        } catch (ProgramException refused) {
            throw refusal(batch, refused);
        }
    }

    private static ManipleException refusal(Batch batch, ProgramException refused) {
        return new ManipleException(
                refused.status(),
                String.valueOf(refused.getMessage()),
                Profile.name(batch.getSourcesList(), refused.source()));
    }

    private BatchStructure verified(Batch batch, BatchStructure.BufferSizes bytes) {
        if (batch.getFormat() != FORMAT) {
            throw new ManipleException(
                    Status.UNSUPPORTED_VERSION,
                    "program format " + batch.getFormat() + "; this server speaks " + FORMAT);
        }
        if (batch.getOperationCount() > limits.getBatchInstructions()) {
            throw new ManipleException(
                    Status.LIMIT_EXCEEDED,
                    "a batch of " + batch.getOperationCount() + " instructions; at most "
                            + limits.getBatchInstructions() + " are allowed");
        }
        BatchStructure structure = BatchStructure.of(batch, bytes);
        check(batch, structure, bytes);
        return structure;
    }

    private List<Instruction> decoded(BatchStructure structure, Batch batch) {
        return new ProgramDecoder(structure, new OperationChecks(table), limits.getDimensions())
                .decode(batch.getSourceList());
    }

    /** Whether everything the batch asks to see is there. */
    private void check(Batch batch, BatchStructure structure, BatchStructure.BufferSizes sizes) {
        long shown = 0;
        for (Observation observation : batch.getObservationsList()) {
            long bytes = sizes.bytes(observation.getHandle());
            if (bytes < 0) {
                for (int number = 0; number < structure.buffers(); number++) {
                    if (structure.handle(number) == observation.getHandle()) {
                        bytes = structure.bytes(number);
                    }
                }
            }
            if (observation.getLength() > limits.getInlineBytes()
                    || observation.getLength() < 0
                    || observation.getOffset() < 0
                    || observation.getOffset() > bytes - observation.getLength()) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM,
                        "bytes " + observation.getOffset() + " to "
                                + (observation.getOffset() + observation.getLength()) + " of a buffer of " + bytes
                                + " bytes cannot be shown; at most " + limits.getInlineBytes() + " at a time");
            }
            shown += observation.getLength();
            if (shown > SHOWN_BYTES) {
                throw new ProgramException(
                        Status.LIMIT_EXCEEDED,
                        "observations of a batch show more than " + SHOWN_BYTES + " bytes inline together");
            }
        }
    }

    private Planner.Fusion fusion() {
        if (options.getFusionOff()) {
            return Planner.Fusion.OFF;
        }
        return options.getCascadeAll() ? Planner.Fusion.CASCADE_ALL : Planner.Fusion.WHERE_IT_PAYS;
    }
}
