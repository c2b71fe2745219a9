package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Numbers to test with: ordinary ones and every kind of edge. */
final class TestValues {
    private static final double[] EDGES = {
        0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY,
        Double.MIN_VALUE, -Double.MIN_VALUE, Double.MIN_NORMAL, Double.MAX_VALUE, 0x1p31, -0x1p31, 0x1p32, 0x1p63,
        -0x1p63, 0x1p64, 0x1p62, 255.5, -129, 65535, 32768, 2147483647.5, -2147483648.5, 4294967295.5, 1e10, 0x1p52,
        0x1p53 + 2, 0.49999999999999994, 1e-310, Float.MIN_VALUE, Float.MAX_VALUE, Float.MIN_NORMAL, 65504, 65520, 6e-8
    };
    private static final long[] INTEGERS = {
        0, 1, -1, 2, 3, -2, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, -128, 255, 256, 32767, -32768, 65535,
        Integer.MAX_VALUE, Integer.MIN_VALUE, 0xFFFFFFFFL, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 53, (1L << 53) + 1,
        (1L << 24) + 1, -(1L << 62) - 1
    };

    private TestValues() {}

    /** Raw bits of a value of the computed type. */
    static long random(ElementType storage, Random random) {
        return switch (storage.kind()) {
            case BOOL -> random.nextInt(2);
            case SIGNED, UNSIGNED -> integer(storage, random);
            case FLOATING -> {
                double value =
                        switch (random.nextInt(6)) {
                            case 0 -> EDGES[random.nextInt(EDGES.length)];
                            case 1 -> Double.longBitsToDouble(random.nextLong());
                            case 2 -> random.nextInt(21) - 10;
                            case 3 -> (random.nextDouble() - 0.5) * Math.scalb(1.0, random.nextInt(80) - 10);
                            default -> random.nextGaussian() * 4;
                        };
                yield storage == ElementType.FLOAT64
                        ? Double.doubleToRawLongBits(value)
                        : Float.floatToRawIntBits(random.nextInt(8) == 0 ? Float.intBitsToFloat(random.nextInt()) : (float) value)
                                & 0xFFFFFFFFL;
            }
        };
    }

    private static long integer(ElementType type, Random random) {
        long value =
                switch (random.nextInt(4)) {
                    case 0 -> INTEGERS[random.nextInt(INTEGERS.length)];
                    case 1 -> random.nextLong() >> random.nextInt(64);
                    case 2 -> random.nextInt(70);
                    default -> random.nextLong();
                };
        return ReferenceInterpreter.normal(type, value);
    }

    static boolean near(ElementType type, MemorySegment expected, MemorySegment actual, long at, int ulps) {
        if (type == ElementType.FLOAT64) {
            double x = expected.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
            double y = actual.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
            return near(x, y, ulps == 0 ? 0 : ulps * Math.ulp(x));
        }
        if (type == ElementType.FLOAT32) {
            float x = expected.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            float y = actual.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            return near(x, y, ulps == 0 ? 0 : ulps * (double) Math.ulp(x));
        }
        float x = Float.float16ToFloat(expected.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
        float y = Float.float16ToFloat(actual.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
        return Float.isNaN(x) && Float.isNaN(y);
    }

    private static boolean near(double x, double y, double tolerance) {
        if (Double.isNaN(x) || Double.isNaN(y)) {
            return Double.isNaN(x) && Double.isNaN(y);
        }
        // zeros of different sign are different
        return x == y ? 1 / x == 1 / y || x != 0 : tolerance > 0 && x != 0 && Math.abs(x - y) <= tolerance;
    }

    static String show(ElementType type, byte[] bytes, int at) {
        MemorySegment segment = MemorySegment.ofArray(bytes);
        return switch (type) {
            case FLOAT64 -> Double.toString(segment.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at));
            case FLOAT32 -> Float.toString(segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at));
            case FLOAT16 -> Float.toString(Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at)));
            case INT64, UINT64 -> Long.toString(segment.get(ValueLayout.JAVA_LONG_UNALIGNED, at));
            case INT32, UINT32 -> Integer.toString(segment.get(ValueLayout.JAVA_INT_UNALIGNED, at));
            case INT16, UINT16 -> Short.toString(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case BOOL, INT8, UINT8 -> Byte.toString(bytes[at]);
        };
    }
}
