package io.maniple.cluster.hosting;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/** The last lines that a process printed, for the message about its end. */
final class LastLines {
    private static final int LINES = 20;
    private static final int CHARACTERS = 400;

    private final Deque<String> lines = new ArrayDeque<>();

    /** Reads to the end, which comes with the end of the process that writes. */
    void readAll(InputStream stream) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            String line;
            while ((line = reader.readLine()) != null) {
                add(line);
            }
        } catch (IOException e) {
            // Closed at this end, because nobody wants to know any more.
            add("(" + e.getMessage() + ")");
        }
    }

    synchronized void add(String line) {
        if (lines.size() == LINES) {
            lines.removeFirst();
        }
        lines.addLast(line.length() > CHARACTERS ? line.substring(0, CHARACTERS) + " …" : line);
    }

    /** Nothing, or "; its last lines:" and these. */
    synchronized String described() {
        return lines.isEmpty() ? "; it printed nothing" : "; its last lines:\n  " + String.join("\n  ", lines);
    }
}
