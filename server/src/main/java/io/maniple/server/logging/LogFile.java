package io.maniple.server.logging;

import java.nio.file.Path;

/** Tells the logging, which is set up at the first line logged, where to write. */
public final class LogFile {
    static final String PROPERTY = "maniple.log";

    private LogFile() {}

    public static void to(Path file) {
        System.setProperty(PROPERTY, file.toAbsolutePath().toString());
    }
}
