package io.maniple.bridge.program;

import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Observation;
import io.maniple.bridge.proto.Status;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What of a batch does not change from one iteration of a loop to the next: everything but the handles, the scalars'
 * values and the sources. Two batches of equal structure have the same plan.
 *
 * <p>Buffers are renumbered by their first appearance; {@link #handles} leads back.
 */
public final class BatchStructure {
    /** What the decoder must know of a session's buffers. */
    @FunctionalInterface
    public interface BufferSizes {
        /** The size in bytes of a buffer of this session, or -1 if there is none of that handle. */
        long bytes(long handle);
    }

    private final List<io.maniple.bridge.proto.Layout> layouts;
    private final int[] scalarTypes;
    private final int[] operations;
    private final int[] operandCounts;
    private final int[] operandBuffers;
    private final int[] operandLayouts;
    private final long[] operandOffsets;
    private final long[] handles;
    private final long[] bufferBytes;
    private final boolean[] isNew;
    private final boolean[] observed;
    private final int hash;

    private BatchStructure(Batch batch, Map<Long, NewBuffer> created, BufferSizes sizes) {
        layouts = batch.getLayoutsList();
        scalarTypes = new int[batch.getScalarsCount()];
        for (int index = 0; index < scalarTypes.length; index++) {
            scalarTypes[index] = batch.getScalars(index).getTypeValue();
        }
        operations = toInts(batch.getOperationList());
        operandCounts = toInts(batch.getOperandCountList());
        operandLayouts = toInts(batch.getOperandLayoutList());
        operandOffsets = new long[batch.getOperandOffsetCount()];
        Arrays.setAll(operandOffsets, batch::getOperandOffset);
        operandBuffers = new int[batch.getOperandBufferCount()];
        Map<Long, Integer> numbers = new HashMap<>();
        for (int index = 0; index < operandBuffers.length; index++) {
            long handle = batch.getOperandBuffer(index);
            operandBuffers[index] = handle == 0 ? -1 : number(numbers, handle);
        }
        for (Observation observation : batch.getObservationsList()) {
            number(numbers, observation.getHandle());
        }
        handles = new long[numbers.size()];
        numbers.forEach((handle, number) -> handles[number] = handle);
        bufferBytes = new long[handles.length];
        isNew = new boolean[handles.length];
        observed = new boolean[handles.length];
        for (int number = 0; number < handles.length; number++) {
            NewBuffer fresh = created.get(handles[number]);
            // New with content (inline or placed) is like one that existed before.
            isNew[number] = fresh != null && fresh.getContent().isEmpty() && !fresh.hasPlacement();
            bufferBytes[number] = fresh != null ? fresh.getBytes() : sizes.bytes(handles[number]);
            if (bufferBytes[number] < 0) {
                throw new ProgramException(
                        Status.UNKNOWN_BUFFER, "this session has no buffer with the handle " + handles[number]);
            }
        }
        for (Observation observation : batch.getObservationsList()) {
            observed[number(numbers, observation.getHandle())] = true;
        }
        hash = computeHash();
    }

    /**
     * @throws ProgramException if the columns do not fit together or a buffer is unknown; the instructions themselves
     *     are checked by {@link ProgramDecoder}
     */
    public static BatchStructure of(Batch batch, BufferSizes sizes) {
        if (batch.getOperandCountCount() != batch.getOperationCount()
                || batch.getSourceCount() != batch.getOperationCount()) {
            throw new ProgramException(
                    Status.INVALID_PROGRAM,
                    "the columns operation, operand_count and source differ in length: " + batch.getOperationCount()
                            + ", " + batch.getOperandCountCount() + ", " + batch.getSourceCount());
        }
        long operands = 0;
        for (int index = 0; index < batch.getOperandCountCount(); index++) {
            operands += Integer.toUnsignedLong(batch.getOperandCount(index));
        }
        if (operands != batch.getOperandBufferCount()
                || operands != batch.getOperandLayoutCount()
                || operands != batch.getOperandOffsetCount()) {
            throw new ProgramException(
                    Status.INVALID_PROGRAM,
                    "the instructions have " + operands + " operands, the operand columns "
                            + batch.getOperandBufferCount() + ", " + batch.getOperandLayoutCount() + ", "
                            + batch.getOperandOffsetCount());
        }
        Map<Long, NewBuffer> created = new HashMap<>();
        for (NewBuffer fresh : batch.getBuffersList()) {
            if (fresh.getHandle() <= 0
                    || sizes.bytes(fresh.getHandle()) >= 0
                    || created.put(fresh.getHandle(), fresh) != null) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM, "the handle " + fresh.getHandle() + " cannot name a new buffer");
            }
            if (fresh.getBytes() < 0
                    || !fresh.getContent().isEmpty() && fresh.getContent().size() != fresh.getBytes()) {
                throw new ProgramException(
                        Status.INVALID_PROGRAM,
                        "buffer " + fresh.getHandle() + " announces " + fresh.getBytes() + " bytes and brings "
                                + fresh.getContent().size());
            }
        }
        return new BatchStructure(batch, created, sizes);
    }

    private static int number(Map<Long, Integer> numbers, long handle) {
        Integer known = numbers.get(handle);
        if (known == null) {
            known = numbers.size();
            numbers.put(handle, known);
        }
        return known;
    }

    private static int[] toInts(List<Integer> values) {
        int[] result = new int[values.size()];
        for (int index = 0; index < result.length; index++) {
            result[index] = values.get(index);
        }
        return result;
    }

    public int instructions() {
        return operations.length;
    }

    int operation(int instruction) {
        return operations[instruction];
    }

    int operandCount(int instruction) {
        return operandCounts[instruction];
    }

    int operandBuffer(int operand) {
        return operandBuffers[operand];
    }

    int operandLayout(int operand) {
        return operandLayouts[operand];
    }

    long operandOffset(int operand) {
        return operandOffsets[operand];
    }

    List<io.maniple.bridge.proto.Layout> layouts() {
        return layouts;
    }

    int scalarType(int position) {
        return scalarTypes[position];
    }

    int scalars() {
        return scalarTypes.length;
    }

    /** Number of buffers the batch names. */
    public int buffers() {
        return handles.length;
    }

    /** The handle behind a buffer's number. */
    public long handle(int buffer) {
        return handles[buffer];
    }

    public long bytes(int buffer) {
        return bufferBytes[buffer];
    }

    /** Whether the batch introduces the buffer without content. */
    public boolean isNew(int buffer) {
        return isNew[buffer];
    }

    /** Whether the client wants to see the buffer after the batch. */
    public boolean isObserved(int buffer) {
        return observed[buffer];
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof BatchStructure other
                && hash == other.hash
                && Arrays.equals(operations, other.operations)
                && Arrays.equals(operandCounts, other.operandCounts)
                && Arrays.equals(operandBuffers, other.operandBuffers)
                && Arrays.equals(operandLayouts, other.operandLayouts)
                && Arrays.equals(operandOffsets, other.operandOffsets)
                && Arrays.equals(bufferBytes, other.bufferBytes)
                && Arrays.equals(isNew, other.isNew)
                && Arrays.equals(observed, other.observed)
                && Arrays.equals(scalarTypes, other.scalarTypes)
                && layouts.equals(other.layouts);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    private int computeHash() {
        int result = Arrays.hashCode(operations);
        result = 31 * result + Arrays.hashCode(operandBuffers);
        result = 31 * result + Arrays.hashCode(operandLayouts);
        result = 31 * result + Arrays.hashCode(operandOffsets);
        result = 31 * result + Arrays.hashCode(bufferBytes);
        result = 31 * result + Arrays.hashCode(scalarTypes);
        return 31 * result + layouts.hashCode();
    }
}
