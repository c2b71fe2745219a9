package io.maniple.server.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestOwnership {
    @Test
    void rememberWhoHasWhatByteByByte() {
        Random random = new Random(3);
        int size = 64;
        Ownership ownership = new Ownership(size, 4);
        long[] expected = new long[size];
        Arrays.fill(expected, 0b1111);
        for (int round = 0; round < 5_000; round++) {
            int begin = random.nextInt(size);
            int end = begin + random.nextInt(size - begin + 1);
            long mask = 1L << random.nextInt(4);
            boolean write = random.nextBoolean();
            if (write) {
                ownership.written(Spans.range(begin, end), mask);
            } else {
                ownership.copied(Spans.range(begin, end), mask);
            }
            for (int at = begin; at < end; at++) {
                expected[at] = write ? mask : expected[at] | mask;
            }
            long[] found = new long[size];
            ownership.visit(0, size, (from, to, holders) -> Arrays.fill(found, (int) from, (int) to, holders));
            assertThat(found).isEqualTo(expected);
            long kept = 0;
            for (int worker = 0; worker < 4; worker++) {
                kept += ownership.keeper(worker).bytes();
            }
            assertThat(kept).as("every byte has one keeper").isEqualTo(size);
        }
        ownership.written(Spans.range(0, size), 1);
        assertThat(ownership.ranges()).as("equal neighbours are one").isEqualTo(1);
    }

    @Test
    void holdersTakeTurnsAsSources() {
        assertThat(Ownership.source(0b1011, 0)).isEqualTo(0);
        assertThat(Ownership.source(0b1011, 1)).isEqualTo(1);
        assertThat(Ownership.source(0b1011, 2)).isEqualTo(3);
    }

    @Test
    void asManyWorkersAsAMaskHasBits() {
        assertThat(Ownership.all(64)).isEqualTo(-1);
        assertThatThrownBy(() -> new Ownership(8, 65)).hasMessageContaining("1 to 64");
    }
}
