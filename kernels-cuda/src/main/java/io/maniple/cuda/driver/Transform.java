package io.maniple.cuda.driver;

/**
 * Fourier transforms of rows of complex128 in device memory, in place, one row behind the other, without a factor.
 *
 * @param address of the first row
 * @param length elements of a row
 * @param rows how many
 * @param backward whether the exponents are positive
 */
public record Transform(long address, long length, long rows, boolean backward) {
    public long bytes() {
        return 16 * length * rows;
    }
}
