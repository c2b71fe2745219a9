"""Indices that mix slices, integers, integer arrays and masks, as an index of arrays alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _fallback, _indexing
from maniple._array import ndarray
from maniple._dtypes import BOOL
from maniple._ufuncs import HOST, operand
from maniple._views import broadcast_shapes

Prepared = tuple[ndarray, tuple[Any, ...], tuple[int, ...], int, tuple[Any, ...]]
"""A view with the indexed dimensions first, their arrays, the arrays' shape, where it goes, and
which of the arrays need not be looked at, since they come from a mask."""


def prepare(a: ndarray, key: Any) -> Any:
    """Return `key` on `a` as `Prepared`, or HOST.

    As NumPy has it: slices and new axes make a view; integers beside arrays are arrays; a mask is
    what its `nonzero` gives; the indexed dimensions stand where the arrays stood if those were side
    by side, and first otherwise.
    """
    keys = list(key) if type(key) is tuple else [key]
    basic: list[Any] = []
    arrays: list[Any] = []
    sound: list[Any] = []
    places: list[int] = []  # of the arrays' dimensions in the view
    runs: list[int] = []  # positions of array indices in the key
    dimensions = 0  # of the view so far
    consumed = _consumed(keys)
    if consumed is None or consumed > len(a._shape):
        return HOST
    if not any([k is Ellipsis for k in keys]):
        keys.append(Ellipsis)
    source = 0  # dimension of `a`
    for position, k in enumerate(keys):
        if k is Ellipsis:
            n = len(a._shape) - consumed
            basic += [slice(None)] * n
            dimensions += n
            source += n
        elif k is None:
            basic.append(None)
            dimensions += 1
        elif type(k) is slice:
            basic.append(k)
            dimensions += 1
            source += 1
        else:
            found = _arrays(a, k, source)
            if found is HOST:
                return HOST
            runs.append(position)
            if k.dtype == BOOL:
                sound += found
            for array in found:
                arrays.append(array)
                places.append(dimensions)
                basic.append(slice(None))
                dimensions += 1
                source += 1
    if not runs:
        return HOST
    try:
        shape = broadcast_shapes(*[k.shape for k in arrays])
    except ValueError:
        return HOST
    if not shape or 0 in shape:
        return HOST
    view = a._sliced((*basic, ...))
    rest = [i for i in range(dimensions) if i not in places]
    if not view._size:
        return HOST
    adjacent = runs[-1] - runs[0] == len(runs) - 1
    order = [*places, *rest]
    moved: ndarray = view.transpose(order)  # type: ignore[attr-defined]
    return moved, tuple(arrays), shape, places[0] if adjacent else 0, tuple(sound)


def _consumed(keys: list[Any]) -> int | None:
    """Return how many dimensions the indices take; None for what only NumPy understands."""
    total = 0
    for i, k in enumerate(keys):
        kind = type(k)
        if kind is list:
            k = keys[i] = np.asarray(_fallback.real(k))
        elif issubclass(kind, ndarray):
            k = keys[i] = operand(k)
        elif kind is int or isinstance(k, np.integer):
            k = keys[i] = np.asarray(k)
            total += 1
            continue
        elif k is None or k is Ellipsis:
            continue
        elif kind is slice:
            total += 1
            continue
        if type(k) not in (ndarray, np.ndarray) or not k.ndim or k.dtype.kind not in "iub":
            return None
        total += k.ndim if k.dtype == BOOL else 1
    return total if sum([k is Ellipsis for k in keys]) <= 1 else None


def _arrays(a: ndarray, k: Any, source: int) -> Any:
    if k.dtype != BOOL:
        return (k,)
    if k.shape != a._shape[source : source + k.ndim]:
        return HOST
    return k.nonzero()


def read(a: ndarray, key: Any) -> Any:
    """Record `a[key]`, or return HOST."""
    prepared = prepare(a, key)
    if prepared is HOST:
        return HOST
    view, arrays, shape, place, sound = prepared
    try:
        result = _indexing._advanced(view, arrays, sound)
    except IndexError:
        return HOST  # with NumPy's message, which names the dimension
    if result is HOST or not place:
        return result
    n = len(shape)
    return np.moveaxis(result, range(n), range(place, place + n))


def write(a: ndarray, key: Any, value: Any) -> bool:
    """Record `a[key] = value`, or return False."""
    prepared = prepare(a, key)
    if prepared is HOST:
        return False
    view, arrays, shape, place, sound = prepared
    n = len(shape)
    if np.ndim(value):
        value = operand(value)
        if type(value) not in (ndarray, np.ndarray):
            return False
        rest = view._shape[len(arrays) :]
        target = (*rest[:place], *shape, *rest[place:])
        try:
            value = np.broadcast_to(value, target)
        except ValueError:
            return False
        value = np.moveaxis(value, range(place, place + n), range(n))
    try:
        return _indexing._set_advanced(view, arrays, value, sound)
    except IndexError:
        return False
