package io.maniple.kernels.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Encodings that are easy to get wrong; the bytes are GNU as's. */
class TestAssembler {
    private static String bytes(Consumer<Assembler> code) {
        Assembler assembler = new Assembler(InstructionSet.AVX2);
        code.accept(assembler);
        int length = assembler.position();
        return HexFormat.of().formatHex(assembler.finish(new byte[0]), 0, length);
    }

    @Test
    void shortVexPrefixOnlyWithoutHighRegistersInTheLastPlace() {
        assertThat(bytes(a -> a.vector(VectorOp.ADDPD, 32, 1, 2, 3))).isEqualTo("c5ed58cb");
        assertThat(bytes(a -> a.vector(VectorOp.ADDPD, 32, 9, 10, 3))).isEqualTo("c52d58cb");
        assertThat(bytes(a -> a.vector(VectorOp.ADDPD, 32, 1, 2, 11))).isEqualTo("c4c16d58cb");
    }

    @Test
    void basesThatNeedAScaleByteOrADisplacement() {
        assertThat(bytes(a -> a.load(Gpr.RAX, Memory.at(Gpr.R12, 0)))).isEqualTo("498b0424");
        assertThat(bytes(a -> a.load(Gpr.RAX, Memory.at(Gpr.R13, 0)))).isEqualTo("498b4500");
        assertThat(bytes(a -> a.load(Gpr.RAX, Memory.at(Gpr.RBP, 0)))).isEqualTo("488b4500");
        assertThat(bytes(a -> a.load(Gpr.RAX, Memory.indexed(Gpr.R13, Gpr.R9, 3, 0))))
                .isEqualTo("4b8b44cd00");
        assertThat(bytes(a -> a.load(Gpr.RAX, Memory.at(Gpr.RSP, 256)))).isEqualTo("488b842400010000");
    }

    @Test
    void byteStoresOfLowRegistersHaveAPrefix() {
        assertThat(bytes(a -> a.store(1, Memory.at(Gpr.RDI, 0), Gpr.RSI))).isEqualTo("408837");
        assertThat(bytes(a -> a.store(1, Memory.at(Gpr.RDI, 0), Gpr.RAX))).isEqualTo("8807");
    }

    @Test
    void signedLoadsFillTheWholeRegister() {
        assertThat(bytes(a -> a.loadSigned(1, Gpr.RAX, Memory.at(Gpr.R8, 0)))).isEqualTo("490fbe00");
        assertThat(bytes(a -> a.loadSigned(2, Gpr.RSI, Memory.at(Gpr.R8, 4)))).isEqualTo("490fbf7004");
        assertThat(bytes(a -> a.loadSigned(4, Gpr.RAX, Memory.at(Gpr.R8, 0)))).isEqualTo("496300");
    }

    @Test
    void jumpsBothWays() {
        assertThat(bytes(a -> {
                    Assembler.Label back = new Assembler.Label();
                    Assembler.Label ahead = new Assembler.Label();
                    a.bind(back);
                    a.jump(Condition.ZERO, ahead);
                    a.jump(back);
                    a.bind(ahead);
                }))
                .isEqualTo("0f8405000000e9f5ffffff");
    }

    @Test
    void literalsLieBehindTheCode() {
        Assembler assembler = new Assembler(InstructionSet.AVX2);
        assembler.vector(VectorOp.CMPPD, 32, 0, 1, new Memory.Pool(32), 4);
        byte[] code = assembler.finish(new byte[64]);
        assertThat(code).hasSize(128);
        // the displacement counts from the end of the instruction, behind the immediate
        assertThat(HexFormat.of().formatHex(code, 0, 9)).isEqualTo("c5f5c2055700000004");
    }

    @Test
    void paddingIsOfWholeInstructions() {
        assertThat(bytes(a -> {
                    a.ret();
                    a.align(8);
                }))
                .isEqualTo("c30f1f8000000000");
    }
}
