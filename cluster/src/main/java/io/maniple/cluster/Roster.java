package io.maniple.cluster;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.maniple.bridge.proto.Joined;
import io.maniple.bridge.proto.Joining;
import io.maniple.bridge.proto.WorkerHello;
import io.maniple.cluster.net.Calls;
import io.maniple.cluster.net.Credentials;
import io.maniple.cluster.net.Endpoints;
import io.maniple.cluster.worker.WorkerMain;
import io.maniple.server.Version;
import io.maniple.server.failure.ManipleException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is there: workers join, are given numbers, and say every second that they are alive. A worker that comes takes the
 * place of one that was lost.
 */
final class Roster {
    private static final Logger LOGGER = LoggerFactory.getLogger(Roster.class);
    /** A worker that was not heard of for so long is lost, though its connection may stand: it hangs. */
    private static final Duration SILENCE = Duration.ofSeconds(5);

    private final int size;
    private final Credentials credentials;
    private final Executor executor = Executors.newVirtualThreadPerTaskExecutor();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private final @Nullable Joint[] seats;
    private long epoch;
    private @Nullable Gang gang;
    private @Nullable String engines;
    private @Nullable String hopeless;
    private String lastNote = "none has come yet";
    private long lost;

    Roster(int size, Credentials credentials) {
        this.size = size;
        this.credentials = credentials;
        this.seats = new Joint[size];
    }

    int size() {
        return size;
    }

    BindableService service() {
        return Calls.join((call, headers) -> new Joint(call));
    }

    /** Workers that were lost so far. */
    long lost() {
        lock.lock();
        try {
            return lost;
        } finally {
            lock.unlock();
        }
    }

