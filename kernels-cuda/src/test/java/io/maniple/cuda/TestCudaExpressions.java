package io.maniple.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationKernels;
import io.maniple.kernels.ops.OperationTable;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestCudaExpressions {
    private static final List<String> ARGUMENTS = List.of("v0", "v1", "v2");

    @ParameterizedTest
    @EnumSource(Primitive.class)
    void everyPrimitiveHasOneThatUsesAllItsArguments(Primitive primitive) {
        ElementType type = takesFloats(primitive) ? ElementType.FLOAT32 : ElementType.INT32;
        String expression = CudaExpressions.expression(primitive, type, ARGUMENTS.subList(0, primitive.arity()));
        assertThat(expression).contains(ARGUMENTS.subList(0, primitive.arity()));
        assertThat(expression.chars().filter(c -> c == '(').count())
                .isEqualTo(expression.chars().filter(c -> c == ')').count());
    }

    @Test
    void everyNodeOfTheTableHasOne() {
        for (Operation operation : OperationTable.standard().operations()) {
            if (operation.kind() instanceof Operation.Kind.Elementwise elementwise) {
                Kernel kernel = OperationKernels.elementwise(operation, elementwise);
                for (Node node : kernel.nodes()) {
                    if (node instanceof Node.Apply apply) {
                        assertThat(CudaExpressions.expression(apply.primitive(), apply.type(), ARGUMENTS))
                                .isNotEmpty();
                    }
                }
            }
        }
    }

    @Test
    void namesThePrimitiveThatHasNoMeaning() {
        assertThatThrownBy(() -> CudaExpressions.expression(Primitive.SIN, ElementType.INT32, ARGUMENTS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("SIN has no meaning for INT32");
        assertThatThrownBy(() -> CudaExpressions.expression(Primitive.XOR, ElementType.FLOAT64, ARGUMENTS))
                .hasMessage("XOR has no meaning for FLOAT64");
    }

    @Test
    void wholeNumbersWrapAround() {
        assertThat(CudaExpressions.expression(Primitive.ADD, ElementType.INT8, ARGUMENTS))
                .isEqualTo("((signed char) ((unsigned long long) v0 + (unsigned long long) v1))");
    }

    private static boolean takesFloats(Primitive primitive) {
        return switch (primitive) {
            case AND, OR, XOR, NOT, SHIFT_LEFT, SHIFT_RIGHT, QUOTIENT, REMAINDER, INTEGER_POWER -> false;
            default -> true;
        };
    }
}
