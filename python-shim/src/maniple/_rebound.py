"""NumPy's own Python code, run on deferred arrays.

Most of NumPy's library is Python code composed of operations that are deferred anyway. Here such a
function is *rebound*: the same code with other globals, in which what creates or converts arrays is
Maniple's, what is C code works on the same memory, and helpers of the same modules are rebound as
well. Its meaning stays NumPy's to the letter; every operation in it is recorded.

Nothing is built before it is used. One name in `ROWS` adds a function.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable
from math import prod
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy._core._multiarray_umath import _array_converter  # type: ignore[import-not-found]

from maniple import _fallback, _profile, _settings
from maniple._array import ndarray
from maniple._errors import ManipleError
from maniple._recorder import stream
from maniple._reductions import worthwhile
from maniple._ufuncs import HOST

ROWS: dict[str, str] = {
    "numpy": """
        allclose angle append apply_over_axes argwhere array_equal array_equiv average block
        column_stack corrcoef cov cross cumulative_prod cumulative_sum delete diag diagflat diff
        digitize dstack ediff1d extract fill_diagonal fix flatnonzero geomspace gradient histogram
        histogram2d histogram_bin_edges histogramdd hstack i0 insert intersect1d isclose iscomplex
        isin isneginf isposinf isreal ix_ kron linspace logspace mean median meshgrid nan_to_num
        nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile
        nanprod nanquantile nanstd nansum nanvar outer pad percentile piecewise place poly polyadd
        polyder polydiv polyfit polyint polymul polysub polyval put_along_axis quantile
        real_if_close resize roll rot90 select setdiff1d setxor1d sinc sort_complex stack
        std take_along_axis tensordot tile trapezoid tril tril_indices_from trim_zeros triu
        triu_indices_from union1d unique unique_all unique_counts unique_inverse unique_values
        unwrap vander var vstack
    """,
    "numpy.linalg": """
        cond cross diagonal matrix_norm matrix_power matrix_rank multi_dot norm outer pinv
        tensordot trace vecdot vector_norm
    """,
    "numpy.fft": "fftfreq fftshift ifftshift",
}
"""Functions that are rebound, by module."""

PLAIN: dict[str, str] = {
    f"numpy.polynomial.{kind}": f"""
        {prefix}val {prefix}val2d {prefix}val3d {prefix}grid2d {prefix}grid3d {prefix}vander
        {prefix}vander2d {prefix}vander3d {weight}
    """
    for kind, prefix, weight in (
        ("polynomial", "poly", "polyvalfromroots"),
        ("chebyshev", "cheb", "chebweight"),
        ("legendre", "leg", "legweight"),
        ("hermite", "herm", "hermweight"),
        ("hermite_e", "herme", "hermeweight"),
        ("laguerre", "lag", "lagweight"),
    )
}
"""The same for functions that NumPy does not offer to other arrays (NEP 18): replaced by name."""

CREATORS = frozenset(
    ("bartlett", "blackman", "fromfunction", "hamming", "hanning", "indices", "kaiser")
)
"""The same for functions of numpy that make an array of a number of elements or a shape."""

ROW_BY_ROW_WITH_WEIGHTS = frozenset(("nanpercentile", "nanquantile", "percentile", "quantile"))
"""NumPy's code loops over rows then: faster on the memory itself."""

CONSTANTS: dict[str, dict[Any, Any]] = {
    # What NumPy does in blocks, so as to stay in the cache, is one instruction each here.
    "numpy.histogram": {65536: 1 << 62},
}
"""Constants to replace in a function's code."""


def call(function: Any, args: Any, kwargs: Any) -> Any:
    """Run NumPy's code for `function` on deferred arrays, or return HOST."""
    if function not in _rows() or (
        kwargs.get("weights") is not None and function.__name__ in ROW_BY_ROW_WITH_WEIGHTS
    ):
        return HOST
    if not _any_worthwhile((*args, *kwargs.values())):
        return HOST
    return run(rebound(function), args, kwargs)


def create(function: Any, args: Any, kwargs: Any) -> Any:
    """Run NumPy's code for a function in `CREATORS` whose result is large, or return HOST."""
    if function.__name__ not in CREATORS or not stream.enabled or kwargs.get("like") is not None:
        return HOST
    dimensions = args[1 if function is np.fromfunction else 0 :]
    shape = dimensions[0] if dimensions else ()
    shape = shape if type(shape) is tuple else (shape,)
    if any([type(n) is not int for n in shape]) or prod(shape) < _settings.defer:
        return HOST
    return run(rebound(function), args, kwargs)


