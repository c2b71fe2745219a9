package io.maniple.server;

import java.nio.file.Path;

/** Tells the logging, which is set up at the first line logged, where to write. */
final class Logs {
    static final String FILE_PROPERTY = "maniple.log";

    private Logs() {}

    static void to(Path file) {
        System.setProperty(FILE_PROPERTY, file.toAbsolutePath().toString());
    }
}
