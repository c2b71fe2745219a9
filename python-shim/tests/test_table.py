"""One record table against NumPy: function by dtype by shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import maniple as np
from maniple._array import ndarray

pytestmark = pytest.mark.usefixtures("defer_all")

DTYPES = "?bBhHiIlLefdFD"

SHAPES: dict[str, Callable[[Any, str], Any]] = {
    "scalar": lambda m, t: m.array([3], t).reshape(()),
    "empty": lambda m, t: m.zeros((0, 3), t),
    "one": lambda m, t: m.full((1,), 2, t),
    "vector": lambda m, t: m.array((numpy.arange(12) % 5).astype(t)),
    "matrix": lambda m, t: m.array((numpy.arange(24) % 7).astype(t).reshape(4, 6)),
    "transposed": lambda m, t: m.array((numpy.arange(24) % 7).astype(t).reshape(6, 4)).T,
    "strided": lambda m, t: m.array((numpy.arange(96) % 7).astype(t).reshape(8, 12))[::2, ::-2],
    "broadcast": lambda m, t: m.broadcast_to(m.array(numpy.arange(6).astype(t)), (4, 6)),
}

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda m, x: x + x,
    "subtract": lambda m, x: x - x[..., ::-1],
    "multiply scalar": lambda m, x: x * 2,
    "reflected": lambda m, x: 2.5 - x,
    "divide": lambda m, x: x / 4,
    "floor_divide": lambda m, x: x // 3,
    "remainder": lambda m, x: x % 3,
    "power": lambda m, x: x**2,
    "out of range": lambda m, x: x + 300,
    "negative": lambda m, x: -x,
    "invert": lambda m, x: ~x,
    "less": lambda m, x: x < 3,
    "equal": lambda m, x: x == x.T if x.ndim < 2 else x == x,
    "sqrt": lambda m, x: m.sqrt(x),
    "exp": lambda m, x: m.exp(x),
    "sum": lambda m, x: x.sum(),
    "sum axis": lambda m, x: x.sum(axis=0),
    "sum keepdims": lambda m, x: m.sum(x, axis=-1, keepdims=True),
    "sum dtype": lambda m, x: x.sum(dtype="f8"),
    "prod": lambda m, x: x.prod(),
    "min": lambda m, x: x.min(),
    "max axis": lambda m, x: x.max(axis=-1),
    "argmax": lambda m, x: x.argmax(),
    "argmin axis": lambda m, x: x.argmin(axis=0),
    "any": lambda m, x: x.any(),
    "all axis": lambda m, x: m.all(x, axis=0),
    "mean": lambda m, x: x.mean(),
    "mean axis": lambda m, x: x.mean(axis=0),
    "var": lambda m, x: x.var(),
    "std ddof": lambda m, x: x.std(axis=-1, ddof=1),
    "ptp": lambda m, x: m.ptp(x),
    "cumsum": lambda m, x: x.cumsum(),
    "cumsum axis": lambda m, x: m.cumsum(x, axis=0),
    "count_nonzero": lambda m, x: m.count_nonzero(x),
    "where": lambda m, x: m.where(x > 1, x, 0),
    "clip": lambda m, x: x.clip(1, 3),
    "mask": lambda m, x: x[x > 1],
    "mask sum": lambda m, x: x[x > 1].sum(),
    "take": lambda m, x: x[[0, -1]],
    "index pair": lambda m, x: x[m.array([0, 1]), m.array([1, -1])],
    "out of bounds": lambda m, x: x[m.array([100])],
    "reshape": lambda m, x: x.reshape(-1),
    "ravel": lambda m, x: x.ravel(),
    "flip": lambda m, x: m.flip(x),
    "diagonal": lambda m, x: x.diagonal(),
    "real": lambda m, x: x.real,
    "imag": lambda m, x: x.imag,
    "view": lambda m, x: x.view("u1"),
    "astype": lambda m, x: x.astype("f4"),
    "concatenate": lambda m, x: m.concatenate((x, x)),
    "stack": lambda m, x: m.stack([x, x], axis=-1),
    "hstack": lambda m, x: m.hstack((x, x)),
    "column_stack": lambda m, x: m.column_stack((x, x)),
    "tile": lambda m, x: m.tile(x, (2, 2)),
    "repeat": lambda m, x: m.repeat(x, 2, axis=0),
    "roll": lambda m, x: m.roll(x, 2),
    "diff": lambda m, x: m.diff(x),
    "matmul": lambda m, x: x @ x.T,
    "dot": lambda m, x: m.dot(x, x),
    "outer": lambda m, x: m.outer(x, x),
    "ufunc outer": lambda m, x: m.add.outer(x, x),
    "sort": lambda m, x: m.sort(x, axis=-1),
    "nan_to_num": lambda m, x: m.nan_to_num(x / 0.0),
    "linalg norm": lambda m, x: m.linalg.norm(x),
    "repr": lambda m, x: repr(x),
    "format": lambda m, x: f"{x}",
    "tolist": lambda m, x: x.tolist(),
    "divmod": lambda m, x: divmod(x, 2),
    "modf": lambda m, x: m.modf(x),
}


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result, or the type of the exception."""
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except Exception as error:
            kinds = (IndexError, OverflowError, numpy.exceptions.AxisError, TypeError, ValueError)
            return next((k for k in kinds if isinstance(error, k)), type(error))


