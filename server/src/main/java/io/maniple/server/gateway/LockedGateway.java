package io.maniple.server.gateway;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import py4j.Gateway;
import py4j.Py4JPythonClient;
import py4j.ReturnObject;

/**
 * Py4J's object registry with nothing in it, and no way to put something in. Calls do not come here at all ({@link
 * CallCommand} knows the entry point); every door is closed all the same, in case a Py4J command finds one.
 */
final class LockedGateway extends Gateway {
    LockedGateway() {
        super(null, new NoPythonClient());
    }

    @Override
    public ReturnObject invoke(String className, List<Object> arguments) {
        throw locked();
    }

    @Override
    public ReturnObject invoke(String method, String target, List<Object> arguments) {
        throw locked();
    }

    @Override
    public Object getObject(String id) {
        throw locked();
    }

    @Override
    public String putNewObject(Object object) {
        throw locked();
    }

    /** Py4J's server offers itself here; a client could shut it down. */
    @Override
    public @Nullable Object putObject(String id, Object object) {
        return null;
    }

    @Override
    public Map<String, Object> getBindings() {
        return Map.of();
    }

    @Override
    public Object getEntryPoint() {
        throw locked();
    }

    @Override
    public ReturnObject getReturnObject(Object object) {
        throw locked();
    }

    @Override
    public Object createProxy(ClassLoader loader, @SuppressWarnings("rawtypes") Class[] interfaces, String id) {
        throw locked();
    }

    @Override
    public void resetCallbackClient(InetAddress address, int port) {
        throw locked();
    }

    /** Would register the entry point. */
    @Override
    public void startup() {}

    private static SecurityException locked() {
        return new SecurityException("not available on this gateway");
    }

    /** Java never calls Python back. */
    private static final class NoPythonClient implements Py4JPythonClient {
        @Override
        public String sendCommand(String command) {
            throw locked();
        }

        @Override
        public String sendCommand(String command, boolean blocking) {
            throw locked();
        }

        @Override
        public void shutdown() {}

        @Override
        public Py4JPythonClient copyWith(InetAddress address, int port) {
            throw locked();
        }

        @Override
        public boolean isMemoryManagementEnabled() {
            return false;
        }

        @Override
        public int getPort() {
            return 0;
        }

        @Override
        public int getReadTimeout() {
            return 0;
        }

        @Override
        public InetAddress getAddress() {
            return InetAddress.getLoopbackAddress();
        }

        @Override
        public Object getPythonServerEntryPoint(Gateway gateway, @SuppressWarnings("rawtypes") Class[] interfaces) {
            throw locked();
        }
    }
}
