package io.maniple.server.plan;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationTable;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * Lets instructions read what a copy was made of, and not the copy, where that is of the same values: {@code
 * image.astype(np.int32)[1:] - ...} reads the image's bytes and widens them in registers. The wide copy would be written
 * and read again, since views of it that are shifted against each other cannot be in one loop with what fills it.
 *
 * <p>A copy is passed over if it lives in this batch only, all who read it are kernels that can cast on their way, and
 * what it was made of stays as it is until then.
 */
final class Forwarding {
    private final OperationTable table;
    private final IntPredicate isInner;
    private final List<Instruction> instructions;
    /** For each buffer the instructions that read or write it, in order; a read of an updated buffer is a write. */
    private final Map<Integer, List<Integer>> readers = new HashMap<>();

    private final Map<Integer, List<Integer>> writers = new HashMap<>();

    /** @param isInner whether a buffer begins in this batch and dies in it */
    Forwarding(List<Instruction> instructions, OperationTable table, IntPredicate isInner) {
        this.table = table;
        this.isInner = isInner;
        this.instructions = new ArrayList<>(instructions);
    }

    /** @return the instructions, some with other inputs, without the copies that nobody reads any more */
    List<Instruction> run() {
        BitSet copies = new BitSet();
        for (int number = 0; number < instructions.size(); number++) {
            if (isExactCopy(instructions.get(number))) {
                copies.set(number);
            }
        }
        if (copies.isEmpty()) {
            return instructions;
        }
        for (int number = 0; number < instructions.size(); number++) {
            note(number);
        }
        List<Instruction> rest = new ArrayList<>();
        for (int number = 0; number < instructions.size(); number++) {
            if (!copies.get(number) || !isForwarded(number)) {
                rest.add(instructions.get(number));
            }
        }
        return rest;
    }

    private Operation operation(Instruction instruction) {
        return table.byNumber(instruction.operation()).orElseThrow();
    }

    private void note(int number) {
        Instruction instruction = instructions.get(number);
        if (instruction.operation() == Instruction.FREE) {
            return;
        }
        Operation operation = operation(instruction);
        boolean fuses = fuses(operation);
        for (int index = 0; index < instruction.operands().size(); index++) {
            if (instruction.operands().get(index) instanceof Operand.View view) {
                boolean reads = fuses && index >= operation.outputs().size();
                (reads ? readers : writers)
                        .computeIfAbsent(view.buffer(), buffer -> new ArrayList<>())
                        .add(number);
            }
        }
    }

    private static boolean fuses(Operation operation) {
        return operation.kind() instanceof Operation.Kind.Elementwise
                || operation.kind() instanceof Operation.Kind.Fold;
    }

    private boolean isExactCopy(Instruction instruction) {
        if (instruction.operation() == Instruction.FREE
                || instruction.operands().size() != 2) {
            return false;
        }
        Operation operation = operation(instruction);
        if (!operation.name().equals("copyto") || !(instruction.operands().get(1) instanceof Operand.View from)) {
            return false;
        }
        Operand.View to = instruction.view(0);
        DType between = operation.inputs().getFirst();
        return isInner.test(to.buffer())
                && to.buffer() != from.buffer()
                && (between == to.layout().type() || between == from.layout().type())
                && isExact(from.layout().type(), to.layout().type())
                && isDense(to.layout())
                && elementStep(to.layout(), from.layout()) != 0;
    }

    /** Whether every value of the one type is one of the other, so that it does not matter where it is cast further. */
    static boolean isExact(DType from, DType to) {
        if (from == to) {
            return true;
        }
        return switch (from) {
            case BOOL -> !to.isComplex();
            case UINT8 -> to.bytes() >= 2 && !to.isComplex();
            case INT8 -> to.bytes() >= 2 && !to.isComplex() && !isUnsigned(to);
            case UINT16 -> to.bytes() >= 4 && !to.isComplex();
            case INT16 -> to.bytes() >= 4 && !to.isComplex() && !isUnsigned(to);
            case UINT32 -> to == DType.INT64 || to == DType.UINT64 || to == DType.FLOAT64;
            case INT32 -> to == DType.INT64 || to == DType.FLOAT64;
            case INT64, UINT64, FLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 -> false;
        };
    }

