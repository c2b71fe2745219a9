package io.maniple.server.plan;

import io.maniple.bridge.program.BatchStructure;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.FloatingPointRules;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns a batch into steps: gathers instructions over the same iteration space into groups that become one kernel each.
 *
 * <p>An instruction joins the latest group that accepts it, if it conflicts with no group behind that one. Two views of
 * one buffer are either the same view (then values pass in registers), or disjoint, or a conflict, which is never
 * guessed at: the instruction goes into a later group.
 */
public final class Planner {
    /** How much is brought together. */
    public enum Fusion {
        /** Each instruction is a kernel. */
        OFF,
        /** Kernels are fused, and run as cascades where that pays. */
        WHERE_IT_PAYS,
        /** Kernels run as cascades wherever they can: for tests, whose arrays are small. */
        CASCADE_ALL
    }

    /** How many groups an instruction may be moved past; planning stays linear in the batch's length. */
    private static final int LOOK_BACK = 24;

    private static final int ASKED_EVERY = 64;

    private final BatchStructure structure;
    private final OperationTable table;
    private final Fusion fusion;
    private final List<Integer> reports;
    private final List<Group> groups = new ArrayList<>();
    private final List<Long> temporaries = new ArrayList<>();
    private final boolean[] freed;
    private final boolean forDevice;
    /** Buffers that nobody needs but the client, who wants to hear of errors. */
    private final BitSet heard = new BitSet();

    /**
     * @param reports for each source the kinds of floating-point errors to report; may be empty
     * @param forDevice whether a device may run the steps
     */
    public Planner(
            BatchStructure structure, OperationTable table, Fusion fusion, List<Integer> reports, boolean forDevice) {
        this.forDevice = forDevice;
        this.reports = reports;
        this.structure = structure;
        this.table = table;
        this.fusion = fusion;
        this.freed = new boolean[structure.buffers()];
    }

    /**
     * @param unwanted asked now and then: a long batch takes a while
     * @throws CancellationException where it is no longer wanted
     */
    public Plan plan(List<Instruction> instructions, BooleanSupplier unwanted) {
        // Frees are known before anything is grouped: what dies in the batch need not reach memory.
        for (Instruction instruction : instructions) {
            if (instruction.operation() == Instruction.FREE) {
                freed[instruction.view(0).buffer()] = true;
            }
        }
        List<Instruction> program =
                fusion == Fusion.OFF ? instructions : new Forwarding(instructions, table, this::isInner).run();
        int planned = 0;
        for (Instruction instruction : program) {
            if (++planned % ASKED_EVERY == 0 && unwanted.getAsBoolean()) {
                throw new CancellationException();
            }
            if (instruction.operation() != Instruction.FREE) {
                add(instruction);
            }
        }
        return finish();
    }

    private void add(Instruction instruction) {
        Operation operation = table.byNumber(instruction.operation()).orElseThrow();
        switch (operation.kind()) {
            case Operation.Kind.Elementwise elementwise -> addElementwise(operation, instruction);
            case Operation.Kind.Fold fold -> addFold(operation, instruction);
            case Operation.Kind.Scan scan -> RoutineOperands.addScan(this, operation, instruction);
            case Operation.Kind.Routine routine -> {
                if (ArgumentExtremes.isOne(operation)) {
                    ArgumentExtremes.expand(this, operation, instruction);
                } else {
                    RoutineOperands.add(this, operation, instruction);
                }
            }
        }
    }

    private void addElementwise(Operation operation, Instruction instruction) {
        Layout space = instruction.view(0).layout();
        if (space.elements() == 0) {
            return;
        }
        int outputs = operation.outputs().size();
        int inputs = operation.inputs().size();
        long[] fullShape = space.shape();
        long[] shape = squeeze(fullShape);
        List<Access> writes = new ArrayList<>();
        for (int index = 0; index < outputs; index++) {
            writes.add(access(instruction.view(index), fullShape));
        }
        List<Member.Input> reads = new ArrayList<>();
        for (int index = outputs; index < outputs + inputs; index++) {
            reads.add(apart(input(instruction.operands().get(index), fullShape), writes, shape, instruction.source()));
        }
        Member.Input mask = instruction.operands().size() > outputs + inputs
                ? apart(
                        input(instruction.operands().get(outputs + inputs), fullShape),
                        writes,
                        shape,
                        instruction.source())
                : null;
        long[] index = operation.name().equals("arange") ? squeezed(cOrder(fullShape), fullShape) : null;
        place(Candidate.of(new Member(operation, writes, reads, mask, instruction.source()), shape, null, index));
    }

