package io.maniple.server.gateway;

import io.maniple.server.gateway.BoundedLineStream.LineTooLongException;
import io.maniple.server.logging.Log;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.List;
import py4j.Gateway;
import py4j.GatewayConnection;
import py4j.GatewayServerListener;
import py4j.Protocol;
import py4j.commands.Command;

/**
 * One connection of a client: the token first, then calls of the entry point and nothing else. What is neither ends
 * the connection, without a word about why.
 */
final class LockedConnection extends GatewayConnection {
    private static final Log LOG = Log.of(LockedConnection.class);
    private static final String END_OF_CONNECTION = "q";

    private final BoundedSocket boundedSocket;
    private final Token token;
    private final CallCommand call;
    private final EntryPoint entryPoint;
    private final Runnable onClosed;

    LockedConnection(
            Gateway gateway,
            BoundedSocket socket,
            Token token,
            EntryPoint entryPoint,
            List<GatewayServerListener> listeners,
            Runnable onClosed)
            throws IOException {
        super(gateway, socket, null, List.of(), listeners);
        this.boundedSocket = socket;
        this.token = token;
        this.call = new CallCommand(entryPoint, this);
        this.entryPoint = entryPoint;
        this.onClosed = onClosed;
    }

    /** None of Py4J's commands, whoever asks. */
    @Override
    protected void initCommands(Gateway gateway, List<Class<? extends Command>> classes) {}

    @Override
    public void startConnection() {
        Thread.ofPlatform().daemon().name("maniple-connection").start(this);
    }

    @Override
    public void run() {
        try {
            if (authenticate()) {
                serve();
            }
        } catch (LineTooLongException e) {
            LOG.warn("Connection ended: {}", e.getMessage());
        } catch (SocketTimeoutException e) {
            LOG.warn("Connection ended: no token within the time allowed");
        } catch (SocketException e) {
            LOG.debug("Connection ended", e);
        } catch (IOException e) {
            LOG.warn("Connection ended: {}", e.getMessage());
        } catch (RuntimeException | Error e) {
            LOG.error("Connection failed", e);
        } finally {
            shutdown(false);
            onClosed.run();
            entryPoint.connectionClosed(this);
        }
    }

    private boolean authenticate() throws IOException {
        String command = reader.readLine();
        String candidate = Protocol.AUTH_COMMAND_NAME.equals(command) ? reader.readLine() : null;
        if (candidate == null || !token.matches(candidate)) {
            LOG.warn("Connection refused: no token, or a wrong one");
            return false;
        }
        writer.write(Protocol.getOutputVoidCommand());
        writer.flush();
        boundedSocket.limitLinesTo(GatewayLimits.LINE_BYTES);
        boundedSocket.setSoTimeout(0);
        return true;
    }

    private void serve() throws IOException {
        for (String command = reader.readLine();
                command != null && !command.equals(END_OF_CONNECTION);
                command = reader.readLine()) {
            if (!command.equals(call.getCommandName())) {
                LOG.warn("Connection ended: a command other than a call");
                return;
            }
            call.execute(command, reader, writer);
        }
    }
}
