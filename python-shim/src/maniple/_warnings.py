"""Floating-point warnings of deferred operations.

They are given when the program looks at something, or when a block of `warnings.catch_warnings`
begins or ends, at the file and line where the operation was recorded.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from maniple._errors import ManipleError
from maniple._recorder import stream

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
        self.operation = "cast" if operation == "copyto" else operation.rpartition(".")[2]
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
