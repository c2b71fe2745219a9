"""Programs that go through large arrays element by element, and by other small parts."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy
import pytest

import maniple as np
from maniple import _elements, _indexing
from maniple._buffer import LOCAL, PRIVATE, SHARED
from maniple._dtypes import CODE
from maniple._recorder import stream

N = 200


def table(m: Any, dtype: str = "d") -> Any:
    return m.zeros((N, N), dtype) + m.ones((), dtype)


def messages(work: Any) -> int:
    before = stream.number
    work()
    return stream.number - before


def test_a_table_is_filled_and_read_without_messages() -> None:
    a = table(np)
    assert a._buf.home == PRIVATE

    def fill() -> None:
        for i in range(N):
            for j in range(N):
                a[i, j] = i * j % 7

    assert messages(fill) <= 2
    assert a._buf.home == SHARED
    total = 0.0

    def read() -> None:
        nonlocal total
        for i in range(N):
            for j in range(N):
                total += a[i, j]

    assert messages(read) == 0
    expected = numpy.fromfunction(lambda i, j: i * j % 7, (N, N))
    assert total == expected.sum()
    assert numpy.array_equal(numpy.asarray(a * 2), expected * 2)


def test_two_tables_that_depend_on_each_other() -> None:
    def program(m: Any) -> Any:
        cost = table(m) + m.arange(float(N))
        best = m.zeros((N, N))
        for i in range(1, N):
            for j in range(1, N):
                best[i, j] = min(best[i - 1, j], best[i, j - 1], best[i - 1, j - 1]) + cost[i, j]
        return best

    got = None

    def run() -> None:
        nonlocal got
        got = program(np)

    assert messages(run) < 20
    assert numpy.array_equal(numpy.asarray(got), program(numpy))


def test_boundary_conditions_leave_an_array_where_it_is() -> None:
    v = np.zeros((N, N)) + 1

    def quiet() -> None:
        for _ in range(50):
            v[0, :] = 1
            v[-1, :] = 0
            v[:, 0] = v[:, 1]
            v[1:-1, 1:-1] += 0.1 * (v[2:, 1:-1] - v[:-2, 1:-1])

    assert messages(quiet) == 0
    assert v._buf.home == PRIVATE


def test_rows_that_are_chosen_are_numpys() -> None:
    a = table(np)
    index = numpy.array([3, 1, 199])

    def run() -> None:
        for k in range(100):
            part = a[index]
            a[index] = part + k

    assert messages(run) <= 5
    expected = numpy.ones((N, N))
    expected[index] += sum(range(100))
    assert numpy.array_equal(numpy.asarray(a), expected)


def test_what_is_far_away_is_fetched_only_where_that_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    far = stream.limits._replace(shared_memory=False)
    monkeypatch.setattr(stream, "limits", far)
    buf = table(np)._buf
    looks: list[int] = []
    monkeypatch.setattr(type(buf), "look", lambda self: looks.append(1))
    for _ in range(2):
        _elements.at_home(buf, 1, reads=True)
    assert looks == [1], "a mebibyte is two answers"
    buf.nbytes = 100 << 20
    for _ in range(150):
        _elements.at_home(buf, 1, reads=True)
    assert looks == [1]
    buf.nbytes = 100 << 30
    for _ in range(250_000):
        if _elements.at_home(buf, 1, reads=True):
            raise AssertionError("more than anybody's memory")
    buf.nbytes = N * N * 8


def test_a_view_that_somebody_holds_is_seen() -> None:
    """The view that is kept for elements does not count; one that is handed out does."""
    a = table(np)
    a[0, 0] = 2.0
    for _ in range(20):
        a[0, 0] += 1
    assert a._buf.home == SHARED
    assert hasattr(a._buf, "window")
    assert not a._buf.exported()
    view = numpy.asarray(a)
    assert a._buf.exported()
    a += 1
    assert view[0, 0] == 23
    del view
    b = a + 1
    a[0, 0] = -1
    assert b[0, 0] == 24
    assert a[0, 0] == -1


@pytest.mark.parametrize("dtype", ["?", "b", "H", "i", "q", "Q", "e", "f", "d", "F", "D"])
def test_random_accesses_agree(dtype: str) -> None:
    chance = random.Random(dtype)
    program: list[tuple[str, Any, Any]] = []
    for _ in range(600):
        i, j = chance.randrange(-N, N), chance.randrange(-N, N)
        key: Any = chance.choice(
            [
                (i, j),
                (numpy.int64(i), j),
                (i, slice(None)),
                (slice(None), j),
                i,
                (i, slice(3, 20, 3)),
                [i, j],
                numpy.array([i, j]),
                (numpy.array([i, j]), j),
                (slice(5, 9), slice(2, 4)),
                (Ellipsis, j),
                (i, None, j),
            ]
        )
        kind = chance.choice(["read", "read", "write", "write", "add", "whole", "element"])
        program.append((kind, key, chance.randrange(2)))

    def run(m: Any) -> list[Any]:
        a = table(m, dtype)
        columns = a.T
        seen = []
        for number, (kind, key, value) in enumerate(program):
            target = columns if number % 5 == 0 else a
            if kind == "read":
                seen.append(numpy.array(target[key]))
            elif kind == "write":
                target[key] = value
            elif kind == "add" and dtype != "?":
                target[key] += value
            elif kind == "whole" and number % 40 == 0:
                a[1:] = a[:-1]
            elif kind == "element":
                target[key] = target[0, 0]
        return [*seen, numpy.array(a)]

    for got, want in zip(run(np), run(numpy), strict=True):
        assert got.dtype == want.dtype
        assert numpy.array_equal(got, want)


def test_errors_are_numpys() -> None:
    a, b = table(np), numpy.ones((N, N))
    for _ in range(30):
        a[0, 0] = 1.0
    for wrong in [(N, 0), (0, -N - 1), N]:
        with pytest.raises(IndexError) as got:
            a[wrong]
        with pytest.raises(IndexError) as want:
            b[wrong]
        assert str(got.value) == str(want.value)
        with pytest.raises(IndexError):
            a[wrong] = 1.0
    frozen = a[:]
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        frozen[0, 0] = 1.0
    assert frozen[0, 0] == 1.0
    small = np.zeros((N, N), "b") + 1
    for _ in range(30):
        small[0, 0] = 3
    with pytest.raises(OverflowError):
        small[0, 0] = 1000
    assert isinstance(a[0, 0], numpy.float64)
    assert isinstance(small[0, 0], numpy.int8)


def test_local_arrays_stay_local() -> None:
    a = np.array(numpy.ones((N, N)))
    assert a._buf.home == LOCAL
    a[3, 4] = 2.0
    a[5] = 3.0
    assert a._buf.home == LOCAL
    assert (a[3, 4], a[5, 6]) == (2.0, 3.0)


def test_a_grid_of_indices_counts_as_what_it_chooses() -> None:
    real = numpy.arange(float(N * N)).reshape(N, N)
    a = np.array(real)
    few, many = numpy.arange(0, N, 50), numpy.arange(N)
    assert _indexing._chosen(a, numpy.ix_(few, few)) == 16
    assert _indexing._chosen(a, numpy.ix_(many, many)) == N * N
    assert _indexing._chosen(a, (few, many)) == -1
    with pytest.raises(IndexError, match="broadcast"):
        a[few, many]
    for index in (few, many):
        assert numpy.array_equal(a[numpy.ix_(index, index)], real[numpy.ix_(index, index)])


MIDDLE = 50_000


def private(n: int = MIDDLE) -> Any:
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


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", CODE)
def test_written_elements_of_every_type(dtype: numpy.dtype) -> None:
    a, real = np.ones(MIDDLE, dtype), numpy.ones(MIDDLE, dtype)
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


def test_elements_written_between_operations_stay_at_the_backend() -> None:
    a, real = np.zeros(MIDDLE), numpy.zeros(MIDDLE)
    for step in range(40):
        for x in (a, real):
            x += step
            x[0] = 1.0
            x[-1] = step
    assert a._buf.home == PRIVATE
    assert numpy.array_equal(a, real)


def test_operations_see_written_elements_and_are_seen() -> None:
    a, real = np.zeros(MIDDLE), numpy.zeros(MIDDLE)
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


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.array([]),
        lambda m: m.array([1, 2.5, True]),
        lambda m: m.array([[1, 2], [3, 4]], "f"),
        lambda m: m.array([[1, 2], [3, 4]], dtype=object),
        lambda m: m.array([1j, 2], ndmin=3),
        lambda m: m.array([numpy.float64(1), numpy.int64(2)]),
        lambda m: m.array([[1] * 40] * 40),
        lambda m: m.array([m.zeros(3), m.ones(3)]),
        lambda m: m.array([[1.0], m.zeros(1)]),
        lambda m: m.array([[1]]),
        lambda m: m.asarray([1, 2], float),
        lambda m: m.asarray([[], []]),
        lambda m: m.arange(5),
        lambda m: m.arange(-5),
        lambda m: m.arange(7, 3),
        lambda m: m.arange(2, 9),
        lambda m: m.arange(3, 2000),
        lambda m: m.arange(True),
        lambda m: m.eye(3, 4, 1, "i"),
        lambda m: m.eye(50),
        lambda m: m.eye(2, order="F"),
    ],
)
def test_small_arrays_are_numpys(make: Any) -> None:
    got, want = numpy.asarray(make(np)), make(numpy)
    assert (got.dtype, got.shape, got.strides) == (want.dtype, want.shape, want.strides)
    assert numpy.array_equal(got, want)


@pytest.mark.parametrize("wrong", [[[1, 2], [3]], [300, "x"], [1, None]])
def test_lists_that_are_none_of_numbers(wrong: Any) -> None:
    for dtype in (None, "u1", object):
        outcomes = []
        for m in (np, numpy):
            try:
                outcomes.append(repr(m.array(wrong, dtype)))
            except (ValueError, TypeError, OverflowError) as error:
                outcomes.append(f"{type(error).__name__}: {error}")
        assert outcomes[0] == outcomes[1]
