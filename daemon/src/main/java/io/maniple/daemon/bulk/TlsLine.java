package io.maniple.daemon.bulk;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;

/**
 * TLS on a blocking channel. Records are decrypted to where their content belongs and encrypted from where it lies:
 * whatever else moves bytes between threads and buffers costs as much as the encryption itself.
 */
final class TlsLine implements Line {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SocketChannel channel;
    private final SSLEngine engine;
    private final ByteBuffer arrived;
    private final ByteBuffer leaving;
    /** What was decrypted and did not fit where it was to go. */
    private final ByteBuffer rest;

    /**
     * @param arrived memory for what arrives
     * @param leaving memory for what is sent; both have room for several records, and the caller frees them after the
     *     close
     */
    TlsLine(SocketChannel channel, SSLEngine engine, ByteBuffer arrived, ByteBuffer leaving) {
        this.channel = channel;
        this.engine = engine;
        this.arrived = arrived.limit(0);
        this.leaving = leaving;
        this.rest = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize())
                .limit(0);
    }

    /** @throws IOException where the two cannot agree: another protocol, no certificate, no answer */
    void handshake() throws IOException {
        engine.beginHandshake();
        while (engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
            if (engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) {
                // There is no content before the end of a handshake, but for what comes in the same piece with it.
                if (unwrap(rest.clear()) == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    rest.flip();
                    await();
                } else {
                    rest.flip();
                }
            } else {
                answer();
            }
        }
    }

    /** Does what the protocol wants beside content: tasks, answers. */
    private void answer() throws IOException {
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> {
                    for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
                        task.run();
                    }
                }
                case NEED_WRAP -> {
                    leaving.clear();
                    SSLEngineResult.Status status =
                            engine.wrap(NOTHING, leaving).getStatus();
                    write();
                    if (status == SSLEngineResult.Status.CLOSED) {
                        throw new EOFException("the connection was closed");
                    }
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN, FINISHED, NOT_HANDSHAKING -> {
                    return;
                }
            }
        }
    }

    private SSLEngineResult.Status unwrap(ByteBuffer target) throws IOException {
        SSLEngineResult.Status status = engine.unwrap(arrived, target).getStatus();
        switch (status) {
            case OK -> answer();
            case BUFFER_UNDERFLOW -> {}
            case BUFFER_OVERFLOW -> throw new IOException("a record is larger than records may be");
            case CLOSED -> throw new EOFException("the client has closed the connection");
        }
        return status;
    }

    @Override
    public void await() throws IOException {
        arrived.compact();
        try {
            if (channel.read(arrived) < 0) {
                throw new EOFException("the client has gone");
            }
        } finally {
            arrived.flip();
        }
    }

    @Override
    public void take(ByteBuffer target) throws IOException {
        while (target.hasRemaining()) {
            if (rest.hasRemaining()) {
                int count = Math.min(target.remaining(), rest.remaining());
                target.put(rest.slice().limit(count));
                rest.position(rest.position() + count);
            } else if (target.remaining() >= rest.capacity()) {
                if (unwrap(target) == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    return;
                }
            } else {
                SSLEngineResult.Status status;
                rest.clear();
                try {
                    status = unwrap(rest);
                } finally {
                    rest.flip();
                }
                if (status == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                    return;
                }
            }
        }
    }

    @Override
    public void send(ByteBuffer source) throws IOException {
        int record = engine.getSession().getPacketBufferSize();
        while (source.hasRemaining()) {
            leaving.clear();
            while (source.hasRemaining() && leaving.remaining() >= record) {
                if (engine.wrap(source, leaving).getStatus() != SSLEngineResult.Status.OK) {
                    throw new EOFException("the connection was closed");
                }
            }
            write();
        }
    }

    private void write() throws IOException {
        leaving.flip();
        while (leaving.hasRemaining()) {
            channel.write(leaving);
        }
    }

    @Override
    public void close() {
        Sockets.close(channel);
    }
}
