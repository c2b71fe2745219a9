"""Homes of buffers: no order may be observed that NumPy would not have shown."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable

import numpy
import pytest

import maniple as np
from maniple import _recorder
from maniple._array import ndarray
from maniple._backend import Batch
from maniple._buffer import LOCAL, PRIVATE, SHARED
from maniple._recorder import ManipleError, stream

N = 100_000


def test_result_is_private_until_looked_at() -> None:
    x = np.ones(N) + 1
    assert x._buf.home == PRIVATE
    assert numpy.asarray(x)[0] == 2
    assert x._buf.home == SHARED


def test_exported_view_sees_every_write_and_is_seen() -> None:
    x = np.zeros(N)
    real = numpy.asarray(x)
    x += 1
    assert real[0] == 1
    x[10:20] = 5
    assert real[15] == 5
    real[0] = 7
    assert x[0] == 7
    y = x + 1
    real[1] = 100
    assert y[1] == 2


def test_not_exported_any_more_is_recorded_again() -> None:
    x = np.zeros(N)
    real = numpy.asarray(x)
    del real
    x += 1
    assert stream.batch.operation


def test_view_outlives_the_array() -> None:
    x = np.arange(N) * 2.0
    real = numpy.asarray(x)[5:10]
    del x
    gc.collect()
    stream.flush(sync=True)
    assert real.tolist() == [10, 12, 14, 16, 18]
    np.ones(N) + 1
    stream.flush(sync=True)
    assert real.tolist() == [10, 12, 14, 16, 18]


def test_dead_buffers_are_freed() -> None:
    backend = stream.backend
    gc.collect()
    stream.flush(sync=True)
    before = len(backend._buffers)  # type: ignore[attr-defined]
    x = np.ones(N)
    for _ in range(50):
        x = x * 2 + 1
        numpy.asarray(x)
    del x
    gc.collect()
    stream.flush(sync=True)
    np.ones(N).sum()
    stream.flush(sync=True)
    assert len(backend._buffers) <= before + 1  # type: ignore[attr-defined]


def test_local_operand_is_read_when_recorded() -> None:
    small = np.ones(2000)
    assert type(small) is ndarray
    assert small._buf.home == LOCAL
    big = np.ones((50, 2000)) + small
    small[:] = 100
    assert big[0, 0] == 2
    real = numpy.ones(2000)
    big = np.ones((50, 2000)) + real
    real[:] = 100
    assert big[0, 0] == 2


def test_library_functions_write_into_the_same_memory() -> None:
    x = np.arange(N) * -1.0
    x.sort()
    assert x[0] == -N + 1
    numpy.random.default_rng(0).shuffle(numpy.asarray(x))
    assert x.sum() == numpy.arange(N).sum() * -1.0
    out = np.zeros(N)
    assert np.cumsum(x, out=out) is out
    assert out[-1] == x.sum()


def test_fallback_result_that_is_a_view_stays_a_view() -> None:
    x = np.ones((100, 1000))
    view = np.lib.stride_tricks.as_strided(x, (1000,), (8,))
    view[0] = 5
    assert x[0, 0] == 5
    assert np.atleast_3d(x).base is x


def test_selection_is_a_copy() -> None:
    x = np.arange(N) * 1.0
    mask = x > 10
    s = x[mask]
    total = s.sum()
    x[:] = 0
    assert s.sum() == total
    assert len(s) == N - 11
    mask[:] = False
    assert len(s) == N - 11
    s = (np.arange(N) * 1.0)[x == 0]
    s *= 2
    assert s[3] == 6


def test_packed_selection_is_written_element_by_element() -> None:
    """Also where its shape broadcasts to the array's."""
    x = np.arange(40_000.0).reshape(10_000, 4) * 1
    mask = (x < 16) & (x % 4 == 1)
    s = x[mask]
    assert s[3] == 13  # looked at, and so packed
    s *= -1
    x[mask] = s
    assert x[:5, 1].tolist() == [-1, -5, -9, -13, 17]


def test_masked_update_is_not_packed() -> None:
    x = np.arange(N) * 1.0
    mask = x > 10
    before = stream.number
    x[mask] *= 2
    assert stream.number == before, "an update through a mask needs no observation"
    assert x[11] == 22
    assert x[10] == 10


