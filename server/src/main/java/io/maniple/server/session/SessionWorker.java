package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemoryException;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.logging.Log;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs the batches of one session in order, one at a time. A batch that nobody waits for is answered when it is
 * queued; its failure is the answer to the next batch, once, and what was queued in between is discarded with it.
 */
public final class SessionWorker {
    /** So many batches of a session wait where nothing else is said. */
    public static final int QUEUED_BATCHES = 64;

    private static final Log LOG = Log.of(SessionWorker.class);

    private final Session session;
    private final Thread thread;
    private final Deque<Task> queue = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final int mostQueued;
    private final QueueQuota together;

    // All guarded by the lock.
    private boolean running;
    private boolean cancelRequested;
    private volatile boolean closed;
    private int entering;
    private @Nullable Reply failure;

    private static final class Task {
        private final Batch batch;
        private final boolean awaited;
        private @Nullable Reply reply;

        Task(Batch batch, boolean awaited) {
            this.batch = batch;
            this.awaited = awaited;
        }
    }

    public SessionWorker(Session session, String name) {
        this(session, name, QUEUED_BATCHES, QueueQuota.unlimited(), () -> {});
    }

    /**
     * @param mostQueued so many batches wait for their turn; whoever submits more waits
     * @param together the same for all sessions of the user
     * @param first what the session's thread does before anything else
     */
    public SessionWorker(Session session, String name, int mostQueued, QueueQuota together, Runnable first) {
        this.session = session;
        this.mostQueued = mostQueued;
        this.together = together;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> {
            first.run();
            work();
        });
        thread.start();
    }

    /** Blocks while the queue is full, and until the batch is done if it has something to show. */
    public Reply submit(Batch batch) throws InterruptedException {
        boolean awaited = batch.getSync() || batch.getObservationsCount() > 0;
        lock.lockInterruptibly();
        try {
            while (queue.size() >= mostQueued && !closed && failure == null) {
                changed.await();
            }
            if (closed) {
                return Replies.failure(Status.UNKNOWN_SESSION, "the session is closed");
            }
            if (failure != null && queue.isEmpty()) {
                return takeFailure();
            }
            if (awaited && !running && queue.isEmpty()) {
                // Nobody before it: the caller's own thread runs it, which saves two switches of threads.
                return runAlone(batch);
            }
            if (!enter()) {
                return Replies.failure(Status.UNKNOWN_SESSION, "the session is closed");
            }
            Task task = new Task(batch, awaited);
            queue.add(task);
            changed.signalAll();
            if (!awaited) {
                return Replies.OK;
            }
            while (task.reply == null) {
                changed.await();
            }
            return task.reply;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a place in the queue; false where the session is closed meanwhile. Called and returns with the lock held. */
    private boolean enter() throws InterruptedException {
        entering++;
        lock.unlock();
        boolean entered = false;
        try {
            entered = together.enter(() -> closed);
        } finally {
            lock.lock();
            entering--;
        }
        if (entered && closed) {
            together.leave();
            return false;
        }
        return entered;
    }

    /** Cancels what runs and what is queued; nothing if that is nothing. */
    public void interrupt() {
        lock.lock();
        try {
            if (running || !queue.isEmpty()) {
                cancelRequested = true;
            }
            if (running) {
                session.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Batches that are queued or run. */
    public int pending() {
        lock.lock();
        try {
            return queue.size() + entering + (running ? 1 : 0);
        } finally {
            lock.unlock();
        }
    }

    /** Cancels everything and returns when nothing runs any more. */
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (running) {
                session.interrupt();
            }
            changed.signalAll();
            while (running) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void work() {
        lock.lock();
        try {
            while (true) {
                while (!closed && (queue.isEmpty() || running)) {
                    changed.awaitUninterruptibly();
                }
                if (closed) {
                    refuseRest();
                    return;
                }
                Task task = queue.remove();
                together.leave();
                if (failure != null) {
                    // Discarded; the first who waits is told.
                    task.reply = task.awaited ? takeFailure() : Replies.OK;
                } else {
                    Reply reply = runAlone(task.batch);
                    task.reply = reply;
                    if (!task.awaited && reply.getStatus() != Status.OK) {
                        failure = reply;
                    }
                }
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void refuseRest() {
        for (Task task : queue) {
            together.leave();
            task.reply = Replies.failure(Status.UNKNOWN_SESSION, "the session is closed");
        }
        queue.clear();
        changed.signalAll();
    }

    /** Called and returns with the lock held, but runs without it. */
    private Reply runAlone(Batch batch) {
        if (cancelRequested) {
            cancelRequested = false;
            return Replies.failure(Status.CANCELLED, "the computation was interrupted").toBuilder()
                    .setFailedBatch(batch.getNumber())
                    .build();
        }
        running = true;
        lock.unlock();
        Reply reply;
        try {
            reply = run(batch);
        } finally {
            lock.lock();
            running = false;
            changed.signalAll();
        }
        if (queue.isEmpty() || reply.getStatus() != Status.OK) {
            cancelRequested = false;
        }
        return reply;
    }

    private Reply run(Batch batch) {
        Reply reply;
        try {
            // A failure that the session itself answers with has had its effects; one that it throws has had none.
            return session.execute(batch);
        } catch (ManipleException e) {
            reply = Replies.failure(e.status(), e.getMessage(), e.source());
        } catch (SharedMemoryException e) {
            reply = Replies.failure(Status.SHARED_MEMORY_UNAVAILABLE, e.getMessage());
        } catch (OutOfMemoryError e) {
            LOG.error("Out of memory in batch {}", batch.getNumber(), e);
            reply = Replies.failure(Status.OUT_OF_MEMORY, "the server ran out of memory");
        } catch (RuntimeException | Error e) {
            LOG.error("Batch {} failed", batch.getNumber(), e);
            reply = Replies.failure(Status.INTERNAL, "internal error; the server's log has the details");
        }
        return reply.toBuilder().setFailedBatch(batch.getNumber()).build();
    }

    private Reply takeFailure() {
        Reply taken = Objects.requireNonNull(failure);
        failure = null;
        return taken;
    }
}
