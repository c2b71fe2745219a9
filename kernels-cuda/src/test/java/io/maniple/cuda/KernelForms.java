package io.maniple.cuda;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationKernels;
import io.maniple.kernels.ops.OperationTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Every kernel of the operation table in every form that there is a source for. */
final class KernelForms {
    static final int BLOCK_THREADS = 64;

    /**
     * A kernel that maps contiguous elements. The operands are the outputs, then the inputs.
     *
     * @param ulp how far functions may be from the portable engine's
     */
    record Mapped(String name, Kernel kernel, List<ElementType> outputs, List<ElementType> inputs, double ulp) {
        List<ElementType> operands() {
            List<ElementType> all = new ArrayList<>(outputs);
            all.addAll(inputs);
            return all;
        }
    }

    private KernelForms() {}

    /** All elementwise operations and casts. */
    static List<Mapped> mapped() {
        List<Mapped> all = new ArrayList<>();
        for (Operation operation : OperationTable.standard().operations()) {
            if (operation.kind() instanceof Operation.Kind.Elementwise kind) {
                all.add(new Mapped(
                        operation.name() + ":" + operation.signature(),
                        OperationKernels.elementwise(operation, kind),
                        OperationKernels.storages(operation.outputs()),
                        OperationKernels.storages(operation.inputs()),
                        operation.ulp()));
            }
        }
        for (DType from : DType.values()) {
            for (DType to : DType.values()) {
                all.add(new Mapped(
                        "cast:" + from.character() + "->" + to.character(),
                        OperationKernels.cast(from, to),
                        OperationKernels.storages(List.of(to)),
                        OperationKernels.storages(List.of(from)),
                        0));
            }
        }
        return all;
    }

    static boolean isWide(Mapped mapped) {
        return mapped.operands().stream().allMatch(type -> type.bytes() < Long.BYTES);
    }

    static KernelText map(Kernel kernel, LoopSource.Form form, int rank, boolean wide) {
        LoopSource.Shape shape = new LoopSource.Shape(
                kernel, form, rank, wide, BLOCK_THREADS, LoopSource.lanes(kernel), Map.of(), Map.of(), -1);
        return KernelText.of(name -> LoopSource.write(shape, name));
    }

    /** A fold of the values of one operand, watched where that means something. */
    static KernelText fold(Reduction reduction, ElementType type, boolean inner, boolean watched) {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        int value = builder.load(builder.newOperand(), type);
        if (inner) {
            builder.reduce(target, reduction, value);
        } else {
            builder.store(target, type, builder.apply(reduction.primitive(), builder.load(target, type), value), -1);
        }
        int word = watched ? builder.newOperand() : -1;
        if (watched) {
            builder.reduce(word, Reduction.OR, builder.literal(ElementType.INT64, 0));
        }
        Kernel kernel = builder.build();
        LoopSource.Shape shape = new LoopSource.Shape(
                kernel,
                inner ? LoopSource.Form.FOLD_INNER : LoopSource.Form.FOLD_OUTER,
                2,
                watched,
                BLOCK_THREADS,
                64 / type.bytes(),
                Map.of(target, reduction),
                watched ? Map.of(target, new LoopSource.FoldWatch(1, 2)) : Map.of(),
                word);
        return KernelText.of(name -> LoopSource.write(shape, name));
    }

    static boolean folds(Reduction reduction, ElementType type) {
        boolean bits = reduction == Reduction.AND || reduction == Reduction.OR || reduction == Reduction.XOR;
        if (type == ElementType.BOOL) {
            return bits;
        }
        return type != ElementType.FLOAT16 && (!bits || !type.isFloating());
    }

    /** Every form of every kernel. */
    static List<KernelText> all() {
        List<KernelText> texts = new ArrayList<>();
        for (Mapped mapped : mapped()) {
            texts.add(map(mapped.kernel(), LoopSource.Form.MAP, 0, false));
            texts.add(map(mapped.kernel(), LoopSource.Form.MAP, 3, true));
            if (isWide(mapped)) {
                texts.add(map(mapped.kernel(), LoopSource.Form.MAP_WIDE, 0, false));
            }
        }
        routines(texts);
        for (Reduction reduction : Reduction.values()) {
            for (ElementType type : ElementType.values()) {
                if (folds(reduction, type)) {
                    for (boolean watched : new boolean[] {false, true}) {
                        texts.add(fold(reduction, type, true, watched));
                        texts.add(fold(reduction, type, false, watched));
                        texts.add(KernelText.of(
                                name -> CombineSource.write(reduction, type, type, watched ? 2 : 0, watched, name)));
                    }
                    ElementType other = type == ElementType.FLOAT32 ? ElementType.FLOAT16 : ElementType.FLOAT64;
                    texts.add(KernelText.of(name -> CombineSource.write(reduction, type, other, 1, true, name)));
                }
            }
        }
        return texts;
    }

