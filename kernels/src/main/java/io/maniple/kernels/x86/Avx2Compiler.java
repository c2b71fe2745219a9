package io.maniple.kernels.x86;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Compiles kernels to AVX2 machine code. */
public final class Avx2Compiler implements KernelCompiler {
    private static final Logger LOGGER = System.getLogger(Avx2Compiler.class.getName());
    /** The vector functions of libjsvml that go with AVX2 use FMA; emitted code itself never fuses, NumPy does not. */
    private static final Set<String> NEEDED = Set.of("avx", "avx2", "f16c", "fma");

    private static final int RET = 0xC3;

    private Avx2Compiler() {}

    /** Empty, with the reason in the log, where this machine cannot run the code. */
    public static Optional<KernelCompiler> create() {
        Optional<String> obstacle = obstacle();
        obstacle.ifPresent(reason -> LOGGER.log(Level.WARNING, "no AVX2 machine code: {0}", reason));
        return obstacle.isPresent() ? Optional.empty() : Optional.of(new Avx2Compiler());
    }

    private static Optional<String> obstacle() {
        String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        if (!architecture.equals("amd64") || !System.getProperty("os.name").equals("Linux")) {
            return Optional.of(System.getProperty("os.name") + " on " + architecture);
        }
        Set<String> missing = Processor.missing(NEEDED);
        if (!missing.isEmpty()) {
            return Optional.of("the processor lacks " + missing);
        }
        try (CodeMemory probe = CodeMemory.of(new byte[] {(byte) RET})) {
            return Optional.empty();
        } catch (CodeMemory.RefusedException refused) {
            return Optional.of(String.valueOf(refused.getMessage()));
        }
    }

    @Override
    public Optional<Executable> compile(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        if (accesses.size() != kernel.operands()) {
            throw new IllegalArgumentException(accesses.size() + " accesses for " + kernel.operands() + " operands");
        }
        try {
            return Optional.of(new CompiledKernel(CodeMemory.of(KernelEmitter.emit(kernel, accesses, streaming))));
        } catch (UnsupportedKernelException unsupported) {
            LOGGER.log(Level.DEBUG, "no form for a kernel: {0}", unsupported.getMessage());
            return Optional.empty();
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "a kernel is not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "x86-64 AVX2";
    }
}
