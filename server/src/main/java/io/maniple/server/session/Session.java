package io.maniple.server.session;

import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.ProfileReply;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.TimelineReply;
import io.maniple.server.failure.ManipleException;

/** Executes the batches of one client. */
public interface Session extends AutoCloseable {
    /**
     * Verifies and executes one batch. Called by one thread at a time. Blocks until done when the batch has
     * observations or asks for a sync.
     *
     * @throws ManipleException what the client is told
     */
    Reply execute(Batch batch);

    /** May be called while a batch runs. */
    ProfileReply profile();

    /** What the kernels do, as text. May be called while a batch runs. */
    String explain();

    /**
     * When the batches ran that followed on one (0: on none), as far as that is kept. May be called while a batch runs.
     */
    default TimelineReply timeline(long after) {
        return TimelineReply.getDefaultInstance();
    }

    /**
     * Cancels the running batch from another thread; its execution ends with {@link
     * io.maniple.bridge.proto.Status#CANCELLED}. A request that came when none was running is forgotten at the
     * beginning of the next.
     */
    void interrupt();

    /** Frees everything. Never called while a batch runs. */
    @Override
    void close();
}
