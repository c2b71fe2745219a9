"""Reading and writing through an index: views, masks, index arrays."""

from __future__ import annotations

import functools
import operator
from math import prod
from typing import Any

import numpy as np

from maniple import _attribution, _fallback, _profile, _reductions, _settings, _ufuncs
from maniple._array import _new, make, ndarray
from maniple._buffer import SHARED
from maniple._dtypes import BOOL, CHARACTER, INTP, scalar_bits
from maniple._elements import at_home, element_view
from maniple._fast import assign as fast_assign
from maniple._fast import layout_of
from maniple._flags import warn_on_write
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, operand
from maniple._views import Layout, broadcast_shapes, broadcast_strides, keep_order, sorted_order

_BASIC = frozenset((int, slice, type(None), type(Ellipsis)))


def is_basic(key: Any) -> bool:
    kind = type(key)
    if kind is tuple:
        return all([type(k) in _BASIC or isinstance(k, np.integer) for k in key])
    return kind in _BASIC or isinstance(key, np.integer)


# What slices and integers make of a layout: offset from the first element taken, and layout.
_parts: dict[Any, tuple[int, Layout]] = {}


def part(self: ndarray, key: Any) -> ndarray | None:
    """Return the view for a slice, or for slices, integers and None; None for the general code.

    What NumPy makes of a layout and slices is looked up by their numbers, since slices have no hash
    before Python 3.12. An integer only moves the first element.
    """
    layout = self._layout or layout_of(self)
    if layout is None:
        return None
    offset = self._offset
    shape = self._shape
    numbers: list[Any] = [layout]
    dimension = 0
    for k in key if type(key) is tuple else (key,):
        kind = type(k)
        if kind is slice:
            start, stop, step = k.start, k.stop, k.step
            # Whatever else has an __index__ may be equal to one of these.
            if (
                (start is not None and type(start) is not int)
                or (stop is not None and type(stop) is not int)
                or (step is not None and type(step) is not int)
            ):
                return None
            numbers += (start, stop, step)
        elif kind is int:
            if dimension >= len(shape):
                return None
            n = shape[dimension]
            i = k + n if k < 0 else k
            if not 0 <= i < n:
                return None
            offset += i * self._strides[dimension]
            numbers.append(int)
        elif k is None:
            numbers.append(slice)
            continue
        else:
            return None
        dimension += 1
    found = _parts.get(names := tuple(numbers))
    if found is None:
        result: ndarray = self._sliced((*key, ...) if type(key) is tuple else key)
        own = layout_of(result)
        if own is None or not result._size or not result._shape:
            # An empty one may be placed elsewhere; an element is a scalar.
            return result if result._shape else None
        if len(_parts) > 10_000:
            _parts.clear()
        _parts[names] = result._offset - offset, own
        return result
    move, own = found
    view: ndarray = _new(ndarray)
    view._layout = own
    view._buf = self._buf
    view._offset = offset + move
    view._dtype = self._dtype
    view._shape = own.shape
    view._strides = own.strides
    view._size = own.size
    view._root = False
    view._writeable = self._writeable
    owner = self._base
    view._base = self if owner is None else owner
    return view


def getitem(self: ndarray, key: Any) -> Any:
    kind = type(key)
    near = element_view(self, key)
    if near is not None:
        return near[key]
    if kind is slice or kind is tuple:
        view = part(self, key)
        if view is not None:
            return view
    if kind is int or isinstance(key, np.integer):
        shape = self._shape
        if shape:
            n = shape[0]
            if not -n <= key < n:
                raise IndexError(f"index {key} is out of bounds for axis 0 with size {n}")
            i = int(key)
            offset = self._offset + (i + n if i < 0 else i) * self._strides[0]
            row = shape[1:]
            view = make(
                self._buf,
                offset,
                self._dtype,
                row,
                self._strides[1:],
                prod(row),
                False,
                self._writeable,
                self if self._base is None else self._base,
            )
            return view if row else view._scalar()
        key = (key,)
    if kind is tuple:
        if is_basic(key):
            if any([k is Ellipsis for k in key]):
                return self._sliced(key)
            result = self._sliced((*key, ...))
            if not result._shape and not any([k is None for k in key]):
                return result._scalar()
            return result
        if any([type(k) in (ndarray,) and not k._shape and k._dtype.kind in "iu" for k in key]):
            return getitem(self, tuple([_plain(k) for k in key]))
    elif kind is slice or key is None or key is Ellipsis:
        return self._sliced(key)
    result = _advanced(self, key)
    if result is HOST:
        return _fallback.call(operator.getitem, (self, key), {}, "index")
    return result