def assert_same(got: Any, want: Any) -> None:
    if isinstance(want, tuple):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            assert_same(g, w)
        return
    if isinstance(want, (numpy.ndarray, numpy.generic)):
        assert isinstance(got, numpy.ndarray) == isinstance(want, numpy.ndarray)
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        if want.dtype.kind in "fc":
            rtol = 8 * float(numpy.finfo(want.dtype).eps)
            numpy.testing.assert_allclose(numpy.asarray(got), want, rtol=rtol)
        else:
            numpy.testing.assert_array_equal(numpy.asarray(got), want)
        return
    assert got == want


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_function_agrees_with_numpy(name: str, shape: str) -> None:
    function = FUNCTIONS[name]
    for dtype in DTYPES:
        # NumPy's own results first: nothing of Maniple may have changed it.
        want = outcome(function, numpy, SHAPES[shape](numpy, dtype))
        x = SHAPES[shape](np, dtype)
        assert type(x) is ndarray
        assert_same(outcome(function, np, x), want)


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "in place": lambda m, x: x.__iadd__(1),
    "in place cast": lambda m, x: m.add(x, 0.5, out=x),
    "slice": lambda m, x: x.__setitem__(slice(1, None), 7),
    "row": lambda m, x: x.__setitem__(0, x[-1]),
    "overlap": lambda m, x: x.__setitem__(slice(1, None), x[:-1]),
    "overlap in place": lambda m, x: x[1:].__iadd__(x[:-1]),
    "reverse in place": lambda m, x: x.__iadd__(x[..., ::-1]),
    "mask": lambda m, x: x.__setitem__(x > 2, 0),
    "mask array": lambda m, x: x.__setitem__(x > 2, numpy.ones(int((x > 2).sum()))),
    "mask same selection": lambda m, x: x.__setitem__(x > 2, x[x > 2] + 1),
    "mask wrong count": lambda m, x: x.__setitem__(x > 2, numpy.ones(77)),
    "put": lambda m, x: x.__setitem__(m.array([0, 0, -1]), 5),
    "put column": lambda m, x: x.__setitem__((slice(None), m.array([0, 1])), 5),
    "fill": lambda m, x: x.fill(4),
    "fill overflow": lambda m, x: x.fill(1000),
    "sort": lambda m, x: x.sort(),
    "copyto": lambda m, x: m.copyto(x, 2.5),
    "copyto where": lambda m, x: m.copyto(x, 1, where=x > 2),
    "put function": lambda m, x: m.put(x, [0, 1], 9),
    "fill_diagonal": lambda m, x: m.fill_diagonal(x, 3),
    "flat": lambda m, x: setattr(x, "flat", 3),
    "shape": lambda m, x: setattr(x, "shape", (-1,)),
    "view": lambda m, x: x.reshape(-1).__setitem__(0, 9),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("shape", SHAPES)
def test_write_is_seen_by_base_and_view(name: str, shape: str) -> None:
    for dtype in DTYPES:
        results = []
        for module in (numpy, np):
            x = SHAPES[shape](module, dtype)
            view = x[..., ::-1] if x.ndim else x[...]
            result = outcome(WRITES[name], module, x)
            results.append((result if isinstance(result, type) else None, x, view))
        (want_error, want, want_view), (error, got, got_view) = results
        assert error == want_error
        assert_same(got, want)
        assert_same(got_view, want_view)
