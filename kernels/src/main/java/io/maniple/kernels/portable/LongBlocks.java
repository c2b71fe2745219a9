package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;

/** Primitives on blocks of UINT32 and INT64, held as the long of their value, and of UINT64, held by its bits. */
final class LongBlocks {
    private LongBlocks() {}

    static void apply(Primitive primitive, ElementType type, long[] out, long[] x, long[] y, int count) {
        switch (primitive) {
            case ADD -> add(out, x, y, count);
            case SUBTRACT -> subtract(out, x, y, count);
            case MULTIPLY -> multiply(out, x, y, count);
            case MINIMUM -> {
                if (type == ElementType.UINT64) {
                    minimumUnsigned(out, x, y, count);
                } else {
                    minimum(out, x, y, count);
                }
            }
            case MAXIMUM -> {
                if (type == ElementType.UINT64) {
                    maximumUnsigned(out, x, y, count);
                } else {
                    maximum(out, x, y, count);
                }
            }
            case QUOTIENT -> {
                if (type == ElementType.UINT64) {
                    quotientUnsigned(out, x, y, count);
                } else {
                    quotient(out, x, y, count);
                }
            }
            case REMAINDER -> {
                if (type == ElementType.UINT64) {
                    remainderUnsigned(out, x, y, count);
                } else {
                    remainder(out, x, y, count);
                }
            }
            case NEGATE -> negate(out, x, count);
            case ABSOLUTE -> {
                if (type.kind() == ElementType.Kind.UNSIGNED) {
                    System.arraycopy(x, 0, out, 0, count);
                } else {
                    absolute(out, x, count);
                }
            }
            case AND -> and(out, x, y, count);
            case OR -> or(out, x, y, count);
            case XOR -> xor(out, x, y, count);
            case NOT -> not(out, x, count);
            case SHIFT_LEFT -> shiftLeft(out, x, y, count, 8 * type.bytes());
            case SHIFT_RIGHT -> {
                if (type == ElementType.UINT64) {
                    shiftRightUnsigned(out, x, y, count);
                } else {
                    shiftRight(out, x, y, count, 8 * type.bytes());
                }
            }
            case INTEGER_POWER -> power(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " has no meaning for " + type);
        }
        normalise(type, out, count);
    }

    /** Comparisons, whose result is BOOL. */
    static void compare(Primitive primitive, ElementType type, byte[] out, long[] x, long[] y, int count) {
        switch (primitive) {
            case LESS -> {
                if (type == ElementType.UINT64) {
                    lessUnsigned(out, x, y, count);
                } else {
                    less(out, x, y, count);
                }
            }
            case LESS_EQUAL -> {
                if (type == ElementType.UINT64) {
                    lessEqualUnsigned(out, x, y, count);
                } else {
                    lessEqual(out, x, y, count);
                }
            }
            case EQUAL -> equal(out, x, y, count);
            case NOT_EQUAL -> notEqual(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " is no comparison");
        }
    }

    /** Wraps around: keeps of each value what its type holds. */
    static void normalise(ElementType type, long[] values, int count) {
        if (type == ElementType.UINT32) {
            for (int i = 0; i < count; i++) {
                values[i] &= 0xffffffffL;
            }
        }
    }

    static void select(long[] out, byte[] condition, long[] yes, long[] no, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = condition[i] != 0 ? yes[i] : no[i];
        }
    }

    private static void add(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] + y[i];
        }
    }

    private static void subtract(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] - y[i];
        }
    }

    private static void multiply(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] * y[i];
        }
    }

    private static void minimum(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.min(x[i], y[i]);
        }
    }

    private static void minimumUnsigned(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Long.compareUnsigned(x[i], y[i]) <= 0 ? x[i] : y[i];
        }
    }

    private static void maximum(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.max(x[i], y[i]);
        }
    }

    private static void maximumUnsigned(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Long.compareUnsigned(x[i], y[i]) >= 0 ? x[i] : y[i];
        }
    }

    private static void quotient(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : x[i] / y[i];
        }
    }

    private static void quotientUnsigned(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : Long.divideUnsigned(x[i], y[i]);
        }
    }

    private static void remainder(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : x[i] % y[i];
        }
    }

    private static void remainderUnsigned(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : Long.remainderUnsigned(x[i], y[i]);
        }
    }

    private static void negate(long[] out, long[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = -x[i];
        }
    }

    private static void absolute(long[] out, long[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.abs(x[i]);
        }
    }

    private static void and(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] & y[i];
        }
    }

    private static void or(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] | y[i];
        }
    }

    private static void xor(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] ^ y[i];
        }
    }

    private static void not(long[] out, long[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = ~x[i];
        }
    }

    private static void shiftLeft(long[] out, long[] x, long[] y, int count, int width) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] >= 0 && y[i] < width ? x[i] << y[i] : 0;
        }
    }

    private static void shiftRightUnsigned(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] >= 0 && y[i] < Long.SIZE ? x[i] >>> y[i] : 0;
        }
    }

    private static void shiftRight(long[] out, long[] x, long[] y, int count, int width) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] >> (y[i] >= 0 && y[i] < width ? y[i] : Long.SIZE - 1);
        }
    }

    private static void power(long[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            long square = x[i];
            long power = 1;
            for (long rest = y[i]; rest != 0; rest >>>= 1) {
                if ((rest & 1) != 0) {
                    power *= square;
                }
                square *= square;
            }
            out[i] = power;
        }
    }

    private static void less(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] < y[i] ? 1 : 0);
        }
    }

    private static void lessEqual(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] <= y[i] ? 1 : 0);
        }
    }

    private static void lessUnsigned(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (Long.compareUnsigned(x[i], y[i]) < 0 ? 1 : 0);
        }
    }

    private static void lessEqualUnsigned(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (Long.compareUnsigned(x[i], y[i]) <= 0 ? 1 : 0);
        }
    }

    private static void equal(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] == y[i] ? 1 : 0);
        }
    }

    private static void notEqual(byte[] out, long[] x, long[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] != y[i] ? 1 : 0);
        }
    }
}
