package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the tables of threads and lanes add up to; a thread that had nothing to count has none. */
class TestCounts {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 1024, 1025, 65_536})
    void addsUpAllTables(int bins) {
        Counts counts = new Counts(3, bins);
        for (int lane = 0; lane < Counts.LANES; lane++) {
            counts.of(0)[lane * counts.step() + bins - 1]++;
            counts.of(2)[lane * counts.step()]++;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(8L * bins, 8);
            out.fill((byte) 0xAA);
            counts.write(out.address());
            long[] sums = out.toArray(ValueLayout.JAVA_LONG);
            long[] expected = new long[bins];
            expected[0] += Counts.LANES;
            expected[bins - 1] += Counts.LANES;
            assertThat(sums).isEqualTo(expected);
        }
    }
}
