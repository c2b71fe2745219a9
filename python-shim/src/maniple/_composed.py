"""What NumPy does in C, composed of recorded operations: choose, put, round, interp."""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _fallback, _indexing, _methods
from maniple._array import ndarray
from maniple._dtypes import BOOL, INTP
from maniple._functions import HANDLERS, _array, handles
from maniple._reductions import worthwhile
from maniple._ufuncs import HOST, operand
from maniple._views import broadcast_shapes, is_c_contiguous, is_f_contiguous


def _or_host(name: str, compose: Any) -> Any:
    """Return the method `name`: what `compose` records, else NumPy's."""

    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        result = HOST
        if worthwhile(self):
            try:
                result = compose(self, *args, **kwargs)
            except (TypeError, ValueError, IndexError, OverflowError):
                result = HOST  # NumPy's error
        return _fallback.method(self, name, args, kwargs) if result is HOST else result

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(np.ndarray, name).__doc__
    return method


def _round(a: ndarray, decimals: int = 0, out: Any = None) -> Any:
    # numpy/_core/src/multiarray/calculation.c, PyArray_Round.
    if out is not None or type(decimals) is not int or type(a) is not ndarray:
        return HOST
    if a._dtype.kind in "iu" and decimals >= 0:
        return a.copy("K") if a._shape else a._scalar()  # type: ignore[attr-defined]
    if a._dtype.kind != "f":
        return HOST
    if not decimals:
        return np.rint(a)
    factor = 10.0 ** abs(decimals)
    first, last = (np.multiply, np.divide) if decimals > 0 else (np.divide, np.multiply)
    if abs(decimals) > 8:
        return HOST
    fortran = is_f_contiguous(a) and not is_c_contiguous(a)
    result: Any = first(a, factor, order="F" if fortran else "C")
    np.rint(result, out=result)
    return last(result, factor, out=result)


def _compress(a: ndarray, condition: Any, axis: Any = None, out: Any = None) -> Any:
    if not isinstance(condition, np.ndarray):
        condition = np.asarray(_fallback.real(condition))
    if condition.ndim != 1:
        return HOST
    return a.take(condition.nonzero()[0], axis, out)  # type: ignore[attr-defined]


def _wrapped(indices: Any, n: int, mode: str) -> Any:
    """Return indices that are in bounds, as `mode` has it."""
    if mode == "raise":
        return indices
    if indices.dtype.kind not in "iu" or not n:
        return HOST
    if indices.dtype != INTP:
        if indices.dtype.kind == "u" and indices.dtype.itemsize == 8:
            return HOST
        indices = indices.astype(INTP)
    return np.remainder(indices, n) if mode == "wrap" else np.clip(indices, 0, n - 1)


def _modes(mode: Any) -> str:
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError("clipmode not understood")
    return str(mode)


