package io.maniple.kernels.ir;

/**
 * The operations a kernel is made of. NumPy's ufuncs are composed of these (package {@code ops}); every engine gives
 * each of them the meaning written here, to the bit where a bit is named.
 *
 * <p>Unless said otherwise all arguments and the result have one type. Integers wrap around.
 */
public enum Primitive {
    ADD(2),
    SUBTRACT(2),
    MULTIPLY(2),
    /** Floating point only, IEEE 754. */
    DIVIDE(2),
    /** NumPy's {@code minimum}: a NaN in either argument gives a NaN; of equal arguments the first. */
    MINIMUM(2),
    /** NumPy's {@code maximum}. */
    MAXIMUM(2),
    /** Sign bit flipped; for integers 0 - x. */
    NEGATE(1),
    /** Sign bit cleared; for integers the smallest one stays itself. */
    ABSOLUTE(1),
    SQRT(1),
    FLOOR(1),
    CEIL(1),
    TRUNC(1),
    /** Round half to even. */
    RINT(1),
    /** FLOAT32 to the nearest float16 value (ties to even, overflow to inf), kept as FLOAT32. */
    ROUND_TO_HALF(1),
    /** (x, y, z): x * y + z, rounded once. Floating point only. */
    FUSED_MULTIPLY_ADD(3),
    /** Integers and BOOL. */
    AND(2),
    OR(2),
    XOR(2),
    /** All bits; for BOOL the logical not. */
    NOT(1),
    /** Shift left; a count outside [0, width) gives 0. */
    SHIFT_LEFT(2),
    /** Arithmetic for signed types, logical for unsigned; a count outside [0, width) gives -1 or 0 by sign. */
    SHIFT_RIGHT(2),
    /** Comparisons give BOOL; with a NaN all but NOT_EQUAL are false. They take BOOL too (false &lt; true). */
    LESS(2),
    LESS_EQUAL(2),
    EQUAL(2),
    NOT_EQUAL(2),
    /** (BOOL condition, T yes, T no). T may be BOOL. */
    SELECT(3),
    /** Integers: quotient rounded towards zero; x/0 is 0, smallest / -1 is smallest. */
    QUOTIENT(2),
    /** Integers: x - y * QUOTIENT(x, y), and 0 for y = 0. */
    REMAINDER(2),
    /** Integers: x to the power y by repeated squaring, wrapping; y is not negative. */
    INTEGER_POWER(2),

    // Floating point functions of one argument, accurate to 1 ulp (the C library's or SVML's).
    EXP(1),
    EXP2(1),
    EXPM1(1),
    LOG(1),
    LOG2(1),
    LOG10(1),
    LOG1P(1),
    SIN(1),
    COS(1),
    TAN(1),
    ASIN(1),
    ACOS(1),
    ATAN(1),
    SINH(1),
    COSH(1),
    TANH(1),
    ASINH(1),
    ACOSH(1),
    ATANH(1),
    CBRT(1),
    // Floating point functions of two arguments.
    POW(2),
    ATAN2(2),
    HYPOT(2),
    /** C's fmod. */
    FMOD(2),
    /** C's nextafter. */
    NEXTAFTER(2);

    private final int arity;

    Primitive(int arity) {
        this.arity = arity;
    }

    public int arity() {
        return arity;
    }

    /** Whether the result is BOOL whatever the arguments' type. */
    public boolean isComparison() {
        return this == LESS || this == LESS_EQUAL || this == EQUAL || this == NOT_EQUAL;
    }

    /** Whether this is a mathematical function that engines call rather than inline. */
    public boolean isFunction() {
        return ordinal() >= EXP.ordinal();
    }
}
