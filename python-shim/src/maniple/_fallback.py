"""Whatever is not recorded: real NumPy on the same memory, its large results wrapped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _profile, _settings, _views
from maniple._array import _address, adopt, make, ndarray
from maniple._dtypes import CODE
from maniple._flags import warn_on_write

Known = list[tuple[ndarray, np.ndarray]]
"""Maniple arrays and the NumPy views of them that a call was given."""


def wrap(result: Any, known: Known | None = None) -> Any:
    """Return `result` with its large NumPy arrays wrapped.

    Parameters
    ----------
    known : list of (ndarray, view)
        Arrays whose memory the result may share: it becomes a view of them then.
    """
    kind = type(result)
    if kind is np.ndarray:
        if CODE.get(result.dtype) is None:
            return result
        if known:
            for a, view in known:
                if view is result:
                    return a
            for a, _ in known:
                viewed = _as_view(result, a)
                if viewed is not None:
                    return viewed
        if result.size < _settings.small:
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
    """Return `value` with every Maniple array in it replaced by a NumPy view of it."""
    kind = type(value)
    if issubclass(kind, ndarray):
        view = value._export()
        if known is not None:
            known.append((value, view))
        return view
    if depth > _DEEPEST:
        return value
    depth += 1
    if kind is tuple:
        return tuple([real(v, known, depth) for v in value])
    if kind is list:
        for v in value:
            if issubclass(type(v), ndarray) or type(v) in (list, tuple, dict):
                return [real(v, known, depth) for v in value]
        return value
    if kind is dict:
        return {k: real(v, known, depth) for k, v in value.items()}
    if kind is slice:
        return slice(real(value.start), real(value.stop), real(value.step))
    return value


def call(function: Callable[..., Any], args: Any, kwargs: Any, reason: str = "not deferred") -> Any:
    """Call a NumPy function on NumPy views of the arguments."""
    known: Known = []
    args = real(tuple(args), known)
    if kwargs:
        kwargs = real(kwargs, known)
    try:
        if _profile.active:
            with _profile.timed(function, "fallback", reason, [a for a, _ in known]):
                result = function(*args, **kwargs)
        else:
            result = function(*args, **kwargs)
    except ValueError as error:
        # Raised before anything is written; NumPy may want to be asked once more, with a warning.
        warned = [(a, view) for a, view in known if a._writeable is None]
        if not warned or "read-only" not in str(error):
            raise
        for a, view in warned:
            warn_on_write(a)
            view.flags.writeable = True
        result = function(*args, **kwargs)
    return wrap(result, known)


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
