"""Counts of large arrays, which the server makes in tables of each thread's: NumPy's numbers, and its errors of indices."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import numpy
import maniple as np

random = numpy.random.default_rng(11)
SIZES = (262_144, 262_145, 262_147, 327_679, 1_000_003)
for size in SIZES:
    for bins in (1, 2, 255, 1_000, 1_024, 1_025, 65_536, 65_537):
        x = random.integers(0, bins, size)
        x[:2_000] = bins - 1
        assert numpy.array_equal(numpy.bincount(x, minlength=bins), np.bincount(np.array(x), minlength=bins)), (size, bins)
    for kind in ("?", "u1", "i1", "u2", "i2", "u4", "i4"):
        most = 2 if kind == "?" else min(numpy.iinfo(kind).max, 70_000)
        for bins in sorted({1, 2, min(128, most), min(200, most), most}):
            x = random.integers(0, bins, size).astype(kind)
            placed = np.array(x)
            for minlength in (0, bins, 255, 256, 300, 65_536, 70_000):
                want = numpy.bincount(x, minlength=minlength)
                got = np.bincount(placed, minlength=minlength)
                assert numpy.array_equal(want, got) and want.dtype == got.dtype, (kind, size, bins, minlength)
            weights = random.random(size)
            want = numpy.bincount(x, weights, 256)
            assert numpy.array_equal(want, np.bincount(placed, np.array(weights), 256)), (kind, size, bins)
            assert numpy.array_equal(numpy.bincount(x[::-3]), np.bincount(placed[::-3])), (kind, size, bins)
        if kind[0] == "i":
            x[size // 2] = -1
            try:
                np.bincount(np.array(x))
            except ValueError as error:
                assert "negative" in str(error), error
            else:
                raise AssertionError(kind)
    for bins in (1, 3, 100, 1_024, 1_025, 20_000):
        x = random.standard_normal(size)
        for values in (x, numpy.rint(x * 8), numpy.full(size, 2.5)):
            want, edges = numpy.histogram(values, bins)
            got, places = np.histogram(np.array(values), bins)
            assert numpy.array_equal(want, got) and numpy.array_equal(edges, places), (size, bins)
            values = values.copy()
            values[edges.size : 2 * edges.size] = edges
            values[[5, size // 2, size - 1]] = numpy.nan, numpy.inf, -numpy.inf
            for range in ((-1, 1), (-2.5, 2.5), (edges[0], edges[-1])):
                want = numpy.histogram(values, bins, range)[0]
                assert numpy.array_equal(want, np.histogram(np.array(values), bins, range)[0]), (size, bins, range)

for kind in ("i8", "i4", "i2", "u2", "u1", "u8"):
    index = random.integers(0, 200, 300_000).astype(kind)
    table = random.random(200)
    there, places = np.array(table), np.array(index)
    assert numpy.array_equal(table[index], there[places])
    for wrong in (200, -201):
        if wrong < 0 and kind[0] == "u":
            continue
        bad = index.copy()
        bad[123_457] = wrong
        for use in (lambda i: there[i], lambda i: there.__setitem__(i, 1.0), lambda i: np.take(there, i)):
            try:
                use(np.array(bad))
            except IndexError as error:
                assert str(error) == f"index {wrong} is out of bounds for axis 0 with size 200", error
            else:
                raise AssertionError((kind, wrong))
    assert numpy.array_equal(table, there)
    if kind[0] == "i":
        negative = index - index.dtype.type(200)
        assert numpy.array_equal(table[negative], there[np.array(negative)])
"""


@pytest.mark.parametrize("threads", ["1", "2", "7"])
def test_counts_are_numpys(tmp_path: Path, threads: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_THREADS=threads)


ENGINES = """
import numpy
import maniple as np

random = numpy.random.default_rng(12)
for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "i8"):
    for rows in (1, 2, 127, 128, 129, 255, 256, 257, 5_000):
        most = min(rows, int(numpy.iinfo(kind).max) + 1)
        index = random.integers(0, most, 100_003).astype(kind)
        placed = np.array(index)
        for dtype in ("u1", "i2", "f4", "f8", "c16"):
            table = random.integers(0, 100, rows).astype(dtype)
            there = np.array(table)
            assert numpy.array_equal(table[index], there[placed]), (kind, rows, dtype)
            for rows_of in (there, table):
                got = np.take(rows_of, placed)
                assert numpy.array_equal(numpy.take(table, index), got) and got.dtype == table.dtype, (kind, rows, dtype)
            assert numpy.array_equal(table[index[1::2]], there[placed[1::2]]), (kind, rows, dtype)
            assert numpy.array_equal(table[index[3:].reshape(2, -1)], there[placed[3:].reshape(2, -1)])
        assert numpy.array_equal(numpy.bincount(index), np.bincount(placed)), (kind, rows)
        if rows < most + 1 and rows <= numpy.iinfo(kind).max:
            index[77_777] = rows
            try:
                there[np.array(index)]
            except IndexError as error:
                assert str(error) == f"index {rows} is out of bounds for axis 0 with size {rows}", error
            else:
                raise AssertionError((kind, rows))
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_narrow_indices_are_read_as_they_are(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, ENGINES, MANIPLE_ENGINE=engine)
