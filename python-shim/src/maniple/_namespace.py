"""Modules that look like numpy and its submodules, with some functions replaced."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy

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
        value = getattr(real, name)
        if isinstance(value, ModuleType):
            value = _stand_in(value, real)
        if name != "__all__":
            # NumPy's modules do not change after import, but for the tests' monkey patches,
            # which set the name here, too.
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
        found = _namespaces[name] = Namespace(real, _overrides(name))
    return found


def _overrides(name: str) -> dict[str, Any]:
    if name == "numpy":
        from maniple import _grids  # noqa: F401
        from maniple._creation import OVERRIDES
        from maniple._wrappers import WRAPPERS

        return {**OVERRIDES, **WRAPPERS}
    if name == "numpy.random":
        from maniple._random import overrides

        return overrides()
    if name.startswith("numpy.polynomial."):
        from maniple import _rebound

        return _rebound.overrides(name)
    return {}
