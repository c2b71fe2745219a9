"""Sorting, searching and counting against NumPy, by data type, length and layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import maniple as np
from maniple import _profile
from maniple._array import ndarray
from test_table import DTYPES, outcome

pytestmark = pytest.mark.usefixtures("defer_all")

LENGTHS = (1, 2, 3, 15, 16, 17, 255, 256, 257, 1000)


def values(dtype: str, n: int, seed: int = 0) -> Any:
    """Return few and many different values, with all that is special about the type."""
    random = numpy.random.default_rng(seed)
    kind = numpy.dtype(dtype).kind
    if kind in "fc":
        special = [
            0.0,
            -0.0,
            numpy.nan,
            -numpy.nan,
            numpy.inf,
            -numpy.inf,
            1e-45,
            5e-324,
            1.0,
            -1.0,
        ]
        with numpy.errstate(all="ignore"):
            x = random.normal(size=n).astype(dtype)
            if kind == "c":
                x = (x + 1j * random.choice(special, n)).astype(dtype)
                x.real[random.random(n) < 0.5] = 1
            pick = random.random(n) < 0.3
            x.real[pick] = random.choice(special, pick.sum())
        return x
    if kind == "b":
        return random.integers(0, 2, n).astype(bool)
    info = numpy.iinfo(dtype)
    x = random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
    x[random.random(n) < 0.3] = 3
    return x


def bits(x: Any) -> Any:
    """Return what tells everything but NaN apart; the payload of a NaN is nobody's promise."""
    x = numpy.array(x)
    if x.dtype.kind == "c":
        return numpy.stack([bits(x.real), bits(x.imag)])
    if x.dtype.kind == "f":
        return numpy.where(numpy.isnan(x), numpy.nan, x), numpy.signbit(x) & ~numpy.isnan(x)
    return x


