package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernel of a single operation. Its operands are the outputs, then the inputs, all of the signature's types (the
 * output of a fold: of the accumulator's type); a complex operand is two, the real parts and the imaginary parts.
 */
public final class OperationKernels {
    private OperationKernels() {}

    /** One result element from the elements at the same position. */
    public static Kernel elementwise(Operation operation, Operation.Kind.Elementwise kind) {
        KernelBuilder builder = new KernelBuilder();
        List<Value> targets = operands(builder, operation.outputs());
        List<Value> inputs = loads(builder, operation.inputs());
        List<Value> results = kind.lowering().lower(builder, inputs);
        for (int i = 0; i < results.size(); i++) {
            store(builder, targets.get(i), Casts.storage(operation.outputs().get(i)), results.get(i));
        }
        return builder.build();
    }

    /** Folds the inner loop. */
    public static Kernel fold(Operation operation, Operation.Kind.Fold kind) {
        KernelBuilder builder = new KernelBuilder();
        Value target = operands(builder, List.of(kind.accumulator())).getFirst();
        List<Value> inputs = loads(builder, operation.inputs());
        Value mapped = kind.map().lower(builder, inputs).getFirst();
        builder.reduce(target.real(), kind.reduction(), mapped.real());
        if (target.isComplex()) {
            builder.reduce(target.imaginary(), kind.reduction(), mapped.imaginary());
        }
        return builder.build();
    }

    /** Casts one type to another. */
    public static Kernel cast(DType from, DType to) {
        KernelBuilder builder = new KernelBuilder();
        Value target = operands(builder, List.of(to)).getFirst();
        Value input = loads(builder, List.of(from)).getFirst();
        store(builder, target, Casts.storage(to), Casts.cast(builder, input, from, to));
        return builder.build();
    }

    /** The types of a kernel's operands for these types of array. */
    public static List<ElementType> storages(List<DType> types) {
        List<ElementType> storages = new ArrayList<>();
        for (DType type : types) {
            storages.add(Casts.storage(type));
            if (type.isComplex()) {
                storages.add(Casts.storage(type));
            }
        }
        return storages;
    }

    private static List<Value> operands(KernelBuilder builder, List<DType> types) {
        List<Value> operands = new ArrayList<>();
        for (DType type : types) {
            int real = builder.newOperand();
            operands.add(type.isComplex() ? new Value(real, builder.newOperand()) : Value.of(real));
        }
        return operands;
    }

    private static List<Value> loads(KernelBuilder builder, List<DType> types) {
        List<Value> values = new ArrayList<>();
        List<Value> operands = operands(builder, types);
        for (int i = 0; i < types.size(); i++) {
            ElementType storage = Casts.storage(types.get(i));
            Value operand = operands.get(i);
            int real = builder.load(operand.real(), storage);
            values.add(
                    operand.isComplex() ? new Value(real, builder.load(operand.imaginary(), storage)) : Value.of(real));
        }
        return values;
    }

    private static void store(KernelBuilder builder, Value target, ElementType storage, Value result) {
        builder.store(target.real(), storage, result.real(), -1);
        if (target.isComplex()) {
            builder.store(target.imaginary(), storage, result.imaginary(), -1);
        }
    }
}
