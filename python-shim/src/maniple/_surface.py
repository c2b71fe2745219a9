"""Gives the array's methods and attributes the signatures and docstrings of NumPy's."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from maniple._array import ndarray


def dress(ours: type, numpys: type) -> None:
    """Let every function and property of `ours` look like that of `numpys` of the same name."""
    for name, value in list(vars(ours).items()):
        model = getattr(numpys, name, None)
        if model is None or (not callable(model) and not hasattr(model, "__get__")):
            continue
        function = getattr(value, "__func__", value)  # of a class or static method
        if isinstance(value, property):
            if value.fset is None:
                value = property(value.fget, *_refusing(name))
                setattr(ours, name, value)
            value.__doc__ = model.__doc__
        elif type(function) is FunctionType:
            known = function.__dict__.get("__wrapped__")
            if known is not None and known is not model:
                # One function under two names.
                function = _copy(function, name)
                setattr(ours, name, function)
            function.__doc__ = model.__doc__
            if isinstance(value, classmethod):
                function.__annotations__ = {}
                continue  # unwrapped, it would lose its first parameter twice
            # Where `inspect.signature` looks; made into a signature only if somebody asks.
            function.__dict__["__wrapped__"] = model


def _refusing(name: str) -> tuple[Any, Any]:
    """Return what sets and deletes an attribute that NumPy lets nobody change."""

    def delete(self: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'numpy.ndarray' objects is not writable")

    return lambda self, value: delete(self), delete


def _copy(function: FunctionType, name: str) -> FunctionType:
    copy = FunctionType(
        function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def install() -> None:
    dress(ndarray, np.ndarray)
    names: Any = ndarray
    names.__doc__ = np.ndarray.__doc__
