package io.maniple.daemon.watch;

import io.maniple.bridge.proto.Fallback;
import io.maniple.bridge.proto.Status;
import io.maniple.daemon.security.User;
import io.maniple.server.trace.BatchTrace;
import io.maniple.server.trace.ExecutionListener;
import java.util.List;

/** Is told of sessions, and of what happens in them. Whatever it does must be quick: sessions wait for it. */
@FunctionalInterface
public interface SessionObserver {
    /** A session opens; what is returned is told what becomes of it. */
    Watch opened(Opened session);

    /**
     * A session that opens.
     *
     * @param id its short name, which is no secret
     * @param client what the client says of itself
     * @param traceParent the client's trace context (W3C), or empty; not checked
     * @param traceState the same
     */
    record Opened(String id, User user, String client, String traceParent, String traceState) {}

    /** What is told of one session, by any thread. */
    interface Watch extends ExecutionListener {
        /** The client has been told of a failure. */
        void failed(Status status, String message, String source);

        /** What the client has computed with NumPy, since it told last. */
        void fallbacks(List<Fallback> fallbacks);

        void closed(String reason);
    }

    /** Several observers, as one. */
    static SessionObserver all(List<SessionObserver> observers) {
        return session -> {
            List<Watch> watches =
                    observers.stream().map(observer -> observer.opened(session)).toList();
            return watches.size() == 1 ? watches.getFirst() : new Watches(watches);
        };
    }

    /** Tells each of them. */
    record Watches(List<Watch> all) implements Watch {
        @Override
        public void executed(BatchTrace batch) {
            all.forEach(watch -> watch.executed(batch));
        }

        @Override
        public void failed(Status status, String message, String source) {
            all.forEach(watch -> watch.failed(status, message, source));
        }

        @Override
        public void fallbacks(List<Fallback> fallbacks) {
            all.forEach(watch -> watch.fallbacks(fallbacks));
        }

        @Override
        public void closed(String reason) {
            all.forEach(watch -> watch.closed(reason));
        }
    }
}
