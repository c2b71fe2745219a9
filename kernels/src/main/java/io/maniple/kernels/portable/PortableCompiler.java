package io.maniple.kernels.portable;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import java.util.List;
import java.util.Optional;

/** Runs every kernel in plain Java: the meaning of the kernel form, and the engine where no machine code can be had. */
public final class PortableCompiler implements KernelCompiler {
    @Override
    public Optional<Executable> compile(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        return Optional.of(new PortableKernel(kernel));
    }

    @Override
    public String name() {
        return "portable";
    }
}
