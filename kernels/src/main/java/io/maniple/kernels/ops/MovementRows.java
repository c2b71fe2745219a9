package io.maniple.kernels.ops;

import static io.maniple.kernels.ops.TableBuilder.ALL;
import static io.maniple.kernels.ops.TableBuilder.COMPLEX;
import static io.maniple.kernels.ops.TableBuilder.IDENTITY;
import static io.maniple.kernels.ops.TableBuilder.INTEGERS;
import static io.maniple.kernels.ops.TableBuilder.REAL;

import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import java.util.List;

/** What copies, selects, fills and moves elements, and what has a routine of its own. */
final class MovementRows {
    private MovementRows() {}

    static void add(TableBuilder table) {
        table.exact("copyto", ALL, "T->T", IDENTITY)
                .exact("where", ALL, "?TT->T", MovementRows::where)
                .exact("arange", INTEGERS + "fd" + COMPLEX, "TT->T", MovementRows::arange)
                // The difference of two float16 numbers is in general none, so NumPy keeps the step as float32.
                .exact("arange", "e", "ff->T", MovementRows::arange);

        Operation.Kind routine = new Operation.Kind.Routine();
        table.row("compress", ALL, "T?->Tl", 0, routine)
                .row("place", ALL, "T?->T", 0, routine)
                .row("take", ALL, "Tl->T", 0, routine)
                .row("put", ALL, "Tl->T", 0, routine)
                .row("argmax.reduce", "?" + REAL, "T->l", 0, routine)
                .row("argmin.reduce", "?" + REAL, "T->l", 0, routine)
                // Each product and partial sum is rounded once; the bound for n terms is n ulp of the sum of |a||b|.
                .row("matmul", "fdFD", "TT->T", 1, routine);
    }

    private static List<Value> where(KernelBuilder builder, List<Value> inputs) {
        int condition = inputs.get(0).real();
        Value yes = inputs.get(1);
        Value no = inputs.get(2);
        int real = builder.apply(Primitive.SELECT, condition, yes.real(), no.real());
        return List.of(
                yes.isComplex()
                        ? new Value(real, builder.apply(Primitive.SELECT, condition, yes.imaginary(), no.imaginary()))
                        : Value.of(real));
    }

    /** start + index * step, the index rounded to the type first, as NumPy's fill does. */
    private static List<Value> arange(KernelBuilder builder, List<Value> inputs) {
        Value start = inputs.get(0);
        Value step = inputs.get(1);
        int index = builder.cast(builder.index(), builder.typeOf(start.real()));
        int real = builder.apply(Primitive.ADD, start.real(), builder.apply(Primitive.MULTIPLY, index, step.real()));
        if (!start.isComplex()) {
            return List.of(Value.of(real));
        }
        int imaginary = builder.apply(
                Primitive.ADD, start.imaginary(), builder.apply(Primitive.MULTIPLY, index, step.imaginary()));
        return List.of(new Value(real, imaginary));
    }
}
