package io.maniple.daemon.flight;

import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.netty.NettyServerBuilder;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.security.User;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSessions;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.arrow.flight.FlightServer;
import org.apache.arrow.flight.Location;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/** The Flight server, with limits on everything that a client chooses. */
public final class FlightDaemon implements AutoCloseable {
    /** Record batches are half as large, calls a quarter. */
    private static final int MESSAGE_BYTES = 16 << 20;

    private static final int METADATA_BYTES = 8 << 10;
    private static final int CALLS_A_CONNECTION = 256;
    private static final int RESETS = 200;
    private static final int RESET_SECONDS = 30;
    private static final int HANDSHAKE_SECONDS = 10;
    private static final int KEEP_ALIVE_SECONDS = 10;
    private static final int KEEP_ALIVE_ANSWER_SECONDS = 5;
    private static final int LEAST_KEEP_ALIVE_SECONDS = 4;
    /** So much lies between the network and where it is copied to; enough for a few messages of each client. */
    private static final long TRANSIT_BYTES = 2L << 30;

    private static final int WINDOW_BYTES = 8 << 20;
    /** A few bytes of compressed zeros would become as many as a message may have; contents do not compress anyway. */
    private static final DecompressorRegistry UNCOMPRESSED =
            DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, true);

    private final BufferAllocator allocator = new RootAllocator(TRANSIT_BYTES);
    private final ExecutorService executor;
    private final FlightServer server;

    /**
     * @param bulkPort where large arrays go; 0: through Flight
     * @param tls empty: without
     * @throws IOException where it cannot listen
     */
    public FlightDaemon(
            DaemonSettings settings,
            int bulkPort,
            Optional<TlsContexts> tls,
            Users users,
            RemoteSessions sessions,
            String version,
            Function<Optional<User>, String> status)
            throws IOException {
        AtomicLong threads = new AtomicLong();
        executor = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "maniple-call-" + threads.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        SessionProducer producer =
                new SessionProducer(allocator, sessions, users, settings, bulkPort, version, status, executor);
        Consumer<NettyServerBuilder> limits = builder -> {
            tls.ifPresent(contexts -> builder.sslContext(contexts.forGrpc()));
            builder.maxInboundMetadataSize(METADATA_BYTES)
                    .maxConcurrentCallsPerConnection(CALLS_A_CONNECTION)
                    .maxRstFramesPerWindow(RESETS, RESET_SECONDS)
                    .handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS)
                    .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                    .keepAliveTimeout(KEEP_ALIVE_ANSWER_SECONDS, TimeUnit.SECONDS)
                    .permitKeepAliveTime(LEAST_KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                    .permitKeepAliveWithoutCalls(true)
                    .flowControlWindow(WINDOW_BYTES)
                    .decompressorRegistry(UNCOMPRESSED);
        };
        server = FlightServer.builder(
                        allocator,
                        Location.forGrpcInsecure(
                                settings.listen().host(), settings.listen().port()),
                        producer)
                .headerAuthenticator(new TokenAuthenticator(users))
                .maxInboundMessageSize(MESSAGE_BYTES)
                .executor(executor)
                .transportHint("grpc.builderConsumer", limits)
                .build()
                .start();
    }

    public int port() {
        return server.getPort();
    }

    /** Bytes between the network and the sessions' memory. */
    public long transitBytes() {
        return allocator.getAllocatedMemory();
    }

    @Override
    public void close() throws InterruptedException {
        server.shutdown();
        if (!server.awaitTermination(2, TimeUnit.SECONDS)) {
            server.close();
        }
        executor.shutdownNow();
    }
}
