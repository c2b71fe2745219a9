"""`a[mask]`, kept as (a, mask) until somebody needs the elements packed."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from maniple import _indexing, _reductions, _ufuncs
from maniple._array import adopt, ndarray
from maniple._buffer import LOCAL, PRIVATE, SHARED, Buffer
from maniple._dtypes import BOOL
from maniple._recorder import stream
from maniple._ufuncs import HOST

_LAZY = frozenset(("_buf", "_offset", "_shape", "_size", "_strides", "_root", "_base"))


class Selection(ndarray):
    """The elements of `_source` where `_mask` is true.

    The slots of a packed array are empty until one is read; `__getattr__` fills them then.
    """

    __slots__ = ("_mask", "_packing", "_source")

    _mask: Any
    _source: Any
    _packing: bool

    def __getattr__(self, name: str) -> Any:
        if name in _LAZY:
            self._materialise()
            return object.__getattribute__(self, name)
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")

    def _materialise(self) -> None:
        source, mask = self._source, self._mask
        if source is None:
            return
        self._source = self._mask = None
        packed = _indexing.compress(source, mask)
        if packed is HOST:
            from maniple import _fallback

            packed = adopt(source._host()[_fallback.real(mask)])
        self._offset = packed._offset
        self._shape = packed._shape
        self._size = packed._size
        self._strides = packed._strides
        self._root = packed._root
        self._base = None
        self._buf = packed._buf

    def _settle(self, buf: Buffer) -> None:
        """Pack if this still reads `buf`."""
        source, mask = self._source, self._mask
        if source is not None and (source._buf is buf or mask._buf is buf):
            self._materialise()

    @property
    def ndim(self) -> int:
        return 1 if self._source is not None else len(self._shape)

    @property
    def size(self) -> int:
        if self._source is not None:
            return int(np.count_nonzero(self._mask))
        return self._size

    def __len__(self) -> int:
        return self.size if self._source is not None else ndarray.__len__(self)


def _stable(a: Any) -> bool:
    """Whether every change of the memory of `a` will be known."""
    if type(a) is not ndarray:
        return False
    buf = a._buf
    return buf.home == PRIVATE or (buf.home in (SHARED, LOCAL) and not buf.exported())


def _watch(buf: Buffer, selection: Selection) -> None:
    watchers = [r for r in buf.selections or () if r() is not None]
    watchers.append(weakref.ref(selection))
    buf.selections = watchers


def select(a: ndarray, mask: Any) -> Any:
    """Return `a[mask]`; `mask` is boolean and of the same shape."""
    if not (_stable(a) and _stable(mask)):
        return _indexing.compress(a, mask)
    # A view object of its own: attributes of `a` may be set later.
    return _make(a._view_as_is(), mask._view_as_is())


def _make(source: Any, mask: Any) -> Selection:
    selection: Selection = object.__new__(Selection)
    selection._source = source
    selection._mask = mask
    selection._dtype = source._dtype
    selection._writeable = True
    selection._layout = None
    _watch(source._buf, selection)
    _watch(mask._buf, selection)
    return selection


def same_mask(a: Any, b: Any) -> bool:
    return a is b or (
        type(b) is ndarray
        and type(a) is ndarray
        and a._buf is b._buf
        and a._offset == b._offset
        and a._shape == b._shape
        and a._strides == b._strides
        and a._dtype == b._dtype
    )


def elementwise(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute on the full arrays and select later; HOST if that cannot be."""
    if _ufuncs.errors_matter():
        return HOST
    mask = None
    full = []
    for x in inputs:
        if type(x) is Selection and x._source is not None:
            if mask is not None and not same_mask(mask, x._mask):
                return HOST
            mask = x._mask
            source = x._source if ufunc in _SILENT else _harmless(ufunc, x._source, mask)
            if source is HOST:
                return HOST
            full.append(source)
        elif type(x) in (int, float, complex, bool) or isinstance(x, np.generic):
            full.append(x)
        else:
            return HOST
    out = kwargs.get("out")
    if mask is None or ufunc.nout != 1 or not kwargs.keys() <= {"out"}:
        return HOST
    if out is None:
        result = _ufuncs.elementwise(ufunc, tuple(full), {})
        return result if result is HOST else _make(result, mask)
    (target,) = out if type(out) is tuple else (out,)
    if type(target) is not Selection or target._source is None:
        return HOST
    if not same_mask(mask, target._mask):
        return HOST
    fresh = _like(target._source)
    if fresh is HOST:
        return HOST
    result = _ufuncs.elementwise(ufunc, tuple(full), {"out": (fresh,)})
    if result is HOST:
        return HOST
    target._source = result
    _watch(result._buf, target)
    return target


_SILENT = frozenset(
    getattr(np, name)
    for name in """
    abs conjugate copysign equal fabs isfinite isinf isnan logical_and logical_not logical_or
    logical_xor negative not_equal positive signbit
    """.split()
)
"""Ufuncs that have nothing to warn of."""


def _harmless(ufunc: np.ufunc, source: Any, mask: Any) -> Any:
    """Return `source` with ones where `mask` is false, if errors in what is computed are reported.

    What is not selected is computed all the same, and a mask is often there to keep a division by
    zero from happening.
    """
    if not stream.reporting or (source.dtype.kind not in "fc" and ufunc not in _DIVISIONS):
        return source
    one: Any = 1.0 if source.dtype.kind in "fc" else 1
    from maniple import _functions

    return _functions.where(mask, source, 0.0 if ufunc is np.arctanh else one)


_DIVISIONS = frozenset((np.divide, np.floor_divide, np.remainder, np.divmod, np.fmod, np.power))


def _like(source: ndarray) -> Any:
    if not stream.enabled:
        return HOST
    with stream.lock:
        return _ufuncs.new_array(source._shape, source._dtype)


def fold(ufunc: np.ufunc, selection: Selection, kwargs: dict[str, Any]) -> Any:
    """Reduce with the mask as `where`; HOST if that cannot be."""
    if not kwargs.keys() <= {"axis", "dtype", "keepdims"} or kwargs.get("keepdims"):
        return HOST
    if _ufuncs.errors_matter():
        return HOST
    if kwargs.get("axis", 0) not in (None, 0, -1):
        return HOST
    source, mask = selection._source, selection._mask
    if ufunc.identity is not None:
        return _reductions.fold(ufunc, source, None, kwargs.get("dtype"), where=mask)
    if ufunc not in (np.minimum, np.maximum) or kwargs.get("dtype") is not None:
        return HOST
    extreme = _reductions.fold(ufunc, source, None, where=mask, masked_extremum=True)
    chosen = _reductions.fold(np.logical_or, mask, None)
    if type(extreme) is not _reductions.Unobserved or type(chosen) is not _reductions.Unobserved:
        return HOST
    own = source._dtype

    def finish(extreme: Any, chosen: Any) -> Any:
        return extreme if chosen else ufunc.reduce(np.empty(0, own))  # with NumPy's error

    return _reductions.Unobserved(extreme.array, finish, chosen.array)


def assign(a: ndarray, key: Any, value: Any) -> bool:
    """Record `a[mask] = selection` with the same mask as a masked write."""
    if type(value) is not Selection or value._source is None:
        return False
    if type(key) is not ndarray or key._dtype != BOOL or not same_mask(key, value._mask):
        return False
    if a._shape != key._shape:
        return False
    source, mask = value._source, value._mask
    if source._buf is a._buf or mask._buf is a._buf:
        # `value` reads what is about to change; packing it is what NumPy would have done.
        return False
    return _indexing.assign(a, source, mask)
