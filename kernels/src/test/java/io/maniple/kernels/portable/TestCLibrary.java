package io.maniple.kernels.portable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** The formulas that stand in for the C library, against it. */
class TestCLibrary {
    private static final long SEED = 7;

    @Test
    void formulasAgreeWithTheLibrary() {
        near(CLibrary::exp2, CLibrary::exp2Formula, 1);
        near(CLibrary::log2, CLibrary::log2Formula, 2);
        near(CLibrary::asinh, CLibrary::asinhFormula, 4);
        near(CLibrary::acosh, CLibrary::acoshFormula, 4);
        near(CLibrary::atanh, CLibrary::atanhFormula, 4);
    }

    private static void near(DoubleUnaryOperator library, DoubleUnaryOperator formula, int ulps) {
        double[] special = {
            0.0,
            -0.0,
            1,
            -1,
            0.5,
            2,
            8,
            0x1p-1074,
            -0x1p-1074,
            0x1p-1022,
            Double.MAX_VALUE,
            -Double.MAX_VALUE,
            1e9,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            Double.NaN
        };
        for (double x : special) {
            check(library, formula, ulps, x);
        }
        Random random = new Random(SEED);
        for (int i = 0; i < 20_000; i++) {
            check(library, formula, ulps, random.nextGaussian() * Math.scalb(1.0, random.nextInt(60) - 40));
        }
    }

    private static void check(DoubleUnaryOperator library, DoubleUnaryOperator formula, int ulps, double x) {
        double expected = library.applyAsDouble(x);
        double result = formula.applyAsDouble(x);
        if (Double.compare(expected, result) != 0) {
            assertThat(Math.abs(expected - result))
                    .as("of %s, seed %d", x, SEED)
                    .isLessThanOrEqualTo(ulps * Math.ulp(expected));
        }
    }
}
