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

for kind in ("i8", "i4", "u1", "u8"):
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
