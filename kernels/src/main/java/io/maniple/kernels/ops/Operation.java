package io.maniple.kernels.ops;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Reduction;
import java.util.List;

/**
 * One row of the operation table as the handshake announces it: a name with one type signature.
 *
 * @param number position in the table, at least 1
 * @param name NumPy's name ("add", "add.reduce", "copyto")
 * @param inputs types the inputs are cast to
 * @param outputs types the results have before they are cast to the output operands
 * @param kind what executes it
 * @param ulp largest error of a floating-point result against the exact one, in units in the last place; 0 for exact
 *     and for correctly rounded results
 */
public record Operation(int number, String name, List<DType> inputs, List<DType> outputs, Kind kind, double ulp) {
    public Operation {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /** How the planner treats an operation. */
    public sealed interface Kind {
        /** One result element from the inputs' elements at the same position; the planner fuses it. */
        record Elementwise(Lowering lowering) implements Kind {}

        /**
         * Folds dimensions. {@code map} takes an element of the signature's input type to a value of type
         * {@code accumulator} (it casts where they differ), which the reduction folds (complex: both parts on their
         * own); the result is cast to the signature's output type.
         */
        record Fold(Reduction reduction, DType accumulator, Lowering map) implements Kind {}

        /**
         * Cumulative along one dimension: each result combines the one before it, rounded to the type (FLOAT16 too),
         * with the next element, as NumPy does.
         */
        record Scan(Reduction reduction) implements Kind {}

        /**
         * Done by a routine of its own, never fused. The signature gives the type of each kind of operand; there may be
         * several index operands (int64) for the one it names.
         */
        record Routine() implements Kind {}
    }

    /** Writes the operation as primitives. */
    @FunctionalInterface
    public interface Lowering {
        /**
         * @param builder the kernel in the making
         * @param inputs one value per input, already of the signature's type (FLOAT16 as FLOAT32)
         * @return one value per output, of the signature's type (FLOAT16 as FLOAT32, to be rounded by the caller)
         */
        List<Value> lower(KernelBuilder builder, List<Value> inputs);
    }

    /** "dd->d". */
    public String signature() {
        StringBuilder text = new StringBuilder();
        inputs.forEach(type -> text.append(type.character()));
        text.append("->");
        outputs.forEach(type -> text.append(type.character()));
        return text.toString();
    }
}
