package io.maniple.daemon.watch;

import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Predicate;

/** What went wrong last, newest first. Any thread. */
public final class RecentErrors {
    private static final int MOST = 500;
    private static final int CHARACTERS = 500;

    private final ArrayDeque<Entry> errors = new ArrayDeque<>();
    private long total;

    /**
     * Something that a client was told.
     *
     * @param time milliseconds since 1970
     * @param session its short name; empty where there is none
     * @param user empty where it is not known
     * @param status the name of the status in the program format
     * @param source the user's line ("file:line"), or empty
     */
    public record Entry(long time, String session, String user, String status, String message, String source) {}

    void add(String session, String user, String status, String message, String source) {
        Entry entry =
                new Entry(System.currentTimeMillis(), session, user, status, shortened(message), shortened(source));
        synchronized (this) {
            errors.addFirst(entry);
            total++;
            if (errors.size() > MOST) {
                errors.removeLast();
            }
        }
    }

    private static String shortened(String text) {
        return text.length() <= CHARACTERS ? text : text.substring(0, CHARACTERS - 1) + "…";
    }

    public synchronized List<Entry> last(int most, Predicate<Entry> wanted) {
        return errors.stream().filter(wanted).limit(most).toList();
    }

    public synchronized long total() {
        return total;
    }
}
