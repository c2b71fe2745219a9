package io.maniple.cluster.net;

import io.grpc.ServerCall;
import io.maniple.server.distribution.Peers;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Tiles of one sender; it may be so many ahead of the receiver and then waits. */
final class Inbox {
    private static final int AHEAD = 16;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Tile> tiles = new ArrayDeque<>();
    private @Nullable ServerCall<?, ?> call;
    private @Nullable String failure;

    void attach(ServerCall<?, ?> source) {
        lock.lock();
        try {
            call = source;
        } finally {
            lock.unlock();
        }
        source.request(AHEAD);
    }

    void put(Tile tile) {
        lock.lock();
        try {
            tiles.add(tile);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The sender has nothing more to say. */
    void end() {
        fail("it has left the session");
    }

    void fail(String reason) {
        lock.lock();
        try {
            failure = failure == null ? reason : failure;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The next tile, when it is there. */
    Tile take() {
        lock.lock();
        try {
            while (tiles.isEmpty()) {
                if (failure != null) {
                    throw new Peers.PeersException(failure);
                }
                try {
                    boolean ignored = changed.await(1, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new Peers.PeersException("interrupted");
                }
            }
            if (call != null) {
                call.request(1);
            }
            return tiles.remove();
        } finally {
            lock.unlock();
        }
    }
}
