package io.maniple.server;

import io.maniple.server.logging.LogFile;
import io.maniple.server.session.ServerSettings;
import io.maniple.server.session.SessionFactory;
import java.io.IOException;
import java.util.function.Function;

/** Runs the server as its command line says. */
public final class ServerCommand {
    private static final int WRONG_USAGE = 2;

    private ServerCommand() {}

    /** Returns the exit status, when the server was told to stop or has been idle for long enough. */
    public static int run(String[] arguments, Function<ServerSettings, SessionFactory> factory)
            throws IOException, InterruptedException {
        ServerOptions options;
        try {
            options = ServerOptions.parse(arguments);
        } catch (IllegalArgumentException e) {
            System.err.println("maniple-server: " + e.getMessage());
            System.err.println(ServerOptions.USAGE);
            return WRONG_USAGE;
        }
        LogFile.to(options.log());
        return new ServerProcess(options, factory).run();
    }
}
