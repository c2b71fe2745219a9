"""Homes of buffers: no order may be observed that NumPy would not have shown."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import threading

import maniple as np
import numpy
import pytest
from maniple import _recorder
from maniple._array import ndarray
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
