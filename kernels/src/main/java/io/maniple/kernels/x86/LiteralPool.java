package io.maniple.kernels.x86;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** The constants of one kernel, each a full vector so that any instruction can take it from memory. */
final class LiteralPool {
    private final int words;
    private final Map<List<Long>, Integer> offsets = new HashMap<>();
    private final List<List<Long>> vectors = new ArrayList<>();
    private int window = -1;

    LiteralPool(int vectorBytes) {
        this.words = vectorBytes / Long.BYTES;
    }

    /** Offset of the vector made of these words, repeated to fill it. */
    int offset(long... pattern) {
        List<Long> vector = LongStream.range(0, words)
                .mapToObj(k -> pattern[(int) k % pattern.length])
                .toList();
        return offsets.computeIfAbsent(vector, fresh -> {
            vectors.add(fresh);
            return (vectors.size() - 1) * words * Long.BYTES;
        });
    }

    /** A vector of ones followed by one of zeros, to take masks from by a shifted address. */
    int window() {
        if (window < 0) {
            window = vectors.size() * words * Long.BYTES;
            vectors.add(LongStream.range(0, words).mapToObj(k -> -1L).toList());
            vectors.add(LongStream.range(0, words).mapToObj(k -> 0L).toList());
        }
        return window;
    }

    byte[] bytes() {
        ByteBuffer buffer =
                ByteBuffer.allocate(vectors.size() * words * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
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
