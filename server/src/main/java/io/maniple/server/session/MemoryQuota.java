package io.maniple.server.session;

import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * How much memory somebody may hold: a session, or all sessions of a user together. What a session takes counts for its
 * user, too. Any thread.
 */
public final class MemoryQuota {
    private final String holder;
    private final @Nullable MemoryQuota together;

    // Guarded by this.
    private long limit;
    private long held;

    private MemoryQuota(String holder, long limit, @Nullable MemoryQuota together) {
        this.holder = holder;
        this.limit = limit;
        this.together = together;
    }

    /** Of one session that shares with no other. */
    public static MemoryQuota ofSession(long limit) {
        return new MemoryQuota("the session holds", limit, null);
    }

    /** Of all sessions of a user. */
    public static MemoryQuota ofUser(String user, long limit) {
        return new MemoryQuota("all sessions of the user " + user + " together hold", limit, null);
    }

    /** Of one session of those that have this one together. */
    public MemoryQuota session(long ownLimit) {
        return new MemoryQuota("the session holds", ownLimit, this);
    }

    /**
     * Takes memory, if there is room for what is asked for.
     *
     * @param asked bytes that must fit
     * @param taken bytes that count from now on; those of a whole block, perhaps
     * @throws ManipleException OUT_OF_MEMORY, before anything is taken
     */
    public void take(long asked, long taken) {
        take(asked, taken, LongUnaryOperator.identity());
    }

    /**
     * Like {@link #take(long, long)}, where more may be held than memory's limits say.
     *
     * @param most how much, by the limit
     */
    public void take(long asked, long taken, LongUnaryOperator most) {
        while (!tryTake(asked, taken, 0, most)) {
            String refused = refusal(asked, most);
            // Else somebody has just given something back.
            if (refused != null) {
                throw new ManipleException(Status.OUT_OF_MEMORY, refused);
            }
        }
    }

    /**
     * Takes memory, if there is room for what is asked for below a mark.
     *
     * @param beside bytes that the session holds elsewhere, and that count
     * @param mark what of a limit may be held
     * @return whether it was taken; nothing was otherwise
     */
    boolean tryTake(long asked, long taken, long beside, LongUnaryOperator mark) {
        synchronized (this) {
            if (asked > mark.applyAsLong(limit) - held - beside) {
                return false;
            }
            held += taken;
        }
        if (together != null && !together.tryTake(asked, taken, 0, mark)) {
            giveOwn(taken);
            return false;
        }
        return true;
    }

    /** Whether sessions of one user share it. */
    boolean isShared() {
        return together != null;
    }

    /** Why so much does not fit; null if it is not for want of quota. */
    @Nullable String refusal(long asked) {
        return refusal(asked, LongUnaryOperator.identity());
    }

    private @Nullable String refusal(long asked, LongUnaryOperator most) {
        synchronized (this) {
            long allowed = most.applyAsLong(limit);
            if (asked > allowed - held) {
                return asked + " bytes more do not fit: " + holder + " " + held + " bytes and may hold " + allowed;
            }
        }
        return together == null ? null : together.refusal(asked, most);
    }

    /** Gives back what was taken. */
    public void give(long taken) {
        giveOwn(taken);
        if (together != null) {
            together.give(taken);
        }
    }

    private synchronized void giveOwn(long taken) {
        held -= taken;
    }

    /** Bytes held now. */
    public synchronized long held() {
        return held;
    }

    public synchronized long limit() {
        return limit;
    }

    /** From now on so much; what is held already stays. */
    public synchronized void limit(long bytes) {
        limit = bytes;
    }
}
