package io.maniple.server.engine;

import io.maniple.bridge.program.DType;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.GatherForm;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.ProductCode;
import io.maniple.kernels.ir.SortCode;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Compiled kernels by what they do; the first compiler that has a form for a kernel makes it. */
public final class Compilers {
    private record Key(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {}

    private final List<KernelCompiler> compilers;
    private final ConcurrentHashMap<Key, Executable> compiled = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<DType, Optional<ProductCode>> products = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<GatherForm, Optional<Executable>> gathers = new ConcurrentHashMap<>();
    private @Nullable Optional<SortCode> sorts;
    private @Nullable Optional<Executable> lookUp;
    private final AtomicLong count = new AtomicLong();

    /** @param compilers in order of preference; the last must have a form for every kernel */
    public Compilers(List<KernelCompiler> compilers) {
        this.compilers = List.copyOf(compilers);
    }

    /** Names of the compilers, best first. */
    public String names() {
        return String.join(", ", compilers.stream().map(KernelCompiler::name).toList());
    }

    /** How many kernels were compiled so far. */
    public long compiledCount() {
        return count.get();
    }

    /** The best compiler's code for products of matrices. */
    Optional<ProductCode> products(DType type) {
        return products.computeIfAbsent(type, key -> switch (key) {
            case FLOAT32 -> products(ElementType.FLOAT32);
            case FLOAT64 -> products(ElementType.FLOAT64);
            default -> Optional.empty();
        });
    }

    /** The best compiler's code for sorting. */
    synchronized Optional<SortCode> sorts() {
        if (sorts == null) {
            sorts = compilers.isEmpty()
                    ? Optional.empty()
                    : compilers.getFirst().sorts();
        }
        return sorts;
    }

    /** As {@link KernelCompiler#moveBytes}, of the best compiler. */
    int moveBytes() {
        return compilers.isEmpty() ? 0 : compilers.getFirst().moveBytes();
    }

    /** The best compiler's code for copying rows by index. */
    Optional<Executable> gather(GatherForm form) {
        return gathers.computeIfAbsent(
                form,
                key -> compilers.isEmpty()
                        ? Optional.empty()
                        : compilers.getFirst().gather(key));
    }

    /** The best compiler's code for looking up bytes by bytes. */
    synchronized Optional<Executable> lookUp() {
        if (lookUp == null) {
            lookUp = compilers.isEmpty()
                    ? Optional.empty()
                    : compilers.getFirst().lookUp();
        }
        return lookUp;
    }

    private Optional<ProductCode> products(ElementType type) {
        return compilers.isEmpty() ? Optional.empty() : compilers.getFirst().products(type);
    }

    Executable compile(Kernel kernel, List<Kernel.Access> accesses, boolean streaming) {
        return compiled.computeIfAbsent(new Key(kernel, List.copyOf(accesses), streaming), key -> {
            for (KernelCompiler compiler : compilers) {
                Optional<Executable> executable = compiler.compile(kernel, accesses, streaming);
                if (executable.isPresent()) {
                    count.incrementAndGet();
                    return executable.get();
                }
            }
            throw new IllegalStateException("no engine has a form for the kernel " + kernel);
        });
    }
}
