package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;

/** Primitives on blocks of INT8, UINT8, INT16, UINT16 and INT32, each element held as the int of its value. */
final class IntBlocks {
    private IntBlocks() {}

    static void apply(Primitive primitive, ElementType type, int[] out, int[] x, int[] y, int count) {
        switch (primitive) {
            case ADD -> add(out, x, y, count);
            case SUBTRACT -> subtract(out, x, y, count);
            case MULTIPLY -> multiply(out, x, y, count);
            case MINIMUM -> minimum(out, x, y, count);
            case MAXIMUM -> maximum(out, x, y, count);
            case QUOTIENT -> quotient(out, x, y, count);
            case REMAINDER -> remainder(out, x, y, count);
            case NEGATE -> negate(out, x, count);
            case ABSOLUTE -> absolute(out, x, count);
            case AND -> and(out, x, y, count);
            case OR -> or(out, x, y, count);
            case XOR -> xor(out, x, y, count);
            case NOT -> not(out, x, count);
            case SHIFT_LEFT -> shiftLeft(out, x, y, count, 8 * type.bytes());
            case SHIFT_RIGHT -> shiftRight(out, x, y, count, 8 * type.bytes());
            case INTEGER_POWER -> power(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " has no meaning for " + type);
        }
        normalise(type, out, count);
    }

    /** Comparisons, whose result is BOOL. */
    static void compare(Primitive primitive, ElementType type, byte[] out, int[] x, int[] y, int count) {
        switch (primitive) {
            case LESS -> less(out, x, y, count);
            case LESS_EQUAL -> lessEqual(out, x, y, count);
            case EQUAL -> equal(out, x, y, count);
            case NOT_EQUAL -> notEqual(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " is no comparison");
        }
    }

    /** Wraps around: keeps of each value what its type holds. */
    static void normalise(ElementType type, int[] values, int count) {
        switch (type) {
            case INT8 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = (byte) values[i];
                }
            }
            case UINT8 -> mask(values, count, 0xff);
            case INT16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = (short) values[i];
                }
            }
            case UINT16 -> mask(values, count, 0xffff);
            case INT32 -> {}
            default -> throw new IllegalArgumentException(type + " is not held in int");
        }
    }

    private static void mask(int[] values, int count, int mask) {
        for (int i = 0; i < count; i++) {
            values[i] &= mask;
        }
    }

    static void select(int[] out, byte[] condition, int[] yes, int[] no, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = condition[i] != 0 ? yes[i] : no[i];
        }
    }

    private static void add(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] + y[i];
        }
    }

    private static void subtract(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] - y[i];
        }
    }

    private static void multiply(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] * y[i];
        }
    }

    private static void minimum(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.min(x[i], y[i]);
        }
    }

    private static void maximum(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.max(x[i], y[i]);
        }
    }

    private static void quotient(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : x[i] / y[i];
        }
    }

    private static void remainder(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] == 0 ? 0 : x[i] % y[i];
        }
    }

    private static void negate(int[] out, int[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = -x[i];
        }
    }

    private static void absolute(int[] out, int[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = Math.abs(x[i]);
        }
    }

    private static void and(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] & y[i];
        }
    }

    private static void or(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] | y[i];
        }
    }

    private static void xor(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] ^ y[i];
        }
    }

    private static void not(int[] out, int[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = ~x[i];
        }
    }

    private static void shiftLeft(int[] out, int[] x, int[] y, int count, int width) {
        for (int i = 0; i < count; i++) {
            out[i] = y[i] >= 0 && y[i] < width ? x[i] << y[i] : 0;
        }
    }

    private static void shiftRight(int[] out, int[] x, int[] y, int count, int width) {
        for (int i = 0; i < count; i++) {
            out[i] = x[i] >> (y[i] >= 0 && y[i] < width ? y[i] : Integer.SIZE - 1);
        }
    }

    private static void power(int[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            int square = x[i];
            int power = 1;
            for (int rest = y[i]; rest != 0; rest >>>= 1) {
                if ((rest & 1) != 0) {
                    power *= square;
                }
                square *= square;
            }
            out[i] = power;
        }
    }

    private static void less(byte[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] < y[i] ? 1 : 0);
        }
    }

    private static void lessEqual(byte[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] <= y[i] ? 1 : 0);
        }
    }

    private static void equal(byte[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] == y[i] ? 1 : 0);
        }
    }

    private static void notEqual(byte[] out, int[] x, int[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] != y[i] ? 1 : 0);
        }
    }
}
