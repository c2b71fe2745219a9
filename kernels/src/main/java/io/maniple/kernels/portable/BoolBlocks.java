package io.maniple.kernels.portable;

import io.maniple.kernels.ir.Primitive;

/** Primitives on blocks of BOOL, each a byte 0 or 1. */
final class BoolBlocks {
    private BoolBlocks() {}

    static void apply(Primitive primitive, byte[] out, byte[] x, byte[] y, int count) {
        switch (primitive) {
            case AND, MINIMUM, MULTIPLY -> and(out, x, y, count);
            case OR, MAXIMUM, ADD -> or(out, x, y, count);
            case XOR, NOT_EQUAL -> xor(out, x, y, count);
            case NOT -> not(out, x, count);
            case EQUAL -> equal(out, x, y, count);
            case LESS -> less(out, x, y, count);
            case LESS_EQUAL -> lessEqual(out, x, y, count);
            default -> throw new IllegalArgumentException(primitive + " has no meaning for BOOL");
        }
    }

    static void select(byte[] out, byte[] condition, byte[] yes, byte[] no, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = condition[i] != 0 ? yes[i] : no[i];
        }
    }

    private static void and(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] & y[i]);
        }
    }

    private static void or(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] | y[i]);
        }
    }

    private static void xor(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] ^ y[i]);
        }
    }

    private static void not(byte[] out, byte[] x, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] ^ 1);
        }
    }

    private static void equal(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (x[i] ^ y[i] ^ 1);
        }
    }

    private static void less(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (y[i] & ~x[i]);
        }
    }

    private static void lessEqual(byte[] out, byte[] x, byte[] y, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (byte) (y[i] | (x[i] ^ 1));
        }
    }
}
