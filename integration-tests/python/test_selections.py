"""What a mask chooses, folded where it lies: NumPy's extremes, counts and errors; sums and means to rounding."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import numpy
import maniple as np

random = numpy.random.default_rng(23)
FOLDS = "max", "min", "sum", "mean", "std", "prod", "any", "all"


def of(a, name):
    try:
        return getattr(a, name)()
    except ValueError as error:
        return str(error)


for size in (32_768, 65_535, 65_537, 131_073, 1_000_003):
    places = numpy.arange(size)
    for kind in ("?", "i1", "u1", "i2", "u4", "i8", "u8", "f2", "f4", "f8"):
        x = (random.standard_normal(size) * 3).astype(kind)
        variants = [x]
        if kind[0] == "f":
            variants.append(numpy.where(places % 3001 == 7, numpy.nan, x).astype(kind))
            variants.append(numpy.where(places % 3001 == 7, -numpy.inf, x).astype(kind))
        masks = [x > 0, places == 0, places == size - 1, places >= 0, places % 5 == 2, places < 0]
        for x in variants:
            for mask in masks:
                there, m = np.array(x), np.array(mask)
                for name in FOLDS if kind != "f2" else ("max", "min", "any", "all"):
                    with numpy.errstate(all="ignore"):
                        want, got = of(x[mask], name), of(there[m], name)
                    what = size, kind, name, want, got
                    assert type(want) is type(got) or name in ("mean", "std"), what
                    if isinstance(want, str) or name in ("max", "min", "any", "all") or want.dtype.kind in "iu":
                        assert want == got or want != want and got != got, what
                    else:
                        near = numpy.abs(x[mask].astype("f8")).sum() * (1e-13 if want.dtype.itemsize == 8 else 1e-5)
                        assert numpy.isclose(want, got, rtol=1e-5 if kind == "f4" else 1e-11, atol=near, equal_nan=True), what
                assert np.count_nonzero(there[m]) == numpy.count_nonzero(x[mask])
                back = there[::-1][m]
                if mask.any():
                    assert numpy.array_equal(back.max(), x[::-1][mask].max(), equal_nan=kind[0] == "f"), (size, kind)
                assert len(back) == back.size == numpy.count_nonzero(mask)
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_selections_are_numpys(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, "-W", "ignore", MANIPLE_ENGINE=engine)
