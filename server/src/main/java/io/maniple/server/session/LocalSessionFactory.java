package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import java.util.List;

/** Sessions that run on this machine. */
public final class LocalSessionFactory implements SessionFactory {
    public LocalSessionFactory(ServerSettings settings) {}

    @Override
    public Session open(SessionOptions options, SharedMemory memory, String clientVersion) {
        throw new ManipleException(Status.INTERNAL, "the execution core is not built yet");
    }

    @Override
    public List<Operation> operations() {
        return List.of();
    }

    @Override
    public Limits limits() {
        return Limits.getDefaultInstance();
    }
}