    private void addFold(Operation operation, Instruction instruction) {
        Operand.View output = instruction.view(0);
        List<Operand> inputs =
                instruction.operands().subList(1, 1 + operation.inputs().size());
        Operand mask = instruction.operands().size() > 1 + inputs.size()
                ? instruction.operands().getLast()
                : null;
        addFold(operation, output, inputs, mask, null, instruction.source());
    }

    /**
     * @param output keeps the inputs' rank; 1 where folded
     * @param indexStrides as in {@link Candidate}, along all dimensions; or null
     */
    void addFold(
            Operation operation,
            Operand.View output,
            List<Operand> inputs,
            @Nullable Operand mask,
            long @Nullable [] indexStrides,
            int source) {
        if (output.layout().elements() == 0) {
            return;
        }
        Operand.View first = firstView(inputs);
        long[] fullShape = first.layout().shape();
        if (first.layout().elements() == 0) {
            place(Identities.fill(
                    operation,
                    access(output, output.layout().shape()),
                    squeeze(output.layout().shape()),
                    source));
            return;
        }
        long[] shape = squeeze(fullShape);
        boolean[] folded = new boolean[shape.length];
        long[] outputStrides = new long[shape.length];
        int next = 0;
        for (int dimension = 0; dimension < fullShape.length; dimension++) {
            if (fullShape[dimension] != 1) {
                folded[next] = output.layout().size(dimension) == 1;
                outputStrides[next] = folded[next] ? 0 : output.layout().stride(dimension);
                next++;
            }
        }
        Access write = Access.of(
                output.buffer(),
                output.offset(),
                shape,
                outputStrides,
                output.layout().type());
        List<Access> writes = List.of(write);
        List<Member.Input> reads = new ArrayList<>();
        for (Operand input : inputs) {
            reads.add(apartFromFold(input(input, fullShape), write, shape, source));
        }
        Member.Input maskInput = mask == null ? null : apartFromFold(input(mask, fullShape), write, shape, source);
        place(Candidate.of(
                new Member(operation, writes, reads, maskInput, source),
                shape,
                folded,
                indexStrides == null ? null : squeezed(indexStrides, fullShape)));
    }

    private static Operand.View firstView(List<Operand> inputs) {
        for (Operand input : inputs) {
            if (input instanceof Operand.View view) {
                return view;
            }
        }
        throw new IllegalArgumentException("a fold needs an array");
    }

    /** Copies between views of one shape, casting on the way. */
    void addCopy(Operand.View to, Operand.View from, int source) {
        char type = to.layout().type().character();
        Operation copyto = table.find("copyto", type + "->" + type).orElseThrow();
        addElementwise(copyto, new Instruction(copyto.number(), List.of(to, from), source));
    }

    /** A contiguous temporary of a view's shape. */
    Operand.View temporaryLike(Operand.View view, DType type) {
        Layout layout = Layout.contiguous(type, view.layout().shape());
        return new Operand.View(newTemporary(Math.max(1, layout.highest())), layout, 0);
    }

    /** @param updates whether the outputs' old contents matter */
    void addRoutine(Instruction instruction, Operation operation, boolean updates) {
        List<Access> reads = new ArrayList<>();
        List<Access> writes = new ArrayList<>();
        for (int index = 0; index < instruction.operands().size(); index++) {
            if (instruction.operands().get(index) instanceof Operand.View view
                    && view.layout().elements() > 0) {
                Access range = Access.range(
                        view.buffer(), view.begin(), view.end(), view.layout().type());
                if (index < operation.outputs().size()) {
                    writes.add(range);
                }
                if (index >= operation.outputs().size() || updates) {
                    reads.add(range);
                }
            }
        }
        groups.add(new Group(instruction, reads, writes));
    }

    /** Whether a buffer's content was there before the batch. */
    boolean isThere(int buffer) {
        return buffer < structure.buffers() && !structure.isNew(buffer);
    }

    /** A new buffer that lives for this batch only. */
    int newTemporary(long bytes) {
        temporaries.add(bytes);
        return structure.buffers() + temporaries.size() - 1;
    }

    OperationTable table() {
        return table;
    }

    private void place(Candidate candidate) {
        if (fusion != Fusion.OFF) {
            int earliest = Math.max(0, groups.size() - LOOK_BACK);
            for (int index = groups.size() - 1; index >= earliest; index--) {
                Group group = groups.get(index);
                if (group.accepts(candidate)) {
                    group.add(candidate);
                    return;
                }
                if (group.conflictsWith(candidate)) {
                    break;
                }
            }
        }
        Group group = new Group(candidate.shape(), this::dies);
        group.add(candidate);
        groups.add(group);
    }

