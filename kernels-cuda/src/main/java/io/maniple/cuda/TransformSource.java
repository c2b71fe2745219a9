package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;

/**
 * Writes the kernels around Fourier transforms: what lies anywhere, in any type, becomes rows of complex128, and back. Each
 * takes one structure of 64-bit words, in the order of its declaration here; {@code size} and {@code stride} (in bytes) are
 * those of the dimensions that number the rows, {@code first} the number of the first row.
 */
public final class TransformSource {
    /** What elements are. */
    public enum Kind {
        COMPLEX,
        REAL,
        /** The first half of a row whose other half is its mirror image, conjugate. */
        HALF
    }

    private TransformSource() {}

    /**
     * Reads rows of {@code length}; elements from {@code given} on are zeros.
     *
     * @param part the type of real and imaginary parts
     * @param rank dimensions that number the rows
     */
    public static KernelText load(Kind kind, ElementType part, int rank) {
        return KernelText.of(
                name -> fill("""
                struct NAME_box {
                    double* rows; const char* in; long long first, count, length, given, step;
                    long long size[RANK], stride[RANK];
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long all = box.count * box.length, turn = (long long) gridDim.x * blockDim.x;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long row = t / box.length, index = t - row * box.length;
                        const bool mirrored = HALF && index > box.length / 2;
                        const long long position = mirrored ? box.length - index : index;
                        double real = 0, imaginary = 0;
                        if (position < box.given) {
                            const char* at = box.in + position * box.step;
                            PLACED
                            real = (double) ((const PART*) at)[0];
                            // What the mirror image would contradict is taken to be zero.
                            if (COMPLEX && !(HALF && (position == 0 || 2 * position == box.length))) {
                                imaginary = (double) ((const PART*) at)[1];
                                if (mirrored) imaginary = -imaginary;
                            }
                        }
                        box.rows[2 * t] = real;
                        box.rows[2 * t + 1] = imaginary;
                    }
                }
                """, name, part, rank, "HALF", kind == Kind.HALF, "COMPLEX", kind != Kind.REAL));
    }

    /** Writes the first {@code given} elements of rows of {@code length}, times a factor. */
    public static KernelText store(Kind kind, ElementType part, int rank) {
        return KernelText.of(name -> fill("""
                struct NAME_box {
                    const double* rows; char* out; long long first, count, length, given, step;
                    const PART* factor; long long size[RANK], stride[RANK];
                };
                extern "C" __global__ void NAME(const NAME_box box) {
                    const long long all = box.count * box.given, turn = (long long) gridDim.x * blockDim.x;
                    const double factor = (double) *box.factor;
                    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < all; t += turn) {
                        const long long row = t / box.given, index = t - row * box.given;
                        const double* const from = box.rows + 2 * (row * box.length + index);
                        char* at = box.out + index * box.step;
                        PLACED
                        ((PART*) at)[0] = (PART) (from[0] * factor);
                        if (COMPLEX) ((PART*) at)[1] = (PART) (from[1] * factor);
                    }
                }
                """, name, part, rank, "HALF", false, "COMPLEX", kind != Kind.REAL));
    }

    private static String fill(
            String text,
            String name,
            ElementType part,
            int rank,
            String one,
            boolean oneIs,
            String other,
            boolean otherIs) {
        String placed = """
                long long rest = box.first + row;
                for (int d = RANK - 1; d >= 0; d--) {
                    at += rest % box.size[d] * box.stride[d];
                    rest /= box.size[d];
                }
                """;
        return RoutineSource.fill(
                text.replace("PLACED", placed),
                name,
                "PART",
                CudaExpressions.typeName(part),
                "RANK",
                Integer.toString(rank),
                one,
                Boolean.toString(oneIs),
                other,
                Boolean.toString(otherIs));
    }
}
