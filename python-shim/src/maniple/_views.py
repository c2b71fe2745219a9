"""Views without copying: NumPy itself computes them, on memory that is never touched.

Every deferred array has a *shadow*: a real ndarray of the same shape, dtype, offset and strides
over a reservation of address space. What NumPy makes of the shadow (an index, a transposition, a
reshape) is exactly what it would make of the array; its address gives the offset.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from maniple._dtypes import CODE

if TYPE_CHECKING:
    from maniple._array import ndarray

# Python's mmap names MAP_NORESERVE from 3.12 on; the number is that of Linux.
_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE


def _reserve() -> np.ndarray:
    # As much as the system gives; arrays that reach further cannot have views this way.
    for bits in (46, 44, 40, 36, 33):
        try:
            return np.frombuffer(mmap.mmap(-1, 1 << bits, flags=_FLAGS), np.uint8)
        except (OSError, ValueError, OverflowError, MemoryError):
            continue
    raise MemoryError("Maniple needs 8 GiB of address space (not memory) for computing views")


_space = _reserve()
_origin: int = _space.__array_interface__["data"][0]
_extent: int = len(_space)

address_space: int = _extent
"""An array of more bytes cannot have views, and so cannot be."""


def shadow(a: ndarray) -> np.ndarray:
    """Return the shadow of `a`. Its elements must not be read or written."""
    s: np.ndarray = np.ndarray(a._shape, a._dtype, _space, a._offset, a._strides)
    if a._writeable is False:
        s.flags.writeable = False
    return s


def is_shadow(s: np.ndarray) -> bool:
    offset: int = s.__array_interface__["data"][0] - _origin
    return 0 <= offset < _extent


def from_shadow(s: np.ndarray, a: ndarray) -> ndarray:
    """Return the view of `a` that `s`, made from its shadow, is of the shadow."""
    from maniple._array import make

    interface = s.__array_interface__
    address, readonly = interface["data"]
    offset = placed(address - _origin, s.size, a._buf.nbytes)
    owner = a._base
    return make(
        a._buf,
        offset,
        s.dtype,
        s.shape,
        s.strides,
        s.size,
        False,
        # What warns of the first write is the same in its views, but for those that are read-only.
        False if readonly else a._writeable,
        a if owner is None else owner,
    )


def placed(offset: int, size: int, nbytes: int) -> int:
    """Return the offset of a view in a buffer: an empty one may point anywhere with NumPy."""
    return offset if size or 0 <= offset <= nbytes else 0


def view(a: ndarray, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Apply a NumPy function that only makes views to the shadow of `a`."""
    result = function(shadow(a), *args, **kwargs)
    if isinstance(result, np.generic) or (
        isinstance(result, (list, tuple)) and result and isinstance(result[0], np.generic)
    ):
        # Elements of the shadow (`unstack` of one dimension), which mean nothing.
        return function(a._host(), *args, **kwargs)
    return _map(result, a)


def _map(result: Any, a: ndarray) -> Any:
    if isinstance(result, np.ndarray):
        return from_shadow(result, a)
    if isinstance(result, (list, tuple)):
        return type(result)(_map(r, a) for r in result)
    return result


_contiguous: dict[tuple[tuple[int, ...], int], tuple[int, ...]] = {}


def c_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides NumPy gives a new C contiguous array."""
    key = (shape, itemsize)
    strides = _contiguous.get(key)
    if strides is None:
        step = itemsize
        reverse = []
        for n in reversed(shape):
            reverse.append(step)
            step *= n
        # All strides of an array without elements are 0, as NumPy has it.
        strides = (0,) * len(shape) if 0 in shape else tuple(reversed(reverse))
        if len(_contiguous) > 10_000:
            _contiguous.clear()
        _contiguous[key] = strides
    return strides


def f_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return c_strides(shape[::-1], itemsize)[::-1]


def is_c_contiguous(a: ndarray) -> bool:
    return a._strides == c_strides(a._shape, a._dtype.itemsize) or _contiguous_by(a, False)


def is_f_contiguous(a: ndarray) -> bool:
    return _contiguous_by(a, True)


def _contiguous_by(a: ndarray, fortran: bool) -> bool:
    """NumPy's relaxed rule: strides of dimensions of size one do not matter."""
    step = a._dtype.itemsize
    pairs = list(zip(a._shape, a._strides, strict=True))
    for n, stride in pairs if fortran else reversed(pairs):
        if n == 0:
            return True
        if n != 1:
            if stride != step:
                return 0 in a._shape
            step *= n
    return True


