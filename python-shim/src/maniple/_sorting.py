"""Sorting, searching and counting: what orders elements, and what goes by their order."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core import multiarray
from numpy.lib import _histograms_impl

from maniple import _fallback, _indexing, _methods, _profile, _reductions, _ufuncs
from maniple._array import adopt, ndarray
from maniple._dtypes import BOOL, CHARACTER, CODE, FLOAT64, INTP
from maniple._pace import sorting_weight
from maniple._recorder import stream
from maniple._reductions import pays, worthwhile
from maniple._ufuncs import HOST, Instruction, new_array, operand
from maniple._views import broadcast_shapes, is_c_contiguous

_histograms: Any = _histograms_impl
_multiarray: Any = multiarray

_MOST_BINS = 1 << 16

HANDLERS: dict[Any, Callable[..., Any]] = {}
"""NumPy function to what records it; `_functions` takes them over."""

_KINDS = frozenset((None, "quicksort", "mergesort", "heapsort", "stable"))
_ARRAYS = (ndarray, np.ndarray)


def handles(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return register


def _record(
    name: str, signature: str, out: ndarray, inputs: tuple[Any, ...], scalars: tuple[int, ...] = (),
    elements: int = 0, in_place: bool = False,
) -> bool:  # fmt: skip
    """Append one instruction; False if that cannot be. Needs the stream's lock."""
    number = stream.operations.get(f"{name}:{signature}")
    if number is None or (in_place and not _ufuncs.prepare_outputs([out])):
        return False
    instruction = Instruction()
    instruction.output(out)
    for value in inputs:
        instruction.input(value)
    for scalar in scalars:
        instruction.scalar(_ufuncs.scalar_key(scalar, INTP))
    instruction.emit(number, elements * sorting_weight(name), in_place)
    if _profile.active:
        _profile.count(name, "deferred", "", elements)
    return True


def _axis(axis: Any, ndim: int) -> int | None:
    """Return the axis, not negative; None where NumPy has to complain."""
    try:
        axis = operator.index(axis)
    except TypeError:
        return None
    return axis % ndim if -ndim <= axis < ndim else None


def _last(a: Any, axis: int) -> Any:
    return a if axis == len(a._shape) - 1 else np.moveaxis(a, axis, -1)


def _plain(kind: Any, order: Any, stable: Any) -> bool:
    """Whether NumPy's arguments are valid and ask for nothing but an order."""
    try:
        valid = kind in _KINDS
    except TypeError:
        return False
    return valid and order is None and (stable is None or (kind is None and type(stable) is bool))


def _integers(value: Any) -> Any:
    """Return an index array as an array; None for anything else."""
    if type(value) not in _ARRAYS and issubclass(type(value), ndarray):
        value = operand(value)
    if type(value) in (list, tuple, int):
        try:
            value = np.asarray(_fallback.real(value))
        except (ValueError, TypeError, OverflowError):
            return None
    if type(value) not in _ARRAYS or value.dtype.kind not in "iu" or value.dtype.itemsize > 8:
        return None
    return None if value.dtype == np.dtype("u8") or CODE.get(value.dtype) is None else value


def _rows(a: Any, axis: Any) -> tuple[Any, int | None]:
    """Return the array and the axis: flattened where there is none; None for NumPy to complain."""
    a = operand(a)
    if axis is None:
        a, axis = _reductions.ravelled(a), -1
    return a, _axis(axis, len(a._shape))


# -- sort, argsort -----------------------------------------------------------------------------


def _sort_copy(a: Any, axis: Any, kind: Any, order: Any, stable: Any, purpose: str = "sort") -> Any:
    if not pays(a, purpose) or not _plain(kind, order, stable):
        return HOST
    a, axis = _rows(a, axis)
    if axis is None:
        return HOST
    c = CHARACTER[a._dtype]
    strides = _methods._order_strides(a, a._dtype, "K")
    with stream.lock:
        out = new_array(a._shape, a._dtype, strides)
        done = _record("sort", f"{c}->{c}", _last(out, axis), (_last(a, axis),), elements=a._size)
    return out if done else HOST


@handles(np.sort)
def _sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    return _sort_copy(a, axis, kind, order, stable)