def assert_equal(got: Any, want: Any) -> None:
    if isinstance(want, tuple):
        assert isinstance(got, tuple)
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            assert_equal(g, w)
        return
    if isinstance(want, type):
        assert got is want
        return
    got, want = numpy.asarray(got), numpy.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    numpy.testing.assert_array_equal(got, want)


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "vector": lambda x: x,
    "reversed": lambda x: x[::-1],
    "strided": lambda x: x[::-2],
    "matrix": lambda x: x[: len(x) // 6 * 6].reshape(6, -1),
    "transposed": lambda x: x[: len(x) // 6 * 6].reshape(6, -1).T,
    "cube": lambda x: x[: len(x) // 12 * 12].reshape(2, 6, -1)[:, ::-1],
    "broadcast": lambda x: numpy.broadcast_to(x, (3, len(x))),
}

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda m, x: m.sort(x, kind="stable"),
    "sort axis 0": lambda m, x: m.sort(x, axis=0, stable=True),
    "sort flat": lambda m, x: m.sort(x, axis=None),
    "sort bad axis": lambda m, x: m.sort(x, axis=7),
    "sort bad kind": lambda m, x: m.sort(x, kind="odd"),
    "argsort": lambda m, x: x.argsort(kind="stable"),
    "argsort axis 0": lambda m, x: m.argsort(x, axis=0, kind="stable"),
    "argsort flat": lambda m, x: m.argsort(x, axis=None, stable=True),
    "lexsort": lambda m, x: m.lexsort((x.ravel(), x.ravel() != x.ravel()[:1])),
    "median place": lambda m, x: m.partition(x, x.shape[-1] // 2)[..., x.shape[-1] // 2],
    "partition sorted": lambda m, x: m.sort(m.partition(x, [0, -1], axis=0), axis=0),
    "partition bad": lambda m, x: m.partition(x, 10**6),
    "argpartition": lambda m, x: m.sort(m.argpartition(x, 0)),
    "searchsorted": lambda m, x: m.sort(x.ravel()).searchsorted(x),
    "searchsorted right": lambda m, x: m.searchsorted(m.sort(x, axis=None), x, side="right"),
    "searchsorted scalar": lambda m, x: m.searchsorted(m.sort(x, axis=None), 1),
    "searchsorted mixed": lambda m, x: m.searchsorted(m.arange(5), x),
    "searchsorted sorter": lambda m, x: m.searchsorted(
        x.ravel(), x, sorter=m.argsort(x, axis=None, kind="stable")
    ),
    "searchsorted bad": lambda m, x: m.searchsorted(x, x, side="middle"),
    "digitize": lambda m, x: m.digitize(x, [-1, 0, 2, 5]),
    "digitize down": lambda m, x: m.digitize(x, [5, 2, 0], right=True),
    "nonzero": lambda m, x: x.nonzero(),
    "where": lambda m, x: m.where(x),
    "flatnonzero": lambda m, x: m.flatnonzero(x),
    "argwhere": lambda m, x: m.argwhere(x),
    "unique": lambda m, x: m.unique(x),
    "unique all": lambda m, x: m.unique(x, True, True, True),
    "unique counts": lambda m, x: m.unique(x, return_counts=True, equal_nan=False),
    "bincount": lambda m, x: m.bincount((x.ravel() == 3) * 2),
    "bincount itself": lambda m, x: m.bincount(x.ravel() % 5),
    "bincount weights": lambda m, x: m.bincount(m.arange(x.size) % 7, x.ravel().real, 12),
    "bincount negative": lambda m, x: m.bincount(m.arange(x.size) - 1),
    "histogram": lambda m, x: m.histogram(x, 7),
    "histogram range": lambda m, x: m.histogram(x, 7, range=(-1, 2)),
    "histogram edges": lambda m, x: m.histogram(x, [-1, 0, 0.5, 100]),
    "histogram density": lambda m, x: m.histogram(x, 5, (-1, 3), density=True),
    "repeat": lambda m, x: m.repeat(x, m.arange(x.shape[0]) % 3, axis=0),
    "repeat flat": lambda m, x: x.repeat((x == x).ravel() * 2),
    "packbits": lambda m, x: m.packbits(x),
    "packbits axis": lambda m, x: m.packbits(x, axis=-1, bitorder="little"),
    "unpackbits": lambda m, x: m.unpackbits(x),
    "unpackbits little": lambda m, x: m.unpackbits(x, axis=-1, bitorder="little"),
    "add reduceat": lambda m, x: m.add.reduceat((x == x) * 3, [0, 0]),
    "max reduceat": lambda m, x: m.maximum.reduceat(x.ravel(), [0, 3, 1, 9]),
    "min reduceat": lambda m, x: m.minimum.reduceat(x, [0, 1, 0], axis=-1),
    "reduceat bad": lambda m, x: m.add.reduceat(x, [10**6]),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_function_agrees_with_numpy(name: str, layout: str) -> None:
    for dtype in DTYPES:
        x = LAYOUTS[layout](values(dtype, 120))
        want = outcome(FUNCTIONS[name], numpy, x.copy())
        ours = LAYOUTS[layout](np.array(values(dtype, 120)))
        assert type(ours) is ndarray
        assert_equal(outcome(FUNCTIONS[name], np, ours), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_sort_is_stable(dtype: str, n: int) -> None:
    x = values(dtype, n, n)
    ours = np.array(x)
    assert_equal(np.argsort(ours), numpy.argsort(x, kind="stable"))
    want = numpy.sort(x, kind="stable")
    got = np.sort(ours)
    numpy.testing.assert_array_equal(bits(got), bits(want))
    for kth in {0, n // 2, n - 1}:
        part = numpy.asarray(np.partition(ours, kth))
        numpy.testing.assert_array_equal(part[kth], want[kth])
        numpy.testing.assert_array_equal(numpy.sort(part), want)
        numpy.testing.assert_array_equal(numpy.sort(part[:kth]), want[:kth])


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda m, x: x.sort(kind="stable"),
    "sort axis 0": lambda m, x: x.sort(axis=0),
    "sort view": lambda m, x: x[..., ::-2].sort(stable=True),
    "sort order": lambda m, x: x.sort(order="f"),
    "partition": lambda m, x: (x.partition(x.shape[-1] - 1), x[..., :-1].sort()),
    "add.at": lambda m, x: m.add.at(x, m.array([0, 1, 0, -1]), m.array([1, 1, 2, 1], x.dtype)),
    "add.at one": lambda m, x: m.add.at(x, m.array([0, 0]), x.dtype.type(1)),
    "add.at bounds": lambda m, x: m.add.at(x, m.array([0, 10**6]), 1),
    "add.at cast": lambda m, x: m.add.at(x, m.array([0, 0]), 0.5),
    "add.at pairs": lambda m, x: m.add.at(
        x, (m.array([0, 1, 0]), m.array([1, 1, 1])), x.dtype.type(1)
    ),
    "subtract.at": lambda m, x: m.subtract.at(x, [1, 1], x[:2]),
    "multiply.at": lambda m, x: m.multiply.at(x, [1, 1, 0], x.dtype.type(3)),
    "maximum.at": lambda m, x: m.maximum.at(x, m.array([[0, 1], [1, 0]]), x.dtype.type(1)),
    "minimum.at": lambda m, x: m.minimum.at(x, m.array([0, 1, 0]), x.dtype.type(0)),
    "read-only": lambda m, x: (x.setflags(write=False), x.sort()),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("layout", list(LAYOUTS)[:-1])
def test_write_agrees_with_numpy(name: str, layout: str) -> None:
    for dtype in DTYPES:
        results = []
        for module in (numpy, np):
            base = module.array(values(dtype, 120))
            x = LAYOUTS[layout](base)
            result = outcome(WRITES[name], module, x)
            results.append((result if isinstance(result, type) else None, base))
        (want_error, want), (error, got) = results
        assert error == want_error
        assert_equal(got, want)


def test_empty_and_scalar_are_numpys() -> None:
    for function in FUNCTIONS.values():
        for x in (numpy.zeros((0,)), numpy.zeros((3, 0)), numpy.array(2.5)):
            want = outcome(function, numpy, x.copy())
            assert_equal(outcome(function, np, np.array(x)), want)


def test_everything_is_deferred() -> None:
    x = np.array(values("d", 600))
    i = np.arange(600)
    calls: list[Callable[[], Any]] = [
        lambda: np.sort(x),
        lambda: np.argsort(x),
        lambda: np.partition(x, 3),
        lambda: np.argpartition(x, 3),
        lambda: np.searchsorted(np.sort(x), x),
        lambda: np.bincount(i),
        lambda: np.unique(x, return_inverse=True),
        lambda: np.nonzero(x),
        lambda: np.where(x),
        lambda: np.argwhere(x),
        lambda: np.histogram(i, 5),
        lambda: np.lexsort((x, x)),
        lambda: np.digitize(x, [0, 1]),
        lambda: np.repeat(x, i % 3),
        lambda: np.packbits(i),
        lambda: np.add.reduceat(x, [0, 5]),
        lambda: np.add.at(x, i, x),
        lambda: x.sort(),
        lambda: x.partition(3),
        lambda: x.argsort(),
    ]
    _profile.start()
    try:
        for call in calls:
            call()
        places = {(row["function"], row["where"]) for row in _profile.rows()}
    finally:
        _profile.stop()
    assert {name for name, place in places if place == "fallback"} == set()
