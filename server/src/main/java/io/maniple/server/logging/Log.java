package io.maniple.server.logging;

import org.slf4j.LoggerFactory;

/**
 * A logger that is set up by the first line logged: SLF4J and Logback take longer to load than the rest of the
 * server's start, and nobody should wait for them.
 */
public final class Log {
    private final Class<?> owner;

    private Log(Class<?> owner) {
        this.owner = owner;
    }

    public static Log of(Class<?> owner) {
        return new Log(owner);
    }

    public void debug(String message, Object... arguments) {
        logger().debug(message, arguments);
    }

    public void info(String message, Object... arguments) {
        logger().info(message, arguments);
    }

    public void warn(String message, Object... arguments) {
        logger().warn(message, arguments);
    }

    /** A trailing Throwable is logged with its stack. */
    public void error(String message, Object... arguments) {
        logger().error(message, arguments);
    }

    /** SLF4J keeps loggers by name, so this is a look-up after the first time. */
    private org.slf4j.Logger logger() {
        return LoggerFactory.getLogger(owner);
    }
}
