package io.maniple.server.logging;

import java.nio.file.Path;

/** Tells the logging, which is set up at the first line logged, where to write. */
public final class LogFile {
    static final String PROPERTY = "maniple.log";

    static final String ROTATION = "maniple.log.rotation";

    static final String JSON = "maniple.log.json";

    private LogFile() {}

    /** Each line is a JSON object. */
    public static void asJson() {
        System.setProperty(JSON, "on");
    }

    public static void to(Path file) {
        System.setProperty(PROPERTY, file.toAbsolutePath().toString());
    }

    /** As {@link #to}, for a process that runs for long: a file that has become large is put aside, the last five kept. */
    public static void rotating(Path file) {
        System.setProperty(ROTATION, "on");
        to(file);
    }
}
