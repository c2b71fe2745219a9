"""Reductions over the first axis on the server, which takes several rows at a time."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import os
import warnings
import numpy
import maniple as np

random = numpy.random.default_rng(3)
ROWS = (1, 2, 3, 4, 5, 15, 16, 17, 18, 19, 20, 31, 32, 33, 63, 64, 65, 1000)
COLUMNS = (1, 7, 8, 9, 130, 1024, 1500, 2049)
FORMS = {
    "sum": lambda m, x: x.sum(axis=0),
    "max": lambda m, x: x.max(axis=0),
    "min": lambda m, x: x.min(axis=0),
    "any": lambda m, x: x.any(axis=0),
    "all": lambda m, x: (x != 3).all(axis=0),
    "argmax": lambda m, x: x.argmax(axis=0),
    "count": lambda m, x: m.count_nonzero(x, axis=0),
    "fused": lambda m, x: (x * x + x).sum(axis=0),
    "with a row": lambda m, x: (x + x[0]).max(axis=0),
    "with a column": lambda m, x: (x * x[:, :1]).sum(axis=0),
    "masked": lambda m, x: m.sum(x, axis=0, where=x > 2, initial=1),
    "three at once": lambda m, x: m.stack([x.sum(axis=0), x.max(axis=0), (x * x).sum(axis=0)]),
    "middle": lambda m, x: m.stack([x, x + x]).sum(axis=1),
    "numbered": lambda m, x: (m.arange(x.size).reshape(x.shape) % 9 + x).sum(axis=0),
    "reversed": lambda m, x: x[::-1].sum(axis=0),
    "every second": lambda m, x: x[::2, ::-1].sum(axis=0),
}
EXACT = ("max", "min", "any", "all", "argmax", "count", "with a row")
for dtype in ("f8", "f4", "i8", "i2", "u1", "c16", "?"):
    for rows in ROWS:
        for columns in COLUMNS if dtype in ("f8", "u1") else (9, 1500):
            x = (random.normal(size=(rows, columns)) * 5).astype(dtype)
            if dtype in ("f8", "f4") and rows > 4:
                x[rows // 2, columns // 2] = numpy.nan
                x[3, 0] = -0.0
            for name, form in FORMS.items():
                if dtype == "c16" and name == "masked":
                    continue
                want = form(numpy, x)
                got = numpy.asarray(form(np, np.asarray(x)))
                assert want.dtype == got.dtype, (dtype, rows, columns, name)
                rounds = want.dtype.kind in "fc" and name not in EXACT and columns < 1024
                same = numpy.allclose(want, got, rtol=1e-5, equal_nan=True) if rounds or name == "middle" else (
                    numpy.array_equal(want, got, equal_nan=want.dtype.kind in "fc")
                )
                assert same, (dtype, rows, columns, name, want, got)
x = numpy.ones((1000, 2500))
x[871, 2200] = 0
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    got = numpy.asarray((1 / np.asarray(x)).sum(axis=0))
assert numpy.isinf(got).nonzero()[0].tolist() == [2200], got
assert ["divide by zero encountered in divide"] == [str(w.message) for w in caught], caught
x = np.full((40, 1500), 1e308)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert float(x.sum(axis=0)[0]) == numpy.inf
# The portable engine has no flags, and sees nothing wrong in what was added up.
portable = os.environ["MANIPLE_ENGINE"] == "portable"
assert portable or any("overflow encountered in reduce" in str(w.message) for w in caught), caught
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_sums_over_rows_are_numpys(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_DEFER_ALL="1", MANIPLE_ENGINE=engine)
