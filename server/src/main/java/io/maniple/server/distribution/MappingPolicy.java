package io.maniple.server.distribution;

/**
 * Decides how arrays and work are shared out among the workers of a session. Whatever it says, results are the same to the bit; what
 * differs is who does what, and what travels.
 *
 * <p>An implementation is found by {@link java.util.ServiceLoader}: its jar names it in {@code
 * META-INF/services/io.maniple.server.distribution.MappingPolicy}. All workers keep the same books, each for itself, so its answers
 * must depend on what it is asked and told by {@link #with}, and on nothing else.
 */
public interface MappingPolicy {
    /** What {@code --mapping} calls it: letters, digits and hyphens. */
    String name();

    /**
     * This policy with what is written behind its name and a colon ({@code --mapping NAME:ARGUMENTS}).
     *
     * @throws IllegalArgumentException what is wrong with them, for people
     */
    default MappingPolicy with(String arguments) {
        throw new IllegalArgumentException(
                "the mapping '" + name() + "' takes no arguments, so not '" + arguments + "'");
    }

    /**
     * Where a worker's part of something begins; it ends where the next one's does.
     *
     * @param count how many there are: bytes of an array, whose current content is at home there, or items of a step that
     *     reads and writes nothing that decides it
     * @param worker 1 to {@code workers - 1}: the first part begins at 0, the last one ends at {@code count}
     * @return 0 to {@code count}, for no worker less than for the one before it
     */
    long begin(long count, int worker, int workers);

    /**
     * Who does a step that is not shared out.
     *
     * @param held bytes of what it reads that each worker has already
     * @return a worker, from 0; by default the first of those that have most
     */
    default int alone(long[] held) {
        int best = 0;
        for (int worker = 1; worker < held.length; worker++) {
            best = held[worker] > held[best] ? worker : best;
        }
        return best;
    }

    /** A kernel of no more elements is done by everybody, at once, instead of being shared out. */
    default long everywhereElements() {
        return 65_536;
    }

    /** A routine that touches no more bytes is, too. */
    default long everywhereBytes() {
        return 1L << 20;
    }
}
