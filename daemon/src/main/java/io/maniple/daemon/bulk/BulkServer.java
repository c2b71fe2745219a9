package io.maniple.daemon.bulk;

import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.TlsContexts;
import io.maniple.daemon.security.Users;
import io.maniple.daemon.session.RemoteSessions;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Contents of large buffers, beside Flight: a request, an answer, and the bytes themselves over TLS. Flight's messages
 * pass through several buffers and threads on their way through Java, which halves what a core can move.
 */
public final class BulkServer implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(BulkServer.class);
    private static final int CONNECTIONS = 256;
    private static final int ARRIVED_BYTES = 512 << 10;
    private static final int LEAVING_BYTES = 256 << 10;

    private final ServerSocketChannel listener;
    private final Optional<TlsContexts> tls;
    private final Users users;
    private final RemoteSessions sessions;
    private final boolean compression;
    private final Set<BulkConnection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicLong numbers = new AtomicLong();

    private BulkServer(
            ServerSocketChannel listener,
            Optional<TlsContexts> tls,
            Users users,
            RemoteSessions sessions,
            boolean compression) {
        this.listener = listener;
        this.tls = tls;
        this.users = users;
        this.sessions = sessions;
        this.compression = compression;
        Thread.ofPlatform().daemon().name("maniple-bulk-accept").start(this::accept);
    }

    /**
     * Listens on the host of Flight.
     *
     * @param flightPort where Flight listens: the port after it is taken where none is set, and any where that is not
     *     free
     * @return empty where the settings want none
     * @throws IOException where it cannot listen on the port that is set
     */
    public static Optional<BulkServer> start(
            DaemonSettings settings, int flightPort, Optional<TlsContexts> tls, Users users, RemoteSessions sessions)
            throws IOException {
        if (!settings.bulk().on()) {
            return Optional.empty();
        }
        String host = settings.listen().host();
        OptionalInt wanted = settings.bulk().port();
        ServerSocketChannel listener;
        if (wanted.isPresent()) {
            listener = listen(host, wanted.getAsInt());
        } else {
            try {
                listener = listen(host, settings.listen().port() == 0 ? 0 : flightPort + 1);
            } catch (IOException taken) {
                listener = listen(host, 0);
                LOGGER.info("Port {} is not free: contents go through another one (--bulk sets it)", flightPort + 1);
            }
        }
        return Optional.of(
                new BulkServer(listener, tls, users, sessions, settings.bulk().compression()));
    }

    private static ServerSocketChannel listen(String host, int port) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open();
        try {
            return listener.setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(new InetSocketAddress(host, port));
        } catch (IOException | IllegalArgumentException e) {
            listener.close();
            throw new IOException("cannot listen on " + host + ":" + port + " (--bulk): " + e.getMessage(), e);
        }
    }

    public int port() {
        try {
            return ((InetSocketAddress) listener.getLocalAddress()).getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept() {
        while (true) {
            try {
                SocketChannel channel = listener.accept();
                if (connections.size() >= CONNECTIONS) {
                    LOGGER.warn("A connection was refused: there are {}", CONNECTIONS);
                    channel.close();
                } else {
                    Thread.ofVirtual()
                            .name("maniple-bulk-" + numbers.incrementAndGet())
                            .start(() -> serve(channel));
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOGGER.warn("A connection was not accepted: {}", e.getMessage());
            }
        }
    }

    private void serve(SocketChannel channel) {
        try (channel;
                Arena arena = Arena.ofShared()) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            ByteBuffer arrived = arena.allocate(ARRIVED_BYTES).asByteBuffer();
            Line line = tls.isEmpty()
                    ? new PlainLine(channel, arrived)
                    : new TlsLine(
                            channel,
                            tls.get().engine(),
                            arrived,
                            arena.allocate(LEAVING_BYTES).asByteBuffer());
            BulkConnection connection = new BulkConnection(line, users, sessions, compression, arena);
            connections.add(connection);
            try {
                connection.serve();
            } finally {
                connections.remove(connection);
            }
        } catch (IOException | UncheckedIOException | ManipleException e) {
            // The client has gone, or does not know the rules; it may come back.
            LOGGER.debug("A connection for contents ended: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOGGER.error("A connection for contents failed", e);
        }
    }

    /** Ends connections on which nothing moves; to be called every second or so. */
    public void closeStale() {
        long now = System.nanoTime();
        for (BulkConnection connection : connections) {
            if (connection.isStale(now)) {
                connection.end();
            }
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            LOGGER.warn("The port for contents was not closed: {}", e.getMessage());
        }
        connections.forEach(BulkConnection::end);
    }
}
