package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.BOOL;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.binary;
import static io.maniple.kernels.ops.TableBuilder.unary;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Primitive;

/** Operations on the bits of integers. */
final class BitRows {
    private BitRows() {}

    static void add(TableBuilder table) {
        table.exact("bitwise_and", BOOL + INTEGERS, "TT->T", binary(Term::and))
                .exact("bitwise_or", BOOL + INTEGERS, "TT->T", binary(Term::or))
                .exact("bitwise_xor", BOOL + INTEGERS, "TT->T", binary(Term::xor))
                .exact("invert", BOOL + INTEGERS, "T->T", unary(Term::not))
                .exact("left_shift", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.SHIFT_LEFT, y)))
                .exact("right_shift", INTEGERS, "TT->T", binary((x, y) -> x.apply(Primitive.SHIFT_RIGHT, y)))
                .exact("bitwise_count", INTEGERS, "T->B", unary(BitRows::count));
    }

    /** Adds neighbouring groups of 1, 2, 4, … bits; NumPy counts the bits of the absolute value. */
    private static Term count(Term x) {
        ElementType wide = ElementType.UINT64;
        Term bits = (x.type().kind() == ElementType.Kind.SIGNED ? x.absolute() : x)
                .cast(unsigned(x.type()))
                .cast(wide);
        bits = bits.minus(bits.shiftRight(1).and(bits.bits(0x5555555555555555L)));
        Term pairs = bits.bits(0x3333333333333333L);
        bits = bits.and(pairs).plus(bits.shiftRight(2).and(pairs));
        bits = bits.plus(bits.shiftRight(4)).and(bits.bits(0x0f0f0f0f0f0f0f0fL));
        return bits.times(bits.bits(0x0101010101010101L)).shiftRight(56).cast(ElementType.UINT8);
    }

    private static ElementType unsigned(ElementType type) {
        return switch (type.bytes()) {
            case 1 -> ElementType.UINT8;
            case 2 -> ElementType.UINT16;
            case 4 -> ElementType.UINT32;
            default -> ElementType.UINT64;
        };
    }
}
