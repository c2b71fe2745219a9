"""A user's program cannot tell a Maniple array from NumPy's: type(), the buffer protocol, classes
with an __array__ of their own. Each program runs under plain Python and under Maniple.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import maniple
from maniple import _buffer_protocol, _fallback
from scripts import printed

TYPES = """
import abc, enum, types
import numpy as np
a = np.arange(100_000.0)
print(type(a) is np.ndarray, type(a), type(a[:10]), type(a.flat), type(3), type(type))
print(isinstance(np.ndarray, type), isinstance(3, type), type == type)
print(issubclass(abc.ABCMeta, type))
print(type("C", (), {"x": 1}).x, type[int], repr(type))
class Meta(type):
    def __new__(cls, name, bases, namespace):
        return super().__new__(cls, name, bases, {**namespace, "made": True})
class Base(metaclass=Meta): pass
class Both(abc.ABCMeta, Meta): pass
class Derived(metaclass=Both): pass
class Color(enum.Enum): RED = 1
print(Base.made, type(Base), type(Derived), type(Color.RED), isinstance(Base, Meta))
"""

ARRAY = """
import numpy as np
class Box:
    def __init__(self, data): self.data = data
    def __array__(self, dtype=None, copy=None): return self.data
box = Box(np.arange(100_000.0))
other = type("Other", (), {"__array__": lambda self, dtype=None, copy=None: box.data + 1})()
print(np.asarray(box).sum(), np.sin(box)[3], np.add(box, other)[:4], np.asarray(other).shape)
"""


@pytest.mark.parametrize("program", [TYPES, ARRAY], ids=["type", "__array__"])
def test_prints_the_same(program: str, tmp_path: Path) -> None:
    outputs = printed(program, tmp_path, stderr=subprocess.PIPE)
    assert outputs[0] == outputs[1] != ""


needs_buffers = pytest.mark.skipif(
    sys.version_info < (3, 12) and not _buffer_protocol.supported(),
    reason="classes written in Python have no buffer protocol here",
)


@needs_buffers
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "c16"])
def test_buffer(dtype: str) -> None:
    plain = np.arange(24).reshape(4, 6).astype(dtype)
    ours = maniple.array(plain)
    for key in (..., slice(None, None, 2), (slice(None), slice(None, None, -1)), (1, 2)):
        if np.ndim(plain[key]) == 0 and not isinstance(plain[key], np.ndarray):
            continue
        a, b = memoryview(plain[key]), memoryview(ours[key])
        assert (a.format, a.shape, a.strides, a.tobytes()) == (
            b.format,
            b.shape,
            b.strides,
            b.tobytes(),
        )
    assert hashlib.sha256(ours).digest() == hashlib.sha256(plain).digest()
    memoryview(ours).cast("B")[0] = 1
    assert bytes(maniple.ravel(ours)[:1])[0] == 1


@needs_buffers
def test_buffer_refusals_are_numpys() -> None:
    ours = maniple.array(np.arange(100_000.0))
    with pytest.raises(ValueError, match="not C-contiguous"):
        hashlib.sha256(ours[::2])
    ours.flags.writeable = False
    assert memoryview(ours).readonly


def test_lists_that_hold_themselves() -> None:
    nested: list[object] = []
    nested.append(nested)
    assert _fallback.real([nested])[0] is not None
    with pytest.raises(ValueError, match="maximum number of dimension"):
        maniple.array([nested, nested], dtype=float)


def test_arange_of_unsigned_integers_downwards() -> None:
    expected = np.arange(64_512, 20_000, -1, dtype=np.uint16)
    np.testing.assert_array_equal(maniple.arange(64_512, 20_000, -1, dtype=np.uint16), expected)


def test_an_array_beyond_the_address_space() -> None:
    huge = maniple.broadcast_to(maniple.zeros((), "u1"), (1 << 62,))
    with pytest.raises(MemoryError):
        maniple.array(huge)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_take_is_in_c_order(axis: int | None, defer_all: None) -> None:
    plain = np.full((3, 4, 6), 4, "f2")
    for indices in ([2, 0, 0], np.asfortranarray([[0, 1], [2, 0], [1, 1]])):
        want, got = np.take(plain, indices, axis), maniple.take(maniple.array(plain), indices, axis)
        assert (got.strides, got.base is None) == (want.strides, want.base is None)
        flat = got.ravel()
        flat -= flat
        assert not got.any()


def test_too_many_indices_come_before_a_value_out_of_range(defer_all: None) -> None:
    with pytest.raises(IndexError, match="too many indices"):
        maniple.array(np.uint16(3))[np.array([-1, 0])] = -1


@pytest.mark.parametrize("axis", [0, 1, 2, None])
def test_cumulative_results_keep_the_order_of_memory(axis: int | None, defer_all: None) -> None:
    plain = np.arange(24.0).reshape(2, 3, 4)
    ours = maniple.array(plain)
    for order in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        want, got = plain.transpose(order).cumsum(axis), ours.transpose(order).cumsum(axis)
        assert got.strides == want.strides
        np.testing.assert_array_equal(got, want)


def test_atleast_gives_the_array_itself(defer_all: None) -> None:
    functions = (maniple.atleast_1d, maniple.atleast_2d, maniple.atleast_3d)
    for dimensions, function in enumerate(functions, 1):
        for n in range(1, 5):
            a = maniple.ones((2,) * n) * 1
            assert hasattr(a, "_buf")
            assert (function(a) is a) == (n >= dimensions)
