"""An array whose data type was changed in place to one that is never deferred.

`a.dtype = [("x", "f4"), ("y", "f4")]` makes another array of the same object: records, strings,
dates, numbers in the other byte order. It keeps its memory, and from then on NumPy does everything
with it, on a view of that memory, until the type is changed back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _buffer_protocol, _fallback
from maniple._array import Fields, ndarray
from maniple._dtypes import CODE

_set_class: Callable[[Any, type], None] = vars(object)["__class__"].__set__


class Foreign(Fields):
    """What `maniple.ndarray` becomes: an instance changes from class to class."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 0.0

    _export: Any = ndarray._export
    _export_current = ndarray._export_current
    _pinned = ndarray._pinned

    @property
    def __class__(self) -> type:
        return np.ndarray

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("the class of a Maniple array cannot be changed")

    @property
    def base(self) -> Any:
        return self._base

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name in Fields.__slots__:
            raise AttributeError(name)
        if callable(getattr(np.ndarray, name, None)):
            return _method(name).__get__(self)
        return getattr(_view(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Fields.__slots__:
            object.__setattr__(self, name, value)
            return
        view = _view(self)
        setattr(view, name, value)
        if name in ("dtype", "shape", "strides"):
            relayout(self, view)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _fallback.call(func, args, kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _fallback.call(getattr(ufunc, method), inputs, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return _view(self).__array__(*args, **kwargs)


def become(a: ndarray, shadow: np.ndarray) -> None:
    """Make `a`, an array of Maniple's, what its shadow is; nothing of that type is deferred."""
    _set_class(a, Foreign)
    relayout(a, shadow)


def relayout(a: Any, like: np.ndarray) -> None:
    if CODE.get(like.dtype) is not None:
        _set_class(a, ndarray)
    a._shape, a._strides, a._dtype = like.shape, like.strides, like.dtype
    a._size = like.size
    a._root = False
    a._layout = None


def _view(a: Any) -> np.ndarray:
    view: np.ndarray = a._export()
    return view


def _method(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _fallback.call(getattr(np.ndarray, name), (self, *args), kwargs)

    method.__name__ = name
    return method


def _special() -> set[str]:
    """Return the names that Python looks up in the class, and that NumPy's class has its own of."""
    also = "eq ne lt le gt ge repr str format reduce reduce_ex sizeof".split()
    found = set(dir(np.ndarray)) - set(dir(object)) | {f"__{name}__" for name in also}
    return {n for n in found if n.startswith("__") and callable(getattr(np.ndarray, n))}


for _name in _special() - vars(Foreign).keys():
    setattr(Foreign, _name, _method(_name))
_buffer_protocol.install(Foreign)