    private static void routines(List<KernelText> texts) {
        selections(texts);
        counts(texts);
        for (ElementType part : List.of(ElementType.FLOAT32, ElementType.FLOAT64)) {
            for (TransformSource.Kind kind : TransformSource.Kind.values()) {
                texts.add(TransformSource.load(kind, part, 1));
                texts.add(TransformSource.load(kind, part, 3));
            }
            texts.add(TransformSource.store(TransformSource.Kind.REAL, part, 1));
            texts.add(TransformSource.store(TransformSource.Kind.COMPLEX, part, 3));
        }
        for (int bytes = 1; bytes <= 8; bytes *= 2) {
            texts.add(RoutineSource.take(bytes, 1));
            texts.add(RoutineSource.take(bytes, 3));
        }
        texts.add(RoutineSource.pcg64(false));
        texts.add(RoutineSource.pcg64(true));
        for (ElementType type : ElementType.values()) {
            texts.add(RoutineSource.sortRuns(type, false));
            texts.add(RoutineSource.sortRuns(type, true));
            texts.add(RoutineSource.merge(type, false));
            texts.add(RoutineSource.merge(type, true));
            List<Reduction> scans = List.of(Reduction.SUM, Reduction.PRODUCT, Reduction.MINIMUM, Reduction.MAXIMUM);
            for (Reduction reduction : type == ElementType.BOOL ? List.<Reduction>of() : scans) {
                texts.add(RoutineSource.scan(reduction, type, BLOCK_THREADS));
                texts.add(RoutineSource.scanTotals(reduction, type, BLOCK_THREADS));
                texts.add(RoutineSource.scanBefore(reduction, type, BLOCK_THREADS));
                texts.add(RoutineSource.scanRows(reduction, type, BLOCK_THREADS));
            }
        }
    }

    private static void selections(List<KernelText> texts) {
        texts.add(SelectionSource.counts(BLOCK_THREADS));
        texts.add(SelectionSource.starts(BLOCK_THREADS));
        for (int bytes = 1; bytes <= 8; bytes *= 2) {
            texts.add(SelectionSource.move(bytes, false, BLOCK_THREADS));
            texts.add(SelectionSource.move(bytes, true, BLOCK_THREADS));
            for (SelectionSource.PutStep step : SelectionSource.PutStep.values()) {
                texts.add(SelectionSource.put(step, bytes, 1, false));
                texts.add(SelectionSource.put(step, bytes, 3, true));
            }
        }
    }

    private static void counts(List<KernelText> texts) {
        texts.add(CountSource.places());
        for (boolean one : new boolean[] {false, true}) {
            texts.add(CountSource.count(one, BLOCK_THREADS));
            texts.add(CountSource.histogram(one, BLOCK_THREADS));
            texts.add(CountSource.search(ElementType.FLOAT32, true, one));
            texts.add(CountSource.search(ElementType.FLOAT64, true, one));
        }
        for (ElementType type : ElementType.values()) {
            texts.add(CountSource.search(type, false, false));
            texts.add(CountSource.search(type, false, true));
            for (Reduction reduction :
                    List.of(Reduction.SUM, Reduction.PRODUCT, Reduction.MINIMUM, Reduction.MAXIMUM)) {
                texts.add(CountSource.update(reduction, type, 1, false));
                texts.add(CountSource.segments(reduction, type));
            }
            if (type != ElementType.BOOL) {
                texts.add(CountSource.update(Reduction.SUM, type, 1, true));
                texts.add(CountSource.update(Reduction.SUM, type, 2, false));
            }
        }
    }

    /** A chain of operations that the planner would fuse: sqrt(x x + 1) exp(-x) + 0.5 y. */
    static Kernel chain(ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        int x = builder.load(builder.newOperand(), type);
        int y = builder.load(builder.newOperand(), type);
        int root = builder.apply(
                Primitive.SQRT,
                builder.apply(Primitive.ADD, builder.apply(Primitive.MULTIPLY, x, x), builder.number(type, 1)));
        int fall = builder.apply(Primitive.EXP, builder.apply(Primitive.NEGATE, x));
        int product = builder.apply(Primitive.MULTIPLY, root, fall);
        int half = builder.apply(Primitive.MULTIPLY, builder.number(type, 0.5), y);
        builder.store(target, type, builder.apply(Primitive.ADD, product, half), -1);
        return builder.build();
    }
}
