package io.maniple.kernels;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Runs a kernel in a test: writes the argument block, guesses the accesses from the strides. */
public final class KernelLauncher {
    /** Where an operand lies: its first element, and the bytes to the next one along both dimensions. */
    public record Operand(MemorySegment memory, long offset, long stride0, long stride1, int elementBytes) {
        public static Operand contiguous(MemorySegment memory, int elementBytes, long n0) {
            return new Operand(memory, 0, elementBytes, elementBytes * n0, elementBytes);
        }

        Kernel.Access access() {
            if (stride0 == 0) {
                return Kernel.Access.BROADCAST;
            }
            return stride0 == elementBytes ? Kernel.Access.CONTIGUOUS : Kernel.Access.STRIDED;
        }
    }

    private final KernelCompiler compiler;

    public KernelLauncher(KernelCompiler compiler) {
        this.compiler = compiler;
    }

    public void launch(Kernel kernel, long n0, long n1, List<Operand> operands, long... scalars) {
        List<Kernel.Access> accesses = new ArrayList<>();
        operands.forEach(operand -> accesses.add(operand.access()));
        int firstScalar = Kernel.Arguments.scalars(operands.size());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(ValueLayout.JAVA_LONG, firstScalar + scalars.length);
            set(block, Kernel.Arguments.N0, n0);
            set(block, Kernel.Arguments.N1, n1);
            set(block, Kernel.Arguments.INDEX_STEP0, 1);
            set(block, Kernel.Arguments.INDEX_STEP1, n0);
            for (int i = 0; i < operands.size(); i++) {
                Operand operand = operands.get(i);
                int word = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * i;
                set(block, word, operand.memory().address() + operand.offset());
                set(block, word + 1, operand.stride0());
                set(block, word + 2, operand.stride1());
            }
            for (int i = 0; i < scalars.length; i++) {
                set(block, firstScalar + i, scalars[i]);
            }
            compiler.compile(kernel, accesses, false).orElseThrow().run(block.address());
        }
    }

    private static void set(MemorySegment block, int word, long value) {
        block.setAtIndex(ValueLayout.JAVA_LONG, word, value);
    }
}
