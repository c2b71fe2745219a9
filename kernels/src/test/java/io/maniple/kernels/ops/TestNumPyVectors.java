package io.maniple.kernels.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.KernelLauncher;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.portable.PortableCompiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every operation of the table, and every cast, on the portable engine against what NumPy computed. */
class TestNumPyVectors {
    private static final NumPyVectors VECTORS = NumPyVectors.read();
    private static final KernelLauncher LAUNCHER = new KernelLauncher(new PortableCompiler());

    /** Extremes of zeros of both signs: NumPy's answer depends on the element's place in a vector register. */
    private static final Set<String> EITHER_ZERO =
            Set.of("maximum", "minimum", "fmax", "fmin", "clip", "maximum.reduce", "minimum.reduce");

    /** Where the terms cancel, the error is that of the larger argument, in NumPy too. */
    private static final Set<String> ERROR_OF_ARGUMENTS = Set.of("logaddexp", "logaddexp2");

    @TestFactory
    Stream<DynamicTest> agreesWithNumPy() {
        return VECTORS.cases().stream()
                .filter(vector -> !vector.kind().equals("row") || find(vector).isPresent())
                .map(vector -> DynamicTest.dynamicTest(vector.toString(), () -> check(vector)));
    }

    @Test
    void coversEveryRowThatIsNoRoutine() {
        Set<String> uncovered = new TreeSet<>();
        for (Operation operation : OperationTable.standard().operations()) {
            uncovered.add(operation.name() + " " + operation.signature());
        }
        for (NumPyVectors.Case vector : VECTORS.cases()) {
            uncovered.remove(vector.name() + " " + vector.signature());
        }
        Set<String> names = new TreeSet<>();
        uncovered.forEach(row -> names.add(row.substring(0, row.indexOf(' '))));
        // Routines and scans belong to the server, which tests them; the complex arange adds parts as the real one.
        assertThat(uncovered)
                .filteredOn(row -> !(operation(row).kind() instanceof Operation.Kind.Routine))
                .filteredOn(row -> !(operation(row).kind() instanceof Operation.Kind.Scan))
                .containsExactlyInAnyOrder("arange FF->F", "arange DD->D");
    }

    private static Operation operation(String row) {
        String[] parts = row.split(" ");
        return OperationTable.standard().find(parts[0], parts[1]).orElseThrow();
    }

    private static Optional<Operation> find(NumPyVectors.Case vector) {
        return OperationTable.standard().find(vector.name(), vector.signature());
    }

    private static void check(NumPyVectors.Case vector) {
        if (vector.kind().equals("cast")) {
            DType from = vector.inputs().getFirst().type();
            DType to = vector.expected().getFirst().type();
            compare(vector, 0, run(vector, OperationKernels.cast(from, to), List.of(to)));
            return;
        }
        Operation operation = find(vector).orElseThrow(() -> new AssertionError("no row for " + vector));
        switch (operation.kind()) {
            case Operation.Kind.Elementwise elementwise -> {
                Kernel kernel = OperationKernels.elementwise(operation, elementwise);
                compare(vector, operation.ulp(), run(vector, kernel, operation.outputs()));
            }
            case Operation.Kind.Fold fold -> {
                Kernel kernel = OperationKernels.fold(operation, fold);
                List<Numbers> accumulated = run(vector, kernel, List.of(fold.accumulator()));
                // Each of the 67 terms may cost a rounding; the sums of the pools do not cancel much.
                compare(vector, 8 * operation.ulp() * 16, accumulated);
            }
            case Operation.Kind.Scan scan -> throw new AssertionError("scans have no kernel");
            case Operation.Kind.Routine routine -> throw new AssertionError("routines have no kernel");
        }
    }

    /** Runs over the whole inputs in rows of several lengths, so that blocks begin and end everywhere. */
    private static List<Numbers> run(NumPyVectors.Case vector, Kernel kernel, List<DType> outputs) {
        int count = vector.inputs().getFirst().size();
        int n0 = count;
        for (int rows : new int[] {7, 5, 3, 2}) {
            if (!kernel.reduces() && count % rows == 0 && count > 8) {
                n0 = count / rows;
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            List<KernelLauncher.Operand> operands = new ArrayList<>();
            for (ElementType storage : OperationKernels.storages(outputs)) {
                MemorySegment memory = arena.allocate((long) count * storage.bytes(), 64);
                operands.add(KernelLauncher.Operand.contiguous(memory, storage.bytes(), n0));
            }
            for (NumPyVectors.Array input : vector.inputs()) {
                MemorySegment memory = arena.allocate(input.data().length + 64L, 64);
                MemorySegment.copy(MemorySegment.ofArray(input.data()), 0, memory, 0, input.data().length);
                int part = Casts.storage(input.type()).bytes();
                int step = input.type().bytes();
                operands.add(new KernelLauncher.Operand(memory, 0, step, (long) step * n0, part));
                if (input.type().isComplex()) {
                    operands.add(new KernelLauncher.Operand(memory, part, step, (long) step * n0, part));
                }
            }
            LAUNCHER.launch(kernel, n0, count / n0, operands);
            List<Numbers> results = new ArrayList<>();
            int operand = 0;
            for (DType type : outputs) {
                MemorySegment real = operands.get(operand++).memory();
                MemorySegment imaginary =
                        type.isComplex() ? operands.get(operand++).memory() : real;
                results.add(Numbers.of(type, real, imaginary, kernel.reduces() ? 1 : count));
            }
            return results;
        }
    }

    private static void compare(NumPyVectors.Case vector, double ulp, List<Numbers> results) {
        boolean eitherZero = EITHER_ZERO.contains(vector.name());
        for (int output = 0; output < results.size(); output++) {
            Numbers expected = Numbers.of(vector.expected().get(output));
            Numbers result = results.get(output);
            if (result.type() != expected.type()) {
                result = result.rounded(expected.type());
            }
            for (int i = 0; i < expected.size(); i++) {
                double scale = ERROR_OF_ARGUMENTS.contains(vector.name()) ? largestScale(vector, i) : expected.scale(i);
                String wrong = expected.difference(result, i, ulp * Math.max(1, scale / expected.scale(i)), eitherZero);
                if (!wrong.isEmpty()) {
                    fail(vector + arguments(vector, i) + " output " + output + ": " + wrong);
                }
            }
        }
    }

    private static double largestScale(NumPyVectors.Case vector, int i) {
        return vector.inputs().stream()
                .mapToDouble(input -> Numbers.of(input).scale(i))
                .filter(Double::isFinite)
                .max()
                .orElse(0);
    }

    private static String arguments(NumPyVectors.Case vector, int i) {
        StringBuilder text = new StringBuilder();
        for (NumPyVectors.Array input : vector.inputs()) {
            text.append(' ').append(Numbers.of(input).text(i));
        }
        return text.toString();
    }
}