def _in_place(a: ndarray, wanted: bool) -> bool:
    return (
        type(a) is ndarray
        and a._size > 0
        and len(a._shape) > 0
        and a._writeable is True
        and (wanted or (_indexing.busy(a) and not _ufuncs.errors_matter()))
    )


def sort(self: ndarray, *args: Any, **kwargs: Any) -> None:
    """Sort the array in-place."""
    if not _try_sort(self, *args, **kwargs):
        _fallback.method(self, "sort", args, kwargs)


def _try_sort(
    a: ndarray, axis: Any = -1, kind: Any = None, order: Any = None, *more: Any,
    stable: Any = None, **others: Any,
) -> bool:  # fmt: skip
    if more or others or not _in_place(a, pays(a, "sort")) or not _plain(kind, order, stable):
        return False
    axis = _axis(axis, len(a._shape))
    if axis is None:
        return False
    c = CHARACTER[a._dtype]
    view = _last(a, axis)
    with stream.lock:
        return _record("sort", f"{c}->{c}", view, (view,), (), a._size, True)


@handles(np.argsort)
def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if not pays(a, "argsort") or not _plain(kind, order, stable):
        return HOST
    a, axis = _rows(a, axis)
    if axis is None:
        return HOST
    signature = f"{CHARACTER[a._dtype]}->l"
    with stream.lock:
        out = new_array(a._shape, INTP)
        done = _record("argsort", signature, _last(out, axis), (_last(a, axis),), (), a._size)
    return out if done else HOST


@handles(np.lexsort)
def _lexsort(keys: Any, axis: Any = -1) -> Any:
    if type(keys) not in (tuple, list) or not keys:
        return HOST
    arrays = [operand(k) for k in keys]
    if any([type(k) is not ndarray or len(k._shape) != 1 or not worthwhile(k) for k in arrays]):
        return HOST
    if len({k._shape for k in arrays}) != 1 or _axis(axis, 1) is None:
        return HOST
    order = _argsort(arrays[0])
    for k in arrays[1:]:
        if order is HOST:
            break
        finer = _argsort(k[order])
        order = HOST if finer is HOST else order[finer]
    return order


# -- partition ---------------------------------------------------------------------------------


def _positions(kth: Any, n: int) -> Any:
    """Return the positions as an int64 vector, not negative; None where NumPy has to complain."""
    if isinstance(kth, np.integer):
        kth = int(kth)
    positions = _integers(kth)
    if positions is None or positions.ndim > 1 or not positions.size:
        return None
    host = np.array(_fallback.real(positions), np.int64).reshape(-1)
    host = np.where(host < 0, host + n, host)
    return np.unique(host) if host.min() >= 0 and host.max() < n else None


