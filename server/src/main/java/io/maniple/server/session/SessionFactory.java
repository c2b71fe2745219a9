package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import java.util.List;

/** Opens sessions, and says what they can do. */
public interface SessionFactory {
    /** The shared memory is the session's own, but is closed by the caller, after the session. */
    Session open(SessionOptions options, SharedMemory memory, String clientVersion);

    List<Operation> operations();

    Limits limits();

    /** Makes the first client's first request fast; called once, when the server is ready, on a thread of its own. */
    default void warmUp() {}
}
