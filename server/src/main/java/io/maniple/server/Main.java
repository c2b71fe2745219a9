package io.maniple.server;

import io.maniple.server.session.LocalSessionFactory;
import java.io.IOException;

/** Starts the local server. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        System.exit(ServerCommand.run(arguments, LocalSessionFactory::new));
    }
}
