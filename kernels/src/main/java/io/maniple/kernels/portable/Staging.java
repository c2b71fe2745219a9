package io.maniple.kernels.portable;

import static io.maniple.kernels.portable.Memory.ALL;

import io.maniple.kernels.ir.ElementType;
import java.lang.foreign.MemorySegment;

/** Moves contiguous elements in bulk; those of types narrower than their lane by way of an array of their width. */
final class Staging {
    private final byte[] bytes = new byte[PortableKernel.BLOCK];
    private final short[] shorts = new short[PortableKernel.BLOCK];
    private final int[] ints = new int[PortableKernel.BLOCK];

    void load(ElementType storage, long address, Object values, int first, int count) {
        switch (storage) {
            case BOOL -> {
                byte[] out = (byte[]) values;
                MemorySegment.copy(ALL, Memory.BYTE, address, bytes, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = (byte) (bytes[i] != 0 ? 1 : 0);
                }
            }
            case INT8 -> {
                int[] out = (int[]) values;
                MemorySegment.copy(ALL, Memory.BYTE, address, bytes, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = bytes[i];
                }
            }
            case UINT8 -> {
                int[] out = (int[]) values;
                MemorySegment.copy(ALL, Memory.BYTE, address, bytes, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = bytes[i] & 0xff;
                }
            }
            case INT16 -> {
                int[] out = (int[]) values;
                MemorySegment.copy(ALL, Memory.SHORT, address, shorts, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = shorts[i];
                }
            }
            case UINT16 -> {
                int[] out = (int[]) values;
                MemorySegment.copy(ALL, Memory.SHORT, address, shorts, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = shorts[i] & 0xffff;
                }
            }
            case FLOAT16 -> {
                float[] out = (float[]) values;
                MemorySegment.copy(ALL, Memory.SHORT, address, shorts, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = Float.float16ToFloat(shorts[i]);
                }
            }
            case UINT32 -> {
                long[] out = (long[]) values;
                MemorySegment.copy(ALL, Memory.INT, address, ints, 0, count);
                for (int i = 0; i < count; i++) {
                    out[first + i] = ints[i] & 0xffffffffL;
                }
            }
            case INT32 -> MemorySegment.copy(ALL, Memory.INT, address, values, first, count);
            case INT64, UINT64 -> MemorySegment.copy(ALL, Memory.LONG, address, values, first, count);
            case FLOAT32 -> MemorySegment.copy(ALL, Memory.FLOAT, address, values, first, count);
            case FLOAT64 -> MemorySegment.copy(ALL, Memory.DOUBLE, address, values, first, count);
        }
    }

    void store(ElementType storage, long address, Object values, int first, int count) {
        switch (storage) {
            case INT8, UINT8 -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    bytes[i] = (byte) x[first + i];
                }
                MemorySegment.copy(bytes, 0, ALL, Memory.BYTE, address, count);
            }
            case INT16, UINT16 -> {
                int[] x = (int[]) values;
                for (int i = 0; i < count; i++) {
                    shorts[i] = (short) x[first + i];
                }
                MemorySegment.copy(shorts, 0, ALL, Memory.SHORT, address, count);
            }
            case FLOAT16 -> {
                float[] x = (float[]) values;
                for (int i = 0; i < count; i++) {
                    shorts[i] = Float.floatToFloat16(x[first + i]);
                }
                MemorySegment.copy(shorts, 0, ALL, Memory.SHORT, address, count);
            }
            case UINT32 -> {
                long[] x = (long[]) values;
                for (int i = 0; i < count; i++) {
                    ints[i] = (int) x[first + i];
                }
                MemorySegment.copy(ints, 0, ALL, Memory.INT, address, count);
            }
            case BOOL -> MemorySegment.copy(values, first, ALL, Memory.BYTE, address, count);
            case INT32 -> MemorySegment.copy(values, first, ALL, Memory.INT, address, count);
            case INT64, UINT64 -> MemorySegment.copy(values, first, ALL, Memory.LONG, address, count);
            case FLOAT32 -> MemorySegment.copy(values, first, ALL, Memory.FLOAT, address, count);
            case FLOAT64 -> MemorySegment.copy(values, first, ALL, Memory.DOUBLE, address, count);
        }
    }
}
