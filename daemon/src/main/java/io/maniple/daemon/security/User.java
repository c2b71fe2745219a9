package io.maniple.daemon.security;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Who may use the daemon.
 *
 * @param operator sees and ends everybody's sessions
 */
public record User(String name, boolean operator, Quotas quotas) {
    /**
     * What the sessions of a user may take.
     *
     * @param memoryBytes most memory of all of them together, and of each; empty: each what a session may have
     * @param sessions most of them at a time; empty: as many as the daemon has
     * @param queued most batches of all of them together that wait; empty: each as many as a session may have
     * @param idle one that does nothing for so long is closed; empty: the daemon's own
     */
    public record Quotas(OptionalLong memoryBytes, OptionalInt sessions, OptionalInt queued, Optional<Duration> idle) {
        public static final Quotas NONE =
                new Quotas(OptionalLong.empty(), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());
    }

    public User(String name, boolean operator) {
        this(name, operator, Quotas.NONE);
    }
}
