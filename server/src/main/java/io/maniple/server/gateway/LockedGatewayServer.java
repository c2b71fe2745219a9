package io.maniple.server.gateway;

import io.maniple.server.logging.Log;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.util.List;
import java.util.concurrent.Semaphore;
import py4j.Gateway;
import py4j.GatewayServer;
import py4j.Py4JServerConnection;

/** Py4J's server on a random port of the loopback interface, for clients who have the token. */
public final class LockedGatewayServer extends GatewayServer {
    private static final Log LOG = Log.of(LockedGatewayServer.class);

    private final Token token;
    private final EntryPoint entryPoint;
    private final Semaphore places = new Semaphore(GatewayLimits.CONNECTIONS);

    public LockedGatewayServer(Token token, EntryPoint entryPoint) {
        super(
                new LockedGateway(),
                0,
                InetAddress.getLoopbackAddress(),
                0,
                GatewayLimits.AUTHENTICATION_MILLISECONDS,
                List.of(),
                new BoundedSocket.Factory());
        this.token = token;
        this.entryPoint = entryPoint;
        // Py4J logs whole commands, arguments included, through java.util.logging to stderr.
        GatewayServer.turnLoggingOff();
    }

    /** Binds the port and returns; connections are served by threads of their own. */
    @Override
    public void start() {
        startSocket();
        Thread.ofPlatform().daemon().name("maniple-gateway").start(this);
    }

    @Override
    protected Py4JServerConnection createConnection(Gateway gateway, Socket socket) throws IOException {
        if (!places.tryAcquire()) {
            socket.close();
            LOG.warn("Connection refused: {} are open", GatewayLimits.CONNECTIONS);
            throw new IOException("too many connections");
        }
        try {
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            LockedConnection connection = new LockedConnection(
                    gateway, (BoundedSocket) socket, token, entryPoint, getListeners(), places::release);
            connection.startConnection();
            return connection;
        } catch (IOException | RuntimeException | Error e) {
            socket.close();
            places.release();
            throw e;
        }
    }
}
