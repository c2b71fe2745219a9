package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import io.maniple.kernels.ops.FloatingPointRules;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/** Builds the kernel of one group: values pass between instructions in registers, dead temporaries are not stored. */
final class KernelAssembly {
    /** What is known of a view inside the loop: its value, and where it holds (-1: everywhere). */
    private record Current(Value value, int mask) {}

    private record Part(Access access, int part) {}

    private final Group group;
    private final IntPredicate isDead;
    private final LoopOrder loop;
    private final int rowDimension;
    private final KernelBuilder builder = new KernelBuilder();
    private final Map<Access, Current> current = new LinkedHashMap<>();
    private final Map<Part, Integer> operands = new HashMap<>();
    private final List<Plan.Binding> bindings = new ArrayList<>();
    private final Map<Plan.ScalarBinding, Integer> scalarSlots = new LinkedHashMap<>();
    private final List<Plan.FoldBinding> folds = new ArrayList<>();

    /**
     * @param isDead whether nobody reads a buffer behind this group
     * @param rowDimension the group's dimension that a cascade cuts into blocks; -1 for none
     */
    KernelAssembly(Group group, IntPredicate isDead, int rowDimension) {
        this.group = group;
        this.isDead = isDead;
        this.rowDimension = rowDimension;
        List<Access> all = new ArrayList<>(group.reads());
        all.addAll(group.writes());
        all.addAll(group.folds());
        this.loop = LoopOrder.of(group.shape(), all, group.folded(), group.indexStrides());
    }

    /** @param reports the kinds of floating-point errors the client wants to know of a source */
    Plan.KernelStep assemble(List<Integer> frees, IntUnaryOperator reports) {
        List<Plan.Described> described = new ArrayList<>();
        for (Member member : group.members()) {
            described.add(new Plan.Described(
                    member.operation().name(), member.operation().signature(), member.source()));
            if (member.folds()) {
                fold(member);
            } else {
                map(member);
            }
        }
        int elided = store();
        KernelTrimmer trimmer = new KernelTrimmer(builder.build());
        List<Plan.ScalarBinding> slots = new ArrayList<>(scalarSlots.keySet());
        Plan.KernelStep step = new Plan.KernelStep(
                trimmer.isEmpty() ? null : trimmer.kernel(),
                loop.shape(),
                loop.folded(),
                loop.indexStrides(),
                loop.mode(),
                trimmer.keepOperands(bindings),
                trimmer.keepScalars(slots),
                trimmer.renumber(folds),
                described,
                elided,
                frees,
                null);
        return step.kernel() == null ? step : step.with(Diagnosis.of(group, step, reports));
    }

    KernelBuilder builder() {
        return builder;
    }

    List<Plan.Binding> bindings() {
        return bindings;
    }

    List<Plan.ScalarBinding> scalars() {
        return new ArrayList<>(scalarSlots.keySet());
    }

    /** What became of an elementwise instruction: its inputs and results as the operation sees them. */
    record Mapped(List<Value> inputs, List<Value> results, List<FloatingPointRules.Conversion> conversions, int mask) {}

    Mapped map(Member member) {
        Operation operation = member.operation();
        Operation.Kind.Elementwise kind = (Operation.Kind.Elementwise) operation.kind();
        List<Value> inputs = inputs(member);
        List<FloatingPointRules.Conversion> conversions = conversions(member, inputs);
        List<Value> results = kind.lowering().lower(builder, inputs);
        int mask = mask(member);
        for (int index = 0; index < results.size(); index++) {
            Access output = member.outputs().get(index);
            Value result = results.get(index);
            if (operation.outputs().get(index) == DType.FLOAT16) {
                // The lowering may hand over an unrounded float32; the result is a float16, whatever it is stored as.
                result = Value.of(builder.roundToHalf(result.real()));
            }
            Value value = Casts.cast(builder, result, operation.outputs().get(index), output.type());
            note(conversions, operation.outputs().get(index), results.get(index), output.type(), value);
            current.put(output, merge(output, value, mask));
        }
        return new Mapped(inputs, results, conversions, mask);
    }

    /** What a fold takes: its inputs, and how they are cast. */
    Mapped taken(Member member) {
        List<Value> inputs = inputs(member);
        return new Mapped(inputs, List.of(), conversions(member, inputs), mask(member));
    }

    private List<FloatingPointRules.Conversion> conversions(Member member, List<Value> inputs) {
        List<FloatingPointRules.Conversion> conversions = new ArrayList<>();
        for (int index = 0; index < inputs.size(); index++) {
            if (member.inputs().get(index) instanceof Member.Input.Memory memory) {
                note(
                        conversions,
                        memory.access().type(),
                        valueOf(memory.access()),
                        member.operation().inputs().get(index),
                        inputs.get(index));
            }
        }
        return conversions;
    }

    private static void note(
            List<FloatingPointRules.Conversion> conversions, DType from, Value before, DType to, Value after) {
        conversions.add(new FloatingPointRules.Conversion(from, before.real(), to, after.real()));
        if (before.isComplex() && after.isComplex()) {
            conversions.add(new FloatingPointRules.Conversion(from, before.imaginary(), to, after.imaginary()));
        }
    }

