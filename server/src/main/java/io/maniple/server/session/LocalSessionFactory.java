package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.kernels.ir.KernelCompiler;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.kernels.portable.PortableCompiler;
import io.maniple.kernels.x86.X86Compiler;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Peers;
import io.maniple.server.engine.Bandwidth;
import io.maniple.server.engine.Blas;
import io.maniple.server.engine.Compilers;
import io.maniple.server.engine.Engine;
import io.maniple.server.engine.Workers;
import io.maniple.server.store.PrivateMemory;
import io.maniple.server.store.SparseMemory;
import io.maniple.server.trace.ExecutionListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions that run on this machine's processors. */
public final class LocalSessionFactory implements DetachedSessionFactory {
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
    private final Devices devices = new Devices();

    public LocalSessionFactory(ServerSettings settings) {
        this.settings = settings;
        this.memory = new PrivateMemory(settings.memoryBytes(), settings.spilling());
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
        return open(
                options,
                new SessionMemory(memory, shared, MemoryQuota.ofSession(settings.memoryBytes())),
                options.getEmulate(),
                options.getTimeline() ? SessionTrace.local() : null);
    }

    @Override
    public DetachedSession openDetached(SessionOptions options, MemoryQuota quota, ExecutionListener listener) {
        // A client elsewhere does not decide what this machine emulates.
        String emulated =
                Optional.ofNullable(System.getenv("MANIPLE_GPU_EMULATE")).orElse("");
        // Nor how many threads it has: it may have fewer than there are.
        int threads = Math.clamp(Integer.toUnsignedLong(options.getThreads()), 0, settings.threads());
        return open(
                options.toBuilder().setThreads(threads).build(),
                new SessionMemory(memory, null, quota),
                emulated,
                SessionTrace.detached(options, listener));
    }

    @Override
    public double measureBandwidth() {
        Turns.Seat seat = turns.seat();
        return Bandwidth.measure(
                workers.computeIfAbsent(settings.threads(), Workers::new), copy -> seat.run(() -> false, copy));
    }

    @Override
    public long memoryBytes() {
        return memory.used();
    }

    @Override
    public long spilledBytes() {
        return memory.spill().used();
    }

    @Override
    public long spillLimit() {
        return memory.spill().limit();
    }

    @Override
    public DeviceStatus device() {
        return devices.status();
    }

    /**
     * One worker's part of a session that several workers have together.
     *
     * @param mapping how arrays and work are cut; the same for all of them
     * @param shares memory for what this worker has of its arrays
     */
    public WorkerSession openShared(SessionOptions options, Peers peers, MappingPolicy mapping, SparseMemory shares) {
        Compilers chosen = compilersFor(options);
        return new WorkerSession(
                options, limits(), peers, mapping, shares, turns.seat(), engine(options, chosen), chosen);
    }

    /** Verifies and plans the batches of a session that runs elsewhere. */
    public Planning planning(SessionOptions options) {
        return new Planning(options, limits(), compilersFor(options), false);
    }

    /** The engines that kernels run in here, best first: workers that compute together must have the same. */
    public String engines() {
        return compilersFor(SessionOptions.getDefaultInstance()).names();
    }

    private Compilers compilersFor(SessionOptions options) {
        return compilers.computeIfAbsent(settings.engineFor(options.getEngine()), LocalSessionFactory::compilersOf);
    }

    private Engine engine(SessionOptions options, Compilers chosen) {
        int threads = options.getThreads() == 0 ? settings.threads() : options.getThreads();
        return new Engine(workers.computeIfAbsent(threads, Workers::new), chosen, blas);
    }

    private LocalSession open(
            SessionOptions options, SessionMemory sessionMemory, String emulated, @Nullable SessionTrace trace) {
        Compilers chosen = compilersFor(options);
        Engine engine = engine(options, chosen);
        DeviceSource source = DeviceSource.of(devices, options.getDevice(), emulated);
        return new LocalSession(options, limits(), sessionMemory, turns.seat(), engine, chosen, trace, source);
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