    /** An input that meets other elements of the same instruction's outputs is copied first, as NumPy does. */
    private Member.Input apart(Member.Input input, List<Access> writes, long[] shape, int source) {
        if (input instanceof Member.Input.Memory memory) {
            for (Access write : writes) {
                if (!write.equals(memory.access()) && write.overlaps(memory.access(), shape, shape)) {
                    return copied(memory.access(), shape, source);
                }
            }
        }
        return input;
    }

    private Member.Input apartFromFold(Member.Input input, Access write, long[] shape, int source) {
        if (input instanceof Member.Input.Memory memory && write.overlaps(memory.access(), shape, shape)) {
            return copied(memory.access(), shape, source);
        }
        return input;
    }

    private Member.Input copied(Access access, long[] shape, int source) {
        Member copy = copyOf(access, shape, source);
        place(Candidate.of(copy, shape, null, null));
        return new Member.Input.Memory(copy.outputs().getFirst());
    }

    /** An instruction that copies a view to a new temporary. */
    Member copyOf(Access access, long[] shape, int source) {
        Layout layout = Layout.contiguous(access.type(), shape);
        int buffer = newTemporary(Math.max(1, layout.highest()));
        Access copy = Access.of(buffer, 0, shape, layout.strides(), access.type());
        String signature = access.type().character() + "->" + access.type().character();
        Operation copyto = table.find("copyto", signature).orElseThrow();
        return new Member(copyto, List.of(copy), List.of(new Member.Input.Memory(access)), null, source);
    }

    private static Member.Input input(Operand operand, long[] fullShape) {
        return switch (operand) {
            case Operand.View view -> new Member.Input.Memory(access(view, fullShape));
            case Operand.ScalarOperand scalar -> new Member.Input.Constant(scalar);
        };
    }

    private static Access access(Operand.View view, long[] fullShape) {
        return Access.of(
                view.buffer(),
                view.offset(),
                squeeze(fullShape),
                squeezed(view.layout().strides(), fullShape),
                view.layout().type());
    }

    private static long[] squeeze(long[] shape) {
        return squeezed(shape, shape);
    }

    /** The entries of those dimensions that have more than one element. */
    private static long[] squeezed(long[] values, long[] shape) {
        int kept = 0;
        for (long size : shape) {
            kept += size == 1 ? 0 : 1;
        }
        if (kept == shape.length) {
            return values;
        }
        long[] result = new long[kept];
        int next = 0;
        for (int dimension = 0; dimension < shape.length; dimension++) {
            if (shape[dimension] != 1) {
                result[next++] = values[dimension];
            }
        }
        return result;
    }

    /** How a linear index in C order grows along each dimension. */
    static long[] cOrder(long[] shape) {
        return Layout.contiguous(DType.BOOL, shape).strides();
    }

    private Plan finish() {
        hearErrors();
        int buffers = structure.buffers() + temporaries.size();
        int[] lastUse = new int[buffers];
        Arrays.fill(lastUse, -1);
        int[] lastRead = lastReads();
        int[] firstUse = new int[buffers];
        Arrays.fill(firstUse, groups.size());
        for (int index = 0; index < groups.size(); index++) {
            for (Access read : groups.get(index).reads()) {
                lastUse[read.buffer()] = index;
            }
            for (Access write : groups.get(index).writes()) {
                lastUse[write.buffer()] = index;
            }
            for (Access fold : groups.get(index).folds()) {
                lastUse[fold.buffer()] = index;
            }
            for (int buffer : groups.get(index).buffers()) {
                firstUse[buffer] = Math.min(firstUse[buffer], index);
            }
        }
        List<List<Integer>> freesBehind = new ArrayList<>();
        for (int index = 0; index < groups.size(); index++) {
            freesBehind.add(new ArrayList<>());
        }
        List<Integer> unused = new ArrayList<>();
        for (int buffer = 0; buffer < buffers; buffer++) {
            if (dies(buffer)) {
                if (lastUse[buffer] < 0) {
                    unused.add(buffer);
                } else {
                    freesBehind.get(lastUse[buffer]).add(buffer);
                }
            }
        }
        List<Plan.Step> steps = new ArrayList<>();
        Cascades.Lifetimes lifetimes = new Cascades.Lifetimes(this::isInner, firstUse, lastUse);
        for (int index = 0; index < groups.size(); index++) {
            Group group = groups.get(index);
            Instruction routine = group.routine();
            Cascades.Found found =
                    fusion == Fusion.OFF ? null : Cascades.at(index, groups, lifetimes, fusion == Fusion.CASCADE_ALL);
            Plan.CascadeStep cascade = found == null ? null : cascade(index, found, lastRead, freesBehind);
            if (cascade != null) {
                steps.add(cascade);
                index += cascade.groups() - 1;
            } else if (routine != null) {
                Operation operation = table.byNumber(routine.operation()).orElseThrow();
                steps.add(new Plan.RoutineStep(
                        operation,
                        routine,
                        freesBehind.get(index),
                        FloatingPointRules.kinds(operation) & reports(routine.source())));
            } else {
                steps.add(kernel(group, index, lastRead, -1, freesBehind.get(index)));
            }
        }
        return new Plan(steps, unused, temporaries, structure.buffers());
    }

