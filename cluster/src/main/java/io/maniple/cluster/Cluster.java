package io.maniple.cluster;

import io.grpc.Server;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.cluster.hosting.HostingException;
import io.maniple.cluster.hosting.WorkerCommand;
import io.maniple.cluster.hosting.WorkerHost;
import io.maniple.cluster.net.Credentials;
import io.maniple.cluster.net.Endpoints;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Mappings;
import io.maniple.server.session.DetachedSession;
import io.maniple.server.session.DetachedSessionFactory;
import io.maniple.server.session.LocalSessionFactory;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.Session;
import io.maniple.server.session.SessionTrace;
import io.maniple.server.store.SparseMemory;
import io.maniple.server.store.SpillSettings;
import io.maniple.server.trace.ExecutionListener;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The workers of a server, and sessions that run on all of them. */
public final class Cluster implements DetachedSessionFactory, AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Cluster.class);
    private static final long CHECKPOINT_LOG_BYTES = 256L << 20;

    private final ClusterSettings settings;
    private final LocalSessionFactory local;
    private final MappingPolicy mapping;
    private final WorkerHost host;
    private final Roster roster;
    private final Server server;
    private final SparseMemory memory;
    private final AtomicLong lastSession = new AtomicLong();
    private final ScheduledExecutorService watch;
    private final ScheduledFuture<?> watching;

    /**
     * Asks for the workers; they come in their own time.
     *
     * @param local verifies what sessions are told; its memory limit is that of what clients have sent
     * @throws IOException if the server cannot be reached by them
     */
    public Cluster(
            ClusterSettings settings,
            LocalSessionFactory local,
            long memoryBytes,
            SpillSettings spilling,
            WorkerHost host)
            throws IOException {
        this.settings = settings;
        this.mapping = Mappings.find(settings.mapping(), settings.mappingJar());
        this.local = local;
        this.host = host;
        this.memory = new SparseMemory(memoryBytes, spilling);
        settings.checkpointDirectory().ifPresent(Checkpoints::removeAbandoned);
        Credentials credentials = Credentials.create();
        this.roster = new Roster(settings.workers(), credentials);
        this.server = Endpoints.listen(
                settings.listen(),
                0,
                credentials,
                Executors.newVirtualThreadPerTaskExecutor(),
                List.of(roster.service()));
        this.watch = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("maniple-roster").factory());
        watching = watch.scheduleWithFixedDelay(this::look, 1, 1, TimeUnit.SECONDS);
        List<String> command = new ArrayList<>(settings.workerCommand());
        command.addAll(List.of("--server", settings.listen() + ":" + server.getPort()));
        // Otherwise the worker decides, who knows its machine.
        if (settings.workerThreads() > 0) {
            command.addAll(List.of("--threads", Integer.toString(settings.workerThreads())));
        }
        if (settings.workerMemory() > 0) {
            command.addAll(List.of("--memory", Long.toString(settings.workerMemory())));
        }
        command.addAll(spilling(settings.spilling()));
        command.addAll(List.of("--mapping", settings.mapping()));
        settings.mappingJar().ifPresent(jar -> command.addAll(List.of("--mapping-jar", jar.toString())));
        host.start(new WorkerCommand(command, Map.of(), credentials.line()), settings.workers(), new Listener());
    }

    private static List<String> spilling(SpillSettings spilling) {
        return List.of(
                "--spill",
                spilling.bytes() == SpillSettings.AUTOMATIC ? "auto" : Long.toString(spilling.bytes()),
                "--spill-dir",
                spilling.directory().toString(),
                "--spill-at",
                spilling.spillAt() + "," + spilling.pauseAt() + "," + spilling.refuseAt());
    }

    private void look() {
        try {
            roster.look();
        } catch (RuntimeException e) {
            LOGGER.error("Silent workers could not be looked for", e);
        }
    }

    private final class Listener implements WorkerHost.Listener {
        @Override
        public void note(String message) {
            LOGGER.info("{}", message);
            roster.note(message);
        }

        @Override
        public void failed(HostingException failure) {
            LOGGER.error("No workers: {}", failure.getMessage());
            roster.giveUp("the cluster cannot be used: " + failure.getMessage());
        }
    }

    /** Waits until all workers are there. */
    public void awaitWorkers() throws InterruptedException {
        roster.await(0, settings.patience());
    }

    public int workers() {
        return settings.workers();
    }

    /** Workers that are there now. */
    public int present() {
        return roster.gang().map(Gang::size).orElse(0);
    }

    /** Workers that were lost so far. */
    public long lost() {
        return roster.lost();
    }

    @Override
    public DetachedSession openDetached(SessionOptions options, MemoryQuota quota, ExecutionListener listener) {
        String name = ProcessHandle.current().pid() + "-" + lastSession.incrementAndGet();
        return new ClusterSession(
                name,
                roster,
                mapping,
                options,
                local.planning(options),
                memory,
                quota,
                // What has no room in the workers' memory goes to their disks.
                this::withDisk,
                settings.patience(),
                SessionTrace.detached(options, listener),
                new Checkpoints(
                        settings.checkpointDirectory().map(directory -> Checkpoints.folder(directory, name)),
                        settings.checkpointInterval(),
                        CHECKPOINT_LOG_BYTES));
    }

    /** A limit of memory may be none at all. */
    private long withDisk(long limit) {
        long disk = memory.spill().isOn() ? memory.spill().limit(limit) : 0;
        return limit > Long.MAX_VALUE - disk ? Long.MAX_VALUE : limit + disk;
    }

    @Override
    public Session open(SessionOptions options, SharedMemory shared, String clientVersion) {
        throw new UnsupportedOperationException("a cluster shares no memory with its clients");
    }

    @Override
    public double measureBandwidth() {
        return Double.NaN;
    }

    @Override
    public long memoryBytes() {
        return memory.touched();
    }

    @Override
    public long spilledBytes() {
        return memory.spill().used() + roster.spilledBytes();
    }

    /** Of each worker. */
    @Override
    public long spillLimit() {
        return memory.spill().limit();
    }

    @Override
    public List<Operation> operations() {
        return local.operations();
    }

    @Override
    public Limits limits() {
        return local.limits();
    }

    @Override
    public void close() {
        watching.cancel(false);
        watch.shutdownNow();
        host.close();
        roster.close();
        server.shutdownNow();
    }
}