def test_pickle_is_numpys() -> None:
    x = np.arange(N) * 1.0
    again = pickle.loads(pickle.dumps(x[::2]))
    assert type(again) is numpy.ndarray
    assert (again == numpy.arange(N)[::2]).all()
    clone = copy.deepcopy(x)
    clone[0] = 5
    assert x[0] == 0
    assert type(clone) is ndarray


def _child(x: ndarray, connection: object) -> None:
    try:
        connection.send(float(x.sum()))  # type: ignore[attr-defined]
    except ManipleError as error:
        connection.send(str(error))  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("cheap", [True, False])
def test_fork(cheap: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(N) * 1.0
    if not cheap:
        monkeypatch.setattr(_recorder, "_FORK_BYTES", 1000)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(x, theirs))
    process.start()
    assert ours.poll(60)
    answer = ours.recv()
    process.join(60)
    if cheap:
        assert answer == N * (N - 1) / 2
    else:
        assert "before fork()" in answer
    x += 1
    assert x.sum() == N * (N + 1) / 2


def test_threads() -> None:
    failures = []

    def work(k: int) -> None:
        for i in range(30):
            x = np.full(40_000, float(k))
            x += i
            x[::2] *= 2
            if x.sum() != (k + i) * 60_000:
                failures.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_error_names_the_line() -> None:
    x = np.ones(N)
    y = x + 1
    stream.batch.operand_offset[-1] = 1 << 40  # corrupt the recorded program
    stream.batch.operand_buffer[-1] = 1 << 40
    with pytest.raises(ManipleError):
        y.sum()


def test_errstate_raise_is_numpys() -> None:
    x = np.zeros(N)
    with numpy.errstate(divide="raise"), pytest.raises(FloatingPointError):
        1.0 / x


def test_read_only() -> None:
    x = np.broadcast_to(np.ones(N), (2, N))
    with pytest.raises(ValueError, match="read-only"):
        x += 1
    y = np.ones(N)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        y[0] = 1
    y.flags.writeable = True
    y[0] = 3


def test_attributes() -> None:
    x = np.zeros((200, 300))
    assert (x.ndim, x.size, x.nbytes, x.itemsize) == (2, 60_000, 480_000, 8)
    assert x.T.strides == (8, 2400)
    assert x.base is None
    assert x[1:].base is x
    assert x.flags.c_contiguous
    assert not x.T.flags["C"]
    assert repr(x.flags) == repr(numpy.zeros((200, 300)).flags)
    assert len(x) == 200
    x.shape = (300, 200)
    assert x.shape == (300, 200)
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    assert x.__array_interface__["shape"] == (300, 200)
    assert numpy.from_dlpack(x).shape == (300, 200)


def test_scalar_zeros_keep_their_signs() -> None:
    x = np.ones(N)
    positive, negative, again = x * 0.0, x * -0.0, x * 0
    assert numpy.signbit([positive[0], negative[0], again[0]]).tolist() == [False, True, False]


