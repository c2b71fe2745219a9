package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class TestSessionWorker {
    private final ScriptedSession session = new ScriptedSession();
    private final SessionWorker worker = new SessionWorker(session, "test");

    @AfterEach
    void close() {
        session.permits.release(1000);
        worker.close();
    }

    @Test
    void runsBatchesInOrder() throws InterruptedException {
        session.permits.release(100);
        for (int number = 1; number < 50; number++) {
            assertThat(worker.submit(batch(number, number % 5 == 0)).getStatus())
                    .isEqualTo(Status.OK);
        }
        assertThat(worker.submit(batch(50, true)).getStatus()).isEqualTo(Status.OK);
        assertThat(session.executed).hasSize(50).isSorted();
    }

    @Test
    void answersAtOnceWhatNobodyWaitsFor() throws InterruptedException {
        assertThat(worker.submit(batch(1, false)).getStatus()).isEqualTo(Status.OK);
        assertThat(session.executed).isEmpty();
        session.permits.release();
    }

    @Test
    void aLateFailureIsToldOnceAndDiscardsWhatWasQueued() throws Exception {
        session.failing = 2;
        for (int number = 1; number <= 4; number++) {
            assertThat(worker.submit(batch(number, false)).getStatus()).isEqualTo(Status.OK);
        }
        CompletableFuture<Reply> waiting = CompletableFuture.supplyAsync(() -> submit(batch(5, true)));
        session.permits.release(100);
        Reply told = waiting.get();
        assertThat(told.getStatus()).isEqualTo(Status.INDEX_OUT_OF_RANGE);
        assertThat(told.getFailedBatch()).isEqualTo(2);
        assertThat(told.getSource()).isEqualTo("user.py:2");
        assertThat(worker.submit(batch(6, true)).getStatus()).isEqualTo(Status.OK);
        assertThat(session.executed).containsExactly(1L, 2L, 6L);
    }

    @Test
    void aFailureThatIsKnownAlreadyIsTheAnswerToTheNextBatch() throws InterruptedException {
        session.failing = 1;
        session.permits.release(100);
        worker.submit(batch(1, false));
        while (worker.pending() > 0) {
            Thread.onSpinWait();
        }
        assertThat(worker.submit(batch(2, false)).getFailedBatch()).isEqualTo(1);
        assertThat(worker.submit(batch(3, true)).getStatus()).isEqualTo(Status.OK);
        assertThat(session.executed).containsExactly(1L, 3L);
    }

    @Test
    void anUnexpectedFailureIsInternalAndSaysNothing() throws InterruptedException {
        session.failing = -1;
        session.permits.release();
        Reply reply = worker.submit(batch(-1, true));
        assertThat(reply.getStatus()).isEqualTo(Status.INTERNAL);
        assertThat(reply.getMessage()).doesNotContain("secret");
    }

    @Test
    void aFullQueueHoldsTheClientBack() throws Exception {
        for (int number = 1; number <= SessionWorker.QUEUED_BATCHES + 1; number++) {
            worker.submit(batch(number, false));
            while (number == 1 && worker.pending() == 1 && !session.waiting()) {
                Thread.onSpinWait();
            }
        }
        CompletableFuture<Reply> held = CompletableFuture.supplyAsync(() -> submit(batch(99, false)));
        Thread.sleep(50);
        assertThat(held).isNotDone();
        session.permits.release(100);
        assertThat(held.get().getStatus()).isEqualTo(Status.OK);
        worker.submit(batch(100, true));
        assertThat(session.executed).hasSize(SessionWorker.QUEUED_BATCHES + 3);
    }

    @Test
    void aUsersQuotaHoldsAllOfTheirSessionsBack() throws Exception {
        QueueQuota together = new QueueQuota(2);
        ScriptedSession second = new ScriptedSession();
        SessionWorker first = new SessionWorker(session, "first", 64, together, () -> {});
        SessionWorker other = new SessionWorker(second, "other", 64, together, () -> {});
        // One runs and two wait, in whichever session.
        first.submit(batch(1, false));
        while (!session.waiting()) {
            Thread.onSpinWait();
        }
        first.submit(batch(2, false));
        first.submit(batch(3, false));
        CompletableFuture<Reply> held = CompletableFuture.supplyAsync(() -> {
            try {
                return other.submit(batch(1, false));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Thread.sleep(100);
        assertThat(held).isNotDone();
        assertThat(other.pending()).isEqualTo(1);
        // What is waited for and has nobody before it needs no place.
        ScriptedSession third = new ScriptedSession();
        third.permits.release();
        SessionWorker awaited = new SessionWorker(third, "third", 64, together, () -> {});
        assertThat(awaited.submit(batch(1, true)).getStatus()).isEqualTo(Status.OK);
        session.permits.release(1);
        assertThat(held.get(5, TimeUnit.SECONDS).getStatus()).isEqualTo(Status.OK);
        second.permits.release(10);
        session.permits.release(10);
        for (SessionWorker one : List.of(first, other)) {
            assertThat(one.submit(batch(9, true)).getStatus()).isEqualTo(Status.OK);
        }
        // All places are free again, those of a closed session, too.
        second.permits.drainPermits();
        for (int number = 10; number < 13; number++) {
            other.submit(batch(number, false));
        }
        CompletableFuture<Reply> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return other.submit(batch(13, false));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Thread.sleep(100);
        other.close();
        assertThat(waiting.get(5, TimeUnit.SECONDS).getStatus()).isEqualTo(Status.UNKNOWN_SESSION);
        session.permits.release(10);
        for (int number = 10; number < 15; number++) {
            assertThat(first.submit(batch(number, false)).getStatus()).isEqualTo(Status.OK);
        }
        first.close();
        awaited.close();
    }

    @Test
    void anInterruptCancelsWhatRunsAndWhatIsQueued() throws Exception {
        worker.submit(batch(1, false));
        worker.submit(batch(2, false));
        CompletableFuture<Reply> waiting = CompletableFuture.supplyAsync(() -> submit(batch(3, true)));
        while (worker.pending() < 3 || !session.waiting()) {
            Thread.onSpinWait();
        }
        worker.interrupt();
        assertThat(waiting.get().getStatus()).isEqualTo(Status.CANCELLED);
        assertThat(waiting.get().getFailedBatch()).isEqualTo(1);
        session.permits.release(100);
        assertThat(worker.submit(batch(4, true)).getStatus()).isEqualTo(Status.OK);
        assertThat(session.executed).containsExactly(4L);
    }

    @Test
    void anInterruptOfNothingCancelsNothing() throws InterruptedException {
        session.permits.release(100);
        worker.interrupt();
        assertThat(worker.submit(batch(1, true)).getStatus()).isEqualTo(Status.OK);
    }

    @Test
    void closingEndsWhatRuns() throws Exception {
        CompletableFuture<Reply> waiting = CompletableFuture.supplyAsync(() -> submit(batch(1, true)));
        while (!session.waiting()) {
            Thread.onSpinWait();
        }
        worker.close();
        assertThat(waiting.get().getStatus()).isEqualTo(Status.CANCELLED);
        assertThat(worker.submit(batch(2, true)).getStatus()).isEqualTo(Status.UNKNOWN_SESSION);
    }

    private Reply submit(Batch batch) {
        try {
            return worker.submit(batch);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Batch batch(long number, boolean sync) {
        return Batch.newBuilder().setNumber(number).setSync(sync).build();
    }

    /** Takes a permit for each batch, and fails at the one it is told to. */
    private static final class ScriptedSession implements Session {
        private final Semaphore permits = new Semaphore(0);
        private final List<Long> executed = new CopyOnWriteArrayList<>();
        private final AtomicBoolean interrupted = new AtomicBoolean();
        private volatile boolean waiting;
        private volatile long failing;

        @Override
        public Reply execute(Batch batch) {
            interrupted.set(false);
            waiting = true;
            try {
                while (!permits.tryAcquire(1, TimeUnit.MILLISECONDS)) {
                    if (interrupted.get()) {
                        throw new ManipleException(Status.CANCELLED, "interrupted");
                    }
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                waiting = false;
            }
            executed.add(batch.getNumber());
            if (batch.getNumber() == failing) {
                if (failing < 0) {
                    throw new IllegalStateException("secret");
                }
                throw new ManipleException(Status.INDEX_OUT_OF_RANGE, "asked to", "user.py:" + failing);
            }
            return Reply.getDefaultInstance();
        }

        boolean waiting() {
            return waiting;
        }

        @Override
        public ProfileReply profile() {
            return ProfileReply.getDefaultInstance();
        }

        @Override
        public String explain() {
            return "";
        }

        @Override
        public void interrupt() {
            interrupted.set(true);
        }

        @Override
        public void close() {}
    }
}