def _plain(k: Any) -> Any:
    return int(k) if type(k) is ndarray and not k._shape and k._dtype.kind in "iu" else k


def busy(a: ndarray) -> bool:
    """Whether looking at `a` would have to wait."""
    buf = a._buf
    return _ufuncs.stays(a) or (buf.home == SHARED and buf.touched > stream.completed)


def setitem(self: ndarray, key: Any, value: Any) -> None:
    if not self._writeable:
        if self._writeable is False:
            raise ValueError("assignment destination is read-only")
        warn_on_write(self)
    if type(value) in _QUIET:
        near = element_view(self, key)
        if near is not None:
            buf = self._buf
            if buf.snapshot or buf.selections:
                buf.look()
            buf.looked = True
            near[key] = value
            if _profile.active:
                _profile.count("setitem", "host", "index", 1)
            return
    if type(value) is not ndarray and issubclass(type(value), ndarray):
        from maniple import _selection

        if _selection.assign(self, key, value):
            return
        value = value._view_as_is()  # packed: an array like others from here on
    if is_basic(key):
        view = None
        if type(value) is ndarray and value._buf is self._buf:
            view = part(self, key)
            if view is not None and _same_place(view, value):
                return  # of a[key] += b, which has changed the elements already
        if self._size >= _settings.defer or busy(self) or _is_deferred(value):
            view = part(self, key) if view is None else view
            if view is None:
                full = key if type(key) is tuple else (key,)
                if not any([k is Ellipsis for k in full]):
                    full = (*full, ...)
                view = self._sliced(full)
            if (
                view._size < _settings.defer
                and not _is_deferred(value)
                and at_home(self._buf, view._size, reads=False)
            ):
                _assign_on_host(self, key, value)
                return
            if fast_assign(view, value, 2):
                return
            sequence = not view._shape and np.ndim(value) > 0  # NumPy's error, most likely
            if sequence or not assign(view, value):
                _assign_on_host(self, key, value)
            return
    elif self._size >= _settings.defer or busy(self):
        few = _chosen(self, key)
        if (
            not 0 <= few < _settings.defer
            or _is_deferred(value)
            or not at_home(self._buf, few, reads=False)
        ) and _set_advanced(self, key, value):
            return
    _assign_on_host(self, key, value)


