package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import java.util.Arrays;

/** Values that are the same for all elements, given by raw bits. */
final class Uniform {
    private Uniform() {}

    static void fill(ElementType type, long bits, Object values, int first, int count) {
        int end = first + count;
        switch (type) {
            case BOOL -> Arrays.fill((byte[]) values, first, end, (byte) ((bits & 0xff) != 0 ? 1 : 0));
            case INT8 -> Arrays.fill((int[]) values, first, end, (byte) bits);
            case UINT8 -> Arrays.fill((int[]) values, first, end, (int) bits & 0xff);
            case INT16 -> Arrays.fill((int[]) values, first, end, (short) bits);
            case UINT16 -> Arrays.fill((int[]) values, first, end, (int) bits & 0xffff);
            case INT32 -> Arrays.fill((int[]) values, first, end, (int) bits);
            case UINT32 -> Arrays.fill((long[]) values, first, end, bits & 0xffffffffL);
            case INT64, UINT64 -> Arrays.fill((long[]) values, first, end, bits);
            case FLOAT16, FLOAT32 -> Arrays.fill((float[]) values, first, end, Float.intBitsToFloat((int) bits));
            case FLOAT64 -> Arrays.fill((double[]) values, first, end, Double.longBitsToDouble(bits));
        }
    }
}
