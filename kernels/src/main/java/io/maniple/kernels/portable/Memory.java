package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads and writes runs of elements at native addresses that the planner has verified. */
final class Memory {
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private Memory() {}

    static long word(long address, int position) {
        return ALL.get(LONG, address + 8L * position);
    }

    /** Reads {@code count} elements to {@code values[first…]}. */
    static void load(
            ElementType storage, long address, long stride, Staging staging, Object values, int first, int count) {
        if (stride == storage.bytes()) {
            staging.load(storage, address, values, first, count);
        } else {
            loadStrided(storage, address, stride, values, first, count);
        }
    }

    /** Writes {@code count} elements from {@code values[first…]}. */
    static void store(
            ElementType storage, long address, long stride, Staging staging, Object values, int first, int count) {
        if (stride == storage.bytes()) {
            staging.store(storage, address, values, first, count);
        } else {
            storeStrided(storage, address, stride, values, first, count);
        }
    }

    /** Writes where the mask is 1, in runs of neighbours. */
    static void storeMasked(
            ElementType storage,
            long address,
            long stride,
            Staging staging,
            Object values,
            byte[] mask,
            int first,
            int count) {
        int i = 0;
        while (i < count) {
            if (mask[first + i] == 0) {
                i++;
                continue;
            }
            int begin = i;
            while (i < count && mask[first + i] != 0) {
                i++;
            }
            store(storage, address + begin * stride, stride, staging, values, first + begin, i - begin);
        }
    }

    private static void loadStrided(
            ElementType storage, long address, long stride, Object values, int first, int count) {
        switch (storage) {
            case BOOL -> {
                byte[] out = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = (byte) (ALL.get(BYTE, address + i * stride) != 0 ? 1 : 0);
                }
            }
            case INT8 -> {
                int[] out = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(BYTE, address + i * stride);
                }
            }
            case UINT8 -> {
                int[] out = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(BYTE, address + i * stride) & 0xff;
                }
            }
            case INT16 -> {
                int[] out = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(SHORT, address + i * stride);
                }
            }
            case UINT16 -> {
                int[] out = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(SHORT, address + i * stride) & 0xffff;
                }
            }
            case UINT32 -> {
                long[] out = (long[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(INT, address + i * stride) & 0xffffffffL;
                }
            }
            case FLOAT16 -> {
                float[] out = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = Float.float16ToFloat(ALL.get(SHORT, address + i * stride));
                }
            }
            case INT32 -> {
                int[] out = (int[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(INT, address + i * stride);
                }
            }
            case INT64, UINT64 -> {
                long[] out = (long[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(LONG, address + i * stride);
                }
            }
            case FLOAT32 -> {
                float[] out = (float[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(FLOAT, address + i * stride);
                }
            }
            case FLOAT64 -> {
                double[] out = (double[]) values;
                for (int i = 0; i < count; i++) {
                    out[first + i] = ALL.get(DOUBLE, address + i * stride);
                }
            }
        }
    }

    private static void storeStrided(
            ElementType storage, long address, long stride, Object values, int first, int count) {
        switch (storage) {
            case BOOL -> {
                byte[] x = (byte[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(BYTE, address + i * stride, x[first + i]);
                }
            }
            case INT8, UINT8 -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(BYTE, address + i * stride, (byte) x[first + i]);
                }
            }
            case INT16, UINT16 -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(SHORT, address + i * stride, (short) x[first + i]);
                }
            }
            case UINT32 -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(INT, address + i * stride, (int) x[first + i]);
                }
            }
            case FLOAT16 -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(SHORT, address + i * stride, Float.floatToFloat16(x[first + i]));
                }
            }
            case INT32 -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(INT, address + i * stride, x[first + i]);
                }
            }
            case INT64, UINT64 -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(LONG, address + i * stride, x[first + i]);
                }
            }
            case FLOAT32 -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(FLOAT, address + i * stride, x[first + i]);
                }
            }
            case FLOAT64 -> {
                double[] x = (double[]) values;
                for (int i = 0; i < count; i++) {
                    ALL.set(DOUBLE, address + i * stride, x[first + i]);
                }
            }
        }
    }
}
