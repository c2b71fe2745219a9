package io.maniple.cuda.emulation;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Product;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Products of matrices by plain loops, in the emulated device's memory. */
record EmulatedProduct(Product product) {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** Everything must lie within what was allocated. */
    void check(GuardedMemory memory) throws DeviceException {
        long bytes = product.type().bytes();
        long leftLines = product.leftTurned() ? product.depth() : product.rows();
        long leftLength = product.leftTurned() ? product.rows() : product.depth();
        long rightLines = product.rightTurned() ? product.columns() : product.depth();
        long rightLength = product.rightTurned() ? product.depth() : product.columns();
        long last = product.count() - 1;
        memory.checkRange(
                product.left(),
                bytes * (last * product.leftStep() + (leftLines - 1) * product.leftLeading() + leftLength));
        memory.checkRange(
                product.right(),
                bytes * (last * product.rightStep() + (rightLines - 1) * product.rightLeading() + rightLength));
        memory.checkRange(product.target(), bytes * product.count() * product.rows() * product.columns());
    }

    void run() {
        for (long number = 0; number < product.count(); number++) {
            for (long row = 0; row < product.rows(); row++) {
                for (long column = 0; column < product.columns(); column++) {
                    element(number, row, column);
                }
            }
        }
    }

    private void element(long number, long row, long column) {
        double real = 0;
        double imaginary = 0;
        boolean complex = product.type().isComplex();
        int part = product.type().partBytes();
        for (long place = 0; place < product.depth(); place++) {
            long x = product.left()
                    + product.type().bytes()
                            * (number * product.leftStep()
                                    + (product.leftTurned()
                                            ? place * product.leftLeading() + row
                                            : row * product.leftLeading() + place));
            long y = product.right()
                    + product.type().bytes()
                            * (number * product.rightStep()
                                    + (product.rightTurned()
                                            ? column * product.rightLeading() + place
                                            : place * product.rightLeading() + column));
            double xr = get(x);
            double yr = get(y);
            real += xr * yr;
            if (complex) {
                double xi = get(x + part);
                double yi = get(y + part);
                real -= xi * yi;
                imaginary += xr * yi + xi * yr;
            }
        }
        long target = product.target()
                + product.type().bytes() * ((number * product.rows() + row) * product.columns() + column);
        set(target, real);
        if (complex) {
            set(target + part, imaginary);
        }
    }

    private double get(long address) {
        return product.type().partBytes() == 8
                ? MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address)
                : MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    private void set(long address, double value) {
        if (product.type().partBytes() == 8) {
            MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, value);
        } else {
            MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, (float) value);
        }
    }
}
