package io.maniple.kernels.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.program.DType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TestOperationTable {
    private static final OperationTable TABLE = OperationTable.standard();
    private static final Map<String, List<String>> NUMPY = NumPyVectors.read().types();

    /** Functions of complex numbers whose special values would each need their own treatment. */
    private static final String COMPLEX_FUNCTIONS = "power float_power exp exp2 expm1 log log2 log10 log1p sqrt sin cos"
            + " tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh";

    @Test
    void hasNoSignatureThatNumPyHasNot() {
        for (Operation operation : TABLE.operations()) {
            if (NUMPY.containsKey(operation.name())) {
                assertThat(NUMPY.get(operation.name())).as(operation.name()).contains(operation.signature());
            }
        }
    }

    @Test
    void lacksOnlyWhatIsListedHere() {
        Set<String> lacking = new TreeSet<>();
        NUMPY.forEach((name, signatures) -> signatures.stream()
                .filter(signature -> TABLE.find(name, signature).isEmpty())
                .forEach(signature -> lacking.add(name + " " + signature)));
        Set<String> expected = new HashSet<>();
        for (String name : COMPLEX_FUNCTIONS.split(" ")) {
            NUMPY.getOrDefault(name, List.of()).stream()
                    .filter(signature -> signature.contains("F") || signature.contains("D"))
                    .forEach(signature -> expected.add(name + " " + signature));
        }
        // Euclid's algorithm takes as many steps as the numbers demand; a kernel has no loops.
        NUMPY.getOrDefault("gcd", List.of()).forEach(signature -> expected.add("gcd " + signature));
        NUMPY.getOrDefault("lcm", List.of()).forEach(signature -> expected.add("lcm " + signature));
        assertThat(lacking).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void numbersItsRowsFromOne() {
        List<Operation> found = new ArrayList<>();
        for (int number = 1; number <= TABLE.operations().size(); number++) {
            found.add(TABLE.byNumber(number).orElseThrow());
            assertThat(found.getLast().number()).isEqualTo(number);
        }
        assertThat(found).isEqualTo(TABLE.operations());
        assertThat(TABLE.byNumber(0)).isEmpty();
        assertThat(TABLE.byNumber(found.size() + 1)).isEmpty();
    }

    @Test
    void refusesTwoRowsForOneSignature() {
        TableBuilder twice = new TableBuilder()
                .exact("copyto", "d", "T->T", TableBuilder.IDENTITY)
                .exact("copyto", "fd", "T->T", TableBuilder.IDENTITY);
        assertThatThrownBy(() -> new OperationTable(twice.operations())).hasMessage("two rows for copyto d->d");
    }

    @Test
    void foldsSmallIntegersIntoWideOnes() {
        Operation sum = TABLE.find("add.reduce", "B->L").orElseThrow();
        assertThat(sum.inputs()).containsExactly(DType.UINT8);
        assertThat(sum.outputs()).containsExactly(DType.UINT64);
        assertThat(sum.kind())
                .isInstanceOfSatisfying(
                        Operation.Kind.Fold.class,
                        fold -> assertThat(fold.accumulator()).isEqualTo(DType.UINT64));
    }
}
