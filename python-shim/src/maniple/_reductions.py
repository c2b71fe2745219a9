"""Reductions, accumulations and what NumPy composes of them (mean, var, std, ptp)."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from maniple import _fallback, _profile, _settings, _ufuncs
from maniple._array import make, ndarray
from maniple._buffer import PRIVATE
from maniple._dtypes import BOOL, CHARACTER, INTP
from maniple._pace import least
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, operand, scalar_key
from maniple._views import broadcast_shapes, broadcast_strides, is_c_contiguous, keep_order


class Unobserved:
    """The scalar that a full reduction gives, not looked at yet.

    Looking sends the batch. Whoever called first drops its references to the reduced array, so
    that a temporary such as `x*x` in `(x*x).sum()` is freed in the same batch and never stored.
    """

    __slots__ = ("array", "count", "finish")

    def __init__(
        self,
        array: ndarray,
        finish: Callable[..., Any] | None = None,
        count: ndarray | None = None,
    ) -> None:
        self.array = array
        self.finish = finish
        self.count = count  # a second scalar, which `finish` gets, too

    def then(self, finish: Callable[[Any], Any]) -> Unobserved:
        """Return the result of `finish` on this scalar, not looked at either."""
        before = self.finish
        if before is None:
            return Unobserved(self.array, finish)
        return Unobserved(self.array, lambda *scalars: finish(before(*scalars)), self.count)


def settle(result: Any) -> Any:
    """Look at what is not looked at yet; anything else is returned as it is."""
    if type(result) is Unobserved:
        if result.count is not None:
            assert result.finish is not None
            return result.finish(*_scalars(result.array, result.count))
        scalar = result.array._scalar()
        return scalar if result.finish is None else result.finish(scalar)
    return result


def _scalars(*arrays: ndarray) -> list[Any]:
    """Look at several arrays of one element in one round trip."""
    if any([a._buf.home != PRIVATE or a._buf.handle <= stream.inherited for a in arrays]):
        return [a._one() for a in arrays]
    wanted = [(a._buf.handle, a._offset, a._dtype.itemsize) for a in arrays]
    contents = stream.flush(wanted)
    stream.warn()
    return [np.frombuffer(c, a._dtype)[0] for c, a in zip(contents, arrays, strict=True)]


_types: dict[Any, tuple[int, np.dtype] | None] = {}


def _resolve(ufunc: np.ufunc, method: str, dtype: np.dtype, asked: Any) -> Any:
    """Return (operation number, result dtype), or None if the backend has none."""
    key = (ufunc, method, dtype, asked)
    try:
        return _types[key]
    except KeyError:
        pass
    options: dict[str, Any] = {} if asked is None else {"signature": (asked, None, None)}
    found = None
    try:
        types = ufunc.resolve_dtypes((None, dtype, None), reduction=True, **options)
    except TypeError:
        types = None
    if types is not None and types[0] in CHARACTER and types[1] in CHARACTER:
        result = CHARACTER[types[0]]
        for source in dict.fromkeys((CHARACTER[types[1]], result)):
            number = stream.operations.get(f"{ufunc.__name__}.{method}:{source}->{result}")
            # A cast from float to bool is "not zero", as the logical ufuncs have it.
            if number is not None and (source == result or result == "?" or len(types) == 3):
                found = (number, types[0])
                break
    _types[key] = found
    return found


def forget_plans() -> None:
    _types.clear()


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """Return the axes as a sorted tuple; None where NumPy has to complain."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if type(axis) is tuple else (axis,)
    try:
        positive = [operator.index(a) for a in axes]
    except TypeError:
        return None
    if any(not -ndim <= a < ndim for a in positive):
        return None
    unique = {a % ndim for a in positive}
    return tuple(sorted(unique)) if len(unique) == len(axes) else None


def worthwhile(a: Any) -> bool:
    """Whether an operation on `a` alone is recorded."""
    return (
        issubclass(type(a), ndarray)
        and stream.enabled
        and (a._size >= _settings.defer or _ufuncs.stays(a))
        and a._size > 0
        and not errors_matter()
    )


