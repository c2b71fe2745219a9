"""The order of results in memory, and small things that random programs found."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import maniple as np

pytestmark = pytest.mark.usefixtures("defer_all")

INF, NAN = float("inf"), float("nan")


def _cube(m: Any, dtype: str) -> Any:
    return m.array((numpy.arange(24) * 7 % 11 - 2).astype(dtype).reshape(2, 3, 4))


SOURCES: dict[str, Callable[[Any], Any]] = {
    "c": lambda m: _cube(m, "f8"),
    "fortran": lambda m: m.asfortranarray(_cube(m, "f8")),
    "flipped": lambda m: m.flip(m.asfortranarray(_cube(m, "i2"))),
    "swapped": lambda m: _cube(m, "i4").swapaxes(0, 1),
    "moved": lambda m: m.moveaxis(_cube(m, "f4"), 0, 2),
    "strided": lambda m: m.asfortranarray(m.ones((4, 5, 6)))[::2, ::-2, 1:5],
    "broadcast": lambda m: m.broadcast_to(m.arange(3.0)[:, None], (2, 3, 4)),
    "ones": lambda m: m.asfortranarray(m.ones((2, 1, 3))),
}

FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda m, x: x.sum(axis=0),
    "sum of the last": lambda m, x: x.sum(axis=-1),
    "max, dimensions kept": lambda m, x: m.max(x, axis=1, keepdims=True),
    "any": lambda m, x: x.any(axis=(1,)),
    "sum with a mask": lambda m, x: m.sum(x, axis=1, where=m.ascontiguousarray(x > 0)),
    "mean": lambda m, x: x.mean(axis=1),
    "std": lambda m, x: m.std(x, axis=-2, keepdims=True),
    "stack": lambda m, x: m.stack((x, x), axis=1),
    "concatenate": lambda m, x: m.concatenate((x, x[:1]), axis=0),
    "concatenate, orders mixed": lambda m, x: m.concatenate((x, m.ascontiguousarray(x)), axis=-1),
    "roll": lambda m, x: m.roll(x, -1, axis=1),
    "roll twice": lambda m, x: m.roll(x, (1, 2), axis=(0, 2)),
    "roll one axis twice": lambda m, x: m.roll(x, (1, 1), axis=(-1, -1)),
    "roll flat": lambda m, x: m.roll(x, 5),
    "fftshift": lambda m, x: m.fft.fftshift(x),
    "take rows": lambda m, x: x[m.array([1, 0, 1])],
    "take in two dimensions": lambda m, x: x[m.array([[1], [0]]), m.array([0, 0])],
    "round": lambda m, x: m.round(x, 1),
    "rint": lambda m, x: m.round(x),
    "copy": lambda m, x: x.copy("K"),
    "astype": lambda m, x: x.astype("f4"),
    "sort": lambda m, x: m.sort(x, axis=1),
    "partition": lambda m, x: m.partition(x, x.shape[-1] - 1),
    "nan_to_num": lambda m, x: m.nan_to_num(x),
    "packbits": lambda m, x: m.packbits(x > 1, axis=-1),
    "matmul of stacks": lambda m, x: m.matmul(x[..., None], x[..., None, :]),
    "matmul of a stack and a vector": lambda m, x: m.matmul(x[..., None], m.ones(1)),
    "inv of stacks": lambda m, x: m.linalg.inv(x[..., None, None] + m.eye(2) * 30.0),
    "solve of stacks": lambda m, x: m.linalg.solve(
        x[..., None, None] + m.eye(2) * 30.0, x[..., None, None] + m.ones((2, 3))
    ),
    "det of stacks": lambda m, x: m.linalg.det(x[..., None, None] + m.eye(2) * 30.0),
    "svd of stacks": lambda m, x: m.linalg.svd(
        x[..., None, None] + m.eye(2) * 30.0, compute_uv=False
    ),
    "eig of stacks": lambda m, x: m.linalg.eig(x[..., None, None] + m.eye(2) * 30.0)[1],
    "eigvals of stacks": lambda m, x: m.linalg.eigvals(x[..., None, None] + m.eye(2) * 30.0),
    "qr of stacks": lambda m, x: m.linalg.qr(x[..., None, None] + m.eye(2) * 30.0)[1],
    "fft": lambda m, x: m.fft.fft(x),
    "irfft": lambda m, x: m.fft.irfft(x, axis=0),
    "choose": lambda m, x: m.choose((x > 0).astype(int), [x, 3]),
    "imag": lambda m, x: x.imag,
    "isreal": lambda m, x: m.isreal(x),
}


def seen(a: Any) -> Any:
    """Return the strides of dimensions with several elements, which is what can be seen."""
    return [s for n, s in zip(a.shape, a.strides, strict=True) if n > 1]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
def test_results_have_numpys_order_of_memory(form: str, source: str) -> None:
    want = FORMS[form](numpy, SOURCES[source](numpy))
    got = FORMS[form](np, SOURCES[source](np))
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    assert seen(got) == seen(want)
    numpy.testing.assert_allclose(numpy.asarray(got), want)


def _any_layout(random: Any, m: Any, shape: tuple[int, ...]) -> Any:
    order = random.permutation(len(shape))
    doubled = m.ones([shape[i] * 2 for i in order]).transpose(numpy.argsort(order))
    steps = [slice(0, None, 2), slice(None, None, -2)]
    return doubled[tuple([steps[random.integers(2)] for _ in shape])]


def _broadcast_case(seed: int, m: Any) -> Any:
    """Return the result of one to three operands of any order, broadcast against each other."""
    random = numpy.random.default_rng(seed)
    shape = random.choice([1, 1, 2, 3], random.integers(1, 5)).tolist()
    operands = []
    for _ in range(random.integers(1, 4)):
        own = [n if random.random() < 0.7 else 1 for n in shape[random.integers(len(shape)) :]]
        operands.append(_any_layout(random, m, own))
    return (m.negative, m.add, m.clip)[len(operands) - 1](*operands)


@pytest.mark.parametrize("seed", range(60))
def test_broadcast_results_have_numpys_order_of_memory(seed: int) -> None:
    want, got = [_broadcast_case(seed, m) for m in (numpy, np)]
    assert got.shape == want.shape
    assert seen(got) == seen(want)


def _written(m: Any, index: str, number: Any) -> Any:
    """Return an array of int8 after a number out of its range is assigned."""
    a = m.zeros((2, 3), "i1")
    number = m.array(300) if number == "array" else number
    if index == "mask":
        a[a == 0] = number
    elif index == "list":
        a[[0]] = number
    elif index == "slice":
        a[:, 1:] = number
    elif index == "fill":
        a.fill(number)
    else:
        a[m.array([True, False, True])] = number
    return a


SMALL: dict[str, Callable[[Any], Any]] = {
    "round of no dimensions": lambda m: m.array(7, "u4").round(),
    "nan_to_num of no dimensions": lambda m: m.nan_to_num(m.array(NAN, "f2")),
    "choose of no dimensions": lambda m: m.choose(m.array(1), [m.array(2.0), 3]),
    "choose, weak number": lambda m: m.choose(m.array([0, 1]), [m.array([5, 6], "u1"), 3]),
    "choose, number too large": lambda m: m.choose(m.array([0, 1]), [m.array([5, 6], "u1"), 300]),
    "full_like, infinity": lambda m: m.full_like(m.arange(3), INF),
    "full, fraction": lambda m: m.full(3, 2.7, "i4"),
    "full, NaN": lambda m: m.full((3,), NAN, "i8"),
    "putmask, cast": lambda m: m.putmask(m.zeros(3, "f2"), m.ones(3, bool), m.array(1.5, "f4")),
    "putmask, number": lambda m: m.putmask(m.zeros(3, "i4"), m.ones(3, bool), 1.5),
    "dot with zero": lambda m: m.dot(m.array([1.0, INF, NAN]), m.array(0.0)),
    "dot with one": lambda m: m.dot(m.array(1.0), m.array([1.0, INF, NAN])),
    "inner with zero": lambda m: m.inner(0.0, m.array([1.0, INF])),
    "dot with integer zero": lambda m: m.dot(m.array([1, 2]), 0),
    "imaginary parts lost": lambda m: m.add(m.ones(3, "c8"), 1, dtype="i8", casting="unsafe"),
    "imaginary parts lost outside": lambda m: m.add(
        m.ones(3, "c8"), 1, out=m.zeros(3), casting="unsafe"
    ),
    "complex out with a mask": lambda m: m.add(
        m.ones(3), 1, out=m.zeros(3, "c16"), where=m.array([True, False, True])
    ),
    **{
        f"{number!r} through {index}": lambda m, index=index, number=number: _written(
            m, index, number
        )
        for index in ("mask", "list", "slice", "wrong mask", "fill")
        for number in (numpy.uint8(200), numpy.float64(300), 300, 300.0, 1j, "array")
    },
    "warned of once, then an error": lambda m: m.histogram(m.array([True, False]), [3, 1]),
    "warned of and an error": lambda m: m.cross(m.array([True, False]), m.array([True, True])),
    "warned of": lambda m: m.nanmean(m.array([[NAN, NAN]]), axis=1),
    "average, axis": lambda m: m.average(m.array(2.0), axis=0),
    "out of NumPy's own": lambda m: (
        m.add(m.ones(3), 1, out=(out := numpy.ones(3)), where=m.array([True, False, True])) is out
    ),
    "out of NumPy's own, no ufunc": lambda m: (
        m.take(m.arange(3.0), [0, 1, 1], out=(out := numpy.ones(3)), mode="clip") is out
    ),
    "out of NumPy's own, a reduction": lambda m: (
        m.ones((2, 3)).sum(axis=0, out=(out := numpy.ones(3))) is out
    ),
    "var of no dimensions": lambda m: m.var(m.array(1 + 2j), ddof=1),
    "broadcast_arrays": lambda m: m.broadcast_arrays(numpy.ones((3, 1)), m.ones((3, 4)))[0].flags[
        "WRITEABLE"
    ],
    "ravel of what is repeated": lambda m: m.broadcast_to(
        m.arange(9).reshape(3, 3), (2, 3, 3)
    ).ravel("K"),
    "sliding windows stay read-only": lambda m: m.lib.stride_tricks.sliding_window_view(
        m.arange(9), 2
    )[1:].setflags(write=True),
    "half precision stored as double": lambda m: m.subtract(
        m.float16([0.5438]), m.float16([1]) + m.zeros(3, "f2"), out=m.zeros(3)
    ),
    "squeeze of nothing": lambda m: (a := m.ones((2, 3))).squeeze() is a,
    "less into a reversed view": lambda m: m.less(
        (a := m.arange(12.0) % 5)[::-1], a, out=a[::-1], where=a > 3
    ),
    # More elements than there can be, which is found out before memory is asked for.
    "indices of too much": lambda m: m.ones((3,) * 5)[m.ix_(*[m.zeros(7132, int)] * 5)],
}


@pytest.mark.parametrize("name", SMALL)
def test_small_things_agree_with_numpy(name: str) -> None:
    outcomes = []
    for module in (numpy, np):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = SMALL[name](module)
            except Exception as error:
                value = f"{type(error).__name__}: {error}"
            # Those of floating-point errors come later.
            noted = [str(w.message) for w in caught if " encountered in " not in str(w.message)]
        scalar = isinstance(value, numpy.generic)
        outcomes.append((repr(numpy.asarray(value)), scalar, noted))
    assert outcomes[1] == outcomes[0]


def test_what_broadcast_arrays_gives_can_be_written_to_by_anybody() -> None:
    outcomes = []
    for module in (numpy, np):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            broadcast: Any = module.broadcast_arrays(
                module.arange(3.0)[:, None], module.ones((3, 2))
            )[0]
            module.random.default_rng(3).shuffle(broadcast)
            module.subtract.at(broadcast, (module.array([0, 0]), module.array([0, 1])), 3)
            outcomes.append((broadcast.tolist(), broadcast.diagonal().flags.writeable))
    assert outcomes[1] == outcomes[0]


def _sums_of_zeros(m: Any, shape: tuple[int, ...], dtype: str, axis: int | None) -> list[Any]:
    x = -m.zeros(shape, dtype)
    return [
        x.sum(axis=axis),
        m.sum(x, axis=axis, where=x == 0),
        m.sum(x, axis=axis, where=x != 0),
        m.sum(x.real, axis=axis, initial=-0.0),
        m.sum(x.real, axis=axis, where=x == 0, initial=0.0),
        m.mean(x, axis=axis),
        m.cumsum(x.real, axis=axis),
    ]


@pytest.mark.parametrize("dtype", ["f8", "f4", "c16"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 8), (9, 3), (40, 70)])
def test_signs_of_sums_of_zeros(dtype: str, shape: tuple[int, ...]) -> None:
    """Sums begin with 0.0, unless they are told to begin with -0.0."""
    for axis in (None, 0, 1):
        got, want = [_sums_of_zeros(m, shape, dtype, axis) for m in (np, numpy)]
        for a, b in zip(got, want, strict=True):
            signs = numpy.signbit(numpy.real(a)), numpy.signbit(numpy.real(b))
            numpy.testing.assert_array_equal(*signs)
