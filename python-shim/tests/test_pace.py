"""Programs that look at results all the time are NumPy's, up to a size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import pytest

import maniple as np
from maniple import _pace, _settings
from maniple._buffer import LOCAL, PRIVATE
from maniple._pace import pace
from maniple._recorder import stream

N = 50_000
LARGE = 2 << 20


@pytest.fixture(autouse=True)
def _before() -> Iterator[None]:
    defer = _settings.defer
    yield
    pace.reset()
    assert _settings.defer == defer


def look_often(x: Any, times: int = 100) -> Any:
    for _ in range(times):
        x = x + 1
        float(x[0])
    return x


def test_arrays_of_a_middle_size_move_to_the_host() -> None:
    x = np.ones(N) + 1
    other = np.ones(N) * 3
    assert x._buf.home == other._buf.home == PRIVATE
    x = look_often(x)
    assert pace.talkative
    assert x._buf.home == LOCAL
    number = stream.number
    y = x * 2
    assert y._buf.home == LOCAL
    assert stream.number == number, "nothing is at the backend any more"
    z = other + y
    assert other._buf.home != PRIVATE, "it was fetched"
    assert numpy.asarray(z).tolist() == [207.0] * N


def test_every_kind_of_operation_agrees() -> None:
    def program(m: Any) -> list[Any]:
        a = m.arange(float(N)).reshape(250, 200) + 1
        results = []
        for k in range(60):
            row = a[k] / float(a[k, k])
            a[k] = row
            a[k + 1 :] -= a[k + 1 :, k][:, None] * row[None, :] * 1e-3
            results.append(float((row * row).sum()))
        mask = a > 10
        b = a.copy()
        b[mask] = 0
        b[:, 3] += row.mean()
        a += b
        np_where = m.where(mask, a, b)
        results += [
            a,
            b,
            np_where,
            a[mask],
            a[[3, 1]],
            a.T @ b,
            a.sum(axis=0),
            m.sqrt(abs(b)),
            a.max(axis=1),
        ]
        out = m.zeros_like(a)
        m.add(a, b, out=out)
        return [*results, out]

    expected = program(numpy)
    actual = program(np)
    assert pace.talkative
    for want, got in zip(expected, actual, strict=True):
        numpy.testing.assert_allclose(numpy.asarray(got), want, rtol=1e-12)


def test_large_arrays_are_deferred_all_the_same() -> None:
    look_often(np.ones(N) + 1)
    x = np.ones(LARGE) + 1
    assert x._buf.home == PRIVATE


def test_much_work_between_observations_ends_it() -> None:
    look_often(np.ones(N) + 1)
    assert pace.talkative
    x = np.ones(LARGE)
    for _ in range(20):
        for _ in range(3):
            x = x + 1
        float(x[0])
    assert not pace.talkative


def test_the_backend_is_tried_again_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "_PATIENCE", 20 * N)
    pace.reset()
    x = np.ones(N) + 1
    operations = []
    for _ in range(3):
        while not pace.talkative:
            x = look_often(x, 1)
        count = 0
        while pace.talkative:
            x = x + 1
            count += 1
        operations.append(count)
    assert operations == [21, 41, 81]


def test_few_observations_say_nothing() -> None:
    look_often(np.ones(N) + 1, times=7)
    assert not pace.talkative


def test_expensive_work_is_worth_an_observation() -> None:
    x = np.ones(3 * N) + 1
    for _ in range(100):
        x = np.arctan2(x, 2.0)
        float(x[0])
    assert not pace.talkative


def test_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_settings, "host", 0)
    look_often(np.ones(N) + 1)
    assert not pace.talkative


def test_what_numpy_does_as_fast_is_numpys() -> None:
    x = np.ones(4 * N) + 1
    assert np.sort(x)._buf.home == LOCAL
    assert np.sort(np.ones(LARGE) + 1)._buf.home == PRIVATE
    for name in ("sort", "argsort", "unique", "histogram", "accumulate", "searchsorted"):
        assert _pace.least(name) >= _settings.defer
    assert _pace.least("sort") > _pace.least("argsort") > _pace.least("accumulate")


def test_what_gains_more_is_deferred_while_looking_often() -> None:
    look_often(np.ones(N) + 1)
    assert pace.talkative
    x = np.ones(10 * N)
    assert np.cumsum(x)._buf.home == PRIVATE
    assert (x + 1)._buf.home == LOCAL
    assert (
        _pace.least("accumulate") < _pace.least("argsort") < _pace.least("sort") == _settings.host
    )


def test_the_sizes_follow_what_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_settings, "defer", 0)
    assert _pace.least("sort") == 0
    monkeypatch.setattr(_settings, "defer", 100)
    assert _pace.least("sort") == 3200


def test_small_operations_on_parts_move_to_the_host() -> None:
    def program(m: Any) -> Any:
        a = m.arange(float(N)).reshape(250, 200) * 2
        b = m.zeros((250, 200))
        for _ in range(6):
            for j in range(2, 200):
                b[:, j] = a[:, j] * 0.5 + b[:, j - 1] * 0.25 - b[:, j - 2] * 0.125
        return b

    before = stream.number
    result = program(np)
    assert pace.talkative
    assert stream.number <= before + 5

    def wide(m: Any) -> Any:
        a = m.ones((LARGE // 1000, 1000))
        for j in range(1, 1000):
            a[:, j] = a[:, j - 1] * 0.5 + a[:, 0]
        return a

    pace.reset()
    before = stream.number
    large = wide(np)
    assert stream.number <= before + 5, "a small part of a large array in hand is written there"
    assert numpy.array_equal(large, wide(numpy))
    assert result._buf.home != PRIVATE
    assert numpy.array_equal(result, program(numpy))


def test_many_operations_on_large_arrays_stay_at_the_backend() -> None:
    a = np.zeros(N)
    for _ in range(2100):
        a += 1
    assert not pace.talkative
    assert a._buf.home == PRIVATE
    assert a[7] == 2100