@handles(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if not pays(a, "partition") or kind != "introselect" or order is not None:
        return HOST
    a, axis = _rows(a, axis)
    positions = None if axis is None else _positions(kth, a._shape[axis])
    if axis is None or positions is None:
        return HOST
    c = CHARACTER[a._dtype]
    strides = _methods._order_strides(a, a._dtype, "K")
    with stream.lock:
        out = new_array(a._shape, a._dtype, strides)
        inputs = (_last(a, axis), positions)
        done = _record("partition", f"{c}l->{c}", _last(out, axis), inputs, (), a._size)
    return out if done else HOST


def partition(self: ndarray, *args: Any, **kwargs: Any) -> None:
    """Partially sort the array in-place."""
    if not _try_partition(self, *args, **kwargs):
        _fallback.method(self, "partition", args, kwargs)


def _try_partition(
    a: ndarray, kth: Any = None, axis: Any = -1, kind: Any = "introselect", order: Any = None,
    *more: Any, **others: Any,
) -> bool:  # fmt: skip
    if (
        more
        or others
        or not _in_place(a, pays(a, "partition"))
        or kind != "introselect"
        or order is not None
    ):
        return False
    axis = _axis(axis, len(a._shape))
    positions = None if axis is None else _positions(kth, a._shape[axis])
    if axis is None or positions is None:
        return False
    c = CHARACTER[a._dtype]
    view = _last(a, axis)
    with stream.lock:
        return _record("partition", f"{c}l->{c}", view, (view, positions), (), a._size, True)


@handles(np.argpartition)
def _argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if not worthwhile(a) or kind != "introselect" or order is not None:
        return HOST
    n = a.size if axis is None else None
    if n is None:
        place = _axis(axis, a.ndim)
        if place is None:
            return HOST
        n = a.shape[place]
    # What is sorted is partitioned.
    return HOST if _positions(kth, n) is None else _argsort(a, axis)


# -- searching ---------------------------------------------------------------------------------


@handles(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    if side not in ("left", "right") or not (worthwhile(a) or worthwhile(v)):
        return HOST
    a = operand(np.asarray(a) if type(a) in (list, tuple) else a)
    v = operand(np.asarray(v) if type(v) in (list, tuple, int, float, complex, bool) else v)
    if isinstance(v, np.generic):
        v = np.asarray(v)
    if type(a) not in _ARRAYS or type(v) not in _ARRAYS or a.ndim != 1:
        return HOST
    c = CHARACTER.get(np.promote_types(a.dtype, v.dtype))
    if c is None or not a.size or not v.size:
        return HOST
    if sorter is not None:
        sorter = _integers(sorter)
        if sorter is None or sorter.shape != a.shape or type(a) is not ndarray:
            return HOST
        low, high = _reductions.extremes(sorter)
        if low < 0 or high >= a.size:
            return HOST
        a = _indexing.getitem(a, sorter)
    with stream.lock:
        out = new_array(v.shape, INTP)
        scalars = (int(side == "right"),)
        done = _record("searchsorted", f"{c}{c}->l", out, (a, v), scalars, v.size)
    if not done:
        return HOST
    return out if v.shape else out._scalar()


@handles(np.digitize)
def _digitize(x: Any, bins: Any, right: Any = False) -> Any:
    if not worthwhile(x) or x.dtype.kind == "c":
        return HOST
    edges = np.asarray(_fallback.real(bins))
    if edges.ndim != 1 or not edges.size:
        return HOST
    direction = _multiarray._monotonicity(edges)
    if direction == 0:
        return HOST
    side = "left" if right else "right"
    if direction > 0:
        return _searchsorted(edges, x, side)
    found = _searchsorted(edges[::-1], x, side)
    if found is HOST:
        return HOST
    return len(edges) - found


# -- positions of what is not zero -------------------------------------------------------------


def _arange(n: int) -> Any:
    from maniple import _creation

    return _creation.arange(n)


def _flat_nonzero(a: ndarray) -> Any:
    mask = a if a._dtype == BOOL else np.not_equal(a, 0)
    if type(mask) is not ndarray:
        return HOST
    flat = _reductions.ravelled(mask)
    index = operand(_arange(flat._size))
    return HOST if type(index) is not ndarray else _indexing.compress(index, flat)


@handles(np.nonzero)
def nonzero_of(a: Any) -> Any:
    """Record np.nonzero."""
    if not worthwhile(a):
        return HOST
    a = operand(a)
    if not a._shape:
        return HOST
    flat = _flat_nonzero(a)
    if flat is HOST or len(a._shape) == 1:
        return flat if flat is HOST else (flat,)
    indices = []
    for n in reversed(a._shape[1:]):
        indices.append(flat % n)
        flat = flat // n
    return (flat, *reversed(indices))


@handles(np.flatnonzero)
def _flatnonzero(a: Any) -> Any:
    if not worthwhile(a):
        return HOST
    return _flat_nonzero(operand(a))


@handles(np.argwhere)
def _argwhere(a: Any) -> Any:
    indices = nonzero_of(a)
    return HOST if indices is HOST else np.stack(indices).T


# -- counting ----------------------------------------------------------------------------------


def _count(x: Any, bins: int, weights: Any = None) -> Any:
    signature, dtype = ("l->l", INTP) if weights is None else ("ld->d", FLOAT64)
    with stream.lock:
        out = new_array((bins,), dtype)
        inputs = (x,) if weights is None else (x, weights)
        done = _record("bincount", signature, out, inputs, (), x.size)
    return out if done else HOST


@handles(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    if (
        not (pays(x, "bincount") or pays(weights, "bincount"))
        or type(minlength) is not int
        or minlength < 0
    ):
        return HOST
    x = operand(x)
    if type(x) not in _ARRAYS or x.ndim != 1 or not x.size or x.dtype.kind not in "biu":
        return HOST
    if x.dtype == np.dtype("u8") or CODE.get(x.dtype) is None:
        return HOST
    if weights is not None:
        weights = operand(np.asarray(weights) if type(weights) in (list, tuple) else weights)
        if type(weights) not in _ARRAYS or weights.shape != x.shape:
            return HOST
        if weights.dtype.kind not in "biuf" or CODE.get(weights.dtype) is None:
            return HOST
    if x.dtype in _BYTES and (weights is None or minlength >= _BYTES[x.dtype]):
        return _count_bytes(x, minlength, weights)
    low, high = _reductions.extremes(x)
    return HOST if low < 0 else _count(x, max(high + 1, minlength), weights)


_BYTES = {BOOL: 2, np.dtype("u1"): 256}
"""Types of few values, and how many these are."""


def _count_bytes(x: Any, minlength: int, weights: Any) -> Any:
    """Count all values there can be; which of them is the greatest is seen afterwards."""
    bins = max(_BYTES[x.dtype], minlength)
    counts = _count(x, bins, weights)
    if counts is HOST or bins == minlength:
        return counts
    greatest = int(np.flatnonzero(_fallback.real(counts))[-1])
    size = max(greatest + 1, minlength)
    return counts if size == bins else counts[:size].copy()


@handles(np.histogram)
def _histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if not pays(a, "histogram") or weights is not None or isinstance(bins, str):
        return HOST
    a = _reductions.ravelled(operand(a))
    if a._dtype.kind not in "iuf":
        return HOST
    edges, uniform = _histograms._get_bin_edges(a, _fallback.real(bins), range, None)
    counts = _nonuniform(a, edges) if uniform is None else _uniform(a, edges, uniform)
    if counts is HOST:
        return HOST
    if not density:
        return counts, edges
    # numpy/lib/_histograms_impl.py: histogram
    widths = np.array(np.diff(edges), float)
    return counts / widths / counts.sum(), edges


def _uniform(a: Any, edges: Any, uniform: Any) -> Any:
    """Count into bins of one width, as numpy/lib/_histograms_impl.py does."""
    first, last, n = uniform
    edges = np.asarray(_fallback.real(edges))
    if edges.dtype.kind != "f":
        return HOST
    if a._dtype == FLOAT64 == edges.dtype and n <= _MOST_BINS:
        with stream.lock:
            out = new_array((n,), INTP)
            done = _record("histogram", "dd->l", out, (a, edges), elements=a._size)
        if done:
            return out
    keep = (a >= first) & (a <= last)
    values = a.astype(edges.dtype, copy=False)
    fractions = ((values - first) / _histograms._unsigned_subtract(last, first)) * n
    # What is not counted goes to the first bin, then to one beyond the last.
    indices = np.where(keep, fractions, fractions.dtype.type(0)).astype(np.intp)
    indices = np.where(indices == n, n - 1, indices)
    lower, upper = np.append(edges, edges[-1:]), np.append(edges[1:], edges[-1:])
    lower, upper = adopt(lower), adopt(upper)
    indices = indices - (values < lower[indices])
    indices = np.where(keep, indices, 0)
    more = (values >= upper[indices]) & (indices != n - 1)
    indices = np.where(keep, indices + more, n)
    counts = _count(indices, n + 1)
    return HOST if counts is HOST else counts[:n].copy()


def _nonuniform(a: Any, edges: Any) -> Any:
    ordered = _sort_copy(a, -1, None, None, None, "histogram")
    if ordered is HOST:
        return HOST
    left = _searchsorted(ordered, edges[:-1], "left")
    right = _searchsorted(ordered, edges[-1:], "right")
    if left is HOST or right is HOST:
        return HOST
    return np.diff(np.concatenate((left, right)))


# -- unique ------------------------------------------------------------------------------------


@handles(np.unique)
def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, *, equal_nan: bool = True, sorted: bool = True,
) -> Any:  # fmt: skip
    if not pays(ar, "unique") or axis is not None:
        return HOST
    a = operand(ar)
    shape = a._shape
    a = _reductions.ravelled(a)
    order: Any = None
    if return_index or return_inverse:
        order = _argsort(a)
        ordered = HOST if order is HOST else _indexing.getitem(a, order)
    else:
        ordered = _sort_copy(a, -1, None, None, None, "unique")
    if ordered is HOST:
        return HOST
    # numpy/lib/_arraysetops_impl.py: _unique1d, but that all NaN of the end are found at once.
    later, earlier = ordered[1:], ordered[:-1]
    differs = later != earlier
    if equal_nan and a._dtype.kind in "fc":
        differs = differs & ~(np.isnan(later) & np.isnan(earlier))
    with stream.lock:
        mask: Any = new_array(a._shape, BOOL)
    mask[:1] = True
    mask[1:] = differs
    results = [_indexing.compress(ordered, mask)]
    if return_index:
        results.append(_indexing.compress(order, mask))
    if return_inverse:
        with stream.lock:
            inverse: Any = new_array(a._shape, INTP)
        inverse[order] = np.cumsum(mask) - 1
        results.append(inverse.reshape(shape))
    if return_counts:
        first = _flat_nonzero(mask)
        results.append(
            HOST if first is HOST else np.diff(np.concatenate((first, np.array([a._size]))))
        )
    if any([r is HOST for r in results]):
        return HOST
    return results[0] if len(results) == 1 else tuple(results)


# -- repeat, bits ------------------------------------------------------------------------------


def repeat(a: ndarray, counts: Any, axis: Any) -> Any:
    """Record np.repeat with an array of counts."""
    if not worthwhile(a):
        return HOST
    a = operand(a)
    if axis is None:
        a, axis = _reductions.ravelled(a), 0
    axis = _axis(axis, len(a._shape))
    counts = _integers(counts)
    if axis is None or counts is None or counts.shape != (a._shape[axis],):
        return HOST
    low, _ = _reductions.extremes(counts)
    total = int(counts.sum())
    if low < 0 or not total:
        return HOST
    ends = np.cumsum(counts, dtype=INTP)
    positions = _searchsorted(ends, _arange(total), "right")
    return HOST if positions is HOST else np.take(a, positions, axis)


@handles(np.packbits)
def _packbits(a: Any, /, axis: Any = None, bitorder: Any = "big") -> Any:
    if not worthwhile(a) or bitorder not in ("big", "little"):
        return HOST
    a = operand(a)
    if a._dtype.kind not in "biu" or not a._shape:
        return HOST
    if axis is None:
        a, axis = _reductions.ravelled(a), -1
    if _axis(axis, len(a._shape)) != len(a._shape) - 1:
        return HOST
    bits = a if a._dtype == BOOL else np.not_equal(a, 0)
    n = a._shape[-1]
    length = -(-n // 8)
    if n % 8:
        with stream.lock:
            padded: Any = new_array((*a._shape[:-1], 8 * length), BOOL)
        padded[...] = False
        padded[..., :n] = bits
        bits = padded
    if not is_c_contiguous(bits):
        bits = bits.copy()
    eighths = bits.view(np.uint8).reshape(*a._shape[:-1], length, 8)
    result: Any = None
    for position in range(8):
        shift = np.uint8(7 - position if bitorder == "big" else position)
        bit = eighths[..., position] << shift
        result = bit if result is None else result | bit
    return result.copy("F") if a.flags.fnc else result


@handles(np.unpackbits)
def _unpackbits(a: Any, /, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
    if not worthwhile(a) or count is not None or bitorder not in ("big", "little"):
        return HOST
    a = operand(a)
    if a._dtype != np.dtype(np.uint8) or not a._shape:
        return HOST
    if axis is None:
        a, axis = _reductions.ravelled(a), -1
    if _axis(axis, len(a._shape)) != len(a._shape) - 1 or not is_c_contiguous(a):
        return HOST
    shifts = np.arange(8, dtype=np.uint8)
    shifts = shifts[::-1].copy() if bitorder == "big" else shifts
    bits = (a[..., None] >> shifts) & np.uint8(1)
    return bits.reshape(*a._shape[:-1], 8 * a._shape[-1])


# -- ufunc methods -----------------------------------------------------------------------------


def at(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record `ufunc.at(a, indices, b)`."""
    if kwargs or len(inputs) != 3 or not _in_place(inputs[0], worthwhile(inputs[0])):
        return HOST
    a, indices, b = inputs
    c = CHARACTER[a._dtype]
    name = f"{ufunc.__name__}.at"
    if stream.operations.get(f"{name}:{c}l->{c}") is None:
        return HOST
    b = operand(np.asarray(b) if type(b) in (int, float, complex, bool, list) else b)
    if isinstance(b, np.generic):
        b = np.asarray(b)
    if type(b) not in _ARRAYS or CODE.get(b.dtype) is None:
        return HOST
    try:
        types = ufunc.resolve_dtypes((a._dtype, b.dtype, None))
    except TypeError:
        return HOST
    # Otherwise every step is made in another type and rounded.
    if any([t != a._dtype for t in types]):
        return HOST
    flat = _flat_index(a, indices)
    if flat is None:
        return HOST
    target, index = flat
    try:
        if broadcast_shapes(b.shape, index.shape) != index.shape:
            return HOST
    except ValueError:
        return HOST
    values = np.broadcast_to(b, index.shape)
    if index.ndim > 1:
        index, values = index.reshape(-1), values.reshape(-1)
    with stream.lock:
        done = _record(name, f"{c}l->{c}", target, (values, index), (), index.size, True)
    return None if done else HOST


def _flat_index(a: ndarray, indices: Any) -> Any:
    """Return (a as a vector, index into it), checked; None if that cannot be."""
    if len(a._shape) == 1:
        if type(indices) is tuple and len(indices) == 1:
            indices = indices[0]
        index = None if type(indices) is tuple else _integers(indices)
        if index is None or not index.size or not index.ndim:
            return None
        return a, _indexing._checked(index, a._shape[0], 0)
    if type(indices) is not tuple or len(indices) != len(a._shape) or not is_c_contiguous(a):
        return None
    parts = [_integers(i) for i in indices]
    if any([p is None or not p.size for p in parts]):
        return None
    flat: Any = 0
    for axis, (part, n) in enumerate(zip(parts, a._shape, strict=True)):
        flat = flat * n + _indexing._checked(part, n, axis).astype(INTP)
    return (_reductions.ravelled(a), flat) if flat.ndim else None


def reduceat(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record `ufunc.reduceat(a, indices, axis, dtype)`."""
    names = ("axis", "dtype", "out")
    if len(inputs) > 2:
        kwargs = {**dict(zip(names, inputs[2:], strict=False)), **kwargs}
    if len(inputs) < 2 or not kwargs.keys() <= set(names) or not worthwhile(inputs[0]):
        return HOST
    out = kwargs.get("out")  # a tuple, as NumPy hands it on
    a = operand(inputs[0])
    axis = _axis(kwargs.get("axis", 0), len(a._shape))
    indices = _integers(inputs[1])
    if axis is None or indices is None or indices.ndim != 1 or not indices.size:
        return HOST
    if (out is not None and out[0] is not None) or not is_c_contiguous(a):
        return HOST
    dtype = kwargs.get("dtype")
    options: dict[str, Any] = {}
    if dtype is not None:
        options["signature"] = (np.dtype(dtype), None, None)
    try:
        types = ufunc.resolve_dtypes((None, a._dtype, None), reduction=True, **options)
    except TypeError:
        return HOST
    c = CHARACTER.get(types[0])
    low, high = _reductions.extremes(indices)
    if c is None or types[1] != types[0] or low < 0 or high >= a._shape[axis]:
        return HOST
    shape = (*a._shape[:axis], indices.size, *a._shape[axis + 1 :])
    name = f"{ufunc.__name__}.reduceat"
    with stream.lock:
        result = new_array(shape, types[0])
        inputs = (_last(a, axis), indices)
        done = _record(name, f"{c}l->{c}", _last(result, axis), inputs, (), a._size)
    return result if done else HOST


_ufuncs.METHODS.update(at=at, reduceat=reduceat)


# -- methods of the array ----------------------------------------------------------------------


def _method(name: str, record: Callable[..., Any]) -> Any:
    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        try:
            result = record(self, *args, **kwargs)
        except TypeError:
            result = HOST  # whose message is NumPy's
        return _fallback.method(self, name, args, kwargs) if result is HOST else result

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(np.ndarray, name).__doc__
    return method


def _repeat_method(a: ndarray, repeats: Any, axis: Any = None) -> Any:
    return np.repeat(a, repeats, axis) if worthwhile(a) else HOST


def install() -> None:
    """Attach the methods to the class."""
    for name, record in (
        ("argsort", _argsort),
        ("argpartition", _argpartition),
        ("searchsorted", _searchsorted),
        ("nonzero", nonzero_of),
        ("repeat", _repeat_method),
    ):
        setattr(ndarray, name, _method(name, record))
    setattr(ndarray, "sort", sort)
    setattr(ndarray, "partition", partition)
