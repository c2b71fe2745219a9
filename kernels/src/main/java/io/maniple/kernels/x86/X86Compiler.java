package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.GatherForm;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.kernels.ir.SortCode;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Compiles kernels to machine code. */
public final class X86Compiler implements KernelCompiler {
    private static final Logger LOGGER = System.getLogger(X86Compiler.class.getName());
    private static final int RET = 0xC3;

    private final InstructionSet set;

    private X86Compiler(InstructionSet set) {
        this.set = set;
    }

    /** For AVX-512; empty where this machine has none. */
    public static Optional<KernelCompiler> avx512() {
        return create(InstructionSet.AVX512);
    }

    /** For AVX2; empty, with the reason in the log, where this machine cannot run the code. */
    public static Optional<KernelCompiler> avx2() {
        return create(InstructionSet.AVX2);
    }

    static Optional<KernelCompiler> create(InstructionSet set) {
        Optional<String> obstacle = obstacle(set);
        Level level = set == InstructionSet.AVX2 ? Level.WARNING : Level.DEBUG;
        obstacle.ifPresent(reason -> LOGGER.log(level, "no {0} machine code: {1}", set.title(), reason));
        return obstacle.isPresent() ? Optional.empty() : Optional.of(new X86Compiler(set));
    }

    private static Optional<String> obstacle(InstructionSet set) {
        String architecture = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        if (!architecture.equals("amd64") || !System.getProperty("os.name").equals("Linux")) {
            return Optional.of(System.getProperty("os.name") + " on " + architecture);
        }
        Set<String> missing = Processor.missing(set.needed());
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
            return Optional.of(new CompiledKernel(CodeMemory.of(KernelEmitter.emit(set, kernel, accesses, streaming))));
        } catch (UnsupportedKernelException unsupported) {
            LOGGER.log(Level.DEBUG, "no form for a kernel: {0}", unsupported.getMessage());
            return Optional.empty();
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "a kernel is not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public Optional<ProductCode> products(ElementType type) {
        if (type != ElementType.FLOAT32 && type != ElementType.FLOAT64) {
            return Optional.empty();
        }
        try {
            return Optional.of(ProductEmitter.compile(set, type));
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "matrix products are not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public Optional<SortCode> sorts() {
        if (set != InstructionSet.AVX512) {
            return Optional.empty();
        }
        try {
            return Optional.of(SortEmitter.compile());
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "sorting is not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public int moveBytes() {
        return set.vectorBytes();
    }

    @Override
    public Optional<Executable> gather(GatherForm form) {
        try {
            return Optional.of(GatherEmitter.compile(set, form));
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "copying by index is not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public Optional<Executable> lookUp() {
        if (set != InstructionSet.AVX512 || !Processor.permutesBytes()) {
            return Optional.empty();
        }
        try {
            return Optional.of(LookUpEmitter.compile());
        } catch (CodeMemory.RefusedException refused) {
            LOGGER.log(Level.WARNING, "looking up bytes is not compiled: {0}", refused.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "x86-64 " + set.title();
    }
}
