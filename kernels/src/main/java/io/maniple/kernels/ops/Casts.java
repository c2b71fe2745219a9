package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;

/** NumPy's element types as kernels hold them, and casts between them. */
public final class Casts {
    private Casts() {}

    /** The type of (one part of) an element in memory. */
    public static ElementType storage(DType type) {
        return switch (type) {
            case BOOL -> ElementType.BOOL;
            case INT8 -> ElementType.INT8;
            case UINT8 -> ElementType.UINT8;
            case INT16 -> ElementType.INT16;
            case UINT16 -> ElementType.UINT16;
            case INT32 -> ElementType.INT32;
            case UINT32 -> ElementType.UINT32;
            case INT64 -> ElementType.INT64;
            case UINT64 -> ElementType.UINT64;
            case FLOAT16 -> ElementType.FLOAT16;
            case FLOAT32, COMPLEX64 -> ElementType.FLOAT32;
            case FLOAT64, COMPLEX128 -> ElementType.FLOAT64;
        };
    }

    /**
     * Casts as NumPy's {@code astype} with unsafe casting: complex to real drops the imaginary part, complex to BOOL
     * asks whether either part is non-zero. A cast to FLOAT16 rounds to it (the value stays FLOAT32 in registers).
     */
    public static Value cast(KernelBuilder builder, Value value, DType from, DType to) {
        if (from == to) {
            return value;
        }
        ElementType target = storage(to).computed();
        if (to == DType.BOOL && value.isComplex()) {
            return Value.of(builder.apply(
                    Primitive.OR,
                    builder.cast(value.real(), ElementType.BOOL),
                    builder.cast(value.imaginary(), ElementType.BOOL)));
        }
        int real = value.real();
        if (to == DType.FLOAT16) {
            boolean isDouble = builder.typeOf(real) == ElementType.FLOAT64;
            real = builder.roundToHalf(isDouble ? narrowToOdd(builder, real) : builder.cast(real, target));
        } else {
            real = builder.cast(real, target);
        }
        if (!to.isComplex()) {
            return Value.of(real);
        }
        int imaginary = value.isComplex() ? builder.cast(value.imaginary(), target) : builder.number(target, 0.0);
        return new Value(real, imaginary);
    }

    /**
     * FLOAT64 to FLOAT32 in such a way that a second rounding to float16 gives what one rounding would: what is cut
     * off leaves a one in the last bit.
     */
    private static int narrowToOdd(KernelBuilder builder, int value) {
        Term bits = new Term(builder, builder.reinterpret(value, ElementType.INT64));
        Term cut = bits.bits((1L << 29) - 1);
        Term sticky =
                bits.and(cut).notEqual(bits.number(0)).cast(ElementType.INT64).shiftLeft(29);
        return bits.and(cut.not())
                .or(sticky)
                .reinterpret(ElementType.FLOAT64)
                .cast(ElementType.FLOAT32)
                .node();
    }
}
