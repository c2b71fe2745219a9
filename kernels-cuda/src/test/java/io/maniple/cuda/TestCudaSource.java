package io.maniple.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationKernels;
import io.maniple.kernels.ops.OperationTable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class TestCudaSource {
    @Test
    void writesLoadsValuesAndStores() {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        int mask = builder.load(builder.newOperand(), ElementType.BOOL);
        int half = builder.load(builder.newOperand(), ElementType.FLOAT16);
        int scalar = builder.scalar(builder.newScalar(), ElementType.FLOAT32);
        builder.store(target, ElementType.FLOAT16, builder.apply(Primitive.ADD, half, scalar), mask);
        assertThat(CudaSource.map(builder.build(), "sum"))
                .contains("struct sum_box {")
                .contains("extern \"C\" __global__ void sum(const sum_box box)")
                .contains("const bool v0 = *(const unsigned char*) p1 != 0;")
                .contains("const float v1 = maniple_half_value(*(const unsigned short*) p2);")
                .contains("const float v2 = __int_as_float((int) box.scalars[0]);")
                .contains("if (v0) *(unsigned short*) p0 = maniple_half_bits(v3);");
    }

    @Test
    void usesOnlyValuesThatItHasMade() {
        for (Operation operation : OperationTable.standard().operations()) {
            if (operation.kind() instanceof Operation.Kind.Elementwise elementwise) {
                isSound(OperationKernels.elementwise(operation, elementwise));
            }
        }
        for (DType from : DType.values()) {
            for (DType to : DType.values()) {
                isSound(OperationKernels.cast(from, to));
            }
        }
    }

    private static void isSound(Kernel kernel) {
        String source = CudaSource.map(kernel, "k");
        assertThat(source.chars().filter(c -> c == '(').count())
                .isEqualTo(source.chars().filter(c -> c == ')').count());
        for (String line : source.lines().toList()) {
            Matcher made = Pattern.compile("const [a-z ]+ v(\\d+) = (.*);").matcher(line.strip());
            if (made.matches()) {
                Matcher used = Pattern.compile("\\bv(\\d+)\\b").matcher(made.group(2));
                while (used.find()) {
                    assertThat(Integer.parseInt(used.group(1))).isLessThan(Integer.parseInt(made.group(1)));
                }
            }
        }
    }

    @Test
    void takesSixteenBytesOfTheWidestOperandAtATime() {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        int mask = builder.load(builder.newOperand(), ElementType.BOOL);
        int value = builder.load(builder.newOperand(), ElementType.FLOAT32);
        builder.store(target, ElementType.FLOAT32, value, mask);
        Kernel kernel = builder.build();
        assertThat(CudaSource.pack(kernel)).isEqualTo(4);
        assertThat(CudaSource.flat(kernel, "k"))
                .contains("void k_flat(const k_box box)")
                .contains("maniple_pack<4> a1 = ((const maniple_pack<4>*) box.operands[1].address)[t];")
                // What the mask leaves out keeps what was there.
                .contains("maniple_pack<16> a0 = ((const maniple_pack<16>*) box.operands[0].address)[t];")
                .contains("((maniple_pack<16>*) box.operands[0].address)[t] = a0;");
    }

    @Test
    void refusesReductions() {
        KernelBuilder builder = new KernelBuilder();
        int target = builder.newOperand();
        builder.reduce(target, Reduction.SUM, builder.load(builder.newOperand(), ElementType.FLOAT64));
        assertThatThrownBy(() -> CudaSource.map(builder.build(), "k")).hasMessageContaining("reduces");
    }
}
