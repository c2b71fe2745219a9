package io.maniple.daemon.flight;

import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.Transfer;
import io.maniple.daemon.session.RemoteSession;
import io.maniple.server.failure.ManipleException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.arrow.flight.CallStatus;
import org.apache.arrow.flight.FlightProducer.ServerStreamListener;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.vector.UInt1Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;

/**
 * A buffer's content on its way to a client, from its own memory: record batches are views of it, so it is held until
 * the last one has been written to the network.
 */
final class Download {
    private static final long LOOK_MILLISECONDS = 200;

    private final BufferAllocator allocator;
    private final ServerStreamListener listener;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private long inFlight;
    private boolean cancelled;

    Download(BufferAllocator allocator, ServerStreamListener listener) {
        this.allocator = allocator;
        this.listener = listener;
        // Both are called by the network's threads, which must not wait.
        listener.setOnReadyHandler(this::signal);
        listener.setOnCancelHandler(() -> {
            lock.lock();
            try {
                cancelled = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        });
        listener.setUseZeroCopy(true);
    }

    /** Returns when the client has everything, or does not want it any more. */
    void run(RemoteSession session, Transfer transfer, long chunk) {
        try {
            session.read(transfer.getHandle(), content -> send(session, content, transfer.getOffset(), chunk));
        } catch (ManipleException e) {
            listener.error(Failures.status(e));
        }
    }

    private void send(RemoteSession session, MemorySegment content, long offset, long chunk) {
        if (offset < 0 || offset > content.byteSize()) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM, "byte " + offset + " of a buffer of " + content.byteSize());
        }
        try (UInt1Vector vector = new UInt1Vector(Bytes.FIELD, allocator);
                VectorSchemaRoot root = new VectorSchemaRoot(List.of(Bytes.FIELD), List.of(vector))) {
            listener.start(root);
            for (long begin = offset; begin < content.byteSize() && awaitReady(session); begin += chunk) {
                MemorySegment piece = content.asSlice(begin, Math.min(chunk, content.byteSize() - begin));
                put(vector, root, piece);
            }
            if (!isCancelled(session)) {
                listener.completed();
            }
        } finally {
            awaitWritten(session);
        }
    }

    private void put(UInt1Vector vector, VectorSchemaRoot root, MemorySegment piece) {
        int rows = Math.toIntExact(piece.byteSize());
        lock.lock();
        inFlight++;
        lock.unlock();
        ArrowBuf view = allocator.wrapForeignAllocation(new ForeignAllocation(rows, piece.address()) {
            @Override
            protected void release0() {
                lock.lock();
                try {
                    inFlight--;
                    changed.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        });
        view.writerIndex(rows);
        vector.loadFieldBuffers(new ArrowFieldNode(rows, 0), List.of(allocator.getEmpty(), view));
        view.getReferenceManager().release();
        root.setRowCount(rows);
        listener.putNext();
        vector.clear();
    }

    private boolean awaitReady(RemoteSession session) {
        lock.lock();
        try {
            while (!listener.isReady() && !isCancelled(session)) {
                boolean ignored = changed.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
            }
            return !isCancelled(session);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    private boolean isCancelled(RemoteSession session) {
        return cancelled || session.isClosed() || listener.isCancelled();
    }

    /**
     * The network may still read from the content: nobody else may have it before that ends. A client that takes nothing
     * does not keep a session from being closed: its call is ended then, and what was to be written is let go.
     */
    private void awaitWritten(RemoteSession session) {
        boolean ended = false;
        lock.lock();
        try {
            while (inFlight > 0) {
                boolean ignored = changed.await(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
                if (session.isClosed() && !ended) {
                    ended = true;
                    listener.error(CallStatus.CANCELLED
                            .withDescription("the session is closed")
                            .toRuntimeException());
                }
            }
        } catch (InterruptedException e) {
            // The server ends; the memory stays mapped until it does.
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