def test_layout_follows_the_attributes() -> None:
    x = np.arange(N) * 1.0
    before = x + x
    x.shape = (100, N // 100)
    after = x + x
    assert (before.shape, after.shape) == ((N,), (100, N // 100))
    x.dtype = np.int64
    assert (x + x).dtype == np.int64
    assert (-x).dtype == np.int64


def test_middle_sizes_are_numpys_and_ours() -> None:
    x = np.arange(5000) * 1.0
    for _ in range(2):
        y = x * 2.0 + x
        assert type(y) is ndarray
        assert y._buf.home == LOCAL
        assert y.flags.owndata
        assert y[3] == 9
    real = numpy.asarray(y)
    y += 1
    assert real[3] == 10
    big = np.zeros((100, 5000)) + y
    y += 1  # after a copy of it was recorded
    assert big[5, 3] == 10
    assert (np.zeros((100, 5000)) + y)[5, 3] == 11
    with pytest.raises(TypeError, match="Cannot cast"):
        np.arange(5000).__iadd__(x)


def test_selection_of_a_middle_size_keeps_what_it_read() -> None:
    x = np.arange(5000) * 1.0
    chosen = x[x > 4000]
    x += 1
    assert chosen[0] == 4001


def test_integers_that_do_not_fit_are_refused() -> None:
    for n in (5000, N):
        x = np.zeros(n, np.uint8)
        assert (x + 255)[0] == 255
        with pytest.raises(OverflowError):
            x + 256
        assert not (x == 256).any()


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: np.sum(x * x),
        lambda x: (x * x).sum(),
        lambda x: np.max(x * x, axis=None),
        lambda x: np.mean(a=x * x),
        lambda x: np.any(x > 5),
        lambda x: np.argmax(x + 1),
        lambda x: np.sum(x[x > 5]),
        lambda x: np.mean(x[x > 5]),
    ],
)
def test_temporary_dies_in_the_batch_that_reduces_it(
    reduce: Callable[[ndarray], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.arange(N) * 1.0
    stream.flush(sync=True)
    seen = []
    submit = stream.backend.submit

    def watched(batch: Batch) -> list[bytes | numpy.ndarray]:
        seen.append(batch)
        return submit(batch)

    monkeypatch.setattr(stream.backend, "submit", watched)
    reduce(x)
    (batch,) = seen
    temporary = batch.buffers[0][0]
    position = 0
    freed = set()
    for operation, count in zip(batch.operation, batch.operand_count, strict=True):
        if operation == 0:
            freed.add(batch.operand_buffer[position])
        position += count
    assert temporary in freed


def test_moments_of_a_selection() -> None:
    real = numpy.random.default_rng(1).standard_normal(N)
    x = np.array(real)
    for function in ("mean", "std", "var"):
        for limit in (0.5, 3.0):
            expected = getattr(real[real > limit], function)()
            assert getattr(x[x > limit], function)() == pytest.approx(expected)
            assert getattr(np, function)(x[x > limit]) == pytest.approx(expected)
        with pytest.warns(RuntimeWarning):
            assert numpy.isnan(getattr(x[x > 100], function)())
    assert x[x == x[7]].var() == 0
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        assert numpy.isnan(x[x == x[7]].var(ddof=1))


@pytest.mark.parametrize("kind", ["?", "i1", "u2", "i8", "u8", "f2", "f4", "f8"])
def test_extremes_and_counts_of_a_selection(kind: str) -> None:
    real = (numpy.random.default_rng(2).standard_normal(N) * 50).astype(kind)
    places = numpy.arange(N)
    masks = [real > 0, real < 0, places == N - 1, places == 0, places >= 0, places % 7 == 3]
    if kind[0] == "f":
        real[5::9_001] = numpy.nan
        masks += [real != real, real == real]
    x = np.array(real)
    for mask in masks:
        m = np.array(mask)
        for function in ("max", "min"):
            try:
                expected = getattr(real[mask], function)()
            except ValueError as error:
                with pytest.raises(ValueError, match=str(error)):
                    getattr(x[m], function)()
                continue
            for got in (getattr(x[m], function)(), getattr(np, function)(x[m], axis=0)):
                assert type(got) is type(expected)
                assert got.tobytes() == expected.tobytes()
        assert np.count_nonzero(x[m]) == numpy.count_nonzero(real[mask])
        assert type(np.count_nonzero(x[m])) is type(np.count_nonzero(x))
        assert len(x[m]) == x[m].size == len(real[mask])
    square = x.reshape(-1, 100)
    assert square[square > 0].max() == real.reshape(-1, 100)[real.reshape(-1, 100) > 0].max()
    for function in ("max", "min"):
        with pytest.raises(ValueError, match="zero-size array to reduction operation"):
            getattr(x[np.zeros(N, bool)], function)()
    assert np.count_nonzero(x[np.zeros(N, bool)]) == 0


def test_reductions_are_known_by_their_names() -> None:
    class Known:
        def __array_function__(self, function: object, *args: object) -> bool:
            return function is np.sum

    assert np.sum(Known()) is True
    assert pickle.loads(pickle.dumps(np.sum)) is np.sum
    assert np.sum([1, 2]) == 3


@pytest.mark.parametrize("rest", [(), (3,), (0,), (2, 3)])
@pytest.mark.parametrize("leading", [1, 2])
def test_a_mask_of_leading_dimensions_chooses_rows(rest: tuple[int, ...], leading: int) -> None:
    shape = (200, 300)[:leading] + (() if leading == 2 else (300,)) + rest
    real = numpy.arange(float(numpy.prod(shape))).reshape(shape)
    mask = real.sum(axis=tuple(range(leading, real.ndim))) % 7 < 3
    for a, m in ((real, mask), (real[::-1], mask), (numpy.asfortranarray(real), mask[::-1])):
        want = a[m]
        got = np.asarray(a)[np.asarray(m)]
        assert numpy.array_equal(numpy.asarray(got), want)
        assert got.shape == want.shape
        assert got.strides == want.strides
    assert np.asarray(real)[np.asarray(mask & False)].shape == (0, *shape[leading:])