def pays(a: Any, name: str) -> bool:
    """Whether an operation of a cost of its own (`_pace.least`) is recorded, wherever `a` lies."""
    return (
        issubclass(type(a), ndarray)
        and stream.enabled
        and a._size >= max(least(name), 1)
        and not errors_matter()
    )


def reduce(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record `ufunc.reduce(a, axis, dtype, out, keepdims, initial, where)`."""
    return settle(_reduce(ufunc, inputs, kwargs))


def _reduce(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    names = ("axis", "dtype", "out", "keepdims", "initial", "where")
    if len(inputs) > 1:
        kwargs = {**dict(zip(names, inputs[1:], strict=False)), **kwargs}
    a = inputs[0]
    if type(a) is not ndarray and getattr(a, "_source", None) is not None:
        from maniple import _selection

        result = _selection.fold(ufunc, a, kwargs)
        if result is not HOST:
            return result
    if not worthwhile(a):
        return HOST
    a = operand(a)
    axis = kwargs.get("axis", 0)
    out = kwargs.get("out")
    if type(out) is tuple:
        (out,) = out
    where = kwargs.get("where", True)
    if where is None or where is np._NoValue:
        where = True
    initial = kwargs.get("initial", np._NoValue)
    if not kwargs.keys() <= set(names):
        return HOST
    if initial is not np._NoValue:
        return _with_initial(ufunc, a, {**kwargs, "where": where})
    return fold(ufunc, a, axis, kwargs.get("dtype"), out, bool(kwargs.get("keepdims")), where)


_INITIAL = (np.add, np.multiply, np.maximum, np.minimum)


def _with_initial(ufunc: np.ufunc, a: ndarray, kwargs: dict[str, Any]) -> Any:
    """Record a reduction that begins with a value: that of the array, and once more the ufunc."""
    initial, where = kwargs.pop("initial"), kwargs["where"]
    if ufunc not in _INITIAL or type(initial) not in (int, float) or kwargs.get("out") is not None:
        return HOST
    dtype = kwargs.get("dtype")
    found = _resolve(ufunc, "reduce", a._dtype, None if dtype is None else np.dtype(dtype))
    if found is None or found[1].kind not in "iuf":
        return HOST
    try:
        first = found[1].type(initial)
    except OverflowError:
        return HOST
    if first != initial or (first == 0 and np.signbit(first)):
        return HOST  # sums begin with 0.0
    if where is not True and ufunc.identity is None:
        if broadcast_shapes(np.shape(where), a._shape) != a._shape or a._dtype != found[1]:
            return HOST
        chosen: Any = np.where(where, a, first)
        if type(chosen) is not ndarray:
            return HOST
        a, where = chosen, True
    result = fold(ufunc, a, kwargs.get("axis", 0), dtype, None, bool(kwargs.get("keepdims")), where)
    if result is HOST:
        return HOST
    return (
        ufunc(result, first)
        if type(result) is ndarray
        else _finished(result, lambda scalar: ufunc(first, scalar))
    )


def fold(
    ufunc: np.ufunc,
    a: ndarray,
    axis: Any,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    where: Any = True,
    masked_extremum: bool = False,
) -> Any:
    """Record a reduction; a full one gives an `Unobserved`.

    `masked_extremum`: the caller looks whether `where` is true somewhere; a minimum or maximum
    needs no initial value then, and is anything if not.
    """
    axes = normalize_axes(axis, len(a._shape))
    if axes is None or (not a._shape and axis not in (None, ())):
        return HOST
    keep_array = out is Ellipsis
    if keep_array:
        out = None
    if out is not None and type(out) is not ndarray:
        return HOST
    if dtype is not None:
        try:
            dtype = np.dtype(dtype)
        except TypeError:
            return HOST
    elif out is not None:
        plain = _resolve(ufunc, "reduce", a._dtype, None)
        if plain is None or plain[1] != out._dtype:
            return HOST
    found = _resolve(ufunc, "reduce", a._dtype, dtype)
    if found is None or (len(axes) > 1 and ufunc.identity is not None and not _reorderable(ufunc)):
        return HOST
    if where is not True:
        where = operand(where)
        if type(where) not in (ndarray, np.ndarray) or where.dtype != BOOL:
            return HOST
        if ufunc.identity is None and not masked_extremum:
            return HOST
        try:
            if broadcast_shapes(where.shape, a._shape) != a._shape:
                return HOST
        except ValueError:
            return HOST
    number, result_dtype = found
    full = tuple([1 if i in axes else n for i, n in enumerate(a._shape)])
    shape = full if keepdims else tuple([n for i, n in enumerate(a._shape) if i not in axes])
    if out is not None and (out._shape != shape or out._dtype != result_dtype):
        return HOST
    with stream.lock:
        target = out
        if target is None:
            strides = _kept_order(a, where, full, axes, keepdims, result_dtype.itemsize)
            target = new_array(shape, result_dtype, strides)
        elif not _ufuncs.prepare_outputs([target]):
            return HOST
        instruction = Instruction()
        instruction.output(_with_kept(target, full, axes, keepdims))
        instruction.input(a)
        if where is not True:
            instruction.input(where, a._shape)
        instruction.emit(number, a._size, out is not None)
    if _profile.active:
        _profile.count(f"{ufunc.__name__}.reduce", "deferred", "", a._size)
    if out is None and not shape and not keep_array:
        return Unobserved(target)
    return target


def _kept_order(
    a: ndarray,
    where: Any,
    full: tuple[int, ...],
    axes: tuple[int, ...],
    keepdims: bool,
    itemsize: int,
) -> tuple[int, ...] | None:
    """Return the strides of a reduction's result: the dimensions in the order of the operands'."""
    if len(full) < 2 or (where is True and is_c_contiguous(a)):
        return None
    views = [(a._shape, a._strides)]
    if where is not True:
        views.append((a._shape, broadcast_strides(where.shape, where.strides, a._shape)))
    strides = keep_order(views, full, itemsize)
    return strides if keepdims else tuple([s for i, s in enumerate(strides) if i not in axes])


def _reorderable(ufunc: np.ufunc) -> bool:
    return ufunc.__name__ in _REORDERABLE


_REORDERABLE = frozenset(
    ("add", "multiply", "minimum", "maximum", "fmin", "fmax", "logical_and", "logical_or",
     "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor")
)  # fmt: skip


def _with_kept(
    target: ndarray, full: tuple[int, ...], axes: tuple[int, ...], keepdims: bool
) -> ndarray:
    """Return `target` with its reduced dimensions present, of size 1."""
    if keepdims or not axes:
        return target
    own = iter(target._strides)
    strides = tuple([0 if i in axes else next(own) for i in range(len(full))])
    return make(target._buf, target._offset, target._dtype, full, strides, target._size)


def _accumulates(a: Any) -> bool:
    return worthwhile(a) or pays(a, "accumulate")


def accumulate(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record `ufunc.accumulate(a, axis, dtype, out)`."""
    names = ("axis", "dtype", "out")
    if len(inputs) > 1:
        kwargs = {**dict(zip(names, inputs[1:], strict=False)), **kwargs}
    a = inputs[0]
    if not _accumulates(a) or not a._shape:
        return HOST
    if not kwargs.keys() <= set(names):
        return HOST
    axes = normalize_axes(kwargs.get("axis", 0), len(a._shape))
    out = kwargs.get("out")
    if type(out) is tuple:
        (out,) = out
    if axes is None or len(axes) != 1 or (out is not None and type(out) is not ndarray):
        return HOST
    dtype = kwargs.get("dtype")
    found = _resolve(ufunc, "accumulate", a._dtype, None if dtype is None else np.dtype(dtype))
    if found is None:
        return HOST
    number, result_dtype = found
    if out is not None and (out._shape != a._shape or out._dtype != result_dtype):
        return HOST
    with stream.lock:
        if out is None:
            strides = _ufuncs._result_strides((a,), a._shape, result_dtype, "K")
            target = new_array(a._shape, result_dtype, strides)
        elif _ufuncs.prepare_outputs([out]):
            target = out
        else:
            return HOST
        instruction = Instruction()
        instruction.output(target)
        instruction.input(a)
        instruction.scalar(scalar_key(axes[0], INTP))
        instruction.emit(number, a._size, out is not None)
    if _profile.active:
        _profile.count(f"{ufunc.__name__}.accumulate", "deferred", "", a._size)
    return target


def outer(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ufunc.outer` is the ufunc on a view with more dimensions."""
    if len(inputs) != 2:
        return HOST
    a, b = (operand(x) for x in inputs)
    if a is HOST or b is HOST or np.ndim(a) + np.ndim(b) > 64:
        return HOST
    if isinstance(a, np.ndarray):  # ours, too
        a = a[(..., *(None,) * np.ndim(b))]
    return _ufuncs.elementwise(ufunc, (a, b), kwargs)


_ufuncs.METHODS.update(reduce=reduce, accumulate=accumulate, outer=outer)


# -- what methods and functions share ----------------------------------------------------------


def _call(ufunc: np.ufunc, a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, where: Any,
          initial: Any = np._NoValue) -> Any:  # fmt: skip
    kwargs: dict[str, Any] = {"axis": axis, "dtype": dtype, "keepdims": bool(keepdims)}
    if out is not None:
        kwargs["out"] = out
    if where is not True and where is not np._NoValue:
        kwargs["where"] = where
    if initial is not np._NoValue:
        kwargs["initial"] = initial
    result = _reduce(ufunc, (a,), kwargs) if issubclass(type(a), ndarray) else HOST
    return ufunc.reduce(a, **kwargs) if result is HOST else result


def add_reduce(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    return _call(np.add, a, axis, dtype, out, keepdims, where, initial)


def multiply_reduce(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    return _call(np.multiply, a, axis, dtype, out, keepdims, where, initial)


def maximum_reduce(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    return _call(np.maximum, a, axis, None, out, keepdims, where, initial)


def minimum_reduce(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    return _call(np.minimum, a, axis, None, out, keepdims, where, initial)


def any_reduce(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    return _call(np.logical_or, a, axis, BOOL if out is None else None, out, keepdims, where)


def all_reduce(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    return _call(np.logical_and, a, axis, BOOL if out is None else None, out, keepdims, where)


def arg_reduce(name: str, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    """Record argmax or argmin."""
    if keepdims is np._NoValue:
        keepdims = False
    if not worthwhile(a) or out is not None:
        return HOST
    a = operand(a)
    number = stream.operations.get(f"{name}.reduce:{CHARACTER[a._dtype]}->l")
    axes = normalize_axes(axis, len(a._shape))
    if number is None or axes is None or not a._shape or (axis is not None and len(axes) != 1):
        return HOST
    full = tuple([1 if i in axes else n for i, n in enumerate(a._shape)])
    shape = full if keepdims else tuple([n for i, n in enumerate(a._shape) if i not in axes])
    if axis is not None and prod(shape) == 1 and a._size != a._shape[axes[0]]:
        return HOST
    with stream.lock:
        target = new_array(shape, INTP)
        instruction = Instruction()
        instruction.output(_with_kept(target, full, axes, bool(keepdims)))
        instruction.input(a)
        instruction.emit(number, a._size)
    if _profile.active:
        _profile.count(name, "deferred", "", a._size)
    return target if shape else Unobserved(target)


def ravelled(a: ndarray) -> ndarray:
    result: ndarray = a.reshape(-1)  # type: ignore[attr-defined]
    return result


def cumulative(ufunc: np.ufunc, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    """cumsum and cumprod."""
    if not _accumulates(a):
        return HOST
    if axis is None:
        a, axis = ravelled(a), 0
    kwargs: dict[str, Any] = {"axis": axis}
    if dtype is not None:
        kwargs["dtype"] = dtype
    if out is not None:
        kwargs["out"] = out
    return accumulate(ufunc, (a,), kwargs)


# mean and var follow numpy/_core/_methods.py step by step, on deferred arrays.


def _count(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    if where is True:
        axes = normalize_axes(axis, len(a._shape))
        assert axes is not None
        return INTP.type(prod([a._shape[i] for i in axes]))
    from numpy.lib._stride_tricks_impl import broadcast_to

    mask = broadcast_to(_fallback.real(where), a._shape)
    return np.add.reduce(mask, axis=axis, dtype=INTP, keepdims=keepdims)  # type: ignore[call-overload]


def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    where: Any = True,
) -> Any:
    """Return the mean as NumPy computes it, or HOST."""
    if _is_lazy(a):
        result = _masked_mean(a, axis, dtype, out, keepdims, where)
        if result is not HOST:
            return result
    if not worthwhile(a) or normalize_axes(axis, len(a._shape)) is None or out is not None:
        return HOST
    if where is not True:
        return HOST
    half = False
    if dtype is None:
        if a._dtype.kind in "iub":
            dtype = np.dtype("f8")
        elif a._dtype.char == "e":
            dtype, half = np.dtype("f4"), True
    total = add_reduce(a, axis, dtype, None, keepdims, where=where)
    count = _count(a, axis, bool(keepdims), where)
    if isinstance(total, np.ndarray):  # ours, too
        total = np.true_divide(total, count, out=total, casting="unsafe")
        if half and np.dtype(dtype) == np.dtype("f4"):
            total = total.astype(a._dtype)
        return total
    kind = a._dtype.type if half else None
    return _finished(total, lambda scalar: (kind or scalar.dtype.type)(scalar / count))


def _finished(total: Any, finish: Callable[[Any], Any]) -> Any:
    return total.then(finish) if type(total) is Unobserved else finish(total)


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
        keepdims: Any = False, where: Any = True, mean: Any = np._NoValue) -> Any:  # fmt: skip
    """Return the variance as NumPy computes it (two passes), or HOST."""
    if _is_lazy(a):
        result = _masked_var(a, axis, dtype, out, ddof, keepdims, where, mean)
        if result is not HOST:
            return result
    if not worthwhile(a) or normalize_axes(axis, len(a._shape)) is None or out is not None:
        return HOST
    if not a._shape or where is not True or (mean is not np._NoValue and mean is not None):
        return HOST
    count = _count(a, axis, bool(keepdims), where)
    if ddof >= count:
        return HOST
    if dtype is None and a._dtype.kind in "iub":
        dtype = np.dtype("f8")
    average = settle(add_reduce(a, axis, dtype, None, True))
    average = np.true_divide(average, count, out=average, casting="unsafe")
    x = np.subtract(a, average)
    if x.dtype.kind in "fiub":
        x = np.multiply(x, x, out=x)
    else:
        x = np.multiply(x, np.conjugate(x), out=x).real
    total = add_reduce(x, axis, dtype, None, keepdims)
    count = max(count - ddof, 0)
    if isinstance(total, np.ndarray):
        return np.true_divide(total, count, out=total, casting="unsafe")
    return _finished(total, lambda scalar: scalar.dtype.type(scalar / count))


def std(a: Any, *args: Any, **kwargs: Any) -> Any:
    variance = var(a, *args, **kwargs)
    if variance is HOST:
        return HOST
    if isinstance(variance, np.ndarray):
        return np.sqrt(variance, out=variance)
    return _finished(variance, lambda scalar: scalar.dtype.type(np.sqrt(scalar)))


# Of a lazy selection `source[mask]`: sums where the mask is true.


def _is_lazy(a: Any) -> bool:
    return type(a) is not ndarray and getattr(a, "_source", None) is not None


def _maskable(a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, where: Any) -> bool:
    return (
        axis in (None, 0, -1)
        and out is None
        and where is True
        and (keepdims is False or keepdims is np._NoValue)
        and (dtype is None or np.dtype(dtype).kind in "fc")
        and bool(a._source._shape)
        and a._mask._shape == a._source._shape
        and not errors_matter()
    )


def _masked_mean(a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, where: Any) -> Any:
    if not _maskable(a, axis, dtype, out, keepdims, where):
        return HOST
    own = a._dtype
    kind = None
    working = dtype
    if dtype is None:
        if own.kind in "iub":
            working = np.dtype("f8")
        elif own.char == "e":
            working, kind = np.dtype("f4"), own.type
    count = fold(np.add, a._mask, None, INTP)
    total = fold(np.add, a._source, None, working, where=a._mask)
    if type(total) is not Unobserved or type(count) is not Unobserved:
        return HOST

    def finish(total: Any, count: Any) -> Any:
        if not count:
            return np.empty(0, own).mean(dtype=dtype)  # with NumPy's warnings
        return (kind or total.dtype.type)(total / count)

    return Unobserved(total.array, finish, count.array)


def _masked_var(a: Any, axis: Any, dtype: Any, out: Any, ddof: Any, keepdims: Any, where: Any,
                mean: Any) -> Any:  # fmt: skip
    if not _maskable(a, axis, dtype, out, keepdims, where):
        return HOST
    if (mean is not np._NoValue and mean is not None) or type(ddof) is not int:
        return HOST
    own, source, mask = a._dtype, a._source, a._mask
    working = np.dtype("f8") if dtype is None and own.kind in "iub" else dtype
    count: Any = fold(np.add, mask, None, INTP, keepdims=True)
    average: Any = fold(np.add, source, None, working, keepdims=True, where=mask)
    if average is HOST or count is HOST:
        return HOST
    average = np.true_divide(average, count, out=average, casting="unsafe")
    x: Any = np.subtract(source, average)
    if x.dtype.kind in "fiub":
        x = np.multiply(x, x, out=x)
    else:
        x = np.multiply(x, np.conjugate(x), out=x).real
    total = fold(np.add, x, None, working, where=mask)
    if type(total) is not Unobserved:
        return HOST

    def finish(total: Any, count: Any) -> Any:
        if not count:
            return np.empty(0, own).var(dtype=dtype, ddof=ddof)  # with NumPy's warnings
        if ddof >= count:
            warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
        return total.dtype.type(total / max(count - ddof, 0))

    return Unobserved(total.array, finish, count)


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    if keepdims is np._NoValue:
        keepdims = False
    if not worthwhile(a) or out is not None:
        return HOST
    return np.subtract(
        settle(maximum_reduce(a, axis, None, keepdims)),
        settle(minimum_reduce(a, axis, None, keepdims)),
    )


def count_nonzero(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if _is_lazy(a) and axis in (None, 0, -1) and not keepdims and not errors_matter():
        source, mask = a._source, a._mask
        chosen = source if source._dtype == BOOL else np.not_equal(source, 0)
        return settle(fold(np.add, chosen, None, INTP, where=mask))
    if not worthwhile(a):
        return HOST
    mask = a if a._dtype == BOOL else np.not_equal(a, 0)
    return settle(add_reduce(mask, axis, INTP, None, keepdims))


def extremes(a: Any) -> tuple[int, int]:
    """Look at the least and the greatest element of an integer array, read once."""
    if type(a) is np.ndarray or not worthwhile(a):
        return int(a.min()), int(a.max())
    low, high = (fold(u, a, None) for u in (np.minimum, np.maximum))
    if low is HOST or high is HOST:
        return int(a.min()), int(a.max())
    first, last = _scalars(low.array, high.array)
    return int(first), int(last)
