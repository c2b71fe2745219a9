package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.kernels.portable.PortableCompiler;
import io.maniple.kernels.x86.X86Compiler;
import io.maniple.server.engine.Blas;
import io.maniple.server.engine.Compilers;
import io.maniple.server.engine.Engine;
import io.maniple.server.engine.Workers;
import io.maniple.server.store.PrivateMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions that run on this machine's processors. */
public final class LocalSessionFactory implements SessionFactory {
    private static final Logger LOGGER = LoggerFactory.getLogger(LocalSessionFactory.class);
    private static final String LINEAR_ALGEBRA = "linalg.";
    private static final long INLINE_BYTES = 64L << 10;
    private static final long BATCH_BYTES = 4L << 20;
    private static final int BATCH_INSTRUCTIONS = 100_000;
    private static final int DIMENSIONS = 64;

    private final ServerSettings settings;
    private final PrivateMemory memory;
    private final Blas blas;
    private final Map<String, Compilers> compilers = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Integer, Workers> workers = new ConcurrentHashMap<>();
    private final List<Operation> operations;
    private final Turns turns = new Turns();

    public LocalSessionFactory(ServerSettings settings) {
        this.settings = settings;
        this.memory = new PrivateMemory(settings.memoryBytes());
        this.blas = new Blas(settings.blasLibrary());
        this.operations = OperationTable.standard().operations().stream()
                // Without a LAPACK the client's NumPy has to do it.
                .filter(operation ->
                        settings.blasLibrary().isPresent() || !operation.name().startsWith(LINEAR_ALGEBRA))
                .map(operation -> Operation.newBuilder()
                        .setNumber(operation.number())
                        .setName(operation.name())
                        .setSignature(operation.signature())
                        .build())
                .toList();
    }

    private static Compilers compilersOf(String engine) {
        List<KernelCompiler> found = new ArrayList<>();
        if (engine.equals(ServerSettings.ENGINE_AUTO)) {
            X86Compiler.avx512().ifPresent(found::add);
        }
        if (!engine.equals(ServerSettings.ENGINE_PORTABLE)) {
            X86Compiler.avx2().ifPresent(found::add);
            if (found.isEmpty()) {
                LOGGER.warn("no machine code can be made here: kernels run in the portable engine, which is slower");
            }
        }
        found.add(new PortableCompiler());
        return new Compilers(found);
    }

    @Override
    public Session open(SessionOptions options, SharedMemory shared, String clientVersion) {
        return open(options, new SessionMemory(memory, shared, settings.memoryBytes()));
    }

    /**
     * A session of a client elsewhere.
     *
     * @param quota most bytes of memory it may hold
     * @throws IllegalArgumentException if there is no such engine
     */
    public DetachedSession openDetached(SessionOptions options, long quota) {
        return open(options, new SessionMemory(memory, null, Math.min(quota, settings.memoryBytes())));
    }

    /** Bytes that all sessions hold now. */
    public long memoryBytes() {
        return memory.used();
    }

    private LocalSession open(SessionOptions options, SessionMemory sessionMemory) {
        int threads = options.getThreads() == 0 ? settings.threads() : options.getThreads();
        String name = settings.engineFor(options.getEngine());
        Compilers chosen = compilers.computeIfAbsent(name, LocalSessionFactory::compilersOf);
        Engine engine = new Engine(workers.computeIfAbsent(threads, Workers::new), chosen, blas);
        return new LocalSession(options, limits(), sessionMemory, turns.seat(), engine, chosen);
    }

    @Override
    public void warmUp() {
        new WarmUp(this).run();
    }

    @Override
    public List<Operation> operations() {
        return operations;
    }

    @Override
    public Limits limits() {
        return Limits.newBuilder()
                .setBatchBytes(BATCH_BYTES)
                .setBatchInstructions(BATCH_INSTRUCTIONS)
                .setDimensions(DIMENSIONS)
                .setInlineBytes(INLINE_BYTES)
                .setSessionMemoryBytes(settings.memoryBytes())
                .build();
    }
}
