package io.maniple.bridge.program;

import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The verifier at the door: turns a batch's structure into instructions and refuses whatever is not sound. Every
 * operand lies inside its buffer (exact arithmetic), every type and operation is known, nothing is used after it was
 * freed, outputs do not overlap themselves.
 */
public final class ProgramDecoder {
    /** What the decoder must know of the operation table. */
    public interface Operations {
        /** Number of outputs, or -1 if there is no such operation. */
        int outputs(int operation);

        /** @return null if the operands suit the operation, else what is wrong with them */
        @Nullable String check(int operation, List<Operand> operands);
    }

    private static final Layout WHOLE = new Layout(DType.UINT8, new long[] {0}, new long[] {1});

    private final BatchStructure structure;
    private final Operations operations;
    private final int maximumDimensions;

    public ProgramDecoder(BatchStructure structure, Operations operations, int maximumDimensions) {
        this.structure = structure;
        this.operations = operations;
        this.maximumDimensions = maximumDimensions;
    }

    /**
     * @throws ProgramException with INVALID_PROGRAM, UNKNOWN_BUFFER or LIMIT_EXCEEDED
     */
    public List<Instruction> decode(List<Integer> sources) {
        List<Layout> layouts = decodeLayouts();
        boolean[] freed = new boolean[structure.buffers()];
        List<Instruction> instructions = new ArrayList<>(structure.instructions());
        // The same view appears again and again; one object for it makes later comparisons cheap.
        Map<Operand.View, Operand.View> views = new HashMap<>();
        int next = 0;
        for (int index = 0; index < structure.instructions(); index++) {
            int source = sources.get(index);
            List<Operand> operands = new ArrayList<>(structure.operandCount(index));
            boolean frees = structure.operation(index) == Instruction.FREE;
            for (int count = structure.operandCount(index); count > 0; count--) {
                operands.add(frees ? whole(next++, freed, source) : operand(next++, layouts, freed, views, source));
            }
            Instruction instruction = new Instruction(structure.operation(index), operands, source);
            check(instruction, freed);
            instructions.add(instruction);
        }
        return instructions;
    }

    private List<Layout> decodeLayouts() {
        List<Layout> layouts = new ArrayList<>(structure.layouts().size());
        for (io.maniple.bridge.proto.Layout wire : structure.layouts()) {
            DType type = type(wire.getType());
            int rank = wire.getShapeCount();
            if (rank > maximumDimensions) {
                throw new ProgramException(
                        Status.LIMIT_EXCEEDED,
                        "an array of " + rank + " dimensions; at most " + maximumDimensions + " are allowed");
            }
            if (rank != wire.getStridesCount()) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM,
                        "a layout of " + rank + " dimensions has " + wire.getStridesCount() + " strides");
            }
            long[] shape = new long[rank];
            long[] strides = new long[rank];
            for (int dimension = 0; dimension < rank; dimension++) {
                shape[dimension] = wire.getShape(dimension);
                strides[dimension] = wire.getStrides(dimension);
            }
            try {
                layouts.add(new Layout(type, shape, strides));
            } catch (ArithmeticException | IllegalArgumentException problem) {
                throw new ProgramException(Status.INVALID_PROGRAM, "a layout is impossible: " + problem.getMessage());
            }
        }
        return layouts;
    }

    private static DType type(DataType wire) {
        return DType.ofWire(wire)
                .orElseThrow(() -> new ProgramException(Status.INVALID_PROGRAM, "unknown data type " + wire));
    }

    private Operand operand(
            int index, List<Layout> layouts, boolean[] freed, Map<Operand.View, Operand.View> views, int source) {
        int buffer = structure.operandBuffer(index);
        int position = structure.operandLayout(index);
        if (buffer < 0) {
            if (position < 0 || position >= structure.scalars()) {
                throw new ProgramException(Status.INVALID_PROGRAM, "there is no scalar " + position, source);
            }
            return new Operand.ScalarOperand(position, type(wireType(structure.scalarType(position))));
        }
        if (position < 0 || position >= layouts.size()) {
            throw new ProgramException(Status.INVALID_PROGRAM, "there is no layout " + position, source);
        }
        if (freed[buffer]) {
            throw new ProgramException(
                    Status.UNKNOWN_BUFFER,
                    "buffer " + structure.handle(buffer) + " is used after it was freed",
                    source);
        }
        Layout layout = layouts.get(position);
        Operand.View view = new Operand.View(buffer, layout, structure.operandOffset(index));
        if (layout.elements() > 0 && !inside(view)) {
            throw new ProgramException(
                    Status.INVALID_PROGRAM,
                    "the view " + layout + " at byte " + view.offset() + " reaches outside buffer "
                            + structure.handle(buffer) + " of " + structure.bytes(buffer) + " bytes",
                    source);
        }
        Operand.View known = views.putIfAbsent(view, view);
        return known != null ? known : view;
    }

    /** The operand of a free: a buffer, whatever its layout says. */
    private Operand whole(int index, boolean[] freed, int source) {
        int buffer = structure.operandBuffer(index);
        if (buffer < 0 || freed[buffer]) {
            throw new ProgramException(Status.UNKNOWN_BUFFER, "a free names no live buffer", source);
        }
        return new Operand.View(buffer, WHOLE, 0);
    }

    private static DataType wireType(int number) {
        DataType type = DataType.forNumber(number);
        return type == null ? DataType.UNRECOGNIZED : type;
    }

    private boolean inside(Operand.View view) {
        try {
            long begin = Math.addExact(view.offset(), view.layout().lowest());
            long end = Math.addExact(view.offset(), view.layout().highest());
            return begin >= 0 && end <= structure.bytes(view.buffer());
        } catch (ArithmeticException overflow) {
            return false;
        }
    }

    private void check(Instruction instruction, boolean[] freed) {
        List<Operand> operands = instruction.operands();
        if (instruction.operation() == Instruction.FREE) {
            if (operands.size() != 1 || !(operands.get(0) instanceof Operand.View view)) {
                throw new ProgramException(Status.INVALID_PROGRAM, "a free takes one buffer", instruction.source());
            }
            freed[view.buffer()] = true;
            return;
        }
        int outputs = operations.outputs(instruction.operation());
        if (outputs < 0) {
            throw new ProgramException(
                    Status.INVALID_PROGRAM, "unknown operation " + instruction.operation(), instruction.source());
        }
        for (int index = 0; index < outputs; index++) {
            if (index >= operands.size() || !(operands.get(index) instanceof Operand.View view)) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM, "output " + index + " is not a view", instruction.source());
            }
            if (view.layout().overlapsItself()) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM,
                        "output " + index + " overlaps itself: " + view.layout(),
                        instruction.source());
            }
        }
        String problem = operations.check(instruction.operation(), operands);
        if (problem != null) {
            throw new ProgramException(Status.INVALID_PROGRAM, problem, instruction.source());
        }
    }
}
