package io.maniple.cluster.worker;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.maniple.bridge.proto.Heartbeat;
import io.maniple.bridge.proto.Joined;
import io.maniple.bridge.proto.Joining;
import io.maniple.bridge.proto.WorkerHello;
import io.maniple.cluster.net.Calls;
import io.maniple.cluster.net.Credentials;
import io.maniple.cluster.net.Endpoints;
import io.maniple.cluster.net.Inboxes;
import io.maniple.server.Version;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Mappings;
import io.maniple.server.session.LocalSessionFactory;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.store.SparseMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A worker from its start to its end: it offers itself to the server and ends with it. */
final class WorkerProcess {
    private static final Logger LOGGER = LoggerFactory.getLogger(WorkerProcess.class);
    private static final long HEARTBEAT_SECONDS = 1;

    private final Credentials credentials;
    private final ServerSettings settings;
    private final LocalSessionFactory factory;
    private final SparseMemory memory;
    private final MappingPolicy mapping;
    private final String alike;
    private final Inboxes inboxes = new Inboxes();
    private final Executor executor = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile @Nullable String reason;

    /** @param choice a mapping policy, as {@link Mappings#find} takes it */
    WorkerProcess(Credentials credentials, ServerSettings settings, String choice, Optional<Path> mappingJar) {
        this.mapping = Mappings.find(choice, mappingJar);
        this.alike = Mappings.fingerprint(choice, mappingJar);
        this.credentials = credentials;
        this.settings = settings;
        this.factory = new LocalSessionFactory(settings);
        this.memory = new SparseMemory(settings.memoryBytes(), settings.spilling());
    }

    LocalSessionFactory factory() {
        return factory;
    }

    MappingPolicy mapping() {
        return mapping;
    }

    SparseMemory memory() {
        return memory;
    }

    Inboxes inboxes() {
        return inboxes;
    }

    ManagedChannel channel(String address) {
        return channels.computeIfAbsent(address, key -> Endpoints.connect(address, credentials, executor));
    }

    /**
     * Works until the server is gone.
     *
     * @param host where others reach this machine
     * @param server "host:port"
     * @return why it ended
     */
    String run(String host, String server) throws IOException, InterruptedException {
        Server listening = Endpoints.listen(
                host,
                0,
                credentials,
                executor,
                List.of(Calls.worker((call, headers) -> new Share(call, this), inboxes)));
        ManagedChannel channel = Endpoints.connect(server, credentials, executor);
        ClientCall<Joining, Joined> joining = channel.newCall(Calls.JOIN, CallOptions.DEFAULT);
        joining.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(Joined joined) {
                        if (joined.getRefused().isEmpty()) {
                            LOGGER.info("Worker {} at {}:{}", joined.getWorker(), host, listening.getPort());
                            joining.request(1);
                        } else {
                            end(joined.getRefused());
                        }
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end("the server is gone: " + status.getCode() + " "
                                + (status.getDescription() == null ? status.getCause() : status.getDescription()));
                    }
                },
                new Metadata());
        joining.request(1);
        joining.sendMessage(Joining.newBuilder()
                .setHello(WorkerHello.newBuilder()
                        .setVersion(Version.current())
                        .setHost(host)
                        .setPort(listening.getPort())
                        .setPid(ProcessHandle.current().pid())
                        .setThreads(settings.threads())
                        .setMemoryBytes(settings.memoryBytes())
                        .setProcessor(factory.engines() + "; mapping " + alike))
                .build());
        while (!over.await(HEARTBEAT_SECONDS, TimeUnit.SECONDS)) {
            joining.sendMessage(Joining.newBuilder()
                    .setAlive(Heartbeat.newBuilder()
                            .setMemoryBytes(memory.touched())
                            .setSpilledBytes(memory.spill().used()))
                    .build());
        }
        listening.shutdownNow();
        return String.valueOf(reason);
    }

    private void end(String why) {
        reason = reason == null ? why : reason;
        over.countDown();
    }
}
