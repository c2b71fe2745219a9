"""Powers with small exponents, which the server computes as products: NumPy's values, special ones too, and warnings."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import warnings

import numpy
import maniple as np

random = numpy.random.default_rng(5)
EXPONENTS = (-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0.5, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 0, 1, 3.0000001, -1.25)
EXPONENTS += tuple(numpy.float64(e) for e in (-1.5, 3, 0.5)) + (numpy.int64(3), numpy.float32(2.5), float("inf"), float("nan"))


def observed(compute):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = numpy.array(compute())
    return result, {str(warning.message) for warning in caught}


def check(x, there, exponent, name):
    power = lambda module, a: module.power(a, exponent) if name == "power" else a ** exponent
    want, _ = observed(lambda: power(numpy, x))
    got, warned = observed(lambda: power(np, there))
    case = (x.dtype, exponent, name)
    assert want.dtype == got.dtype, case
    assert numpy.array_equal(numpy.isnan(want), numpy.isnan(got)), case
    assert numpy.array_equal(numpy.isinf(want), numpy.isinf(got)), case
    special = ~numpy.isfinite(x) | (x == 0)
    assert numpy.array_equal(want[special], got[special], equal_nan=True), case
    signs = special & ~numpy.isnan(want)
    assert numpy.array_equal(numpy.signbit(want[signs]), numpy.signbit(got[signs])), case
    finite = numpy.isfinite(want)
    with numpy.errstate(all="ignore"):
        unit = numpy.spacing(numpy.abs(want[finite]))
        units = numpy.abs(want[finite] - got[finite]) / unit
    small = numpy.abs(want[finite]) < numpy.finfo(want.dtype).tiny * 4
    assert units[~small].max(initial=0) <= 1 and units[small].max(initial=0) <= 3, (case, units.max())
    return warned


for kind in "efd":
    limits = numpy.finfo(kind)
    specials = [0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1, -1, 2, -3, 0.5, limits.max, limits.min, limits.tiny]
    specials += [-limits.tiny, limits.smallest_subnormal, -limits.smallest_subnormal, limits.eps]
    reach = min(-limits.minexp, limits.maxexp)
    for length in (0, 5, 40_000, 40_003):
        x = (1 + random.random(length)) * numpy.exp2(random.integers(-reach, reach, length).astype("d"))
        x = (x * random.choice([-1.0, 1.0], length)).astype(kind)
        x[: len(specials)] = specials[:length]
        positive = (1 + random.random(length)).astype(kind)
        there, plain = np.array(x), np.array(positive)
        for exponent in EXPONENTS:
            for name in ("power", "**"):
                check(x, there, exponent, name)
                assert not check(positive, plain, exponent, name) or exponent != exponent

# What is warned of, as NumPy has it of each number by itself.
for exponent in (-4, -3, -1.5, -1, -0.5, 0.5, 1.5, 2.5, 3, 5, 8):
    for value in (0.0, -0.0, -2.0, 1e200, -1e200, 1e-200, numpy.inf, -numpy.inf, numpy.nan, 3.0):
        x = numpy.full(40_000, 2.0)
        x[20_001] = value
        _, want = observed(lambda: numpy.power(x, exponent))
        _, got = observed(lambda: np.power(np.array(x), exponent))
        assert want == got, (exponent, value, want, got)
        held = np.ones(40_000)
        held[::2] = np.array(x)[::2] ** exponent
        assert numpy.array_equal(numpy.array(held)[1::2], numpy.ones(20_000))
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_powers_are_numpys(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_ENGINE=engine)
