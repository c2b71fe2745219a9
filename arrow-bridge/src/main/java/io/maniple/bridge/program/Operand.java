package io.maniple.bridge.program;

/** What an instruction reads or writes. */
public sealed interface Operand {
    /**
     * A view of a buffer.
     *
     * @param buffer position of the buffer in the batch's own numbering, from 0
     * @param layout shape, strides, type
     * @param offset bytes from the buffer's beginning to the first element
     */
    record View(int buffer, Layout layout, long offset) implements Operand {
        public long begin() {
            return offset + layout.lowest();
        }

        public long end() {
            return offset + layout.highest();
        }

        /** Whether the byte ranges meet; the ranges of interleaved views do, even if their elements do not. */
        public boolean mayOverlap(View other) {
            return buffer == other.buffer
                    && layout.elements() > 0
                    && other.layout.elements() > 0
                    && begin() < other.end()
                    && other.begin() < end();
        }
    }

    /**
     * A scalar.
     *
     * @param position position among the batch's scalars; the value is bound when the batch runs
     */
    record ScalarOperand(int position, DType type) implements Operand {}
}
