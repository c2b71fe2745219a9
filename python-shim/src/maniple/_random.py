"""numpy.random: the same numbers, large results wrapped."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.random as nr

from maniple import _fallback


def _wrapping(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        known: _fallback.Known = []
        result = function(*_fallback.real(args, known), **_fallback.real(kwargs, known))
        return _fallback.wrap(result, known) if type(result) is np.ndarray else result

    return wrapper


_PLAIN = frozenset(("bit_generator", "spawn", "seed", "get_state", "set_state", "bytes"))


def _subclass(base: type, name: str) -> type:
    """Return a subclass whose sampling methods wrap what they return."""
    members: dict[str, Any] = {"__doc__": base.__doc__, "__module__": base.__module__}
    for member in dir(base):
        function = getattr(base, member)
        if member.startswith("_") or member in _PLAIN or not callable(function):
            continue
        members[member] = _wrapping(function)
    return type(name, (base,), members)


@functools.cache
def _generator() -> type:
    return _subclass(nr.Generator, "Generator")


@functools.cache
def _random_state() -> type:
    return _subclass(nr.RandomState, "RandomState")


def _default_rng(seed: Any = None) -> Any:
    seed = _fallback.real(seed)
    if type(seed) is _generator():
        return seed
    generator = nr.default_rng(seed)
    return _generator()(generator.bit_generator)


def overrides() -> dict[str, Any]:
    """Return what replaces names of numpy.random."""
    replaced: dict[str, Any] = {
        "default_rng": functools.wraps(nr.default_rng)(_default_rng),
        "RandomState": _random_state(),
    }
    for name in nr.__all__:
        function = getattr(nr, name)
        if isinstance(getattr(function, "__self__", None), nr.RandomState) and name not in _PLAIN:
            replaced[name] = _wrapping(function)
    return replaced
