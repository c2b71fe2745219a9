package io.maniple.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The argument of a kernel that {@link LoopSource} has written.
 *
 * @param rows product of the row dimensions' sizes
 * @param n0 elements of the innermost dimension
 * @param n1 rows of a piece, of a fold over rows; otherwise 1
 * @param size1 rows of all pieces; otherwise 1
 * @param sizes of the row dimensions, outermost first
 * @param index how the index moves; its address is the base
 * @param operands of the kernel
 * @param scalars their bits
 */
public record LoopArguments(
        long rows, long n0, long n1, long size1, long[] sizes, Motion index, List<Motion> operands, long[] scalars) {
    /**
     * How an operand moves.
     *
     * @param address of its first element
     * @param steps bytes along the row dimensions, the inner rows and the innermost dimension
     */
    public record Motion(long address, long[] steps) {}

    /** The words as the kernel's structure has them. */
    public byte[] bytes() {
        int words = 4 + sizes.length + (1 + operands.size()) * (sizes.length + 3) + scalars.length;
        ByteBuffer buffer = ByteBuffer.allocate(8 * words).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(rows).putLong(n0).putLong(n1).putLong(size1);
        put(buffer, sizes);
        put(buffer, index);
        operands.forEach(operand -> put(buffer, operand));
        put(buffer, scalars);
        return buffer.array();
    }

    private static void put(ByteBuffer buffer, Motion motion) {
        buffer.putLong(motion.address());
        put(buffer, motion.steps());
    }

    private static void put(ByteBuffer buffer, long[] words) {
        for (long word : words) {
            buffer.putLong(word);
        }
    }
}
