package io.maniple.server.logging;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A logger that holds lines back until {@link #start}: SLF4J and Logback take longer to load than the rest of the
 * server's start, and no client should wait for them.
 */
public final class Log {
    private static final int MOST_HELD_BACK = 1000;
    private static final List<Runnable> HELD_BACK = new ArrayList<>();
    private static volatile boolean started;

    private final Class<?> owner;

    private Log(Class<?> owner) {
        this.owner = owner;
    }

    public static Log of(Class<?> owner) {
        return new Log(owner);
    }

    /** Sets the logging up and writes what was held back; whoever comes second waits for that. */
    public static synchronized void start() {
        LoggerFactory.getILoggerFactory();
        synchronized (HELD_BACK) {
            // Empty the second time.
            HELD_BACK.forEach(Runnable::run);
            HELD_BACK.clear();
            started = true;
        }
    }

    public void debug(String message, @Nullable Object... arguments) {
        write(() -> logger().debug(message, arguments));
    }

    public void info(String message, @Nullable Object... arguments) {
        write(() -> logger().info(message, arguments));
    }

    public void warn(String message, @Nullable Object... arguments) {
        write(() -> logger().warn(message, arguments));
    }

    /** A trailing Throwable is logged with its stack. */
    public void error(String message, @Nullable Object... arguments) {
        write(() -> logger().error(message, arguments));
    }

    private static void write(Runnable line) {
        if (!started) {
            synchronized (HELD_BACK) {
                if (!started) {
                    if (HELD_BACK.size() < MOST_HELD_BACK) {
                        HELD_BACK.add(line);
                    }
                    return;
                }
            }
        }
        line.run();
    }

    private Logger logger() {
        return LoggerFactory.getLogger(owner);
    }
}
