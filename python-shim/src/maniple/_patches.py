"""What is changed in modules of others when they are imported, whoever imports them.

Compiled code looks into the array object, which only NumPy's own has. What Numba compiles is called
with NumPy views, and its names of Maniple's mean NumPy's; what pandas keeps, for its compiled code
to read unasked, is a NumPy view; compiled functions with typed arguments get views. `numpy.ma`
keeps the class of the data it was made from, and asks for a view of that class.
"""

from __future__ import annotations

import functools
import importlib.machinery
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from maniple._array import ndarray
from maniple._fallback import Known, real, wrap


def _numba(class_name: str) -> Callable[[ModuleType], None]:
    """Return what lets a class of Numba's be called with Maniple arrays."""

    def patch(module: ModuleType) -> None:
        owner: Any = getattr(module, class_name)
        original = owner.__call__

        @functools.wraps(original)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            known: Known = []
            args = real(args, known)
            if kwargs:
                kwargs = real(kwargs, known)
            result = original(self, *args, **kwargs)
            return wrap(result, known) if any([type(a) is ndarray for a, _ in known]) else result

        owner.__call__ = call

    return patch


def _numba_names(module: ModuleType) -> None:
    """Let the names in what Numba compiles mean what it knows: NumPy's own functions."""
    from maniple._creation import Replacement
    from maniple._namespace import Namespace
    from maniple._wrappers import WRAPPERS

    def numpys(value: Any) -> Any:
        if isinstance(value, Namespace):
            return value._maniple_real
        if isinstance(value, Replacement):
            return value._original
        if any([value is w for w in WRAPPERS.values()]):
            return value.__wrapped__
        return value

    owner: Any = module.Interpreter

    def with_numpys(original: Any) -> Any:
        return functools.wraps(original)(lambda self, key: numpys(original(self, key)))

    for name in ("get_global_value", "get_closure_value"):
        setattr(owner, name, with_numpys(getattr(owner, name)))


def _pandas_index(module: ModuleType) -> None:
    original: Any = module.Index.__dict__["_simple_new"].__func__

    @functools.wraps(original)
    def simple_new(cls: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        return original(cls, real(values), *args, **kwargs)

    module.Index._simple_new = classmethod(simple_new)


def _with_views(function: Any) -> Any:
    """Return the function, called with NumPy views in the place of Maniple arrays."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple([a._export() if type(a) is ndarray else a for a in args])
        for key, value in kwargs.items():
            if type(value) is ndarray:
                kwargs[key] = value._export()
        return function(*args, **kwargs)

    return call


class _Fused:
    """A function that Cython compiled for several types, which can be asked for by index."""

    def __init__(self, function: Any) -> None:
        self.__wrapped__ = function
        self._call = _with_views(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __getitem__(self, types: Any) -> Any:
        return _with_views(self.__wrapped__[types])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def _compiled(module: ModuleType) -> None:
    """Wrap the functions of a module that Cython compiled."""
    for name, function in list(vars(module).items()):
        kind = type(function).__name__
        if kind == "fused_cython_function":
            setattr(module, name, _Fused(function))
        elif kind in ("cython_function_or_method", "builtin_function_or_method"):
            setattr(module, name, _with_views(function))


def _methods(class_name: str, *names: str) -> Callable[[ModuleType], None]:
    """Return what wraps methods of a class; functions of the module where its name is empty."""

    def patch(module: ModuleType) -> None:
        owner: Any = getattr(module, class_name) if class_name else module
        for name in names:
            setattr(owner, name, _with_views(getattr(owner, name)))

    return patch


def _pandas_block(module: ModuleType) -> None:
    # Whatever a Series or a frame is made from ends here.
    owner: Any = module.Block
    original: Any = owner.__new__

    def new(cls: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        if type(values) is ndarray:
            values = values._export()
        return original(cls, values, *args, **kwargs)

    owner.__new__ = new


class _BaseClass:
    """`MaskedArray._baseclass`, which is never Maniple's."""

    def __get__(self, array: Any, owner: Any = None) -> Any:
        if array is None:
            return np.ndarray
        found = array.__dict__.get("_baseclass", np.ndarray)
        return np.ndarray if found is ndarray else found

    def __set__(self, array: Any, value: Any) -> None:
        array.__dict__["_baseclass"] = value


def _masked(module: ModuleType) -> None:
    owner: Any = module.MaskedArray
    owner._baseclass = _BaseClass()
    for name, method in list(vars(owner).items()):
        if type(method) is FunctionType and "out" in method.__code__.co_varnames:
            setattr(owner, name, _writing(method))


def _writing(method: Any) -> Any:
    """Return a method of masked arrays that gives NumPy's methods in C a view as `out`."""

    @functools.wraps(method)
    def writing(self: Any, *args: Any, **kwargs: Any) -> Any:
        known: Known = []
        args = real(args, known)
        if kwargs:
            kwargs = real(kwargs, known)
        result = method(self, *args, **kwargs)
        for array, view in known:
            if result is view:
                return array
        return result

    return writing


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "PIL.Image": _methods("", "fromarray"),
    "h5py._hl.dataset": _methods(
        "Dataset", "__getitem__", "__setitem__", "read_direct", "write_direct"
    ),
    "numba.core.interpreter": _numba_names,
    "numba.core.dispatcher": _numba("_DispatcherBase"),
    "numba.np.ufunc.dufunc": _numba("DUFunc"),
    "numba.np.ufunc.gufunc": _numba("GUFunc"),
    "numba.stencils.stencil": _numba("StencilFunc"),
    "numpy.ma.core": _masked,
    "pandas.core.arrays.numpy_": _methods("NumpyExtensionArray", "__init__"),
    "pandas.core.indexes.base": _pandas_index,
    "pandas.core.internals.blocks": _pandas_block,
    "pyarrow.lib": _methods("", "array"),
}

COMPILED = ("pandas.", "skimage.")
"""Packages whose compiled functions have typed arguments, and get what the caller has."""


class _Loader:
    """Loads a module as its own loader does, then patches it.

    Neither this nor the finder has a base class: importing `importlib.abc` takes 10 ms.
    """

    def __init__(self, loader: Any, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        # From here on nothing tells that somebody stood in between.
        spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._patch(module)


class _Finder:
    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patch = PATCHES.get(name)
        if patch is None and not name.startswith(COMPILED):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        if patch is None:
            if not isinstance(spec.loader, importlib.machinery.ExtensionFileLoader):
                return None
            patch = _compiled
        spec.loader = _Loader(spec.loader, patch)  # type: ignore[assignment]
        return spec


def install() -> None:
    """Patch what is imported already, and the rest when it is imported."""
    for name, patch in PATCHES.items():
        module = sys.modules.get(name)
        if module is not None:
            patch(module)
    sys.meta_path.insert(0, _Finder())