    /** For each buffer the last group that reads it; -1 if none does. */
    private int[] lastReads() {
        int[] lastRead = new int[structure.buffers() + temporaries.size()];
        Arrays.fill(lastRead, -1);
        for (int index = 0; index < groups.size(); index++) {
            for (Access read : groups.get(index).reads()) {
                lastRead[read.buffer()] = index;
            }
        }
        return lastRead;
    }

    /** Sees to it that errors the client wants to know of happen although nobody needs the results. */
    private void hearErrors() {
        if (reports.stream().allMatch(kinds -> kinds == 0)) {
            return;
        }
        int[] lastRead = lastReads();
        for (int index = 0; index < groups.size(); index++) {
            int position = index;
            if (groups.get(index).routine() == null) {
                new Witnesses(
                                this,
                                groups.get(index),
                                buffer -> dies(buffer) && lastRead[buffer] <= position,
                                this::reports)
                        .call(heard);
            }
        }
    }

    private Plan.KernelStep kernel(Group group, int position, int[] lastRead, int rowDimension, List<Integer> frees) {
        return new KernelAssembly(
                        group,
                        buffer -> !heard.get(buffer) && dies(buffer) && lastRead[buffer] <= position,
                        rowDimension)
                .assemble(frees, this::reports);
    }

    private Plan.@Nullable CascadeStep cascade(
            int begin, Cascades.Found found, int[] lastRead, List<List<Integer>> freesBehind) {
        List<Plan.Stage> stages = new ArrayList<>();
        List<Integer> frees = new ArrayList<>();
        for (int number = 0; number < found.stages(); number++) {
            int position = begin + number;
            Group group = groups.get(position);
            int dimension = found.dimensions()[number];
            Plan.KernelStep whole = kernel(group, position, lastRead, dimension, List.of());
            frees.addAll(freesBehind.get(position));
            if (whole.kernel() == null) {
                continue;
            }
            long first = found.firsts()[number];
            long count = group.shape()[dimension];
            boolean foldsRows = group.folded() != null && group.folded()[dimension];
            Map<Long, Plan.KernelStep> byRows = new HashMap<>();
            for (long size : Plan.CascadeStep.sizes(found.rows(), found.block(), first, count)) {
                byRows.put(size, kernel(group.resized(dimension, size), position, lastRead, dimension, List.of()));
            }
            if (foldsRows && !foldsAlike(whole, byRows.values())) {
                return null;
            }
            stages.add(new Plan.Stage(whole, first, count, byRows, foldsRows));
        }
        return new Plan.CascadeStep(stages, found.stages(), found.rows(), found.block(), found.locals(), frees);
    }

    /** Whether each block's partial results are such that those of all blocks can be combined as one list. */
    private static boolean foldsAlike(Plan.KernelStep whole, Collection<Plan.KernelStep> variants) {
        return variants.stream().allMatch(variant -> variant.mode() == whole.mode())
                && (whole.mode() != Plan.Mode.FOLD_INNER || whole.keptElements() == 1);
    }

    /** Whether a buffer begins in this batch and dies in it. */
    private boolean isInner(int buffer) {
        return buffer >= structure.buffers() || structure.isNew(buffer) && dies(buffer);
    }

    /** Whether a device may run the steps. */
    boolean isForDevice() {
        return forDevice;
    }

    private int reports(int source) {
        return source > 0 && source <= reports.size() ? reports.get(source - 1) : 0;
    }

    /** Whether nobody can see the buffer after the batch. */
    private boolean dies(int buffer) {
        return buffer >= structure.buffers() || freed[buffer] && !structure.isObserved(buffer);
    }
}
