package io.maniple.kernels.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The constants of one kernel, each a full 32-byte vector so that any instruction can take it from memory. */
final class LiteralPool {
    static final int VECTOR = 32;

    private final Map<List<Long>, Integer> offsets = new HashMap<>();
    private final List<List<Long>> vectors = new ArrayList<>();
    private int window = -1;

    /** Offset of the vector made of these four words. */
    int offset(long word0, long word1, long word2, long word3) {
        return offsets.computeIfAbsent(List.of(word0, word1, word2, word3), fresh -> {
            vectors.add(fresh);
            return (vectors.size() - 1) * VECTOR;
        });
    }

    /** 32 bytes of ones followed by 32 bytes of zeros, to take masks from by a shifted address. */
    int window() {
        if (window < 0) {
            window = vectors.size() * VECTOR;
            vectors.add(List.of(-1L, -1L, -1L, -1L));
            vectors.add(List.of(0L, 0L, 0L, 0L));
        }
        return window;
    }

    byte[] bytes() {
        ByteBuffer buffer = ByteBuffer.allocate(vectors.size() * VECTOR).order(ByteOrder.LITTLE_ENDIAN);
        vectors.forEach(vector -> vector.forEach(buffer::putLong));
        return buffer.array();
    }

    /** A pattern of 1, 2, 4 or 8 bytes repeated to fill a word. */
    static long repeat(long pattern, int bytes) {
        return switch (bytes) {
            case 1 -> (pattern & 0xFF) * 0x0101010101010101L;
            case 2 -> (pattern & 0xFFFF) * 0x0001000100010001L;
            case 4 -> (pattern & 0xFFFFFFFFL) * 0x0000000100000001L;
            case 8 -> pattern;
            default -> throw new IllegalArgumentException("pattern of " + bytes + " bytes");
        };
    }
}
