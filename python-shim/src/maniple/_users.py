"""What a user's module sees of Python itself so that it cannot tell Maniple's arrays from NumPy's.

`isinstance` and `a.__class__` say numpy.ndarray already. Three things do not ask the array:
`type(a)`, NumPy's C code when a class of the user's has an `__array__` that returns an array of
ours, and NumPy when it hands its own function to a user's `__array_function__` that knows ours by
that name. The import hook gives all of them to the modules it gives Maniple to.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple._array import Fields, FlatIterator, ndarray
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
            if issubclass(kind, Fields):
                return np.ndarray
            if kind in _DISGUISED:
                return args[0].__class__
            if kind is _Meta:
                return type
            return _kinds.get(id(args[0])) or public(kind)
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
    members = getattr(made, "__dict__", {})
    for name, adapt in _ADAPTED.items():
        method = members.get(name)
        if type(method) is types.FunctionType:
            setattr(made, name, adapt(method))
    return made


def _exporting(method: Any) -> Any:
    @functools.wraps(method)
    def exporting(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        return converted(result) if issubclass(type(result), ndarray) else result

    return exporting


def _given_views(method: Any) -> Any:
    @functools.wraps(method)
    def given_views(*args: Any, **kwargs: Any) -> Any:
        return method(*[a._export() if type(a) is ndarray else a for a in args], **kwargs)

    return given_views


def _dispatching(method: Any) -> Any:
    @functools.wraps(method)
    def __array_function__(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any([kind is ndarray for kind in types]):
            types = tuple(dict.fromkeys([np.ndarray if k is ndarray else k for k in types]))
        return method(self, public(func), types, args, kwargs)

    return __array_function__


_ADAPTED: dict[str, Callable[[Any], Any]] = {
    "__array__": _exporting,
    "__array_function__": _dispatching,
    "__array_wrap__": _given_views,
    "generate_state": _exporting,  # of a seed sequence, which numpy.random calls
}
"""Methods of users' classes that NumPy calls, and what stands between."""

_public: dict[int, Any] = {}
_kinds: dict[int, type] = {}
"""What replaces a function or class, and of what type that is whose place it takes. The keys are
identities: all of them are there for good, and not everything can be hashed."""


def publish(real: Any, overrides: dict[str, Any]) -> None:
    """Remember what the user's modules get in the place of names of a module of NumPy's."""
    for name, ours in overrides.items():
        original = getattr(real, name)
        _public[id(original)] = ours
        _kinds[id(ours)] = type(original)


def public(value: Any) -> Any:
    """Return what the user's modules know a function or class of NumPy as."""
    return _public.get(id(value), value)
