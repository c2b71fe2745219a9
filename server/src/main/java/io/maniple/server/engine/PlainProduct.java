package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Matrix products without a BLAS: right, and slow. */
final class PlainProduct {
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private PlainProduct() {}

    /** @param leading elements from one row of the target to the next */
    static void run(
            DType type,
            long target,
            long leading,
            long rows,
            long columns,
            long depth,
            long a,
            Layout left,
            long b,
            Layout right) {
        int part = type == DType.FLOAT64 || type == DType.COMPLEX128 ? 8 : 4;
        boolean complex = type.isComplex();
        for (long row = 0; row < rows; row++) {
            for (long column = 0; column < columns; column++) {
                double real = 0;
                double imaginary = 0;
                for (long inner = 0; inner < depth; inner++) {
                    long x = a + row * left.stride(0) + inner * left.stride(1);
                    long y = b + inner * right.stride(0) + column * right.stride(1);
                    double xr = read(part, x);
                    double yr = read(part, y);
                    real += xr * yr;
                    if (complex) {
                        double xi = read(part, x + part);
                        double yi = read(part, y + part);
                        real -= xi * yi;
                        imaginary += xr * yi + xi * yr;
                    }
                }
                long out = target + (row * leading + column) * type.bytes();
                write(part, out, real);
                if (complex) {
                    write(part, out + part, imaginary);
                }
            }
        }
    }

    private static double read(int bytes, long address) {
        return bytes == 8
                ? MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address)
                : MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    private static void write(int bytes, long address, double value) {
        if (bytes == 8) {
            MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, value);
        } else {
            MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, (float) value);
        }
    }
}