    private Current merge(Access output, Value value, int mask) {
        Current before = current.get(output);
        if (mask < 0 || before == null) {
            return new Current(value, mask);
        }
        Value merged = select(mask, value, before.value());
        int both = before.mask() < 0 ? -1 : builder.apply(Primitive.OR, before.mask(), mask);
        return new Current(merged, both);
    }

    private Value select(int mask, Value yes, Value no) {
        int real = builder.apply(Primitive.SELECT, mask, yes.real(), no.real());
        return yes.isComplex()
                ? new Value(real, builder.apply(Primitive.SELECT, mask, yes.imaginary(), no.imaginary()))
                : Value.of(real);
    }

    private List<Value> inputs(Member member) {
        List<Value> values = new ArrayList<>();
        for (int index = 0; index < member.inputs().size(); index++) {
            values.add(
                    read(member.inputs().get(index), member.operation().inputs().get(index)));
        }
        return values;
    }

    private int mask(Member member) {
        Member.Input mask = member.mask();
        return mask == null ? -1 : read(mask, DType.BOOL).real();
    }

    private Value read(Member.Input input, DType type) {
        return switch (input) {
            case Member.Input.Constant constant -> {
                DType own = constant.scalar().type();
                Value value = new Value(
                        scalar(constant.scalar().position(), own, 0),
                        own.isComplex() ? scalar(constant.scalar().position(), own, 1) : -1);
                yield Casts.cast(builder, value, own, type);
            }
            case Member.Input.Memory memory ->
                Casts.cast(builder, valueOf(memory.access()), memory.access().type(), type);
        };
    }

    private int scalar(int position, DType type, int part) {
        Plan.ScalarBinding binding = new Plan.ScalarBinding(position, type, part);
        Integer slot = scalarSlots.get(binding);
        if (slot == null) {
            slot = builder.newScalar();
            scalarSlots.put(binding, slot);
        }
        return builder.scalar(slot, Casts.storage(type).computed());
    }

    private Value valueOf(Access access) {
        Current known = current.get(access);
        if (known != null && known.mask() < 0) {
            return known.value();
        }
        Value loaded = new Value(load(access, 0), access.type().isComplex() ? load(access, 1) : -1);
        return known == null ? loaded : select(known.mask(), known.value(), loaded);
    }

    private int load(Access access, int part) {
        return builder.load(operand(access, part), Casts.storage(access.type()));
    }

    private int operand(Access access, int part) {
        return operands.computeIfAbsent(new Part(access, part), key -> {
            ElementType storage = Casts.storage(access.type());
            bindings.add(new Plan.Binding(
                    access.buffer(),
                    access.offset() + (long) part * storage.bytes(),
                    loop.order(access.strides()),
                    storage,
                    false,
                    false,
                    rowStep(access)));
            return builder.newOperand();
        });
    }

    private long rowStep(Access access) {
        return rowDimension < 0 ? 0 : access.strides()[rowDimension];
    }

    private void fold(Member member) {
        Operation.Kind.Fold kind = (Operation.Kind.Fold) member.operation().kind();
        Access output = member.outputs().get(0);
        if (isDead.test(output.buffer())) {
            return;
        }
        Value value = kind.map().lower(builder, inputs(member)).get(0);
        int mask = mask(member);
        ElementType accumulator = Casts.storage(kind.accumulator()).computed();
        boolean complex = output.type().isComplex() && value.isComplex();
        addFold(kind.reduction(), accumulator, value.real(), mask, output, 0);
        if (complex) {
            addFold(kind.reduction(), accumulator, value.imaginary(), mask, output, 1);
        }
    }

    private void addFold(Reduction reduction, ElementType accumulator, int value, int mask, Access output, int part) {
        int folded = builder.cast(value, accumulator);
        if (mask >= 0) {
            int identity = builder.literal(accumulator, reduction.identityBits(accumulator));
            folded = builder.apply(Primitive.SELECT, mask, folded, identity);
        }
        int number = folds.size();
        int operand = builder.newOperand();
        ElementType storage = Casts.storage(output.type());
        bindings.add(new Plan.Binding(-1 - number, 0, new long[0], accumulator, true, false, 0));
        folds.add(new Plan.FoldBinding(
                operand,
                reduction,
                accumulator,
                output.buffer(),
                output.offset() + (long) part * storage.bytes(),
                loop.order(output.strides()),
                storage,
                rowStep(output)));
        if (loop.mode() == Plan.Mode.FOLD_INNER) {
            builder.reduce(operand, reduction, folded);
        } else {
            int before = builder.load(operand, accumulator);
            builder.store(operand, accumulator, builder.apply(reduction.primitive(), before, folded), -1);
        }
    }

    /** @return how many views were not stored because nobody will read them */
    private int store() {
        int elided = 0;
        for (Map.Entry<Access, Current> entry : current.entrySet()) {
            Access access = entry.getKey();
            if (isDead.test(access.buffer())) {
                elided++;
                continue;
            }
            // Reading what is kept and writing everything beats masked stores, which some processors do in microcode;
            // the elements of one view belong to one chunk, so nobody else writes them meanwhile.
            Value value = valueOf(access);
            ElementType storage = Casts.storage(access.type());
            builder.store(operand(access, 0), storage, value.real(), -1);
            if (access.type().isComplex()) {
                builder.store(operand(access, 1), storage, value.imaginary(), -1);
            }
        }
        return elided;
    }
}
