package io.maniple.cluster.hosting;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Workers as processes of this machine, without any cluster: for trying out, for tests, and for a machine alone. */
public final class ProcessWorkerHost implements WorkerHost {
    private static final String ADDRESS = "127.0.0.1";
    /** A worker that ran for so long had started well. */
    private static final Duration WELL = Duration.ofSeconds(10);
    /** So often may a worker end before it has run well: then it would for ever. */
    private static final int ATTEMPTS = 8;

    private static final long FIRST_DELAY = 100;
    private static final long LONGEST_DELAY = 5_000;
    private static final long END_MILLISECONDS = 3_000;

    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean failed = new AtomicBoolean();
    private final List<Thread> keepers = new ArrayList<>();
    private final Set<ChildProcess> running = new HashSet<>();
    private @Nullable Listener listener;

    @Override
    public void start(WorkerCommand command, int workers, Listener listener) {
        if (this.listener != null) {
            throw new IllegalStateException("started already");
        }
        this.listener = listener;
        for (int worker = 0; worker < workers; worker++) {
            int number = worker;
            keepers.add(Thread.ofPlatform()
                    .daemon()
                    .name("maniple-worker-" + number)
                    .start(() -> keep(command, number, listener)));
        }
    }

    private void keep(WorkerCommand command, int number, Listener listener) {
        List<String> arguments = new ArrayList<>(command.arguments());
        arguments.addAll(List.of("--host", ADDRESS));
        int brief = 0;
        long delay = FIRST_DELAY;
        try {
            while (!isClosed()) {
                long begun = System.nanoTime();
                ChildProcess worker = begin(command, arguments, number);
                if (worker == null) {
                    return;
                }
                String end = worker.awaitEnd();
                forget(worker);
                if (isClosed()) {
                    return;
                }
                if (System.nanoTime() - begun >= WELL.toNanos()) {
                    brief = 0;
                    delay = FIRST_DELAY;
                } else if (++brief == ATTEMPTS) {
                    throw new HostingException(
                            "worker " + number + " does not stay: at the " + ATTEMPTS + "th start in a row it " + end);
                }
                listener.note("worker " + number + " " + end + "\nIt is started again in " + delay + " ms");
                if (closed.await(delay, TimeUnit.MILLISECONDS)) {
                    return;
                }
                delay = Math.min(2 * delay, LONGEST_DELAY);
            }
        } catch (HostingException e) {
            fail(e, listener);
        } catch (InterruptedException e) {
            // Nobody interrupts these threads but one that ends the JVM, and the workers with it.
            Thread.currentThread().interrupt();
        }
    }

    /** A running worker, or null when this host is closed meanwhile. */
    private @Nullable ChildProcess begin(WorkerCommand command, List<String> arguments, int number)
            throws HostingException {
        ChildProcess worker;
        try {
            worker = ChildProcess.start(
                    arguments,
                    command.environment(),
                    "maniple-worker-" + number,
                    command.secret(),
                    output -> new LastLines().readAll(output));
        } catch (IOException e) {
            throw new HostingException("cannot run a worker: " + e.getMessage());
        }
        synchronized (running) {
            running.add(worker);
        }
        if (isClosed()) {
            worker.end(END_MILLISECONDS);
            return null;
        }
        return worker;
    }

    private void forget(ChildProcess worker) {
        synchronized (running) {
            running.remove(worker);
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** The others end with the first that cannot be kept. */
    private void fail(HostingException failure, Listener listener) {
        if (!isClosed() && failed.compareAndSet(false, true)) {
            endAll();
            listener.failed(failure);
        }
    }

    private void endAll() {
        closed.countDown();
        List<ChildProcess> left;
        synchronized (running) {
            left = List.copyOf(running);
        }
        // All are asked before the first is waited for.
        left.forEach(ChildProcess::closeInput);
        left.forEach(worker -> worker.end(END_MILLISECONDS));
    }

    @Override
    public void close() {
        endAll();
        boolean interrupted = false;
        for (Thread keeper : keepers) {
            // A listener may close the host from within its call.
            while (keeper != Thread.currentThread() && keeper.isAlive()) {
                try {
                    keeper.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
