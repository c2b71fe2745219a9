package io.maniple.server.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestSpans {
    /** Byte by byte. */
    private static BitSet bytes(long offset, long[] shape, long[] strides, int itemBytes) {
        BitSet bytes = new BitSet();
        long[] counter = new long[shape.length];
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        for (long number = 0; number < count; number++) {
            long at = offset;
            long rest = number;
            for (int dimension = shape.length - 1; dimension >= 0; dimension--) {
                counter[dimension] = rest % shape[dimension];
                rest /= shape[dimension];
                at += counter[dimension] * strides[dimension];
            }
            bytes.set((int) at, (int) at + itemBytes);
        }
        return bytes;
    }

    private static BitSet bytes(Spans spans) {
        BitSet bytes = new BitSet();
        for (int range = 0; range < spans.ranges(); range++) {
            bytes.set((int) spans.begin(range), (int) spans.end(range));
        }
        return bytes;
    }

    @Test
    void aViewHasItsElementsAndNothingElse() {
        Random random = new Random(7);
        for (int round = 0; round < 2_000; round++) {
            int rank = random.nextInt(4);
            long[] shape = new long[rank];
            long[] strides = new long[rank];
            long low = 0;
            for (int dimension = 0; dimension < rank; dimension++) {
                shape[dimension] = random.nextInt(6);
                strides[dimension] = 4L * (random.nextInt(21) - 10);
                low += Math.min(0, (shape[dimension] - 1) * strides[dimension]);
            }
            long offset = -low + random.nextInt(8);
            Spans spans = Spans.ofView(offset, shape, strides, 4, 0);
            assertThat(bytes(spans)).as("round %d", round).isEqualTo(bytes(offset, shape, strides, 4));
            Spans wide = Spans.ofView(offset, shape, strides, 4, 16);
            assertThat(wide.covers(spans)).isTrue();
        }
    }

    @Test
    void rangesThatTouchBecomeOne() {
        Spans spans = new Spans.Builder(0)
                .add(8, 16)
                .add(0, 8)
                .add(20, 24)
                .add(12, 18)
                .build();
        assertThat(spans).isEqualTo(new Spans.Builder(0).add(0, 18).add(20, 24).build());
        assertThat(spans.bytes()).isEqualTo(22);
    }

    @Test
    void setsAreComparedByTheirBytes() {
        Random random = new Random(11);
        for (int round = 0; round < 2_000; round++) {
            Spans left = some(random);
            Spans right = some(random);
            BitSet both = bytes(left);
            both.and(bytes(right));
            assertThat(left.meets(right)).isEqualTo(!both.isEmpty());
            assertThat(bytes(left.common(right))).isEqualTo(both);
            BitSet either = bytes(left);
            either.or(bytes(right));
            assertThat(bytes(left.and(right))).isEqualTo(either);
            assertThat(left.covers(right)).isEqualTo(either.equals(bytes(left)));
        }
    }

    private static Spans some(Random random) {
        Spans.Builder builder = new Spans.Builder(0);
        for (int range = random.nextInt(5); range > 0; range--) {
            int begin = random.nextInt(60);
            builder.add(begin, begin + random.nextInt(8));
        }
        return builder.build();
    }

    @Test
    void tooManyRangesBecomeOne() {
        Spans spans = Spans.ofView(0, new long[] {Spans.MOST_RANGES + 1L}, new long[] {100}, 8, 0);
        assertThat(spans).isEqualTo(Spans.range(0, Spans.MOST_RANGES * 100L + 8));
    }
}
