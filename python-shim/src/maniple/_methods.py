"""The methods of the array."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy._core import _methods as _numpys_methods
from numpy._core import umath

from maniple import _fallback, _indexing, _profile, _rebound, _reductions, _settings, _views
from maniple._array import ndarray
from maniple._buffer import LOCAL
from maniple._dtypes import CODE
from maniple._pace import least
from maniple._recorder import stream
from maniple._reductions import worthwhile
from maniple._ufuncs import HOST, errors_matter
from maniple._views import (
    c_strides,
    copied_order,
    f_strides,
    is_c_contiguous,
    is_f_contiguous,
    shadow,
)


def _order_strides(a: ndarray, dtype: np.dtype, order: Any) -> tuple[int, ...]:
    """Return the strides of a new copy of `a` in `order`."""
    itemsize = dtype.itemsize
    order = "K" if order is None else str(order).upper()
    if order == "A":
        order = "F" if is_f_contiguous(a) and not is_c_contiguous(a) else "C"
    if order == "K":
        return copied_order(a, itemsize)
    return f_strides(a._shape, itemsize) if order == "F" else c_strides(a._shape, itemsize)


# Not public, but what numpy.ndarray.clip calls, and a ufunc.
_clip: np.ufunc = getattr(umath, "clip")  # noqa: B009 (stubs do not know it)

_ORDERS = frozenset((None, "C", "F", "A", "K", "c", "f", "a", "k"))


def astype(
    self: ndarray,
    dtype: Any,
    order: Any = "K",
    casting: Any = "unsafe",
    subok: bool = True,
    copy: Any = True,
) -> Any:
    """Copy of the array, cast to a specified type."""
    kwargs = {"order": order, "casting": casting, "subok": subok, "copy": copy}
    target = np.dtype(dtype) if type(dtype) is not np.dtype else dtype
    if not copy and target == self._dtype and _has_order(self, order):
        return self
    if (
        type(copy) is np._CopyMode  # which NumPy refuses here
        or not worthwhile(self)
        or CODE.get(target) is None
        or (self._dtype.kind == "c" and target.kind not in "cb")
        or order not in _ORDERS
        or casting not in ("unsafe", "same_kind", "safe")
        or not np.can_cast(self._dtype, target, casting)
    ):
        return _fallback.method(self, "astype", (dtype,), kwargs)
    result = _indexing.copy(self, target, _order_strides(self, target, order))
    return _fallback.method(self, "astype", (dtype,), kwargs) if result is HOST else result


def _has_order(a: ndarray, order: Any) -> bool:
    if order == "C":
        return is_c_contiguous(a)
    return order in ("K", "A") or (order == "F" and is_f_contiguous(a))


def copy(self: ndarray, order: Any = "C") -> Any:
    """Return a copy of the array."""
    if worthwhile(self) and order in _ORDERS:
        result = _indexing.copy(self, self._dtype, _order_strides(self, self._dtype, order))
        if result is not HOST:
            return result
    return _fallback.method(self, "copy", (order,), {})


def reshape(self: ndarray, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
    """Return an array containing the same data with a new shape."""
    target = shape[0] if len(shape) == 1 else shape
    if not shape:
        raise TypeError("reshape() takes exactly 1 argument (0 given)")
    try:
        if copy is not True:
            return _views.from_shadow(shadow(self).reshape(target, order=order, copy=False), self)
    except ValueError as error:
        if copy is False or "Unable to avoid" not in str(error):
            raise
    order = str(order).upper() if order is not None else "C"
    if order == "A":
        order = "F" if is_f_contiguous(self) and not is_c_contiguous(self) else "C"
    return self.copy(order).reshape(target, order=order)  # type: ignore[attr-defined]


def ravel(self: ndarray, order: Any = "C") -> Any:
    """Return a flattened array."""
    letter = "C" if order is None else str(order).upper()
    if letter in ("K", "A"):
        if is_c_contiguous(self):
            letter = "C"
        elif is_f_contiguous(self):
            letter = "F"
        elif letter == "A":
            letter = "C"
        else:
            if min(self._strides, default=0) <= 0:
                # Where strides are 0, the order is what NumPy's sorting makes of it.
                return _fallback.method(self, "ravel", ("K",), {})
            strides = self._strides
            axes = sorted(range(len(strides)), key=lambda i: -strides[i])
            return ravel(self.transpose(axes))  # type: ignore[attr-defined]
    if letter not in ("C", "F"):
        return _fallback.method(self, "ravel", (order,), {})
    if letter == "F":
        return ravel(self.T)
    if is_c_contiguous(self):
        return reshape(self, -1)
    # The result is contiguous, so a copy where it could also be a strided view.
    copied = copy(self)
    if type(copied) is not ndarray:
        # A small one is NumPy's.
        return _fallback.method(self, "ravel", (), {})
    result = reshape(copied, -1)
    if type(result) is ndarray:
        result._base = None
    return result


def flatten(self: ndarray, order: Any = "C") -> Any:
    """Return a copy of the array collapsed into one dimension."""
    flat = ravel(self, order)
    if type(flat) is ndarray and flat._buf is self._buf:
        return copy(flat)
    return flat


def fill(self: ndarray, value: Any) -> None:
    """Fill the array with a scalar value."""
    if np.ndim(value) == 0 and (worthwhile(self) or _indexing.busy(self)) and self._writeable:
        if _indexing.assign(self, value):
            return
    _fallback.method(self, "fill", (value,), {})


def item(self: ndarray, *args: Any) -> Any:
    """Copy an element of the array to a standard Python scalar and return it."""
    if not args and self._size == 1:
        return self._one().item()
    if len(args) == 1 and type(args[0]) is int and len(self._shape) == 1:
        try:
            return self[args[0]].item()  # type: ignore[index]
        except IndexError:
            pass
    return _fallback.method(self, "item", args, {})


def view(self: ndarray, *args: Any, **kwargs: Any) -> Any:
    """New view of the array with the same data."""
    # type(a) is what code finds that asks for "the same class".
    if (not args and not kwargs) or args == (ndarray,) or kwargs == {"type": ndarray}:
        return self._view_as_is()
    result = shadow(self).view(*args, **kwargs)
    if type(result) is not np.ndarray or CODE.get(result.dtype) is None:
        return _fallback.method(self, "view", args, kwargs)
    return _views.from_shadow(result, self)


def getfield(self: ndarray, *args: Any, **kwargs: Any) -> Any:
    """Returns a field of the array as a certain type."""
    result = shadow(self).getfield(*args, **kwargs)
    if CODE.get(result.dtype) is None:
        return _fallback.method(self, "getfield", args, kwargs)
    return _views.from_shadow(result, self)


def conjugate(self: ndarray, out: Any = None) -> Any:
    """Return the complex conjugate, element-wise."""
    if self._dtype.kind != "c" and out is None:
        return self
    return np.conjugate(self) if out is None else np.conjugate(self, out)


def clip(self: ndarray, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
    """Return an array whose values are limited to [min, max]."""
    if min is np._NoValue:
        min = None
    if max is np._NoValue:
        max = None
    if not worthwhile(self):
        return _fallback.method(self, "clip", (min, max, out), kwargs)
    options = dict(kwargs) if out is None else {**kwargs, "out": out}
    # numpy/_core/_methods.py: Python integers outside the range of an integer dtype do not bind.
    if self._dtype.kind in "iu":
        info = np.iinfo(self._dtype)
        if type(min) is int and min <= info.min:
            min = None
        if type(max) is int and max >= info.max:
            max = None
    if min is None and max is None:
        return np.positive(self, **options)
    if min is None:
        return np.minimum(self, max, **options)
    if max is None:
        return np.maximum(self, min, **options)
    return _clip(self, min, max, **options)


def dot(self: ndarray, b: Any, out: Any = None) -> Any:
    """Dot product of two arrays."""
    return np.dot(self, b) if out is None else np.dot(self, b, out)


def setflags(self: ndarray, write: Any = None, align: Any = None, uic: Any = None) -> None:
    """Set array flags WRITEABLE, ALIGNED and WRITEBACKIFCOPY."""
    flags = self.flags
    if align is not None:
        flags.aligned = align
    if uic:
        raise ValueError("cannot set WRITEBACKIFCOPY flag to True")
    if write is not None:
        flags.writeable = write


def take(
    self: ndarray, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise"
) -> Any:
    """Return an array formed from the elements of the array at the given indices."""
    large = worthwhile(self) or worthwhile(indices)  # a table may be small
    if out is None and mode == "raise" and large and np.ndim(indices) > 0:
        if not isinstance(indices, np.ndarray):
            indices = np.asarray(indices)
        if indices.dtype.kind in "iu" and self._shape:
            if axis is None:
                return _in_c_order(ravel(self)[indices])
            if -len(self._shape) <= axis < len(self._shape):
                key = (slice(None),) * (operator.index(axis) % len(self._shape)) + (indices,)
                return _in_c_order(self[key])  # type: ignore[index]
    return _fallback.method(self, "take", (indices, axis, out, mode), {})


def _in_c_order(taken: Any) -> Any:
    # Which an index does not promise.
    return taken if type(taken) is not ndarray or is_c_contiguous(taken) else copy(taken)


def byteswap(self: ndarray, inplace: bool = False) -> Any:
    """Swap the bytes of the array elements."""
    result = _fallback.method(self, "byteswap", (inplace,), {})
    return self if inplace else result


def squeeze(self: ndarray, axis: Any = None) -> Any:
    """Remove axes of length one."""
    if axis is None and 1 not in self._shape:
        return self
    return _views.view(self, np.ndarray.squeeze, axis)


def swapaxes(self: ndarray, axis1: Any, axis2: Any, /) -> Any:
    """Return a view of the array with `axis1` and `axis2` interchanged."""
    return _views.view(self, np.ndarray.swapaxes, axis1, axis2)


def transpose(self: ndarray, *axes: Any) -> Any:
    """Returns a view of the array with axes transposed."""
    return _views.view(self, np.ndarray.transpose, *axes)


def diagonal(self: ndarray, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return specified diagonals."""
    return _views.view(self, np.ndarray.diagonal, offset, axis1, axis2)