def run(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    outermost = not hasattr(_held, "warnings")
    if outermost:
        _held.warnings = []
    try:
        result = function(*args, **kwargs)
    except (ManipleError, MemoryError):
        raise
    except Exception:
        # NumPy runs the same code on the same memory, and its error is the user's.
        if outermost:
            _held.warnings.clear()
        return HOST
    finally:
        if outermost:
            noted = _held.warnings
            del _held.warnings
    if outermost:
        for arguments in noted:
            warnings.warn_explicit(*arguments)
    if _profile.active:
        _profile.count(function.__name__, "deferred", "composed", 0)
    return _packed(result)


def _packed(result: Any) -> Any:
    """Return what NumPy's code made: its large arrays ours, none of them waiting to be packed."""
    kind = type(result)
    if kind is tuple:
        return tuple([_packed(r) for r in result])
    if kind is np.ndarray:  # of a masked array's inside, say
        return _fallback.wrap(result)
    if kind is ndarray or not issubclass(kind, ndarray):
        return result
    plain = result._view_as_is()
    plain._base, plain._root = None, result._root
    return plain


def _any_worthwhile(values: Any) -> bool:
    for value in values:
        kind = type(value)
        if issubclass(kind, ndarray):
            # What is small is cheaper looked at once than observed inside.
            if worthwhile(value) and value._size >= _settings.small:
                return True
        elif (kind is list or kind is tuple) and _any_worthwhile(value):
            return True
    return False


_known: set[Any] = set()


def _rows() -> set[Any]:
    """Return the functions that `ROWS` names."""
    if not _known:
        for module, names in ROWS.items():
            namespace = importlib.import_module(module)
            _known.update([getattr(namespace, name) for name in names.split()])
    return _known


def is_composed(function: Any) -> bool:
    return function in _rows()


def overrides(module: str) -> dict[str, Any]:
    """Return what a module of functions without NEP 18 has in their place."""
    names = PLAIN.get(module, "").split()
    real = importlib.import_module(module) if names else None
    return {name: _plain(getattr(real, name)) for name in names}


def _plain(original: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if _any_worthwhile((*args, *kwargs.values())):
            result = run(rebound(original), args, kwargs)
            if result is not HOST:
                return result
        return original(*args, **kwargs)

    function._maniple_composed = True  # type: ignore[attr-defined]
    return function


# -- the same code with other globals ----------------------------------------------------------

_rebound: dict[Any, Any] = {}
_scopes: dict[str, _Scope] = {}
_modules: dict[str, _Module] = {}


def rebound(function: Any) -> Callable[..., Any]:
    """Return the copy of a function of NumPy whose globals are Maniple's."""
    found = _rebound.get(function)
    if found is None:
        original = getattr(function, "_implementation", function)
        name = f"{function.__module__}.{function.__name__}"
        code = original.__code__
        constants = CONSTANTS.get(name)
        if constants is not None:
            code = code.replace(
                co_consts=tuple(
                    [constants.get(c, c) if type(c) is int else c for c in code.co_consts]
                )
            )
        copy = FunctionType(
            code,
            _scope(_home(original)),
            original.__name__,
            original.__defaults__,
            original.__closure__,
        )
        copy.__kwdefaults__ = original.__kwdefaults__
        copy.__qualname__ = original.__qualname__
        found = _rebound[function] = copy
    return found


def _home(function: FunctionType) -> str:
    """Return the module in which a function was written; `__module__` may say "numpy"."""
    return str(function.__globals__["__name__"])


def _scope(module: str) -> _Scope:
    found = _scopes.get(module)
    if found is None:
        found = _scopes[module] = _Scope(sys.modules[module])
    return found


class _Scope(dict[str, Any]):
    """The globals of rebound functions: those of a module of NumPy, translated when first used."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(__builtins__=vars(builtins), __name__=real.__name__)
        self.real = real

    def __missing__(self, name: str) -> Any:
        fields = vars(self.real)
        if name in fields:
            value = _translated(fields[name])
        elif name == "type":
            value = _type
        else:
            raise KeyError(name)
        self[name] = value
        return value


class _Module:
    """A module of NumPy as rebound functions see it."""

    def __init__(self, real: ModuleType) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        value = _translated(getattr(self._real, name))
        self.__dict__[name] = value
        return value


_held = threading.local()
"""What `run` has been warned of: told when it is done, since NumPy warns itself if it fails."""


class _Warnings:
    """The module `warnings`: frames of this package do not count."""

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)

    @staticmethod
    def warn(message: Any, category: Any = None, stacklevel: int = 1, **kwargs: Any) -> None:
        frame: Any = sys._getframe(1)
        own = os.path.dirname(__file__)
        level = 1
        for _ in range(stacklevel - 1):
            frame, level = frame.f_back, level + 1
            while frame is not None and os.path.dirname(frame.f_code.co_filename) == own:
                frame, level = frame.f_back, level + 1
            if frame is None:
                break
        if frame is None or kwargs or not hasattr(_held, "warnings"):
            warnings.warn(message, category, stacklevel=level + 1, **kwargs)
            return
        scope = frame.f_globals
        registry = scope.setdefault("__warningregistry__", {})
        module = scope.get("__name__", "<string>")
        place = (frame.f_code.co_filename, frame.f_lineno, module, registry)
        _held.warnings.append((message, category or UserWarning, *place))


def _translated(value: Any) -> Any:
    """Return what a global name of NumPy's code means in a rebound function."""
    if isinstance(value, ModuleType):
        if value is warnings:
            return _Warnings()
        name = value.__name__
        if name != "numpy" and not name.startswith("numpy."):
            return value
        found = _modules.get(name)
        if found is None:
            found = _modules[name] = _Module(value)
        return found
    if isinstance(value, FunctionType):
        override = _creators().get(value)
        if override is not None:
            return override
        return rebound(value) if _home(value).startswith("numpy.") else value
    if isinstance(value, BuiltinFunctionType) or type(value) is _DISPATCHER:
        override = _creators().get(value)
        if override is not None:
            return override
        if type(value) is BuiltinFunctionType and value.__name__ not in _LEFT:
            if str(value.__module__).startswith("numpy"):
                return functools.partial(_on_memory, value)
    return _Converter if value is _array_converter else value


_DISPATCHER: Any = type(np.sum)
_LEFT = frozenset(("normalize_axis_index",))


def _on_memory(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function written in C."""
    return _fallback.call(function, args, kwargs)


def _type(value: Any) -> Any:
    """As NumPy's code asks for it: a Maniple array is as good as NumPy's own."""
    return np.ndarray if issubclass(type(value), ndarray) else type(value)


_found: dict[Any, Any] = {}


def _creators() -> dict[Any, Any]:
    """Return NumPy's functions that create or convert arrays, each with Maniple's."""
    if not _found:
        from maniple._namespace import namespace

        overrides = vars(namespace("numpy"))
        from maniple._creation import OVERRIDES

        # C code that NumPy calls past its own dispatcher.
        for function in vars(np).values():
            if type(function) is _DISPATCHER:
                _found[getattr(function, "_implementation")] = function  # noqa: B009
        for name in OVERRIDES:
            original = getattr(np, name)
            if callable(original):
                _found[original] = overrides[name]
    return _found


class _Converter:
    """What NumPy's C class of the name `_array_converter` does, keeping Maniple arrays."""

    def __init__(self, *values: Any) -> None:
        creators = _creators()
        self._values = values
        self._arrays = tuple([creators[np.asanyarray](v) for v in values])
        self._python = tuple([type(v) in (int, float, complex) for v in values])
        self.scalar_input = tuple(
            [
                a.ndim == 0 and not isinstance(v, np.ndarray)
                for v, a in zip(values, self._arrays, strict=True)
            ]
        )
        self._real = _array_converter(
            *[
                v if p else np.empty((0,) * a.ndim, a.dtype)
                for v, a, p in zip(values, self._arrays, self._python, strict=True)
            ]
        )

    def __iter__(self) -> Any:
        return iter(self._arrays)

    def __getitem__(self, index: Any) -> Any:
        return self._arrays[index]

    def __len__(self) -> int:
        return len(self._arrays)

    def as_arrays(self, *, subok: bool = True, pyscalars: str = "convert_if_no_array") -> Any:
        keep = pyscalars == "preserve" or (
            pyscalars == "convert_if_no_array" and not all(self._python)
        )
        return tuple(
            [
                v if keep and p else a
                for v, a, p in zip(self._values, self._arrays, self._python, strict=True)
            ]
        )

    def result_type(self, *extra_dtypes: Any, ensure_inexact: bool = False) -> Any:
        return self._real.result_type(*extra_dtypes, ensure_inexact=ensure_inexact)

    def wrap(self, array: Any, /, to_scalar: bool | None = None) -> Any:
        if to_scalar is None:
            to_scalar = all(self.scalar_input)
        return array[()] if to_scalar and array.ndim == 0 else array
