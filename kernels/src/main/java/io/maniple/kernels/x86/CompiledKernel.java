package io.maniple.kernels.x86;

import io.maniple.kernels.ir.KernelCompiler;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;

/** Machine code that lives as long as this object is reachable. */
final class CompiledKernel implements KernelCompiler.Executable {
    /**
     * Critical: without the transition out of Java and back, which would cost more than a small kernel. Kernels neither
     * block nor call back; callers keep boxes small, since no garbage collection can begin while one runs.
     */
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG), Linker.Option.critical(false));

    private static final Cleaner CLEANER = Cleaner.create();

    private final MemorySegment entry;

    CompiledKernel(CodeMemory memory) {
        this.entry = memory.entry();
        // the action must not refer to this object
        CLEANER.register(this, memory::close);
    }

    @Override
    public int run(long arguments) {
        try {
            return (int) CALL.invokeExact(entry, arguments);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(failure);
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
