"""Whatever is not recorded: real NumPy on the same memory, its large results wrapped."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _attribution, _profile, _settings, _views
from maniple._array import Fields, _address, adopt, make, ndarray
from maniple._dtypes import CODE
from maniple._flags import warn_on_write

Known = list[tuple[Any, np.ndarray]]
"""Maniple arrays and the NumPy views of them that a call was given; NumPy arrays as themselves."""


def wrap(result: Any, known: Known | None = None) -> Any:
    """Return `result` with its large NumPy arrays wrapped.

    Parameters
    ----------
    known : list of (ndarray, view)
        Arrays whose memory the result may share: it becomes a view of them then.
    """
    kind = type(result)
    if kind is np.ndarray:
        if known:
            for a, view in known:
                if view is result:
                    return a
        if CODE.get(result.dtype) is None:
            return result
        if known:
            for a, _ in known:
                if type(a) is np.ndarray:
                    continue
                viewed = _as_view(result, a)
                if viewed is not None:
                    return viewed
        if result.size < _settings.small or not result.ndim:
            # What has no dimensions is ours only as a view: C code takes NumPy's for a scalar.
            return result
        return adopt(result)
    if kind is tuple:
        return tuple([wrap(r, known) for r in result])
    if kind is list:
        return [wrap(r, known) for r in result]
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*[wrap(r, known) for r in result])
    return result


def _as_view(result: np.ndarray, a: ndarray) -> Any:
    buf = a._buf
    owner = buf.owner
    if owner is None or (result.base is not owner and result is not owner):
        return None
    memory = buf.memory
    assert memory is not None
    offset = _views.placed(_address(result) - _address(memory), result.size, buf.nbytes)
    base = a if a._base is None else a._base
    return make(
        buf,
        offset,
        result.dtype,
        result.shape,
        result.strides,
        result.size,
        False,
        result.flags.writeable,
        base,
    )


_DEEPEST = 70
"""Lists deeper than an array can have dimensions hold no arrays to look for (or themselves)."""


def real(value: Any, known: Known | None = None, depth: int = 0) -> Any:
    """Return `value` with every Maniple array in it replaced by a NumPy view of it.

    What has none in it is returned as the object it is.
    """
    kind = type(value)
    if issubclass(kind, Fields):
        view = value._export()
        if known is not None:
            if value._writeable is None:
                view.flags.writeable = False  # `call` warns, once for all views
            known.append((value, view))
        return view
    if kind is np.ndarray:
        if known is not None:
            known.append((value, value))
        return value
    if depth > _DEEPEST:
        return value
    depth += 1
    if kind is tuple:
        items = [real(v, known, depth) for v in value]
        return value if all(map(operator.is_, items, value)) else tuple(items)
    if kind is list:
        for i, v in enumerate(value):
            if issubclass(type(v), Fields) or type(v) in (list, tuple):
                found = real(v, known, depth)
                if found is not v:
                    rest = [_element(w, known, depth) for w in value[i + 1 :]]
                    return [*value[:i], found, *rest]
        return value
    if kind is dict:
        fields = {k: real(v, known, depth) for k, v in value.items()}
        return value if all(map(operator.is_, fields.values(), value.values())) else fields
    if kind is slice:
        return slice(real(value.start), real(value.stop), real(value.step))
    return value


def _element(value: Any, known: Known | None, depth: int) -> Any:
    """Return an element of a list: nobody looks for arrays in a dictionary there."""
    return value if type(value) is dict else real(value, known, depth)


def call(function: Callable[..., Any], args: Any, kwargs: Any, reason: str = "not deferred") -> Any:
    """Call a NumPy function on NumPy views of the arguments."""
    known: Known = []
    args = real(tuple(args), known)
    if kwargs:
        kwargs = real(kwargs, known)
    try:
        result = _timed(function, args, kwargs, reason, known)
    except ValueError as error:
        if not made_writeable(known, error):
            raise
        result = function(*args, **kwargs)
    return wrap(result, known)


def made_writeable(known: Known, error: ValueError) -> bool:
    """Whether `error` was of views that are read-only until NumPy's warning is given; it now is.

    The error came before anything was written, so the call may be made again.
    """
    warned = [(a, view) for a, view in known if type(a) is not np.ndarray and a._writeable is None]
    if not warned or "read-only" not in str(error):
        return False
    for a, view in warned:
        warn_on_write(a)
        view.flags.writeable = True
    return True


def _timed(function: Callable[..., Any], args: Any, kwargs: Any, reason: str, known: Known) -> Any:
    if not _profile.active and not _profile.reporting:
        return _attribution.call(function, args, kwargs)
    arrays = [a for a, _ in known if type(a) is not np.ndarray]
    if not _profile.active and all([a._size < _settings.defer for a in arrays]):
        return _attribution.call(function, args, kwargs)
    with _profile.timed(function, "fallback", reason, arrays):
        return _attribution.call(function, args, kwargs)


class _Conversion(threading.local):
    known: Known | None = None


_conversion = _Conversion()


def convert(function: Callable[..., Any], value: Any, args: Any, kwargs: Any) -> Any:
    """Call what makes an array of an object; it may be one of ours that the object has."""
    known: Known = []
    outer, _conversion.known = _conversion.known, known
    try:
        result = function(value, *args, **kwargs)
    finally:
        _conversion.known = outer
    return wrap(result, known)


def converted(array: ndarray) -> np.ndarray:
    """Return a NumPy view of what the `__array__` of an object of the user's has returned."""
    view = array._export()
    if _conversion.known is not None:
        _conversion.known.append((array, view))
    return view


def method(a: ndarray, name: str, args: Any, kwargs: Any) -> Any:
    """Call a method of `numpy.ndarray` on the memory of `a`."""
    return call(getattr(np.ndarray, name), (a, *args), kwargs)
