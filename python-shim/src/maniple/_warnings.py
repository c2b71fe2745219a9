"""Floating-point warnings of deferred operations.

They are given when the program looks at something, or when a block of `warnings.catch_warnings`
begins or ends, at the file and line where the operation was recorded. What NumPy itself gives while
it works for this package is moved to the user's line, too (`_Relocation`).
"""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from maniple._errors import ManipleError
from maniple._recorder import stream, user_frame

_BITS = {"divide": 1, "over": 2, "invalid": 8}
_NAMES = {1: "divide by zero", 2: "overflow", 8: "invalid value"}

_modules: dict[str, dict[str, Any]] = {}


def reports(state: Mapping[str, Any]) -> int:
    """Return the kinds of errors for which `numpy.geterr()` asks for a warning."""
    return sum(bit for name, bit in _BITS.items() if state[name] == "warn")


def deliver() -> None:
    """Give the warnings the backend has told of; with an "error" filter the first is raised."""
    errors = stream.errors
    while errors:
        kind, operation, source = errors.pop(0)
        operation = stream.names.get((operation, source), operation)
        filename, _, line = source.rpartition(":")
        names = _namespace(filename)
        warnings.warn_explicit(
            f"{_NAMES[kind]} encountered in {operation}",
            RuntimeWarning,
            filename,
            int(line),
            names["__name__"],
            names.setdefault("__warningregistry__", {}),
        )


def _namespace(filename: str) -> dict[str, Any]:
    """Return the globals of the module in that file; of none, something like them."""
    known = _modules.get(filename)
    if known is None:
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) == filename:
                known = vars(module)
                break
        else:
            # A notebook's cell, the interactive prompt, a script that runs under a launcher.
            known = {"__name__": "__main__"}
        _modules[filename] = known
    return known


def _settle() -> None:
    """What was recorded under some filters is judged by them."""
    if stream.may_warn:
        try:
            stream.flush(sync=True)
        except ManipleError:
            # Whoever looks at what could not be computed gets to know.
            pass
    deliver()


def _watch_filters() -> None:
    enter = warnings.catch_warnings.__enter__
    leave = warnings.catch_warnings.__exit__

    def __enter__(self: Any) -> Any:
        if stream.may_warn or stream.errors:
            _settle()
        return enter(self)

    def __exit__(self: Any, *exc_info: Any) -> None:
        try:
            if stream.may_warn or stream.errors:
                _settle()
        except Warning:
            if not exc_info or exc_info[0] is None:
                raise
        finally:
            leave(self, *exc_info)

    warnings.catch_warnings.__enter__ = __enter__  # type: ignore[method-assign]
    warnings.catch_warnings.__exit__ = __exit__  # type: ignore[method-assign]


class _Relocation(threading.local):
    """A warning given while one of this package's functions runs, on its way to the filters.

    NumPy's C code attributes warnings to the Python function that has called it, which is ours. So
    the first of Python's filters is one that asks this object about message, module and category,
    in this order: a warning of this package's modules it gives again, at the user's line, and has
    the original ignored. What is not warned of costs nothing.
    """

    text = ""
    ours = False

    def message(self, text: str) -> bool:
        self.text = text
        return True

    def module(self, name: str) -> bool:
        self.ours = name.startswith("maniple.")
        return self.ours

    def category(self, category: Any) -> bool:
        if not self.ours:
            return False
        self.ours = False
        frame = user_frame(sys._getframe(1))
        if frame is None:
            return False
        names = frame.f_globals
        warnings.warn_explicit(
            self.text,
            category,
            frame.f_code.co_filename,
            frame.f_lineno,
            names.get("__name__", "<string>"),
            names.setdefault("__warningregistry__", {}),
        )
        return True


_relocation = _Relocation()


class _Pattern:
    """What a filter has in the place of a regular expression.

    Who copies filters (scikit-learn for its threads) makes another one of the pattern: it matches
    nothing, so that the copy does nothing.
    """

    pattern = "(?!)"
    flags = 0

    def __init__(self, match: Any) -> None:
        self.match = match

    def __reduce__(self) -> Any:
        # Filters are sent to other processes (joblib's workers): there it matches nothing.
        return re.compile, (self.pattern,)


class _AnyCategory(type):
    def __subclasscheck__(cls, category: type) -> bool:
        return _relocation.category(category)


class _Relocated(Warning, metaclass=_AnyCategory):
    pass


_FILTER: Any = (
    "ignore",
    _Pattern(_relocation.message),
    _Relocated,
    _Pattern(_relocation.module),
    0,
)


def _relocate() -> None:
    """Keep `_FILTER` the first one, whatever filters are added, replaced or forgotten."""
    mutated: Any = vars(warnings)["_filters_mutated"]

    def _filters_mutated() -> None:
        filters: Any = warnings.filters
        if not filters or filters[0] is not _FILTER:
            filters[:] = [_FILTER, *[entry for entry in filters if entry is not _FILTER]]
        mutated()

    setattr(warnings, "_filters_mutated", _filters_mutated)
    _filters_mutated()


def note(state: Mapping[str, Any]) -> None:
    """From here on, errors are reported as `state` (that of `numpy.geterr()`) asks."""
    kinds = reports(state)
    with stream.lock:
        if kinds != stream.reporting:
            stream.reporting = kinds
            # The same lines again, with other kinds.
            stream.batch.source_index.clear()


class Collector:
    """Collects what NumPy reports while a batch is executed in this process."""

    def __init__(self) -> None:
        self.errors: dict[tuple[int, str, str], None] = {}
        self.operation = ""
        self.source = ""
        self.wanted = 0

    def __call__(self, _: str, flags: int) -> None:
        for kind in _NAMES:
            if flags & kind & self.wanted and len(self.errors) < 64:
                self.errors[kind, self.operation, self.source] = None

    def watch(self, operation: str, source: str, wanted: int) -> Any:
        """Return the error state for one instruction."""
        moves = operation in ("copyto", "put", "place")
        self.operation = "cast" if moves else operation.removesuffix(".at").rpartition(".")[2]
        self.source = source
        self.wanted = wanted if source else 0
        if not self.wanted:
            return np.errstate(all="ignore")
        return np.errstate(divide="call", over="call", invalid="call", under="ignore", call=self)

    def take(self) -> list[tuple[int, str, str]]:
        """Return what was collected, once."""
        errors = list(self.errors)
        self.errors.clear()
        return errors


_watch_filters()
_relocate()
