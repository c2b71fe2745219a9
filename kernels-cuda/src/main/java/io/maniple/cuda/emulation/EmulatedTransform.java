package io.maniple.cuda.emulation;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Transform;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Fourier transforms by plain loops, prime factor by prime factor, in the emulated device's memory. */
record EmulatedTransform(Transform transform) {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final int LONGEST = 1 << 22;
    /** Loops over larger ones take too long. */
    private static final long LARGEST_PRIME = 1_000;

    boolean suits() {
        long left = transform.length();
        for (long prime = 2; prime <= LARGEST_PRIME && left > 1; prime++) {
            while (left % prime == 0) {
                left /= prime;
            }
        }
        return left == 1 && transform.length() <= LONGEST;
    }

    /** Everything must lie within what was allocated. */
    void check(GuardedMemory memory) throws DeviceException {
        memory.checkRange(transform.address(), transform.bytes());
    }

    void run() {
        int length = (int) transform.length();
        double[] roots = new double[2 * length];
        for (int index = 0; index < length; index++) {
            double angle = 2 * Math.PI * index / length;
            roots[2 * index] = Math.cos(angle);
            roots[2 * index + 1] = transform.backward() ? Math.sin(angle) : -Math.sin(angle);
        }
        double[] row = new double[2 * length];
        for (long number = 0; number < transform.rows(); number++) {
            long address = transform.address() + 16 * number * length;
            MemorySegment.copy(MEMORY, ValueLayout.JAVA_DOUBLE_UNALIGNED, address, row, 0, row.length);
            double[] result = of(row, 0, 1, length, roots);
            MemorySegment.copy(result, 0, MEMORY, ValueLayout.JAVA_DOUBLE_UNALIGNED, address, row.length);
        }
    }

    /** The transform of elements {@code first}, {@code first + step}, …; the roots are those of the whole row. */
    private static double[] of(double[] row, int first, int step, int length, double[] roots) {
        if (length == 1) {
            return new double[] {row[2 * first], row[2 * first + 1]};
        }
        int prime = 2;
        while (length % prime != 0) {
            prime++;
        }
        int rest = length / prime;
        double[][] parts = new double[prime][];
        for (int part = 0; part < prime; part++) {
            parts[part] = of(row, first + part * step, step * prime, rest, roots);
        }
        double[] result = new double[2 * length];
        for (int index = 0; index < length; index++) {
            double real = 0;
            double imaginary = 0;
            int within = 2 * (index % rest);
            for (int part = 0; part < prime; part++) {
                int root = 2 * (int) ((long) part * index % length * step);
                double x = parts[part][within];
                double y = parts[part][within + 1];
                real += x * roots[root] - y * roots[root + 1];
                imaginary += x * roots[root + 1] + y * roots[root];
            }
            result[2 * index] = real;
            result[2 * index + 1] = imaginary;
        }
        return result;
    }
}
