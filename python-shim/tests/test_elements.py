"""Elements read and written one by one: NumPy's answers wherever the array lies, and not for long a
message each.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

import maniple as np
from maniple import _settings
from maniple._buffer import LOCAL, PRIVATE, SHARED
from maniple._dtypes import CODE
from maniple._pace import pace
from maniple._recorder import stream

N = 50_000


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without what moves arrays of a middle size to the host."""
    monkeypatch.setattr(_settings, "host", 0)
    yield
    pace.reset()


def private(n: int = N) -> Any:
    a = np.arange(float(n)) * 2
    assert a._buf.home == PRIVATE
    return a


def shared() -> Any:
    a = private()
    numpy.asarray(a)
    assert a._buf.home == SHARED
    return a


def local() -> Any:
    a = np.array(numpy.arange(2000.0) * 2)
    assert a._buf.home == LOCAL
    return a


HOMES = {"private": private, "shared": shared, "local": local}


@pytest.mark.parametrize("home", HOMES)
def test_elements_are_numpys(home: str) -> None:
    a = HOMES[home]()
    for view in (a, a[::-3], a[7:1007].reshape(10, 100).T, a[:60].reshape(3, 4, 5), a[5:6]):
        real = numpy.array(view)
        for key in itertools.product(*[(0, -1, n // 2) for n in real.shape]):
            for k in (key, tuple(map(numpy.int64, key))):
                element = view[k]
                assert type(element) is numpy.float64
                assert element == real[k]
        if real.ndim == 1:
            assert view[-1] == real[-1]
            assert type(view[numpy.int32(0)]) is numpy.float64


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("key", [10**6, -(10**6), (10**6,)])
def test_out_of_bounds(home: str, key: Any) -> None:
    a = HOMES[home]()
    with pytest.raises(IndexError) as expected:
        numpy.zeros(a.size)[key]
    for access in (lambda: a[key], lambda: a.__setitem__(key, 1.0)):
        with pytest.raises(IndexError) as given:
            access()
        assert str(given.value) == str(expected.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", CODE)
def test_written_elements_of_every_type(dtype: numpy.dtype) -> None:
    a, real = np.ones(N, dtype), numpy.ones(N, dtype)
    for i, value in enumerate((True, 3, 2.75, numpy.float64(4.5), numpy.int64(7), numpy.bool_(0))):
        for x in (a, real):
            x[i] = value
            x[-1 - i] = x[i]
    assert numpy.array_equal(a, real)
    for value in (float("nan"), 1 << 70, -1):
        outcomes = []
        for x in (real, a):
            try:
                x[3] = value
                outcomes.append(x[3].item())
            except (ValueError, OverflowError) as error:
                outcomes.append((type(error), str(error)))
        assert str(outcomes[0]) == str(outcomes[1])


def test_a_loop_of_reads_fetches_the_array_once() -> None:
    a = private()
    assert a[0] == 0
    assert a._buf.home == PRIVATE, "one element is not worth it"
    before = stream.number
    assert [a[i] for i in range(100)] == [2.0 * i for i in range(100)]
    assert a._buf.home == SHARED
    assert stream.number <= before + 3


def test_a_loop_of_writes_fetches_the_array_once() -> None:
    a, b = np.zeros(N), private()
    recorded = stream.number, len(stream.batch.operation)
    for i in range(1, 1000):
        a[i] = a[i - 1] + b[i]
    assert a._buf.home == SHARED
    assert stream.number <= recorded[0] + 10
    real = numpy.zeros(N)
    real[1:1000] = numpy.cumsum(numpy.arange(N) * 2.0)[1:1000]
    assert numpy.array_equal(a + 0, real)


def test_elements_written_between_operations_stay_at_the_backend() -> None:
    a, real = np.zeros(N), numpy.zeros(N)
    for step in range(40):
        for x in (a, real):
            x += step
            x[0] = 1.0
            x[-1] = step
    assert a._buf.home == PRIVATE
    assert numpy.array_equal(a, real)


def test_operations_see_written_elements_and_are_seen() -> None:
    a, real = np.zeros(N), numpy.zeros(N)
    results: list[Any] = [None, None]
    for step in range(5):
        for which, x in enumerate((a, real)):
            for i in range(60):
                x[i * 7] = i + step
            x *= 3
            x[1] = x[0] + x[7]
            results[which] = x * 2
            x[2] = results[which][7]
            x[3] = 0.5
    assert numpy.array_equal(a, real)
    assert numpy.array_equal(*results)


def test_adding_to_a_part_copies_nothing() -> None:
    a, real = np.zeros((300, 200)), numpy.zeros((300, 200))
    for x in (a, real):
        for i in range(300):
            x[i, 3:7] += i
            x[i] *= 2
            x[:, 1:3][i] -= 1
        x[1:][:] = x[:-1]
    assert numpy.array_equal(a, real)


def test_read_only_elements() -> None:
    for make in HOMES.values():
        a = make()
        a.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 1.0
        assert a[1] == 2.0


def test_products_of_small_parts() -> None:
    real = numpy.arange(3600.0).reshape(60, 60) / 7
    a = np.array(real)
    for n in (1, 5, 60):
        for x, y, p, q in (
            (a[3, :n], a[7, :n], real[3, :n], real[7, :n]),
            (a[:, :n], a[:n, 5], real[:, :n], real[:n, 5]),
            (a[:4, :n], a[:n], real[:4, :n], real[:n]),
            (a[:4, :n], real[:n], real[:4, :n], real[:n]),
            (a[:n, 2], a[:n, 3:7], real[:n, 2], real[:n, 3:7]),
        ):
            for mine, expected in ((x @ y, p @ q), (np.dot(x, y), numpy.dot(p, q))):
                assert numpy.array_equal(mine, expected)
                assert type(mine) is not float
                assert numpy.ndim(mine) == numpy.ndim(expected)
    with pytest.raises(ValueError, match=r"mismatch|aligned"):
        a[0, :3] @ a[0, :4]


@pytest.mark.parametrize("home", HOMES)
def test_iterating(home: str) -> None:
    a = HOMES[home]()
    real = numpy.array(a)
    assert list(a) == list(real)
    assert [type(x) for x in a[:3]] == [numpy.float64] * 3
    assert sum(a[::-7]) == sum(real[::-7])
    for x in (a, real):
        elements = iter(x)
        next(elements)
        x += 1
        x[2] = next(elements)
        assert next(elements) == 3.0
        x *= 2
        assert next(elements) == 14.0
    del elements
    assert numpy.array_equal(a + 0, real)
    assert [row[0] for row in a[:30].reshape(10, 3)] == list(real[:30:3])
