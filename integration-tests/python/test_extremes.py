"""argmax and argmin of large arrays that lie in memory, which the server reads once: NumPy's places."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import os
import numpy
import maniple as np

random = numpy.random.default_rng(3)
SHAPES = ((262_144,), (300_001,), (2, 131_073), (5, 65_536), (5, 65_537), (600, 512), (301, 1_025), (5, 7, 9_001), (70_000, 5))


def variants(x):
    yield x
    flat = x.ravel()
    same = flat.copy()
    for place in (flat.size // 3, flat.size // 2, flat.size - 1):
        same[place] = flat.max()
    yield same.reshape(x.shape)
    low = flat.copy()
    low[[flat.size // 5, flat.size - 2]] = flat.min()
    yield low.reshape(x.shape)
    yield numpy.zeros_like(x)
    if x.dtype.kind == "f":
        one = same.copy()
        one[-3] = numpy.nan
        yield one.reshape(x.shape)
        two = one.copy()
        two[4_097] = two[77] = numpy.nan
        yield two.reshape(x.shape)
        yield numpy.where(numpy.arange(x.size) % 2, 0.0, -0.0).astype(x.dtype).reshape(x.shape)
        yield numpy.full_like(x, -numpy.inf)
        yield numpy.full_like(x, numpy.nan)


for kind in os.environ["KINDS"]:
    for shape in SHAPES:
        x = (random.normal(size=shape) * 200).astype(kind)
        for x in variants(x):
            there = np.array(x)
            assert float(there.ravel()[0]) == x.ravel()[0] or x.ravel()[0] != x.ravel()[0]
            for axis in (None, *range(x.ndim)):
                for name in ("argmax", "argmin"):
                    want = getattr(x, name)(axis=axis)
                    got = numpy.asarray(getattr(there, name)(axis=axis))
                    assert want.dtype == got.dtype and numpy.array_equal(want, got), (kind, shape, axis, name, want, got)
            out = np.zeros(x.shape[:-1], dtype=numpy.int64)
            if x.ndim > 1:
                there.argmax(axis=-1, out=out)
                assert numpy.array_equal(numpy.asarray(out), x.argmax(axis=-1)), (kind, shape, "out")
"""


@pytest.mark.parametrize(
    ("engine", "threads", "kinds"),
    [
        ("auto", "2", "bBhHiIlLefd?"),
        ("auto", "1", "d"),
        ("auto", "7", "d"),
        ("avx2", "2", "dfLb"),
        ("portable", "2", "dB"),
    ],
)
def test_the_first_extreme_wins(tmp_path: Path, engine: str, threads: str, kinds: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_ENGINE=engine, MANIPLE_THREADS=threads, KINDS=kinds)