def keep_order(
    arrays: list[tuple[tuple[int, ...], tuple[int, ...]]], shape: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return the strides of a new result in order 'K', as NumPy's iterator chooses them.

    `arrays` are (shape, strides) of the operands, already broadcast to `shape`.
    """
    if 0 in shape:
        return (0,) * len(shape)
    ndim = len(shape)
    # A dimension of one element says nothing.
    steps = [[0 if n == 1 else abs(s) for n, s in zip(*view, strict=True)] for view in arrays]
    order = list(range(ndim - 1, -1, -1))  # innermost first; C order unless an operand objects
    # numpy/_core/src/multiarray/nditer_constr.c, npyiter_find_best_axis_ordering
    for i in range(1, ndim):
        current = order[i]
        insert = i
        for j in range(i - 1, -1, -1):
            other = order[j]
            ambiguous, swap = True, False
            for strides in steps:
                x, y = strides[current], strides[other]
                if x and y:
                    if y <= x:
                        swap = False
                    elif ambiguous:
                        swap = True
                    ambiguous = False
            if not ambiguous:
                if swap:
                    insert = j
                else:
                    break
        if insert != i:
            order.insert(insert, order.pop(i))
    result = [0] * ndim
    step = itemsize
    for axis in order:
        result[axis] = step
        step *= shape[axis]
    return tuple(result)


def stacked_order(
    stacks: list[tuple[tuple[int, ...], tuple[int, ...]]],
    stack: tuple[int, ...],
    core: tuple[int, ...],
    itemsize: int,
) -> tuple[int, ...]:
    """Return the strides of a generalized ufunc's result: the stack in order 'K', `core` in C.

    `stacks` are (shape, strides) of the operands without their core dimensions.
    """
    views = [(stack, broadcast_strides(shape, strides, stack)) for shape, strides in stacks]
    return keep_order(views, stack, itemsize * prod(core)) + c_strides(core, itemsize)


def copied_order(a: ndarray, itemsize: int) -> tuple[int, ...]:
    """Return the strides of a copy of `a` in order 'K': its dimensions by their strides."""
    if is_c_contiguous(a):
        return c_strides(a._shape, itemsize)
    return sorted_order(a._shape, a._strides, itemsize)


def sorted_order(
    shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return the strides of a new array whose dimensions are in the order of `strides`."""
    result = [0] * len(shape)
    step = itemsize
    # numpy/_core/src/multiarray/ctors.c, PyArray_NewLikeArray: those of equal strides in C order
    for axis in sorted(range(len(shape) - 1, -1, -1), key=lambda i: abs(strides[i])):
        result[axis] = step
        step *= shape[axis]
    return tuple(result)


def joined_order(arrays: list[Any], shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides of what `np.concatenate` makes of `arrays`.

    Its dimensions are in the order of the arrays' strides; where these disagree, in C order.
    """
    order: list[int] = []  # outermost first
    # numpy/_core/src/multiarray/shape.c, PyArray_CreateMultiSortedStridePerm
    for axis in range(len(shape)):
        insert = len(order)
        for place in range(len(order) - 1, -1, -1):
            other = order[place]
            pairs = [
                (abs(a.strides[axis]), abs(a.strides[other]))
                for a in arrays
                if a.shape[axis] != 1 and a.shape[other] != 1
            ]
            if pairs:
                if any([x <= y for x, y in pairs]):
                    break
                insert = place
        order.insert(insert, axis)
    result = [0] * len(shape)
    step = itemsize
    for axis in reversed(order):
        result[axis] = step
        step *= shape[axis]
    return tuple(result)


_MOST_ELEMENTS = (1 << 63) - 1


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the common shape; `numpy.broadcast_shapes` knows 32 dimensions only, of 64."""
    first = shapes[0] if shapes else ()
    if all([shape == first for shape in shapes]):
        return first
    ndim = max([len(shape) for shape in shapes])
    result = [1] * ndim
    for shape in shapes:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n != 1 and n != result[i]:
                if result[i] != 1:
                    return np.broadcast_shapes(*shapes)  # raises
                result[i] = n
    if prod(result) > _MOST_ELEMENTS:
        return np.broadcast_shapes(*shapes)  # raises
    return tuple(result)


def broadcast_strides(
    shape: tuple[int, ...], strides: tuple[int, ...], target: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the strides of (shape, strides) broadcast to `target`."""
    if shape == target:
        return strides
    missing = len(target) - len(shape)
    return (0,) * missing + tuple(
        0 if n == 1 and m != 1 else stride
        for n, stride, m in zip(shape, strides, target[missing:], strict=True)
    )


class Layout:
    """A data type, shape and strides: one object for each, so that its identity is a key.

    `number` and `index` are the batch in which it was last used, and its position there.
    """

    __slots__ = ("dtype", "index", "key", "nbytes", "number", "shape", "size", "strides")

    def __init__(
        self, code: int, dtype: np.dtype, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        self.key = (code, shape, strides)
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
        self.size = prod(shape)
        self.nbytes = self.size * dtype.itemsize
        self.number = self.index = 0


_layouts: dict[tuple[int, int, tuple[int, ...], tuple[int, ...]], Layout] = {}


def intern(dtype: np.dtype, shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout | None:
    """Return the layout object; None for a data type with more to it than its values."""
    code = CODE.get(dtype)
    if code is None or dtype.metadata is not None:
        return None
    # `num` tells long from long long, which are equal.
    key = (dtype.num, code, shape, strides)
    layout = _layouts.get(key)
    if layout is None:
        if len(_layouts) > 10_000:
            _layouts.clear()
        layout = _layouts[key] = Layout(code, dtype, shape, strides)
    return layout