    private static boolean isUnsigned(DType type) {
        return type == DType.UINT8 || type == DType.UINT16 || type == DType.UINT32 || type == DType.UINT64;
    }

    /** Whether the elements fill their memory, in whatever order. */
    private static boolean isDense(Layout layout) {
        return layout.elements() > 0
                && layout.lowest() == 0
                && layout.highest() == layout.elements() * layout.type().bytes()
                && !layout.overlapsItself();
    }

    /** How many bytes the source moves while the copy moves by an element, if that is always the same; 0 if it is not. */
    private static long elementStep(Layout to, Layout from) {
        if (!to.sameShape(from)) {
            return 0;
        }
        long step = 0;
        for (int dimension = 0; dimension < to.rank(); dimension++) {
            if (to.size(dimension) == 1) {
                continue;
            }
            long elements = to.stride(dimension) / to.type().bytes();
            if (elements == 0 || from.stride(dimension) % elements != 0) {
                return 0;
            }
            long here = from.stride(dimension) / elements;
            if (here == 0 || step != 0 && here != step) {
                return 0;
            }
            step = here;
        }
        return step;
    }

    /** Replaces what reads a copy; false if somebody needs it. */
    private boolean isForwarded(int copy) {
        if (!isExactCopy(instructions.get(copy))) {
            return false;
        }
        Operand.View to = instructions.get(copy).view(0);
        Operand.View from = instructions.get(copy).view(1);
        List<Integer> reading = readers.getOrDefault(to.buffer(), List.of());
        if (reading.isEmpty()
                || writers.getOrDefault(to.buffer(), List.of()).size() != 1
                || reading.getFirst() < copy) {
            return false;
        }
        int last = reading.getLast();
        for (int writer : writers.getOrDefault(from.buffer(), List.of())) {
            if (writer > copy && writer <= last) {
                return false;
            }
        }
        Map<Integer, Instruction> changed = new HashMap<>();
        for (int number : reading) {
            Instruction instruction = instructions.get(number);
            List<Operand> operands = new ArrayList<>(instruction.operands());
            int outputs = operation(instruction).outputs().size();
            for (int index = outputs; index < operands.size(); index++) {
                if (operands.get(index) instanceof Operand.View view && view.buffer() == to.buffer()) {
                    if (!isElementsOf(to, view)) {
                        return false;
                    }
                    operands.set(index, source(to, from, view));
                }
            }
            changed.put(number, new Instruction(instruction.operation(), operands, instruction.source()));
        }
        changed.forEach(instructions::set);
        readers.remove(to.buffer());
        List<Integer> all = new ArrayList<>(readers.getOrDefault(from.buffer(), List.of()));
        all.addAll(reading);
        all.sort(null);
        readers.put(from.buffer(), all);
        return true;
    }

    private static boolean isElementsOf(Operand.View to, Operand.View view) {
        int bytes = to.layout().type().bytes();
        if (view.layout().type() != to.layout().type()
                || view.layout().elements() == 0
                || view.begin() < to.offset()
                || view.end() > to.offset() + to.layout().highest()
                || (view.offset() - to.offset()) % bytes != 0) {
            return false;
        }
        for (long stride : view.layout().strides()) {
            if (stride % bytes != 0) {
                return false;
            }
        }
        return true;
    }

    /** The view of the source whose elements the copy's view would have. */
    private static Operand.View source(Operand.View to, Operand.View from, Operand.View view) {
        int bytes = to.layout().type().bytes();
        long step = elementStep(to.layout(), from.layout());
        long[] strides = view.layout().strides();
        for (int dimension = 0; dimension < strides.length; dimension++) {
            strides[dimension] = strides[dimension] / bytes * step;
        }
        Layout layout = new Layout(from.layout().type(), view.layout().shape(), strides);
        return new Operand.View(from.buffer(), layout, from.offset() + (view.offset() - to.offset()) / bytes * step);
    }
}
