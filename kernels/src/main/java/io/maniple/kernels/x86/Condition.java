package io.maniple.kernels.x86;

/** Condition codes of jumps. */
enum Condition {
    BELOW(2),
    ABOVE_OR_EQUAL(3),
    ZERO(4),
    NOT_ZERO(5),
    SIGN(8),
    NOT_SIGN(9),
    LESS(12),
    GREATER_OR_EQUAL(13),
    LESS_OR_EQUAL(14),
    GREATER(15);

    private final int code;

    Condition(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
