package io.maniple.cuda.driver;

/**
 * Products of matrices in device memory, result = left · right, each of a stack at a fixed distance from the one before. A
 * matrix has contiguous rows, or columns: then it is turned. The results have contiguous rows and no gaps between them.
 *
 * @param type of all elements
 * @param leftTurned whether the left matrices' columns are contiguous
 * @param rows of the results
 * @param columns of the results
 * @param depth columns of the left matrices, rows of the right ones
 * @param left the address of the first one
 * @param leftLeading elements from one contiguous line to the next
 * @param leftStep elements from one matrix to the next; 0 if it is the same one
 * @param count how many products
 */
public record Product(
        Type type,
        boolean leftTurned,
        boolean rightTurned,
        long rows,
        long columns,
        long depth,
        long left,
        long leftLeading,
        long leftStep,
        long right,
        long rightLeading,
        long rightStep,
        long target,
        long count) {
    /** Types of elements. */
    public enum Type {
        FLOAT32('S', 4, false),
        FLOAT64('D', 8, false),
        COMPLEX64('C', 4, true),
        COMPLEX128('Z', 8, true);

        private final char letter;
        private final int partBytes;
        private final boolean complex;

        Type(char letter, int partBytes, boolean complex) {
            this.letter = letter;
            this.partBytes = partBytes;
            this.complex = complex;
        }

        /** As BLAS calls it. */
        public char letter() {
            return letter;
        }

        /** Of a real number, or of either part of a complex one. */
        public int partBytes() {
            return partBytes;
        }

        public boolean isComplex() {
            return complex;
        }

        public int bytes() {
            return complex ? 2 * partBytes : partBytes;
        }
    }
}
