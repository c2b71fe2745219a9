"""Copies that are read in place of what they were made of, and lanes a short stride apart: NumPy's results."""

from pathlib import Path

import programs
import pytest

PROGRAM = """
import numpy
import maniple as np

random = numpy.random.default_rng(11)
WIDER = {"?": "?bBhHiIlLefd", "B": "BhHiIlLefd", "b": "bhilefd", "H": "HiIlLfd", "h": "hilfd", "I": "IlLd", "i": "ild",
         "l": "ld", "L": "L", "e": "efd", "f": "fd", "d": "d", "F": "FD", "D": "D"}
FORMS = {
    "neighbours": lambda m, w: w[1:] + w[:-1] * 2,
    "inner": lambda m, w: w[1:-1, 1:-1] + w[:-2, 2:] + w[2:, :-2],
    "columns": lambda m, w: w[:, 0] + w[:, 1] * 3,
    "reversed": lambda m, w: w[::-1, ::-1] + w,
    "turned": lambda m, w: w.T[1:, :] + w.T[:-1, ::-1],
    "strided": lambda m, w: w[::2, ::3] + w[: (w.shape[0] + 1) // 2, : (w.shape[1] + 2) // 3],
    "flat": lambda m, w: w.reshape(-1)[3:] + w.reshape(-1)[:-3],
    "sum": lambda m, w: (w[1:] + w[:-1]).sum(axis=1),
    "sums": lambda m, w: m.stack([w[1:].sum(axis=0), w[:-1].max(axis=0)]),
    "twice": lambda m, w: (lambda v: v[1:] + v[:-1])(w.astype("D") if w.dtype.kind == "c" else w.astype("d")),
    "narrow again": lambda m, w: w[1:].astype("b") + w[:-1].astype("b") if w.dtype.kind in "biu" else w[1:] * 1,
    "mask": lambda m, w: m.where(w[1:] != 0, w[:-1], w[1:]),
    "kept": lambda m, w: m.stack([w[1:], w[:-1]]),
}


def same(want, got, what):
    got = numpy.asarray(got)
    assert want.dtype == got.dtype and want.shape == got.shape, (what, want.dtype, got.dtype)
    if want.dtype.kind in "fc" and what[3] in ("sum", "sums"):
        # NumPy adds one row to the next in the type itself.
        allowed = {"e": want.shape[-1], "f": 1e-2, "F": 1e-2}.get(want.dtype.char, 1e-8)
        assert numpy.allclose(want, got, rtol=1e-5, atol=allowed), what
    else:
        assert numpy.array_equal(want, got, equal_nan=want.dtype.kind in "fc"), (what, want, got)


def check(x, y, to, shape):
    for name, form in FORMS.items():
        with numpy.errstate(all="ignore"):
            same(form(numpy, x.astype(to)), form(np, y.astype(to)), (x.dtype.char, to, shape, name))


for kind, targets in WIDER.items():
    for shape in ((3, 4), (9, 65), (40, 200)):
        x = (random.normal(size=shape) * 90).astype(kind)
        for to in targets:
            check(x, np.array(x), to, shape)
            check(x[:, ::-1], np.array(x)[:, ::-1], to, shape)
            check(x.T, np.array(x).T, to, shape)

# What the copy was made of changes before the copy is read; the copy itself changes; it is read by a routine, too.
x = random.integers(0, 256, (50, 300), dtype="B")


def overwritten(m):
    a = m.array(x)
    w = a.astype("i4")
    a[10:20] = 7
    first = w[1:] - w[:-1]
    v = a.astype("i4")
    v[5] += 1000
    second = v[1:] - v[:-1]
    u = a.astype("f8")
    third = u[1:, :50] @ u[:50, :50].T + u[:-1, :50]
    a[1:] = a[1:].astype("u2") + a[:-1].astype("u2")[::-1]
    return m.concatenate([first.ravel(), second.ravel(), third.ravel(), a.ravel()])


same(overwritten(numpy), overwritten(np), ("B", "", "", "overwritten"))
"""

STRIDES = """
import numpy
import maniple as np

random = numpy.random.default_rng(12)
for kind in "bBhHiIlLefd?FD":
    for n in (1, 7, 8, 31, 32, 33, 64, 65, 129, 1000):
        for step in (*range(1, 18), 31, 32, 33):
            x = (random.normal(size=n * step) * 90).astype(kind)
            y = np.array(x)
            for part in (slice(None, None, step), slice(None, None, -step), slice(step - 1, None, step)):
                for form in (lambda a: a ^ a if kind in "bBhHiIlL?" else a * a, lambda a: a.astype("F" if kind in "FD" else "f") + 1):
                    with numpy.errstate(all="ignore"):
                        want, got = form(x[part]), numpy.asarray(form(y[part]))
                    assert want.dtype == got.dtype and numpy.array_equal(want, got, equal_nan=want.dtype.kind in "fc"), (kind, n, step, part)
colours = random.integers(0, 256, (37, 41, 3), dtype="B")
for m in (numpy, np):
    wide = m.array(colours).astype("H")
    grey = ((77 * wide[:, :, 0] + 150 * wide[:, :, 1] + 29 * wide[:, :, 2]) >> 8).astype("B")
    if m is numpy:
        expected = grey
assert numpy.array_equal(expected, numpy.asarray(grey))
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_reading_past_a_copy_changes_nothing(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_DEFER_ALL="1", MANIPLE_ENGINE=engine)


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_strides_of_any_length(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, STRIDES, MANIPLE_DEFER_ALL="1", MANIPLE_ENGINE=engine)
