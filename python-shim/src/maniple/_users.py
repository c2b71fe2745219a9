"""What a user's module sees of Python itself so that it cannot tell Maniple's arrays from NumPy's.

`isinstance` and `a.__class__` say numpy.ndarray already. Two things do not ask the array:
`type(a)`, and NumPy's C code when a class of the user's has an `__array__` that returns an array
of ours. The import hook gives both to the modules it gives Maniple to.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple._array import FlatIterator, ndarray
from maniple._broadcast import broadcast
from maniple._fallback import converted
from maniple._flags import Flags

_DISGUISED = frozenset((FlatIterator, Flags, broadcast))
"""Classes whose objects say that they are of one of NumPy's."""


class _Meta(type):
    """Makes `Type` behave as `type` does where it is called, or asked about other objects."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not Type:
            return super().__call__(*args, **kwargs)
        if len(args) == 1 and not kwargs:
            kind = type(args[0])
            if issubclass(kind, ndarray):
                return np.ndarray
            if kind in _DISGUISED:
                return args[0].__class__
            return type if kind is _Meta else kind
        return _adapted(type(*args, **kwargs))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type) if cls is Type else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(subclass, type) if cls is Type else super().__subclasscheck__(subclass)

    def __eq__(cls, other: object) -> bool:
        return cls is other or (cls is Type and other is type)

    def __hash__(cls) -> int:
        return hash(type) if cls is Type else super().__hash__()

    def __repr__(cls) -> str:
        return repr(type) if cls is Type else super().__repr__()


class Type(type, metaclass=_Meta):
    """`type` in the user's modules: `type(a) is numpy.ndarray` holds for Maniple's arrays."""

    def __class_getitem__(cls, item: Any) -> Any:
        return types.GenericAlias(type, item)


_build_class: Callable[..., type] = builtins.__build_class__


def install(is_users: Callable[[dict[str, Any]], bool]) -> None:
    """Let classes that the user's modules define return Maniple's arrays from `__array__`."""

    def build_class(body: Any, name: Any, /, *bases: Any, **kwargs: Any) -> type:
        made = _build_class(body, name, *bases, **kwargs)
        return _adapted(made) if is_users(body.__globals__) else made

    builtins.__build_class__ = build_class


def uninstall() -> None:
    builtins.__build_class__ = _build_class


def prepare(scope: dict[str, Any]) -> None:
    """Give a user's module, which is importing NumPy, its `type`."""
    scope.setdefault("type", Type)


def _adapted(made: Any) -> Any:
    # What a metaclass returns need not be a class.
    method = getattr(made, "__dict__", {}).get("__array__")
    if type(method) is types.FunctionType:
        setattr(made, "__array__", _exporting(method))
    return made


def _exporting(method: Any) -> Any:
    @functools.wraps(method)
    def __array__(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        return converted(result) if issubclass(type(result), ndarray) else result

    return __array__
