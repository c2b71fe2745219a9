"""NumPy's reductions as functions of Python, which can let go of a temporary argument.

NumPy's own are objects of C that hold their arguments while they run: in `np.sum(x * x)` they would
keep `x * x` alive while the batch is sent, and the server would store it for nobody.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _methods
from maniple._array import ndarray
from maniple._reductions import settle
from maniple._ufuncs import HOST

WRAPPERS: dict[str, Callable[..., Any]] = {}
"""Names of the numpy module that the maniple module replaces."""

_absent: Any = object()
_plain = frozenset((np.ndarray, list, tuple, int, float, bool, complex, np.float64, np.int64))


def _wrapper(name: str, method: str) -> Callable[..., Any]:
    original: Any = getattr(np, name)
    # What NumPy calls when no argument has an override.
    implementation = getattr(original, "_implementation", original)
    record = _methods.RECORDERS[method]

    @functools.wraps(original)
    def function(a: Any, axis: Any = _absent, *args: Any, **kwargs: Any) -> Any:
        kind = type(a)
        if kind in _plain and not args and not kwargs:
            return implementation(a) if axis is _absent else implementation(a, axis)
        others = kind not in _plain and not issubclass(kind, ndarray)
        if others and axis is not _absent and not args:
            # Most give it by name, which a class with an override of its own may look at.
            return _others(function, original, a, (), {"axis": axis, **kwargs})
        if axis is not _absent:
            args = (axis, *args)
        if kind in _plain:
            return original(a, *args, **kwargs)
        if others:
            return _others(function, original, a, args, kwargs)
        if kwargs:
            kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
            if "correction" in kwargs or _is_foreign(kwargs.get("where")):
                return original(a, *args, **kwargs)
        result = _methods.local(method, a, args, kwargs)
        if result is not HOST:
            return result
        result = record(a, args, kwargs)
        if result is HOST:
            return _methods.on_host(a, method, args, kwargs)
        # If it was a temporary, this was the last reference to it.
        del a
        return settle(result)

    # Where pickle finds it.
    function.__module__ = __name__
    # What ndarray.__array_function__ calls, for a subclass that hands on to it.
    function._implementation = implementation  # type: ignore[attr-defined]
    return function


def _is_foreign(where: Any) -> bool:
    return hasattr(type(where), "__array_function__") and not isinstance(where, np.ndarray)


def _others(function: Any, original: Any, a: Any, args: Any, kwargs: Any) -> Any:
    """Call NumPy's function, or that of a class that knows this one by its name (NEP 18).

    Classes that are made while the import hook is installed are seen to by `_users`.
    """
    override = getattr(type(a), "__array_function__", None)
    names = getattr(override, "__globals__", None)
    if override is not None and names is not None:
        from maniple._namespace import Namespace

        if any(type(names.get(name)) is Namespace for name in ("np", "numpy")):
            result = override(a, function, (type(a),), (a, *args), kwargs)
            if result is not NotImplemented:
                return result
    return original(a, *args, **kwargs)


for _name, _method in (
    ("sum", "sum"), ("prod", "prod"), ("max", "max"), ("min", "min"), ("amax", "max"),
    ("amin", "min"), ("any", "any"), ("all", "all"), ("mean", "mean"), ("std", "std"),
    ("var", "var"), ("argmax", "argmax"), ("argmin", "argmin"),
):  # fmt: skip
    globals()[_name] = WRAPPERS[_name] = _wrapper(_name, _method)
