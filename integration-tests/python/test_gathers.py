"""Rows of any length that indices, pairs of indices or masks choose: NumPy's, whatever copies them."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import numpy
import maniple as np

random = numpy.random.default_rng(17)


def same(want, got, *what):
    assert want.dtype == got.dtype and want.shape == got.shape, what
    assert want.tobytes() == numpy.ascontiguousarray(got).tobytes(), what


KINDS = "i8", "i4", "u2", "i2", "u1", "i1"


def check(table, count, kinds=KINDS):
    there = np.array(table)
    rows = len(table)
    for kind in kinds:
        least, most = (0, numpy.iinfo(kind).max) if kind[0] == "u" else (-rows, numpy.iinfo(kind).max)
        index = random.integers(max(least, numpy.iinfo(kind).min), min(rows, most + 1), count).astype(kind)
        placed = np.array(index)
        what = table.dtype, table.shape, kind
        same(table[index], there[placed], what)
        same(table[index[::-2]], there[placed[::-2]], what)
        same(numpy.take(table, index, axis=0), np.take(there, placed, axis=0), what)
        same(table[::-1][index], there[::-1][placed], what)
        square = index[: count // 2 * 2].reshape(2, -1)
        same(table[square], there[np.array(square)], what)
    mask = random.random(rows) < 0.4
    for chosen in (mask, mask & False, mask | True, numpy.arange(rows) == rows - 1):
        same(table[chosen], there[np.array(chosen)], "mask", table.dtype, table.shape)


# Bytes of a row around those of words and vectors.
for items in (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 511, 512, 513, 521, 70_000):
    rows = max(4, 150_000 // items)
    kinds = "i8", KINDS[1 + items % 5]
    check(random.integers(0, 256, (rows, items)).astype("u1"), min(40_000, 3_000_000 // items), kinds)
for dtype in ("?", "i2", "f2", "i4", "f4", "i8", "f8", "c8", "c16"):
    for shape in ((60_001,), (30_001, 3), (9_001, 8), (6_001, 3, 3)):
        check(random.integers(0, 100, shape).astype(dtype), 40_001)
check(random.integers(0, 100, (600_001, 16)), 300_001)  # more than caches hold

cube = random.random((50, 60, 70))
there = np.array(cube)
i, j, k = (random.integers(-n, n, 40_000) for n in cube.shape)
p, q, r = (np.array(a) for a in (i, j, k))
same(cube[i, j], there[p, q])
same(cube[i, j, k], there[p, q, r])
same(cube[:, j % 60][:, ::3], there[:, q % 60][:, ::3])
j[39_999] = 60
for get in (lambda: cube[i, j], lambda: there[p, np.array(j)]):
    try:
        get()
    except IndexError as error:
        assert str(error) == "index 60 is out of bounds for axis 1 with size 60", error
    else:
        raise AssertionError("no error")
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_rows_are_numpys(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_ENGINE=engine)
