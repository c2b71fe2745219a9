package io.maniple.kernels.ir;

/** How a {@link Node.Reduce} combines, and what it begins with. */
public enum Reduction {
    SUM(Primitive.ADD),
    PRODUCT(Primitive.MULTIPLY),
    /** NaN wins; begins with +inf or the largest integer (BOOL: true). */
    MINIMUM(Primitive.MINIMUM),
    MAXIMUM(Primitive.MAXIMUM),
    /** BOOL and integers; begins with all bits set. */
    AND(Primitive.AND),
    OR(Primitive.OR),
    XOR(Primitive.XOR);

    private final Primitive primitive;

    Reduction(Primitive primitive) {
        this.primitive = primitive;
    }

    public Primitive primitive() {
        return primitive;
    }

    /** Raw bits of the value that changes nothing, -0.0 included: what cumulative operations begin with. */
    public long neutralBits(ElementType type) {
        if (this != SUM || !type.isFloating()) {
            return identityBits(type);
        }
        return type == ElementType.FLOAT64
                ? Double.doubleToRawLongBits(-0.0)
                : Float.floatToRawIntBits(-0.0f) & 0xffffffffL;
    }

    /** Raw bits of what reductions begin with: it changes nothing, but that a sum of -0.0 alone is 0.0 as NumPy's. */
    public long identityBits(ElementType type) {
        boolean isDouble = type == ElementType.FLOAT64;
        return switch (this) {
            case SUM -> 0L;
            case PRODUCT ->
                type.isFloating() ? (isDouble ? Double.doubleToRawLongBits(1.0) : Float.floatToRawIntBits(1.0f)) : 1L;
            case MINIMUM -> largest(type);
            case MAXIMUM -> smallest(type);
            case AND ->
                type == ElementType.BOOL ? 1L : type.kind() == ElementType.Kind.SIGNED ? -1L : unsignedMax(type);
            case OR, XOR -> 0L;
        };
    }

    private static long unsignedMax(ElementType type) {
        return -1L >>> (64 - 8 * type.bytes());
    }

    private static long largest(ElementType type) {
        return switch (type.kind()) {
            case BOOL -> 1L;
            case SIGNED -> unsignedMax(type) >>> 1;
            case UNSIGNED -> unsignedMax(type);
            case FLOATING ->
                type == ElementType.FLOAT64
                        ? Double.doubleToRawLongBits(Double.POSITIVE_INFINITY)
                        : Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
        };
    }

    private static long smallest(ElementType type) {
        return switch (type.kind()) {
            case BOOL, UNSIGNED -> 0L;
            case SIGNED -> -1L << (8 * type.bytes() - 1);
            case FLOATING ->
                type == ElementType.FLOAT64
                        ? Double.doubleToRawLongBits(Double.NEGATIVE_INFINITY)
                        : Float.floatToRawIntBits(Float.NEGATIVE_INFINITY) & 0xffffffffL;
        };
    }
}
