package io.maniple.server.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Copies single elements or short runs whatever their type. */
final class Elements {
    private static final MemorySegment MEMORY = Scalars.MEMORY;

    /** Longer runs are worth the call of a general copy. */
    private static final long SHORT = 256;

    private Elements() {}

    static void copy(long from, long to, long bytes) {
        if (bytes == 8) {
            MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, to, MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, from));
        } else if (bytes == 4) {
            MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, to, MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, from));
        } else if (bytes == 1) {
            MEMORY.set(ValueLayout.JAVA_BYTE, to, MEMORY.get(ValueLayout.JAVA_BYTE, from));
        } else if (bytes == 2) {
            MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, to, MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, from));
        } else if (bytes <= SHORT && bytes % 8 == 0) {
            for (long word = 0; word < bytes; word += 8) {
                MEMORY.set(
                        ValueLayout.JAVA_LONG_UNALIGNED,
                        to + word,
                        MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, from + word));
            }
        } else {
            MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
        }
    }
}
