package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class TestDeterminant {
    @Test
    void rowsThatChangedPlacesChangeTheSign() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment factors = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 2, 7, 9, -3);
            MemorySegment pivots = arena.allocateFrom(ValueLayout.JAVA_LONG, 2, 2);
            Determinant determinant = Determinant.ofFactors(factors.address(), 2, pivots.address(), 8);
            assertThat(determinant.real()).isEqualTo(1);
            assertThat(determinant.logarithm()).isCloseTo(Math.log(6), within(1e-15));
        }
    }

    @Test
    void signsOfComplexFactorsMultiply() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment factors = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 0, 2, 0, 0, 0, 0, 0, 3);
            MemorySegment pivots = arena.allocateFrom(ValueLayout.JAVA_LONG, 1, 2);
            MemorySegment out = arena.allocate(16);
            Determinant.ofFactors(factors.address(), 2, pivots.address(), 16).store(out.address(), 16);
            assertThat(out.get(ValueLayout.JAVA_DOUBLE, 0)).isCloseTo(-6, within(1e-14));
            assertThat(out.get(ValueLayout.JAVA_DOUBLE, 8)).isCloseTo(0, within(1e-14));
        }
    }

    @Test
    void ofASingularMatrixItIsZero() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(8);
            Determinant.ZERO.store(out.address(), 8);
            assertThat(out.get(ValueLayout.JAVA_DOUBLE, 0)).isZero();
        }
    }
}
