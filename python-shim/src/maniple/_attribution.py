"""Calls of NumPy that warn as if the user's own line had made them.

A warning names the line of some caller, and the filters that show or hide it ask for that line's
module. Where functions of this package stand between the user and NumPy, the call is made by a
function that says it stands on the user's line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

_OWN = os.path.dirname(__file__) + os.sep

_MODEL = (lambda function, args, kwargs: function(*args, **kwargs)).__code__

_known: dict[tuple[int, int], tuple[CodeType, CodeType]] = {}
"""By the identity of the caller's code, which is kept, and the line in it."""


def call(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call `function` from the line of the user's that has called this package."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    code, line = frame.f_code, frame.f_lineno or 1
    key = (id(code), line)
    known = _known.get(key)
    if known is None:
        if len(_known) > 10_000:
            _known.clear()
        standing = _MODEL.replace(
            co_filename=code.co_filename, co_firstlineno=line, co_name=code.co_name
        )
        known = _known[key] = (code, standing)
    try:
        return FunctionType(known[1], frame.f_globals)(function, args, kwargs)
    except BaseException as error:
        # The line is in the traceback already.
        _shorten(error)
        raise
    finally:
        # A frame that knows itself would keep all arrays of its callers until the next collection.
        del frame


def _shorten(error: BaseException) -> None:
    here = error.__traceback__
    if here is not None and here.tb_next is not None:
        here.tb_next = here.tb_next.tb_next
