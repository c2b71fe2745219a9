package io.maniple.server.engine;

/**
 * What a generator's words are cut into, as NumPy cuts them: a word of 64 bits is one item or two of 32 bits, the low
 * half first, and 32 bits are one item, two or four, the low bits first.
 *
 * @param width bits of an item: 64, 32, 16 or 8
 * @param held 1 if the high half of a word that was drawn before comes first, else 0
 * @param half that half
 */
record RandomItems(RandomWords words, int width, int held, long half) {
    /** An array to read words into before they are cut; as many items at most are asked for at once. */
    static final int CHUNK = 1024;

    /** Writes items {@code first} to before {@code first + count}; {@code buffer} has room for a chunk and one more. */
    void fill(long first, long[] items, int count, long[] buffer) {
        if (width == 64) {
            words.fill(first, items, count);
            return;
        }
        int shift = Integer.numberOfTrailingZeros(32 / width);
        long firstHalf = (first >> shift) - held;
        long lastHalf = ((first + count - 1) >> shift) - held;
        long firstWord = Math.max(firstHalf, 0) / 2;
        if (lastHalf >= 0) {
            words.fill(firstWord, buffer, (int) (lastHalf / 2 - firstWord) + 1);
        }
        if (shift == 0) {
            halves(firstHalf, items, count, buffer);
            return;
        }
        int within = (1 << shift) - 1;
        long mask = (1L << width) - 1;
        for (int index = 0; index < count; index++) {
            long item = first + index;
            long position = (item >> shift) - held;
            long bits = half;
            if (position >= 0) {
                long word = buffer[(int) ((position >>> 1) - firstWord)];
                bits = (position & 1) == 0 ? word : word >>> 32;
            }
            items[index] = bits >>> (int) (item & within) * width & mask;
        }
    }

    /** Halves of words, from number {@code position} of the stream on: -1 is the one that is held. */
    private void halves(long position, long[] items, int count, long[] buffer) {
        int index = 0;
        int word = 0;
        if (position < 0) {
            items[index++] = half;
        } else if ((position & 1) != 0) {
            items[index++] = buffer[word++] >>> 32;
        }
        for (; index + 1 < count; index += 2) {
            long both = buffer[word++];
            items[index] = both & 0xffff_ffffL;
            items[index + 1] = both >>> 32;
        }
        if (index < count) {
            items[index] = buffer[word] & 0xffff_ffffL;
        }
    }
}
