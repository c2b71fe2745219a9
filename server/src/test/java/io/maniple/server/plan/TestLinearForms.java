package io.maniple.server.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.program.DType;
import io.maniple.bridge.program.Layout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestLinearForms {
    private static @Nullable String check(String name, String shapes) {
        return RoutineForms.of(name)
                .check(Arrays.stream(shapes.split(";", -1))
                        .map(shape -> Layout.contiguous(
                                DType.FLOAT64,
                                shape.isEmpty()
                                        ? new long[0]
                                        : Arrays.stream(shape.split("x"))
                                                .mapToLong(Long::parseLong)
                                                .toArray()))
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({
        "linalg.solve,3x2;3x3;3x2",
        "linalg.solve,4x3x2;4x3x3;4x3x2",
        "linalg.det,;3x3",
        "linalg.det,2;2x3x3",
        "linalg.qr,5x3;3;5x3",
        "linalg.q,5x5;5x3;3",
        "linalg.q,5x3;5x3;3",
        "linalg.svd,5x5;3;3x3;5x3",
        "linalg.svd,5x3;3;3x3;5x3",
        "linalg.lstsq,3x2;2;;3;5x3;5x2;",
        "matmul,4x2x5;4x2x3;4x3x5",
        "fft.complex,2x8;2x5;",
    })
    void acceptsWhatBelongsTogether(String name, String shapes) {
        assertThat(check(name, shapes)).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "linalg.solve,3x2;3x4;3x2",
        "linalg.solve,3x2;3x3;2x2",
        "linalg.solve,4x3x2;3x3;4x3x2",
        "linalg.solve,3x0;3x3;3x0",
        "linalg.inv,3x3",
        "linalg.inv,3;3",
        "linalg.det,2;3x3",
        "linalg.qr,5x3;5;5x3",
        "linalg.q,5x2;5x3;3",
        "linalg.q,5x6;5x3;3",
        "linalg.svd,5x5;3;2x3;5x3",
        "linalg.lstsq,5x2;2;;3;5x3;5x2;",
        "matmul,4x2x5;3x2x3;4x3x5",
        "matmul,5;3;5",
        "fft.complex,2x8;3x5;",
        "fft.complex,2x0;2x5;",
        "fft.complex,2x8;2x5;2",
    })
    void refusesWhatDoesNot(String name, String shapes) {
        assertThat(check(name, shapes)).isNotNull();
    }
}