def _same_place(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays of one buffer are the same elements."""
    return (
        a._offset == b._offset
        and a._shape == b._shape
        and a._strides == b._strides
        and a._dtype == b._dtype
    )


def _chosen(a: ndarray, key: Any) -> int:
    """Return how many elements arrays of indices choose that are at the host; -1 if unknown."""
    keys = key if type(key) is tuple else (key,)
    if len(keys) > len(a._shape):
        return -1
    shapes: list[tuple[int, ...]] = []
    for k in keys:
        kind = type(k)
        if kind is ndarray:
            if k._dtype.kind not in "iu" or k._size >= _settings.defer or busy(k):
                return -1
            shapes.append(k._shape)
        elif kind is np.ndarray:
            if k.dtype.kind not in "iu":
                return -1
            shapes.append(k.shape)
        elif kind is list:
            if not all([type(i) is int for i in k]):
                return -1
            shapes.append((len(k),))
        elif kind is not int and not isinstance(k, np.integer):
            return -1
    try:
        return prod(broadcast_shapes(*shapes)) * prod(a._shape[len(keys) :])
    except ValueError:
        return -1  # with NumPy's error


def _is_deferred(value: Any) -> bool:
    return type(value) is ndarray and _ufuncs.stays(value)


def _assign_on_host(self: ndarray, key: Any, value: Any) -> None:
    if not _profile.active and not (_profile.reporting and self._size >= _settings.defer):
        _set_on_host(self, key, value)
        return
    place = "host" if self._size < _settings.defer else "fallback"
    with _profile.timed("setitem", place, "index", [self]):
        _set_on_host(self, key, value)


def _set_on_host(self: ndarray, key: Any, value: Any) -> None:
    if type(value) in _QUIET:
        self._host()[_fallback.real(key)] = value
    else:
        value = _fallback.real(value)
        _attribution.call(operator.setitem, (self._host(), _fallback.real(key), value), {})


_QUIET = frozenset((int, float, bool, np.int64, np.float64))
"""Types of values whose conversion gives no warning that names a line."""


def scalar_for(value: Any, dtype: np.dtype) -> tuple[int, int, int]:
    """Return the scalar operand for assigning `value` to an element; errors are NumPy's."""
    element = np.empty((), dtype)
    if isinstance(value, np.floating) and dtype.kind in "iu":
        _attribution.call(operator.setitem, (element, (), value), {})
    else:
        element[()] = value
    return scalar_bits(element, dtype)


def assign(out: ndarray, value: Any, where: Any = True) -> bool:
    """Record `out[...] = value`, or `out[where] = value` with `where` of out's shape."""
    kind = type(value)
    if kind in (list, tuple):
        try:
            value = np.asarray(_fallback.real(value), out._dtype)
        except (ValueError, TypeError, OverflowError):
            return False
    value = operand(value)
    if value is HOST or errors_matter():
        return False
    scalar = None
    if type(value) in (ndarray, np.ndarray):
        if value.dtype.kind == "c" and out._dtype.kind not in "cb":
            return False  # with NumPy's warning
        shape = value.shape
        while len(shape) > len(out._shape) and shape[0] == 1:
            shape = shape[1:]
        if shape != value.shape:
            value = value.reshape(shape)
        try:
            if broadcast_shapes(shape, out._shape) != out._shape:
                return False
        except ValueError:
            return False
        if type(value) is np.ndarray and value.ndim == 0:
            value = _attribution.call(value.astype, (out._dtype,), {})[()]
    if type(value) not in (ndarray, np.ndarray):
        if isinstance(value, (complex, np.complexfloating)) and out._dtype.kind not in "cb":
            return False
        scalar = scalar_for(value, out._dtype)
    character = CHARACTER[out._dtype]
    number = stream.operations.get(f"copyto:{character}->{character}")
    if number is None:
        return False
    with stream.lock:
        if not _ufuncs.prepare_outputs([out]):
            return False
        instruction = Instruction()
        instruction.output(out)
        if scalar is not None:
            instruction.scalar(scalar)
        else:
            instruction.input(value, out._shape)
        if where is not True:
            instruction.input(where, out._shape)
        instruction.emit(number, out._size, True)
    if _profile.active:
        _profile.count("copyto", "deferred", "", out._size)
    return True


def copy(a: ndarray, dtype: np.dtype, strides: tuple[int, ...] | None = None) -> Any:
    """Record a copy of `a`, cast to `dtype`."""
    character = CHARACTER.get(dtype)
    number = stream.operations.get(f"copyto:{character}->{character}")
    if number is None:
        return HOST
    with stream.lock:
        out = new_array(a._shape, dtype, strides)
        instruction = Instruction()
        instruction.output(out)
        instruction.input(a)
        instruction.emit(number, a._size)
    if _profile.active:
        _profile.count("copyto", "deferred", "", a._size)
    return out


# -- masks and index arrays --------------------------------------------------------------------


def mask_for(a: ndarray, key: Any) -> Any:
    """Return `key` as a boolean array broadcast to a's shape; None if it is none."""
    if type(key) not in (ndarray, np.ndarray) or key.dtype != BOOL:
        return None
    shape = key.shape
    if not shape or shape != a._shape[: len(shape)]:
        return None
    return key


def _advanced(a: ndarray, key: Any, sound: tuple[Any, ...] = ()) -> Any:
    if not stream.enabled or not (a._size >= _settings.defer or busy(a) or _any_large(key)):
        return HOST
    if 0 <= (few := _chosen(a, key)) < _settings.defer and at_home(a._buf, few, reads=True):
        return HOST
    if type(key) is list:
        key = np.asarray(_fallback.real(key))
    if issubclass(type(key), ndarray):
        key = operand(key)
    mask = mask_for(a, key)
    if mask is not None and mask.shape == a._shape:
        if not a._size:
            return HOST
        from maniple import _selection

        return _selection.select(a, mask)
    if mask is not None and len(a._shape) == len(mask.shape) + 1 and a._size and mask.size:
        return compress(a, mask)
    prepared = _index_arrays(a, key, sound)
    if prepared is HOST:
        return _mixed_read(a, key)
    view, indices, shape, placed = prepared
    character = CHARACTER[a._dtype]
    number = stream.operations.get(f"take:{character}l->{character}")
    if number is None:
        return HOST
    rest = view._shape[len(indices) :]
    target = placed(shape, rest)
    if len(target) > 32:
        return HOST  # NumPy's limits, and its errors
    # NumPy allocates the result in the order of the index arrays, the indexed dimensions first.
    itemsize = a._dtype.itemsize
    strides = None
    inner = prod(rest) * itemsize
    if inner and (len(shape) > 1 or len(rest) > 1):
        views = [(shape, broadcast_strides(k.shape, k.strides, shape)) for k in indices]
        copied = sorted_order(rest, view._strides[len(indices) :], itemsize)
        strides = keep_order(views, shape, inner) + copied
    with stream.lock:
        moved = new_array((*shape, *rest), a._dtype, strides)
        instruction = Instruction()
        instruction.output(moved)
        instruction.input(view)
        for index in indices:
            instruction.input(index, shape)
        instruction.emit(number, moved._size)
    if _profile.active:
        _profile.count("take", "deferred", "", moved._size)
    axis = _axis_of(key) if type(key) is tuple and type(key[0]) is slice else 0
    result: Any = moved
    return np.moveaxis(result, range(len(shape)), range(axis, axis + len(shape))) if axis else moved


def _mixed_read(a: ndarray, key: Any) -> Any:
    from maniple import _mixed

    return HOST if _is_arrays(key) else _mixed.read(a, key)


def _is_arrays(key: Any) -> bool:
    """Whether `key` consists of index arrays alone."""
    keys = key if type(key) is tuple else (key,)
    return all([type(k) in (ndarray, np.ndarray) and k.dtype.kind in "iu" for k in keys])


def _any_large(key: Any) -> bool:
    keys = key if type(key) is tuple else (key,)
    return any([type(k) is ndarray and (k._size >= _settings.defer or busy(k)) for k in keys])


def _axis_of(key: Any) -> int:
    """Return the position of the only index array among full slices."""
    return next(i for i, k in enumerate(key) if type(k) is not slice)


def _moved(out: ndarray, key: Any, shape: tuple[int, ...]) -> ndarray:
    """Return `out` with the indexed dimensions first."""
    if type(key) is not tuple or type(key[0]) is not slice:
        return out
    axis = _axis_of(key)
    n = len(shape)
    order = [*range(axis, axis + n), *range(axis), *range(axis + n, len(out._shape))]
    return out.transpose(order)  # type: ignore[attr-defined, no-any-return]


def _index_arrays(a: ndarray, key: Any, sound: tuple[Any, ...]) -> Any:
    """Return (view of a, checked index arrays for its leading dimensions, their shape, placing).

    Those in `sound` are known to be within bounds.
    """
    keys = key if type(key) is tuple else (key,)
    full = slice(None)
    arrays = [k for k in keys if type(k) is not slice]
    if not arrays or len(keys) > len(a._shape) or not a._size or len(keys) > 32:
        return HOST
    if any([type(k) is slice and k != full for k in keys]):
        return HOST
    arrays = [np.asarray(_fallback.real(k)) if type(k) in (list, int) else k for k in arrays]
    if any([type(k) not in (ndarray, np.ndarray) or k.dtype.kind not in "iu" for k in arrays]):
        return HOST
    view = a
    axis = 0
    if type(keys[0]) is slice:
        if len(arrays) != 1:
            return HOST
        axis = _axis_of(keys)
        order = [axis, *[i for i in range(len(a._shape)) if i != axis]]
        view = a.transpose(order)  # type: ignore[attr-defined]
    elif any([type(k) is slice for k in keys[: len(arrays)]]):
        return HOST
    try:
        shape = broadcast_shapes(*[k.shape for k in arrays])
    except ValueError:
        return HOST
    if not shape or 0 in shape:
        return HOST
    checked = []
    for position, k in enumerate(arrays):
        if not any([k is known for known in sound]):
            k = _checked(k, view._shape[position], axis + position)
        if k is HOST:
            return HOST
        checked.append(k)

    def placed(index: tuple[int, ...], rest: tuple[int, ...]) -> tuple[int, ...]:
        return rest[:axis] + index + rest[axis:]

    return view, checked, shape, placed


def _checked(index: Any, n: int, axis: int) -> Any:
    """Return `index` with negative entries wrapped; IndexError where it is out of bounds."""
    least, most = _limits(index.dtype)
    if least >= 0 and most < n:
        return index  # whatever is in it
    if type(index) is ndarray and not busy(index) and index._size < _settings.defer:
        index = index._host()
    low, high = _reductions.extremes(index)
    if high >= n or low < -n:
        host = _fallback.real(index)
        wrong = host[(host >= n) | (host < -n)].flat[0]
        raise IndexError(f"index {wrong} is out of bounds for axis {axis} with size {n}")
    if index.dtype == np.dtype("u8"):
        index = index.astype(INTP)
    if low < 0:
        return (
            np.where(index < 0, index + index.dtype.type(n), index)
            if n <= most
            else np.where(index < 0, index.astype(INTP) + n, index)
        )
    return index


@functools.cache
def _limits(dtype: np.dtype) -> tuple[int, int]:
    found = np.iinfo(dtype)
    return int(found.min), int(found.max)


def _set_advanced(a: ndarray, key: Any, value: Any, sound: tuple[Any, ...] = ()) -> bool:
    if not stream.enabled or not a._shape:
        return False  # of no dimensions: too many indices, for NumPy to say
    if issubclass(type(key), ndarray):
        key = operand(key)
    if isinstance(value, np.generic):
        value = np.asarray(value)  # unlike a number of Python's, and unlike through a slice
    mask = mask_for(a, key)
    if mask is not None:
        return _set_masked(a, mask, value) or (
            mask.shape != a._shape and _mixed_write(a, key, value)
        )
    value = operand(value)
    if value is HOST or errors_matter():
        return False
    if type(value) not in (ndarray, np.ndarray):
        element = np.empty((), a._dtype)
        try:
            element[()] = value
        except (TypeError, ValueError, OverflowError):
            return False  # or an error of the index, whichever comes first
        value = element
    try:
        prepared = _index_arrays(a, key, sound)
    except IndexError:
        return False  # or an error of the value's shape, which NumPy looks at first
    if prepared is HOST:
        return _mixed_write(a, key, value)
    view, indices, shape, placed = prepared
    rest = view._shape[len(indices) :]
    target = placed(shape, rest)
    if value.dtype.kind == "c" and a._dtype.kind not in "cb":
        return False
    if type(value) is np.ndarray and not value.ndim:
        value = _attribution.call(value.astype, (a._dtype,), {})
    try:
        if broadcast_shapes(value.shape, target) != target:
            return False
    except ValueError:
        return False
    character = CHARACTER[a._dtype]
    number = stream.operations.get(f"put:{character}l->{character}")
    if number is None:
        return False
    value = np.broadcast_to(value, target)
    if type(value) is ndarray:
        value = _moved(value, key, shape)
    elif target != (*shape, *rest):
        axis = _axis_of(key)
        value = np.moveaxis(value, range(axis, axis + len(shape)), range(len(shape)))
    with stream.lock:
        if not _ufuncs.prepare_outputs([view]):
            return False
        instruction = Instruction()
        instruction.output(view)
        instruction.input(value)
        for index in indices:
            instruction.input(index, shape)
        instruction.emit(number, prod(target), True)
    if _profile.active:
        _profile.count("put", "deferred", "", prod(target))
    return True


def _mixed_write(a: ndarray, key: Any, value: Any) -> bool:
    from maniple import _mixed

    return not _is_arrays(key) and _mixed.write(a, key, value)


def _set_masked(a: ndarray, mask: Any, value: Any) -> bool:
    scalar = type(value) not in (ndarray, np.ndarray, list, tuple)
    if scalar or (np.ndim(value) == 0):
        expanded = mask
        if len(mask.shape) < len(a._shape):
            expanded = mask[(..., *(None,) * (len(a._shape) - len(mask.shape)))]
        return assign(a, value, expanded)
    value = operand(value)
    if value is HOST or mask.shape != a._shape or len(value.shape) != 1 or errors_matter():
        return False
    if value.dtype.kind == "c" and a._dtype.kind not in "cb":
        return False
    n = int(np.count_nonzero(mask))
    if value.shape[0] != n or not n:
        return False  # one value for all, or NumPy's error
    character = CHARACTER[a._dtype]
    number = stream.operations.get(f"place:{character}?->{character}")
    if number is None:
        return False
    with stream.lock:
        if not _ufuncs.prepare_outputs([a]):
            return False
        instruction = Instruction()
        instruction.output(a)
        instruction.input(value)
        instruction.input(mask)
        instruction.emit(number, a._size, True)
    if _profile.active:
        _profile.count("place", "deferred", "", a._size)
    return True


def compress(a: Any, mask: Any, count: int | None = None) -> Any:
    """Record what `mask` (of the leading dimensions of `a`) chooses: `count` of them, if known."""
    dtype, size = a.dtype, a.size
    character = CHARACTER[dtype]
    number = stream.operations.get(f"compress:{character}?->{character}l")
    if number is None:
        return HOST
    n = int(np.count_nonzero(mask)) if count is None else count
    with stream.lock:
        out = new_array((n, *a.shape[len(mask.shape) :]), dtype)
        counted = new_array((1,), INTP)
        instruction = Instruction()
        instruction.output(out)
        instruction.output(counted)
        instruction.input(a)
        instruction.input(mask)
        instruction.emit(number, size)
    if _profile.active:
        _profile.count("compress", "deferred", "", size)
    return out


def delitem(self: ndarray, key: Any) -> None:
    raise ValueError("cannot delete array elements")


def contains(self: ndarray, value: Any) -> bool:
    return bool(np.any(self == value))


def install() -> None:
    """Attach indexing to the class."""
    methods: dict[str, Any] = {
        "__getitem__": getitem,
        "__setitem__": setitem,
        "__contains__": contains,
    }
    methods["__delitem__"] = delitem
    for name, method in methods.items():
        setattr(ndarray, name, method)
