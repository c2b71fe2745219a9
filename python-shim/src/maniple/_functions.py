"""NEP 18: NumPy's functions on Maniple arrays. One entry in a table makes a function deferred."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import (
    _fallback,
    _fast,
    _fft,
    _indexing,
    _linalg,
    _linear,
    _profile,
    _rebound,
    _reductions,
    _settings,
    _sorting,
    _ufuncs,
    _views,
)
from maniple._array import ndarray
from maniple._dtypes import BOOL, CHARACTER, CODE
from maniple._recorder import stream
from maniple._reductions import worthwhile
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, operand
from maniple._views import broadcast_shapes

HANDLERS: dict[Any, Callable[..., Any]] = {}
"""NumPy function to what records it. A handler may return HOST."""


def array_function(self: ndarray, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """What NumPy calls when a Maniple array is an argument of one of its functions."""
    if type(args) is not tuple:
        raise TypeError("args must be a tuple.")
    if type(kwargs) is not dict:
        raise TypeError("kwargs must be a dict.")
    for kind in types:
        if kind is ndarray or issubclass(kind, ndarray):
            continue
        override = getattr(kind, "__array_function__", None)
        if override is not None and override is not np.ndarray.__array_function__:
            if issubclass(kind, np.ndarray):
                # It goes first, and hands on to a class that it knows.
                return _fallback.call(func, args, kwargs)
            return NotImplemented
    handler = HANDLERS.get(func)
    if handler is not None:
        try:
            result = handler(*args, **kwargs)
        except _Unusual:
            result = HOST
        if result is not HOST:
            return result
    result = _rebound.call(func, args, kwargs)
    if result is not HOST:
        return result
    return _fallback.call(func, args, kwargs)


class _Unusual(Exception):
    """Arguments that the handler leaves to NumPy."""


def handles(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return register


def _array(a: Any) -> ndarray:
    """Return `a` if it is ours; the handler does not apply otherwise."""
    if not issubclass(type(a), ndarray):
        raise _Unusual
    return a  # type: ignore[no-any-return]


# -- methods of the first argument -------------------------------------------------------------


def _method(name: str) -> Callable[..., Any]:
    def handler(a: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
        if "a" in kwargs or "correction" in kwargs:
            raise _Unusual
        return getattr(_array(a), name)(*args, **kwargs)

    return handler


_function: Any
for _function, _name in (
    (np.sum, "sum"), (np.prod, "prod"), (np.max, "max"), (np.min, "min"), (np.amax, "max"),
    (np.amin, "min"), (np.any, "any"), (np.all, "all"), (np.mean, "mean"), (np.std, "std"),
    (np.var, "var"), (np.argmax, "argmax"), (np.argmin, "argmin"), (np.cumsum, "cumsum"),
    (np.cumprod, "cumprod"), (np.ravel, "ravel"), (np.squeeze, "squeeze"),
    (np.swapaxes, "swapaxes"), (np.diagonal, "diagonal"), (np.trace, "trace"),
    (np.take, "take"),
):  # fmt: skip
    HANDLERS[_function] = _method(_name)


@handles(np.clip)
def _clip(a: Any, a_min: Any = np._NoValue, a_max: Any = np._NoValue, out: Any = None, *,
          min: Any = np._NoValue, max: Any = np._NoValue, **kwargs: Any) -> Any:  # fmt: skip
    if min is np._NoValue and max is np._NoValue:
        min, max = a_min, a_max
    elif a_min is not np._NoValue or a_max is not np._NoValue:
        return HOST
    if min is np._NoValue and max is np._NoValue:
        return HOST
    if (a_min is np._NoValue) != (a_max is np._NoValue):
        return HOST
    return _array(a).clip(min, max, out, **kwargs)  # type: ignore[attr-defined]


@handles(np.reshape)
def _reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    return _array(a).reshape(shape, order=order, copy=copy)  # type: ignore[attr-defined]


@handles(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    return _array(a).transpose(axes)  # type: ignore[attr-defined]


@handles(np.copy)
def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return _array(a).copy(order)  # type: ignore[attr-defined]


@handles(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    if device not in (None, "cpu"):
        return HOST
    return _array(x).astype(dtype, copy=copy)  # type: ignore[attr-defined]


@handles(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = np._NoValue) -> Any:
    return _reductions.ptp(_array(a), axis, out, keepdims)


@handles(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reductions.count_nonzero(_array(a), axis, keepdims)


@handles(np.shape)
def _shape(a: Any) -> Any:
    return _array(a).shape


@handles(np.ndim)
def _ndim(a: Any) -> Any:
    return _array(a).ndim


@handles(np.size)
def _size(a: Any, axis: Any = None) -> Any:
    return _array(a).size if axis is None else HOST


@handles(np.real)
def _real(val: Any) -> Any:
    return _array(val).real


@handles(np.imag)
def _imag(val: Any) -> Any:
    return _array(val).imag


@handles(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return _array(x).dtype.kind == "c"


@handles(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return _array(x).dtype.kind != "c"


@handles(np.result_type, np.can_cast, np.min_scalar_type, np.common_type)
def _types_only(*args: Any, **kwargs: Any) -> Any:
    raise _Unusual


@handles(np.result_type)
def _result_type(*args: Any) -> Any:
    # An empty array of the same rank stands for a large one; only 0-d values matter to NumPy.
    return np.result_type(
        *[
            np.empty((0,) * max(1, a.ndim), a.dtype) if issubclass(type(a), ndarray) else a
            for a in args
        ]
    )


# -- functions that only make views ------------------------------------------------------------


def _view_function(function: Any) -> Callable[..., Any]:
    def handler(a: Any, *args: Any, **kwargs: Any) -> Any:
        return _views.view(_array(a), function, *args, **kwargs)

    return handler


for _function in (
    np.moveaxis, np.rollaxis, np.expand_dims, np.broadcast_to, np.flip, np.fliplr, np.flipud,
    np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.matrix_transpose,
    np.rot90, np.unstack,
):  # fmt: skip
    HANDLERS[_function] = _view_function(_function)


@handles(np.lib.stride_tricks.sliding_window_view)
def _sliding(x: Any, *args: Any, **kwargs: Any) -> Any:
    result = _views.view(_array(x), np.lib.stride_tricks.sliding_window_view, *args, **kwargs)
    if type(result) is ndarray and not result._writeable:
        # What it is a view of is no array to NumPy, so that nobody can make it writable.
        result._base = result._base._view_as_is()
        result._base._writeable = result._writeable = False
    return result


@handles(np.atleast_1d, np.atleast_2d, np.atleast_3d)
def _atleast(*arrays: Any) -> Any:
    raise _Unusual


def _atleast_function(function: Any, dimensions: int) -> Callable[..., Any]:
    def converted(a: Any) -> Any:
        if type(a) is not ndarray:
            return _fallback.call(function, (a,), {})
        return a if len(a._shape) >= dimensions else _views.view(a, function)

    def handler(*arrays: Any) -> Any:
        results = [converted(a) for a in arrays]
        return results[0] if len(results) == 1 else tuple(results)

    return handler


for _dimensions, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    HANDLERS[_function] = _atleast_function(_function, _dimensions)


@handles(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = broadcast_shapes(*[np.shape(a) for a in args])
    results: list[Any] = []
    for a in args:
        if type(a) is not ndarray:
            like = np.broadcast_to(False, shape)
            results.append(np.broadcast_arrays(_fallback.real(a), like, subok=subok)[0])
        elif a._shape == shape:
            results.append(a)
        else:
            broadcast: Any = np.broadcast_to(a, shape)
            # NumPy still lets one write here, with a warning.
            broadcast._writeable = None if a._writeable else a._writeable
            results.append(broadcast)
    return tuple(results)


# -- selection, copies -------------------------------------------------------------------------


@handles(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """Record `np.where`; HOST if that cannot be."""
    if x is None and y is None:
        return _array(condition).nonzero()  # type: ignore[attr-defined]
    if x is None or y is None:
        return HOST
    result = _fast.choose(condition, x, y)
    if result is not HOST:
        return result
    operands = [operand(v) for v in (condition, x, y)]
    if any([v is HOST for v in operands]):
        return HOST
    condition = operands[0]
    if type(condition) not in (ndarray, np.ndarray):
        return HOST
    shapes = [v.shape for v in operands if type(v) in (ndarray, np.ndarray)]
    try:
        shape = broadcast_shapes(*shapes)
    except ValueError:
        return HOST
    size = 1
    for n in shape:
        size *= n
    if not _ufuncs.worth_deferring(size, operands) or errors_matter():
        return HOST
    dtype = _result_type(*operands[1:])
    character = CHARACTER.get(dtype)
    number = stream.operations.get(f"where:?{character}{character}->{character}")
    if number is None:
        return HOST
    for v in operands[1:]:
        if type(v) is int and not _in_range(v, dtype):
            return HOST
        if (
            type(v) in (float, np.float64)
            and dtype.char in "efF"
            and np.isfinite(v)
            and abs(v) > np.finfo(dtype).max
        ):
            return HOST  # with NumPy's warning
    with stream.lock:
        out = new_array(shape, dtype, _ufuncs._result_strides(tuple(operands), shape, dtype, "K"))
        instruction = Instruction()
        instruction.output(out)
        for v in operands:
            if type(v) in (ndarray, np.ndarray):
                instruction.input(v, shape)
            else:
                instruction.scalar(_ufuncs.scalar_key(v, dtype))
        instruction.emit(number, size)
    if _profile.active:
        _profile.count("where", "deferred", "", size)
    return out


def _in_range(value: int, dtype: np.dtype) -> bool:
    from maniple._dtypes import INTEGER_RANGE

    bounds = INTEGER_RANGE.get(dtype)
    return abs(value) < 1 << 53 if bounds is None else bounds[0] <= value <= bounds[1]


@handles(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    if type(dst) is not ndarray or not dst._writeable or casting in ("no", "equiv"):
        return HOST
    if not (dst._size >= 1 and (worthwhile(dst) or _indexing.busy(dst))):
        return HOST
    value = operand(src)
    if value is HOST:
        return HOST
    if type(value) in (ndarray, np.ndarray):
        if not np.can_cast(value.dtype, dst._dtype, casting):
            return HOST
    elif type(value) in (int, float, complex):
        if np.result_type(dst._dtype, value) != dst._dtype:
            return HOST
    elif not np.can_cast(value.dtype, dst._dtype, casting):
        return HOST
    else:
        value = np.asarray(value)
    if where is not True:
        where = operand(where)
        if type(where) not in (ndarray, np.ndarray) or where.dtype != BOOL:
            return HOST
        try:
            if broadcast_shapes(where.shape, dst._shape) != dst._shape:
                return HOST
        except ValueError:
            return HOST
    return None if _indexing.assign(dst, value, where) else HOST


@handles(np.putmask)
def _putmask(a: Any, /, mask: Any, values: Any) -> Any:
    if type(a) is not ndarray or not worthwhile(a) or np.ndim(values) != 0:
        return HOST
    if isinstance(values, (np.generic, np.ndarray)) and not np.can_cast(values.dtype, a._dtype):
        return HOST
    mask = operand(mask)
    if type(mask) not in (ndarray, np.ndarray) or mask.dtype != BOOL or mask.shape != a._shape:
        return HOST
    return None if a._writeable and _indexing.assign(a, values, mask) else HOST


def _any_worthwhile(arrays: Any) -> bool:
    total = 0
    for a in arrays:
        if type(a) is ndarray:
            if worthwhile(a):
                return True
            total += a._size
        elif type(a) is np.ndarray:
            total += a.size
    return total >= _settings.defer and stream.enabled and not errors_matter()


@handles(np.concatenate, np.concat)
def _concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:  # fmt: skip
    if type(arrays) not in (list, tuple) or out is not None or casting != "same_kind":
        return HOST
    arrays = [operand(a) for a in arrays]
    if any([type(a) not in (ndarray, np.ndarray) for a in arrays]) or not _any_worthwhile(arrays):
        return HOST
    if axis is None:
        arrays, axis = [a.reshape(-1) for a in arrays], 0
    ndim = arrays[0].ndim
    axis = operator.index(axis)
    if not -ndim <= axis < ndim or any([a.ndim != ndim for a in arrays]):
        return HOST
    axis %= ndim
    first = arrays[0].shape
    if any([a.shape[:axis] + a.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]
            for a in arrays]):  # fmt: skip
        return HOST
    target = np.dtype(dtype) if dtype is not None else _result_type(*arrays)
    if CODE.get(target) is None or any([not np.can_cast(a.dtype, target, casting) for a in arrays]):
        return HOST
    shape = (*first[:axis], sum([a.shape[axis] for a in arrays]), *first[axis + 1 :])
    strides = None
    if len(shape) > 1 and not all([a.flags.c_contiguous for a in arrays]):
        strides = _views.joined_order(arrays, shape, target.itemsize)
    with stream.lock:
        result = new_array(shape, target, strides)
    start = 0
    lead = (slice(None),) * axis
    for a in arrays:
        n = a.shape[axis]
        if a.size:
            part = result._sliced((*lead, slice(start, start + n), ...))
            if not _indexing.assign(part, a):
                _indexing._assign_on_host(part, ..., a)
        start += n
    return result


def _with_axis(arrays: Any, axis: int) -> Any:
    return _concatenate([np.expand_dims(a, axis) for a in arrays], axis)


def _several(arrays: Any) -> list[Any]:
    if type(arrays) not in (list, tuple) or not arrays:
        raise _Unusual
    arrays = [a if isinstance(a, np.ndarray) else np.asarray(a) for a in arrays]
    if not _any_worthwhile(arrays):
        raise _Unusual
    return list(arrays)


@handles(np.stack)
def _stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None,
           casting: Any = "same_kind") -> Any:  # fmt: skip
    arrays = _several(arrays)
    ndim = arrays[0].ndim + 1
    if out is not None or not -ndim <= axis < ndim or len({a.shape for a in arrays}) != 1:
        return HOST
    axis %= ndim
    arrays = [np.expand_dims(a, axis) for a in arrays]
    return _concatenate(arrays, axis, dtype=dtype, casting=casting)


@handles(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [np.atleast_2d(a) for a in _several(tup)]
    return _concatenate(arrays, 0, dtype=dtype, casting=casting)


@handles(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [np.atleast_1d(a) for a in _several(tup)]
    return _concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@handles(np.dstack)
def _dstack(tup: Any) -> Any:
    return _concatenate([np.atleast_3d(a) for a in _several(tup)], 2)


@handles(np.column_stack)
def _column_stack(tup: Any) -> Any:
    arrays = [a[:, None] if a.ndim == 1 else a for a in _several(tup)]
    if any([a.ndim < 2 for a in arrays]):
        return HOST
    return _concatenate(arrays, 1)


@handles(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        arr, values = np.ravel(arr), np.ravel(values)
        axis = 0
    return np.concatenate((arr, values), axis=axis)


@handles(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a = _array(a)
    if not worthwhile(a) or type(shift) not in (int, tuple):
        return HOST
    if axis is None:
        if type(shift) is not int:
            return HOST
        return _roll(a.ravel(), shift, 0).reshape(a._shape)
    shifts = shift if type(shift) is tuple else (shift,)
    axes = axis if type(axis) is tuple else (axis,)
    ndim = len(a._shape)
    if len(shifts) != len(axes) or not axes:
        return HOST
    if any([type(x) is not int or not -ndim <= x < ndim for x in axes]):
        return HOST
    # Each dimension in two parts that change places.
    moves: list[list[tuple[slice, slice]]] = [[(slice(None), slice(None))] for _ in a._shape]
    total = [0] * ndim
    for s, x in zip(shifts, axes, strict=True):
        total[x % ndim] += s
    for x, n in enumerate(a._shape):
        s = total[x] % n
        if s:
            moves[x] = [(slice(s, None), slice(None, n - s)), (slice(None, s), slice(n - s, None))]
    with stream.lock:
        strides = _views.copied_order(a, a._dtype.itemsize)
        result = new_array(a._shape, a._dtype, strides)
    for parts in itertools.product(*moves):
        source = a._sliced((*[old for _, old in parts], ...))
        if not _indexing.assign(result._sliced((*[new for new, _ in parts], ...)), source):
            return HOST
    return result


@handles(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    a = _array(A)
    try:
        counts = tuple(reps)
    except TypeError:
        counts = (reps,)
    if not worthwhile(a) or any([type(n) is not int or n < 1 for n in counts]):
        return HOST
    ndim = max(len(counts), len(a._shape))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - len(a._shape)) + a._shape
    inner: list[int] = []
    for n, m in zip(counts, shape, strict=True):
        inner += (n, m)
    with stream.lock:
        result = new_array(tuple(inner), a._dtype)
    view = a.reshape([m for n in shape for m in (1, n)])  # type: ignore[attr-defined]
    if not _indexing.assign(result, view):
        return HOST
    return result.reshape([n * m for n, m in zip(counts, shape, strict=True)])  # type: ignore[attr-defined]


@handles(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a = _array(a)
    if type(repeats) is not int:
        return _sorting.repeat(a, repeats, axis)
    if not worthwhile(a) or repeats < 1:
        return HOST
    if axis is None:
        a, axis = a.ravel(), 0
    ndim = len(a._shape)
    if not -ndim <= axis < ndim:
        return HOST
    axis %= ndim
    shape = a._shape
    with stream.lock:
        result = new_array((*shape[: axis + 1], repeats, *shape[axis + 1 :]), a._dtype)
    if not _indexing.assign(result, np.expand_dims(a, axis + 1)):
        return HOST
    return result.reshape((*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))  # type: ignore[attr-defined]


# -- composed ----------------------------------------------------------------------------------


@handles(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue,
          append: Any = np._NoValue) -> Any:  # fmt: skip
    a = _array(a)
    ndim = len(a._shape)
    if prepend is not np._NoValue or append is not np._NoValue or type(n) is not int or n < 1:
        return HOST
    if not worthwhile(a) or not -ndim <= axis < ndim:
        return HOST
    lead = (slice(None),) * (axis % ndim)
    later, earlier = (*lead, slice(1, None)), (*lead, slice(None, -1))
    subtract = np.not_equal if a._dtype == BOOL else np.subtract
    for _ in range(n):
        a = subtract(a[later], a[earlier])
    return a


@handles(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None,
                neginf: Any = None) -> Any:  # fmt: skip
    x = _array(x)
    if not worthwhile(x) or x._dtype.kind != "f" or not copy or type(nan) is not float:
        return HOST
    info = np.finfo(x._dtype)
    high = info.max if posinf is None else posinf
    low = info.min if neginf is None else neginf
    if np.ndim(high) or np.ndim(low):
        return HOST
    result = x.copy("K")
    for where, value in ((np.isnan(x), nan), (x == np.inf, high), (x == -np.inf, low)):
        np.copyto(result, x._dtype.type(value), where=where)
    return result if result._shape else result[()]


@handles(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *,
             keepdims: Any = np._NoValue) -> Any:  # fmt: skip
    if weights is not None or returned or keepdims is not np._NoValue:
        return HOST
    x: Any = _array(a)
    if not x._size or _reductions.normalize_axes(axis, len(x._shape)) is None:
        return HOST  # of nothing NumPy divides by the number of results
    return x.mean(axis)


@handles(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    if equal_nan or not isinstance(a1, np.ndarray) or not isinstance(a2, np.ndarray):
        return HOST
    if a1.shape != a2.shape:
        return False
    return bool((a1 == a2).all())


_LINEAR_ALGEBRA = _linalg.handlers()
HANDLERS.update(_LINEAR_ALGEBRA)
HANDLERS.update(_fft.handlers())


@handles(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    result = _plain_norm(_array(x), ord, axis, keepdims)
    if result is HOST:
        return _LINEAR_ALGEBRA[np.linalg.norm](x, ord, axis, keepdims)
    return result


def _plain_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    """Return the usual norm of vectors of real numbers, or HOST."""
    if not worthwhile(x) or x._dtype.kind not in "fiu" or ord not in (None, 2) or keepdims:
        return HOST
    if x._dtype.kind in "iu":
        x = x.astype(float)
    if axis is None and (ord is None or len(x._shape) == 1):
        x = x.ravel(order="K")
        return np.sqrt(np.dot(x, x))
    if type(axis) is int and ord in (None, 2):
        # numpy/linalg/_linalg.py: s = (x.conj() * x).real
        return np.sqrt(np.add.reduce(x * x, axis=axis))
    return HOST


# -- products ----------------------------------------------------------------------------------

HANDLERS[np.dot] = _linear.dot
HANDLERS[np.inner] = _linear.inner
HANDLERS[np.vdot] = _linear.vdot
HANDLERS[np.outer] = _linear.outer
HANDLERS[np.tensordot] = _linear.tensordot
HANDLERS[np.einsum] = _linear.einsum


# -- orders ------------------------------------------------------------------------------------

HANDLERS.update(_sorting.HANDLERS)


# -- what looks like an array's ----------------------------------------------------------------


def _like(name: str) -> Callable[..., Any]:
    def handler(*args: Any, **kwargs: Any) -> Any:
        from maniple import _creation

        return getattr(_creation, name)(*args, **kwargs)

    return handler


for _function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
    HANDLERS[_function] = _like(_function.__name__)


def install() -> None:
    """Attach the protocol to the class."""
    ndarray.__array_function__ = array_function  # type: ignore[attr-defined]
