package io.maniple.daemon.bulk;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** For daemons without TLS, on loopback. */
final class PlainLine implements Line {
    private final SocketChannel channel;
    private final ByteBuffer arrived;

    /** @param arrived memory for what arrives; the caller frees it after the close */
    PlainLine(SocketChannel channel, ByteBuffer arrived) {
        this.channel = channel;
        this.arrived = arrived.limit(0);
    }

    @Override
    public void await() throws IOException {
        arrived.compact();
        try {
            if (arrived.hasRemaining() && channel.read(arrived) < 0) {
                throw new EOFException("the client has gone");
            }
        } finally {
            arrived.flip();
        }
    }

    @Override
    public void take(ByteBuffer target) {
        int count = Math.min(target.remaining(), arrived.remaining());
        target.put(arrived.slice().limit(count));
        arrived.position(arrived.position() + count);
    }

    @Override
    public void send(ByteBuffer source) throws IOException {
        while (source.hasRemaining()) {
            channel.write(source);
        }
    }

    @Override
    public void close() {
        Sockets.close(channel);
    }
}
