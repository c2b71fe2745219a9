package io.maniple.server;

import io.maniple.server.session.EchoSessionFactory;
import java.io.IOException;

/** The server with sessions that compute nothing, for tests of the transport from Python. */
public final class EchoServerMain {
    private EchoServerMain() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        System.exit(ServerCommand.run(arguments, settings -> new EchoSessionFactory()));
    }
}