def _take(a: ndarray, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if type(indices) is int and out is None and mode == "raise" and axis is not None:
        # What NumPy's median asks for. Not a view.
        element = a[(*(slice(None),) * (axis % len(a._shape)), indices)]  # type: ignore[index]
        return element.copy() if isinstance(element, np.ndarray) else element
    if out is None and mode == "raise":
        return _methods.take(a, indices, axis)
    if type(indices) in (list, tuple):
        indices = np.asarray(_fallback.real(indices))
    if not isinstance(indices, np.ndarray) or not indices.ndim:
        return HOST
    n = a._size if axis is None else a._shape[axis]
    indices = _wrapped(indices, n, _modes(mode))
    if indices is HOST or indices.dtype.kind not in "iu":
        return HOST
    result = _methods.take(a, indices, axis)
    if out is None:
        return result
    if type(out) is not ndarray or out._shape != result.shape or out._dtype != result.dtype:
        return HOST
    out[...] = result  # type: ignore[index]
    return out


def _put(a: ndarray, indices: Any, values: Any, mode: str = "raise") -> Any:
    indices = operand(indices if isinstance(indices, np.ndarray) else np.asarray(indices))
    if not a._writeable or not is_c_contiguous(a) or indices.dtype.kind not in "iu":
        return HOST
    indices = _wrapped(indices.reshape(-1), a._size, _modes(mode))
    if indices is HOST or not indices.size:
        return HOST
    flat = a.reshape(-1)  # type: ignore[attr-defined]
    if np.ndim(values):
        values = operand(values)
        if type(values) not in (ndarray, np.ndarray) or not values.size:
            return HOST
        values = _cycled(values, indices.size)
    return None if _indexing._set_advanced(flat, indices, values) else HOST


def _cycled(values: Any, n: int) -> Any:
    values = values.reshape(-1)
    return values[:n] if values.size >= n else np.resize(values, n)


@handles(np.place)
def place(arr: Any, mask: Any, vals: Any) -> Any:
    """Record `arr[mask] = vals`, with `vals` repeated as often as needed."""
    if not worthwhile(arr):
        return HOST
    mask, vals = operand(mask), operand(vals)
    if type(mask) not in (ndarray, np.ndarray) or mask.shape != arr.shape or not arr._writeable:
        return HOST
    if type(vals) not in (ndarray, np.ndarray):
        vals = np.asarray(vals)
    if not vals.size or not np.can_cast(vals.dtype, arr._dtype, "safe"):
        return HOST
    if mask.dtype != BOOL:
        mask = np.not_equal(mask, 0)
    count = int(np.count_nonzero(mask))
    if not count:
        return None
    return None if _indexing._set_masked(arr, mask, _cycled(vals, count)) else HOST


def _choose(a: ndarray, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or a._dtype.kind not in "iub":
        return HOST
    arrays = [operand(c) for c in choices]
    kinds = (ndarray, np.ndarray)
    n = len(arrays)
    if not 1 <= n <= 32 or any([c is HOST for c in arrays]):
        return HOST
    dtype = np.result_type(*[c if type(c) not in kinds else c.dtype for c in arrays])
    arrays = [c if type(c) in kinds else np.asarray(c, dtype) for c in arrays]
    index: Any = a
    if mode == "raise":
        if a.max() >= n or a.min() < 0:  # type: ignore[attr-defined]
            return HOST
    else:
        index = _wrapped(a.astype(INTP), n, _modes(mode))  # type: ignore[attr-defined]
        if index is HOST:
            return HOST
    shape = broadcast_shapes(a._shape, *[c.shape for c in arrays])
    if len(shape) > 32:
        return HOST  # NumPy's limit
    result: Any = arrays[-1].astype(dtype, copy=False)
    for i in range(n - 2, -1, -1):
        result = np.where(index == i, arrays[i].astype(dtype, copy=False), result)
    if result.shape != shape or n == 1 or not result.flags.c_contiguous:
        result = np.broadcast_to(result, shape).copy()
    return result if shape else result[()]


@handles(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None,
           period: Any = None) -> Any:  # fmt: skip
    """Record NumPy's formula."""
    if period is not None or not worthwhile(x):
        return HOST
    return _interp(x, xp, fp, left, right)


def _interp(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    # numpy/_core/src/multiarray/compiled_base.c, arr_interp.
    x, xp, fp = [np.asarray(v) if not isinstance(v, np.ndarray) else v for v in (x, xp, fp)]
    if x.dtype.kind not in "biuf" or xp.dtype.kind not in "biuf" or fp.dtype.kind not in "biuf":
        return HOST
    if xp.ndim != 1 or fp.ndim != 1 or xp.size != fp.size or xp.size < 2:
        return HOST
    x, xp, fp = [v.astype(np.float64, copy=False) for v in (x, xp, fp)]
    if not bool((xp[1:] >= xp[:-1]).all()):
        return HOST  # another search would find something else
    n = xp.size
    found = np.searchsorted(xp, x, side="right") - 1
    j = np.clip(found, 0, n - 2)
    x0, y0 = xp[j], fp[j]
    x1, y1 = xp[j + 1], fp[j + 1]
    with np.errstate(all="ignore"):
        slope = (y1 - y0) / (x1 - x0)
        result: Any = slope * (x - x0) + y0
        again = slope * (x - x1) + y1
        again = np.where(np.isnan(again) & (y0 == y1), y0, again)
        result = np.where(np.isnan(result), again, result)
    result = np.where(x0 == x, y0, result)
    result = np.where(found == n - 1, fp[-1], result)
    result = np.where(x < xp[0], fp[0] if left is None else np.float64(left), result)
    result = np.where(x > xp[-1], fp[-1] if right is None else np.float64(right), result)
    result = np.where(np.isnan(x), x, result)
    return result if result.ndim else result[()]


def _of_method(name: str) -> Any:
    def handler(a: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(_array(a), name)(*args, **kwargs)

    return handler


def install() -> None:
    """Attach the methods to the class, and the functions of the same names."""
    for name, compose in (
        ("round", _round),
        ("compress", _compress),
        ("take", _take),
        ("put", _put),
        ("choose", _choose),
    ):
        setattr(ndarray, name, _or_host(name, compose))
    function: Any
    for function in (np.round, np.around, np.put, np.choose):
        name = "round" if function is np.around else function.__name__
        HANDLERS[function] = _of_method(name)
    HANDLERS[np.compress] = lambda condition, a, *args, **kwargs: _array(a).compress(  # type: ignore[attr-defined]
        condition, *args, **kwargs
    )
