package io.maniple.server.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import javax.net.ServerSocketFactory;
import org.jspecify.annotations.Nullable;

/** A socket whose input has bounded lines: Py4J reads whole lines into memory. */
final class BoundedSocket extends Socket {
    private @Nullable BoundedLineStream input;

    @Override
    public synchronized InputStream getInputStream() throws IOException {
        if (input == null) {
            input = new BoundedLineStream(super.getInputStream(), GatewayLimits.UNAUTHENTICATED_LINE_BYTES);
        }
        return input;
    }

    synchronized void limitLinesTo(int bytes) {
        if (input == null) {
            throw new IllegalStateException("nothing has been read yet");
        }
        input.limitTo(bytes);
    }

    static final class Factory extends ServerSocketFactory {
        @Override
        public ServerSocket createServerSocket() throws IOException {
            return new ServerSocket() {
                @Override
                public Socket accept() throws IOException {
                    BoundedSocket socket = new BoundedSocket();
                    implAccept(socket);
                    return socket;
                }
            };
        }

        @Override
        public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
            throw new UnsupportedOperationException();
        }
    }
}
