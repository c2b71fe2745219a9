package io.maniple.daemon.session;

import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.security.User;
import io.maniple.server.session.MemoryQuota;
import io.maniple.server.session.QueueQuota;
import java.time.Duration;

/** What the sessions of one user may take, alone and together; as the file of users has it now. */
final class UserQuotas {
    private final DaemonSettings settings;
    private final MemoryQuota memory;
    private final QueueQuota queue;
    private volatile User.Quotas quotas;

    UserQuotas(User user, DaemonSettings settings) {
        this.settings = settings;
        this.quotas = user.quotas();
        this.memory = MemoryQuota.ofUser(user.name(), memoryBytes());
        this.queue = new QueueQuota(queued());
    }

    private long memoryBytes() {
        return quotas.memoryBytes().orElse(Long.MAX_VALUE);
    }

    private long queued() {
        return quotas.queued().isPresent() ? quotas.queued().getAsInt() : Long.MAX_VALUE;
    }

    /** The file has been read again; what is held already stays. */
    void change(User.Quotas now) {
        quotas = now;
        memory.limit(memoryBytes());
        queue.limit(queued());
    }

    /** Most memory of one session. */
    long sessionMemoryBytes() {
        return sessionMemoryBytes(quotas, settings);
    }

    static long sessionMemoryBytes(User.Quotas quotas, DaemonSettings settings) {
        return Math.min(settings.engine().memoryBytes(), quotas.memoryBytes().orElse(settings.sessionMemoryBytes()));
    }

    /** A new session's part of the memory. */
    MemoryQuota sessionMemory() {
        return memory.session(sessionMemoryBytes());
    }

    QueueQuota queue() {
        return queue;
    }

    Duration idle() {
        return quotas.idle().orElse(settings.idle());
    }
}