def trace(self: ndarray, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None,
          out: Any = None) -> Any:  # fmt: skip
    """Return the sum along diagonals of the array."""
    if not worthwhile(self):
        return _fallback.method(self, "trace", (offset, axis1, axis2, dtype, out), {})
    return diagonal(self, offset, axis1, axis2).sum(-1, dtype, out)


def _reduction(name: str, function: Any, names: tuple[str, ...]) -> Any:
    """Return a method: recorded by `function` where worthwhile, else NumPy's."""

    def record(self: ndarray, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _lazy(self) and (
            not stream.enabled
            or (self._size < _least_size(name) and not _indexing.busy(self))
            or errors_matter()
        ):
            return HOST
        if len(args) > len(names):
            return HOST
        options = {**dict(zip(names, args, strict=False)), **kwargs}
        if not options.keys() <= {*names, "where", "initial", "keepdims", "mean"}:
            return HOST
        out = options.get("out")
        if (out is not None and type(out) is not ndarray) or self._dtype.kind not in "biufc":
            return HOST
        result = function(self, **options)
        if result is HOST and name in ("mean", "var", "std") and worthwhile(self) and self._shape:
            original = getattr(_numpys_methods, f"_{name}")
            result = _rebound.run(_rebound.rebound(original), (self,), options)
        return result

    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        result = local(name, self, args, kwargs)
        if result is not HOST:
            return result
        result = record(self, args, kwargs)
        if result is HOST:
            return on_host(self, name, args, kwargs)
        # If `self` was a temporary, this was the last reference to it.
        del self
        return _reductions.settle(result)

    RECORDERS[name] = record
    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(np.ndarray, name).__doc__
    return method


def _least_size(name: str) -> int:
    return least("accumulate") if name.startswith("cum") else _settings.defer


RECORDERS: dict[str, Any] = {}
"""What records a reduction, without looking at a scalar: (array, args, kwargs) to a result."""


def local(name: str, a: ndarray, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let NumPy reduce a small local array, at most along an axis; HOST for anything else."""
    if (
        type(a) is not ndarray
        or kwargs
        or len(args) > 1
        or a._buf.home != LOCAL
        or (a._size >= _least_size(name) and stream.enabled)
        or _profile.active
    ):
        return HOST
    buf = a._buf
    # What only reads needs no view, and a copy at the backend stays current.
    array = buf.owner if a._root and buf.typed else a._host()
    result = _numpys[name](array, *args)
    if type(result) is not np.ndarray or result.size < _settings.small:
        return result
    return _fallback.wrap(result)


def on_host(a: ndarray, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _fallback.method(a, name, args, kwargs)


_numpys: dict[str, Any] = {
    name: getattr(np.ndarray, name)
    for name in ("sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax",
                 "argmin", "cumsum", "cumprod")
}  # fmt: skip


def _lazy(a: Any) -> bool:
    return type(a) is not ndarray and getattr(a, "_source", None) is not None


def _argmax(a: ndarray, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _reductions.arg_reduce("argmax", a, axis, out, keepdims)


def _argmin(a: ndarray, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _reductions.arg_reduce("argmin", a, axis, out, keepdims)


def _cumsum(a: ndarray, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _reductions.cumulative(np.add, a, axis, dtype, out)


def _cumprod(a: ndarray, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _reductions.cumulative(np.multiply, a, axis, dtype, out)


_HOST_METHODS = (
    "choose", "compress", "dump", "dumps", "put", "round", "setfield", "tobytes", "tofile",
    "tolist",
)  # fmt: skip


def _on_host(name: str) -> Any:
    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        return _fallback.method(self, name, args, kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(np.ndarray, name).__doc__
    return method


def install() -> None:
    """Attach the methods to the class."""
    own = (astype, byteswap, clip, conjugate, copy, diagonal, dot, fill, flatten, getfield, item,
           ravel, reshape, setflags, squeeze, swapaxes, take, trace, transpose,
           view)  # fmt: skip
    for function in own:
        setattr(ndarray, function.__name__, function)
    ndarray.conj = conjugate  # type: ignore[attr-defined]
    for name in _HOST_METHODS:
        setattr(ndarray, name, _on_host(name))
    r = _reductions
    for name, function, names in (
        ("sum", r.add_reduce, ("axis", "dtype", "out")),
        ("prod", r.multiply_reduce, ("axis", "dtype", "out")),
        ("max", r.maximum_reduce, ("axis", "out")),
        ("min", r.minimum_reduce, ("axis", "out")),
        ("any", r.any_reduce, ("axis", "out")),
        ("all", r.all_reduce, ("axis", "out")),
        ("mean", r.mean, ("axis", "dtype", "out")),
        ("var", r.var, ("axis", "dtype", "out", "ddof")),
        ("std", r.std, ("axis", "dtype", "out", "ddof")),
        ("argmax", _argmax, ("axis", "out")),
        ("argmin", _argmin, ("axis", "out")),
        ("cumsum", _cumsum, ("axis", "dtype", "out")),
        ("cumprod", _cumprod, ("axis", "dtype", "out")),
    ):
        setattr(ndarray, name, _reduction(name, function, names))
