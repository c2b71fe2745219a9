"""Modules that look like numpy and its submodules, with some functions replaced."""

from __future__ import annotations

import functools
import importlib
from importlib.machinery import EXTENSION_SUFFIXES
from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy

from maniple import _attribution, _users

_EXTENSIONS = tuple(EXTENSION_SUFFIXES)

_namespaces: dict[str, Namespace] = {}


class Namespace(ModuleType):
    """Stands in for a module of NumPy: replaced names first, everything else is NumPy's own."""

    def __init__(self, real: ModuleType, overrides: dict[str, Any]) -> None:
        super().__init__(real.__name__, real.__doc__)
        fields = self.__dict__
        # Copied, because some look into a module's __dict__; modules come by __getattr__.
        fields.update({k: v for k, v in vars(real).items() if not isinstance(v, ModuleType)})
        fields.pop("__getattr__", None)
        fields.pop("__dir__", None)
        fields["_maniple_real"] = real
        fields.update(overrides)

    def __getattr__(self, name: str) -> Any:
        real = self.__dict__["_maniple_real"]
        if name in vars(real):
            value = getattr(real, name)
        else:
            value = _attribution.call(getattr, (real, name), {})
        if isinstance(value, ModuleType):
            value = _stand_in(value, real)
        if name in vars(real) and name != "__all__":
            # NumPy's modules do not change after import, but for the tests' monkey patches,
            # which set the name here, too. What their __getattr__ gives may come with a warning
            # each time.
            self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_maniple_real"], name, value)
        self.__dict__[name] = value

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_maniple_real"])

    def __repr__(self) -> str:
        return repr(self.__dict__["_maniple_real"]).replace("<module", "<module (Maniple)", 1)

    def __reduce__(self) -> Any:
        return namespace, (self.__name__,)


def _stand_in(module: ModuleType, parent: ModuleType) -> ModuleType:
    name = module.__name__
    if name != "numpy" and not name.startswith("numpy."):
        return module
    return namespace(name)


def namespace(name: str) -> Namespace:
    """Return the stand-in for the module `name`, which is numpy or inside it."""
    found = _namespaces.get(name)
    if found is None:
        real = numpy if name == "numpy" else importlib.import_module(name)
        if isinstance(real, Namespace):
            return real
        replaced = _overrides(name)
        _users.publish(real, replaced)
        found = _namespaces[name] = Namespace(real, replaced)
    return found


def _overrides(name: str) -> dict[str, Any]:
    """Return what replaces names of a module of NumPy's."""
    if name == "numpy":
        from maniple import _broadcast, _grids  # noqa: F401
        from maniple._creation import OVERRIDES
        from maniple._wrappers import WRAPPERS

        return {**OVERRIDES, **WRAPPERS}
    if name == "numpy.random":
        from maniple import _random

        return _random.overrides()
    if name.startswith("numpy.polynomial."):
        from maniple import _rebound

        return _rebound.overrides(name)
    if name == "numpy.testing.overrides":
        return _overridable()
    if name == "numpy._core._multiarray_umath":
        return {"_get_castingimpl": _casting_implementation}
    return _compiled(name)


def _overridable() -> dict[str, Any]:
    """The two functions that speak of functions, as the user's modules know these."""
    from maniple._users import public

    real = importlib.import_module("numpy.testing.overrides")

    @functools.wraps(real.get_overridable_numpy_array_functions)
    def get_overridable_numpy_array_functions() -> set[Any]:
        return {public(f) for f in real.get_overridable_numpy_array_functions()}

    @functools.wraps(real.allows_array_function_override)
    def allows_array_function_override(func: Any) -> bool:
        return func in get_overridable_numpy_array_functions()

    return {
        f.__name__: f
        for f in (get_overridable_numpy_array_functions, allows_array_function_override)
    }


def _casting_implementation(*args: Any) -> Any:
    """NumPy's private casting implementations, whose methods take real arrays only."""
    return _CompiledObject(numpy._core._multiarray_umath._get_castingimpl(*args))


class _CompiledObject:
    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if not callable(value):
            return value
        from maniple import _fallback

        return lambda *args, **kwargs: _fallback.call(value, args, kwargs, "written in C")

    def __repr__(self) -> str:
        return repr(self._real)


def _compiled(name: str) -> dict[str, Any]:
    """The functions of a module written in C, given and giving real arrays.

    They take whatever is an array's type for one without asking. NumPy's main module is left
    out: its functions ask.
    """
    module = importlib.import_module(name)
    origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
    if not origin.endswith(_EXTENSIONS):
        return {}
    return {
        k: _CompiledFunction(name, v)
        for k, v in vars(module).items()
        if type(v) is BuiltinFunctionType
    }


class _CompiledFunction:
    """A function written in C, which like all of them does not become a method of a class."""

    def __init__(self, module: str, function: Any) -> None:
        functools.update_wrapper(self, function)
        self._home = module

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from maniple import _fallback

        function: Any = getattr(self, "__wrapped__")  # noqa: B009
        return _fallback.call(function, args, kwargs, "written in C")

    def __repr__(self) -> str:
        return repr(getattr(self, "__wrapped__"))  # noqa: B009

    def __reduce__(self) -> Any:
        return getattr, (namespace(self._home), getattr(self, "__name__"))  # noqa: B009
