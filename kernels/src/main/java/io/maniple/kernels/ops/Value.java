package io.maniple.kernels.ops;

/**
 * A value of one of NumPy's types inside a kernel: one node, or two for a complex number.
 *
 * @param real the node, or that of the real part
 * @param imaginary the node of the imaginary part, or -1
 */
public record Value(int real, int imaginary) {
    public static Value of(int node) {
        return new Value(node, -1);
    }

    public boolean isComplex() {
        return imaginary >= 0;
    }
}