    /** No gang will form any more. */
    void giveUp(String reason) {
        lock.lock();
        try {
            hopeless = reason;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** What hosts the workers has something to say; it is told to those who wait in vain. */
    void note(String message) {
        lock.lock();
        try {
            lastNote = message;
        } finally {
            lock.unlock();
        }
    }

    Optional<Gang> gang() {
        lock.lock();
        try {
            return Optional.ofNullable(gang);
        } finally {
            lock.unlock();
        }
    }

    /**
     * A complete gang of a later epoch than the given one.
     *
     * @throws ManipleException if it does not form in time
     */
    Gang await(long after, Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        lock.lock();
        try {
            while (true) {
                Gang formed = gang;
                if (formed != null && formed.epoch() > after) {
                    return formed;
                }
                if (hopeless != null) {
                    throw new ManipleException(io.maniple.bridge.proto.Status.SHUTTING_DOWN, hopeless);
                }
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    throw new ManipleException(
                            io.maniple.bridge.proto.Status.SHUTTING_DOWN,
                            "the cluster has " + present() + " of the " + size + " workers it needs, after "
                                    + patience.toSeconds() + " s (" + lastNote + ")");
                }
                changed.awaitNanos(Math.min(left, TimeUnit.MILLISECONDS.toNanos(200)));
            }
        } finally {
            lock.unlock();
        }
    }

    private int present() {
        int present = 0;
        for (Joint joint : seats) {
            present += joint == null ? 0 : 1;
        }
        return present;
    }

    /** Removes those that have fallen silent; to be called every second or so. */
    void look() {
        List<Joint> silent = new ArrayList<>();
        lock.lock();
        try {
            for (Joint joint : seats) {
                if (joint != null && System.nanoTime() - joint.heard > SILENCE.toNanos()) {
                    silent.add(joint);
                }
            }
        } finally {
            lock.unlock();
        }
        for (Joint joint : silent) {
            joint.gone("it was not heard of for " + SILENCE.toSeconds() + " s");
            joint.refuse("the server took this worker for lost");
            joint.end();
        }
    }

    void close() {
        lock.lock();
        try {
            for (int rank = 0; rank < size; rank++) {
                Joint joint = seats[rank];
                if (joint != null && joint.member != null) {
                    joint.member.channel().shutdownNow();
                }
                seats[rank] = null;
            }
            gang = null;
        } finally {
            lock.unlock();
        }
    }

    /** A worker's stream. */
    private final class Joint extends ServerCall.Listener<Joining> {
        private final ServerCall<Joining, Joined> call;
        private volatile long heard = System.nanoTime();
        private volatile long spilled;
        private Gang.@Nullable Member member;
        private boolean over;

        Joint(ServerCall<Joining, Joined> call) {
            this.call = call;
            call.sendHeaders(new Metadata());
            call.request(2);
        }

        @Override
        public void onMessage(Joining message) {
            heard = System.nanoTime();
            if (message.hasHello()) {
                join(message.getHello());
            } else {
                spilled = message.getAlive().getSpilledBytes();
            }
            call.request(1);
        }

        @Override
        public void onHalfClose() {
            gone("it has left");
            call.close(Status.OK, new Metadata());
        }

        @Override
        public void onCancel() {
            gone("its connection broke");
        }

        private void join(WorkerHello hello) {
            if (!hello.getVersion().equals(Version.current())) {
                refuse("the server has version " + Version.current() + ", this worker " + hello.getVersion());
                return;
            }
            String address = hello.getHost() + ":" + hello.getPort();
            lock.lock();
            try {
                if (engines != null && present() > 0 && !engines.equals(hello.getProcessor())) {
                    refuse("its engines and mapping (" + hello.getProcessor() + ") are not those of the others ("
                            + engines + "): give all the same by --engine, and the same --mapping-jar");
                    return;
                }
                int seat = 0;
                while (seat < size && seats[seat] != null) {
                    seat++;
                }
                if (seat == size) {
                    refuse("there are " + size + " workers already");
                    return;
                }
                engines = hello.getProcessor();
                ManagedChannel channel = Endpoints.connect(address, credentials, executor);
                member = new Gang.Member(
                        seat, address, hello.getPid(), hello.getThreads(), hello.getMemoryBytes(), channel);
                seats[seat] = this;
                LOGGER.info("Worker {} joined: {}, process {}", seat, address, hello.getPid());
                call.sendMessage(Joined.newBuilder().setWorker(seat).build());
                formIfComplete();
            } finally {
                lock.unlock();
            }
        }

        private void refuse(String reason) {
            LOGGER.warn("A worker is refused: {}", reason);
            if (call.isCancelled()) {
                return;
            }
            try {
                call.sendMessage(Joined.newBuilder().setRefused(reason).build());
                call.close(Status.OK, new Metadata());
            } catch (IllegalStateException closed) {
                LOGGER.debug("It is gone already", closed);
            }
        }

        /** A process of this machine that hangs is ended, so that another one comes in its place. */
        private void end() {
            Gang.Member hanging = member;
            if (hanging != null && hanging.address().startsWith("127.") && isWorker(hanging.pid())) {
                boolean ignored = ProcessHandle.of(hanging.pid())
                        .map(ProcessHandle::destroyForcibly)
                        .orElse(false);
            }
        }

        /** The number may be another process's by now. Java's own view of a command line ends early. */
        private static boolean isWorker(long pid) {
            try {
                return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"))
                        .contains(WorkerMain.class.getName());
            } catch (IOException e) {
                return false;
            }
        }

        private void gone(String reason) {
            lock.lock();
            try {
                Gang.Member left = member;
                if (over || left == null) {
                    return;
                }
                over = true;
                if (seats[left.rank()] == this) {
                    seats[left.rank()] = null;
                    gang = null;
                    lost++;
                    lastNote = "worker " + left.rank() + " at " + left.address() + " was lost: " + reason;
                    LOGGER.warn("Worker {} at {} is lost: {}", left.rank(), left.address(), reason);
                }
                left.channel().shutdownNow();
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** What the workers have on disk for want of memory. */
    long spilledBytes() {
        lock.lock();
        try {
            long sum = 0;
            for (Joint joint : seats) {
                sum += joint == null ? 0 : joint.spilled;
            }
            return sum;
        } finally {
            lock.unlock();
        }
    }

    private void formIfComplete() {
        List<Gang.Member> members = new ArrayList<>();
        for (Joint joint : seats) {
            if (joint == null || joint.member == null) {
                return;
            }
            members.add(joint.member);
        }
        epoch++;
        gang = new Gang(epoch, members);
        LOGGER.info("All {} workers are there, epoch {}", size, epoch);
        changed.signalAll();
    }
}
