package io.maniple.server;

import io.maniple.server.session.LocalSessionFactory;

/** Starts the local server. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(ServerCommand.run(arguments, LocalSessionFactory::new));
    }
}
