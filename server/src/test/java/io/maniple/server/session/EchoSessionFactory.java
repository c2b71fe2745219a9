package io.maniple.server.session;

import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.proto.Limits;
import io.maniple.bridge.proto.Operation;
import io.maniple.bridge.proto.SessionOptions;
import java.util.List;

/** Opens {@link EchoSession}s. */
public final class EchoSessionFactory implements SessionFactory {
    @Override
    public Session open(SessionOptions options, SharedMemory memory, String clientVersion) {
        return new EchoSession(memory);
    }

    @Override
    public List<Operation> operations() {
        return List.of(operation(EchoSession.SLEEP, "sleep"), operation(EchoSession.FAIL, "fail"));
    }

    @Override
    public Limits limits() {
        return Limits.newBuilder().setInlineBytes(1 << 16).build();
    }

    private static Operation operation(int number, String name) {
        return Operation.newBuilder().setNumber(number).setName(name).build();
    }
}
