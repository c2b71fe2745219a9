package io.maniple.kernels.x86;

/** Calculations that AVX2 has no instruction for; one element at a time. */
enum LaneOperation {
    QUOTIENT_SIGNED(8, 8),
    QUOTIENT_UNSIGNED(8, 8),
    REMAINDER_SIGNED(8, 8),
    REMAINDER_UNSIGNED(8, 8),
    DOUBLE_TO_SIGNED(8, 8),
    DOUBLE_TO_UNSIGNED(8, 8),
    FLOAT_TO_SIGNED(4, 8),
    FLOAT_TO_UNSIGNED(4, 8),
    SIGNED_TO_FLOAT(8, 4),
    UNSIGNED_TO_FLOAT(8, 4);

    private final int sourceBytes;
    private final int resultBytes;

    LaneOperation(int sourceBytes, int resultBytes) {
        this.sourceBytes = sourceBytes;
        this.resultBytes = resultBytes;
    }

    int sourceBytes() {
        return sourceBytes;
    }

    int resultBytes() {
        return resultBytes;
    }
}
