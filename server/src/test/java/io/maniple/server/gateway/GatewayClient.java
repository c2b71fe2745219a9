package io.maniple.server.gateway;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Speaks to a gateway in Py4J's protocol, or in whatever else a test wants to try. */
final class GatewayClient implements AutoCloseable {
    private final Socket socket;
    private final OutputStream out;
    private final BufferedReader in;

    private GatewayClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(10_000);
        socket.setTcpNoDelay(true);
        out = socket.getOutputStream();
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    static GatewayClient unauthenticated(LockedGatewayServer server) throws IOException {
        return new GatewayClient(server.getListeningPort());
    }

    static GatewayClient authenticated(LockedGatewayServer server, Token token) throws IOException {
        GatewayClient client = unauthenticated(server);
        String answer = client.send("A\n" + token.reveal() + "\n").line();
        if (!"!yv".equals(answer)) {
            throw new IOException("not authenticated: " + answer);
        }
        return client;
    }

    GatewayClient send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    GatewayClient send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
        return this;
    }

    /** The next line of the answer; null when the server has ended the connection. */
    @Nullable String line() throws IOException {
        try {
            return in.readLine();
        } catch (SocketException e) {
            return null;
        }
    }

    /** Calls a method of the entry point; arguments with their type characters. */
    @Nullable String call(String method, String... arguments) throws IOException {
        StringBuilder command = new StringBuilder("c\nt\n").append(method).append('\n');
        for (String argument : arguments) {
            command.append(argument).append('\n');
        }
        return send(command.append("e\n").toString()).line();
    }

    static String bytes(byte[] content) {
        return "j" + Base64.getEncoder().encodeToString(content);
    }

    static byte[] decoded(@Nullable String answer) {
        if (answer == null || !answer.startsWith("!ys")) {
            throw new IllegalArgumentException(String.valueOf(answer));
        }
        return Base64.getDecoder().decode(answer.substring(3));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
