"""Writes docs/coverage.md: every public name of NumPy, and how it runs under Maniple.

    python scripts/coverage_page.py [--check]

Everything is read off the code: names from NumPy, handlers and rebound functions from the shim's
tables, operations from the server's. With --check nothing is written; the exit status says whether
the page is up to date.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import maniple
import numpy
from maniple import _creation, _draws, _functions, _random, _rebound, _ufuncs
from maniple._array import ndarray
from maniple._recorder import stream

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"

MODULES = (
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial",
    "numpy.polynomial.polynomial", "numpy.polynomial.chebyshev", "numpy.polynomial.legendre",
    "numpy.polynomial.hermite", "numpy.polynomial.hermite_e", "numpy.polynomial.laguerre",
    "numpy.lib.stride_tricks", "numpy.testing", "numpy.char", "numpy.strings",
)  # fmt: skip

# What these work on is none of the fourteen types that are deferred: strings, masked arrays.
TYPES_ELSEWHERE = frozenset(("numpy.ma", "numpy.char", "numpy.strings"))

DEFERRED, COMPOSED, OBJECT, HOST = "deferred", "composed", "NumPy's object", "host"
FILLED = "host, into shared memory"

# The hooks by which the array's own code records, makes a view, or answers without looking; and
# those by which it looks at the memory.
_LOOKS = frozenset(("_export", "_host", "_pinned", "_for_print", "FlatIterator"))
_RECORDS = frozenset(
    ("worthwhile", "emit", "from_shadow", "compose", "record", "assign", "_set_advanced", "make",
     "shadow", "getitem")
)  # fmt: skip


class Row(NamedTuple):
    name: str
    exists: bool
    signature: bool
    docstring: bool
    runs: str


def signature(value: Any) -> str | None:
    """Return the signature, or None where NumPy has none."""
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return None


def stand_in(module: str) -> Any:
    """Return what a program that imports `module` gets."""
    found: Any = maniple
    for part in module.split(".")[1:]:
        found = getattr(found, part)
    return found


def names(module: ModuleType) -> list[str]:
    """Return a module's public names: those it lists, and those of dir() that NumPy made."""
    listed = {n for n in getattr(module, "__all__", ()) if hasattr(module, n)}
    found = {n for n in dir(module) if not n.startswith("_") and _of_numpy(module, n)}
    return sorted(listed | (found if module is numpy or not listed else set()))


def _of_numpy(module: ModuleType, name: str) -> bool:
    value = getattr(module, name)
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return home is None or str(home).startswith("numpy")


def is_operation(ufunc: numpy.ufunc) -> bool:
    """Whether the backend has a loop of this ufunc."""
    start = ufunc.__name__ + ":"
    return ufunc in _ufuncs.GENERALIZED or any(key.startswith(start) for key in stream.operations)


def runs(module: str, name: str, value: Any, ours: Any) -> str:
    """Return how a name of a module runs."""
    if isinstance(value, numpy.ufunc) and module not in TYPES_ELSEWHERE:
        return DEFERRED if is_operation(value) else HOST
    if not callable(value) or isinstance(value, type):
        replaced = ours is not value and not isinstance(value, (type, ModuleType))
        return DEFERRED if replaced and type(ours).__module__.startswith("maniple") else OBJECT
    if module in TYPES_ELSEWHERE:
        return HOST
    if isinstance(getattr(value, "__self__", None), numpy.random.RandomState):
        # A method of the one generator that is global.
        return random_runs(numpy.random.RandomState, value.__name__)
    handler = _functions.HANDLERS.get(value)
    if handler is not None and handler is not _functions._types_only:
        return DEFERRED
    if module == "numpy" and name in _creation.RECORDED:
        return DEFERRED
    if module == "numpy" and name in _rebound.CREATORS:
        return COMPOSED
    if _rebound.is_composed(value) or hasattr(ours, "_maniple_composed"):
        return COMPOSED
    return HOST


def member_runs(name: str) -> str:
    """Return how a method or attribute of the array runs."""
    value = inspect.getattr_static(ndarray, name)
    if isinstance(value, property):
        return HOST if _names(value.fget) & _LOOKS else DEFERRED
    function = getattr(value, "__func__", value)
    if not isinstance(function, FunctionType):
        return OBJECT
    used = _names(function)
    if used & _RECORDS:
        return DEFERRED
    return HOST if used & {*_LOOKS, "_fallback"} else DEFERRED


def random_runs(owner: type, name: str) -> str:
    """Return how a method or attribute of a class of random numbers runs."""
    if not callable(getattr(owner, name)):
        return OBJECT
    drawn = [key for key in stream.operations for o in _draws.OPERATIONS.values() if key.startswith(o + ":")]
    if owner is numpy.random.Generator and name in _draws.METHODS and drawn:
        return DEFERRED
    return FILLED if _random.is_filled(name) else HOST


def _names(function: Any) -> set[str]:
    """Return the names that a function's code uses, with those of the functions it closes over."""
    found: set[str] = set()
    waiting = [function.__code__]
    seen: set[CodeType] = set()
    cells = [c.cell_contents for c in function.__closure__ or ()]
    waiting += [c.__code__ for c in cells if isinstance(c, FunctionType)]
    while waiting:
        code = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        found.update(code.co_names, code.co_freevars)
        waiting += [c for c in code.co_consts if isinstance(c, CodeType)]
        module = vars(sys.modules[function.__module__])
        for name in code.co_names:
            # A helper beside it.
            helper = module.get(name)
            if isinstance(helper, FunctionType) and helper.__module__ == function.__module__:
                waiting.append(helper.__code__)
    return found


def ufunc_runs(name: str) -> str:
    """Return how a method or attribute of a ufunc runs."""
    if not callable(getattr(numpy.add, name)):
        return OBJECT
    if name in _ufuncs.METHODS:
        return DEFERRED
    return OBJECT if name == "resolve_dtypes" else HOST


def compared(name: str, value: Any, ours: Any, kind: str) -> Row:
    # What is not a function has no docstring of its own.
    documented = callable(value) or hasattr(type(value), "__get__")
    return Row(
        name,
        True,
        signature(value) == signature(ours),
        not documented or getattr(value, "__doc__", None) == getattr(ours, "__doc__", None),
        kind,
    )


def module_rows(module: str) -> list[Row]:
    real, ours = importlib.import_module(module), stand_in(module)
    rows = []
    for name in names(real):
        value = getattr(real, name)
        if not hasattr(ours, name):
            rows.append(Row(name, False, False, False, HOST))
            continue
        own = getattr(ours, name)
        rows.append(compared(name, value, own, runs(module, name, value, own)))
    return rows


def class_rows() -> list[Row]:
    rows = []
    for name in sorted(n for n in dir(numpy.ndarray) if not n.startswith("_")):
        value = inspect.getattr_static(numpy.ndarray, name)
        if not hasattr(ndarray, name):
            rows.append(Row(name, False, False, False, HOST))
            continue
        own = inspect.getattr_static(ndarray, name)
        rows.append(compared(name, value, own, member_runs(name)))
    return rows


def random_rows(name: str) -> list[Row]:
    real, ours = getattr(numpy.random, name), getattr(stand_in("numpy.random"), name)
    rows = []
    for member in sorted(n for n in dir(real) if not n.startswith("_")):
        value, own = getattr(real, member), getattr(ours, member)
        rows.append(compared(member, value, own, random_runs(real, member)))
    return rows


def ufunc_rows() -> list[Row]:
    # The ufuncs in Maniple's namespace are NumPy's own objects.
    members = sorted(n for n in dir(numpy.ufunc) if not n.startswith("_"))
    return [Row(n, True, True, True, ufunc_runs(n)) for n in members]


def sections() -> dict[str, list[Row]]:
    """Return all rows by section."""
    return {
        **{module: module_rows(module) for module in MODULES},
        "numpy.ndarray": class_rows(),
        "numpy.ufunc": ufunc_rows(),
        "numpy.random.Generator": random_rows("Generator"),
        "numpy.random.RandomState": random_rows("RandomState"),
    }


KINDS = (DEFERRED, COMPOSED, FILLED, HOST, OBJECT)


def drawing() -> str:
    """Return the names of the bit generators whose numbers the server draws."""
    return ", ".join(sorted(kind.__name__ for kind in _draws.OPERATIONS))


def page(found: dict[str, list[Row]]) -> str:
    total = Counter(row.runs for rows in found.values() for row in rows)
    count = sum(total.values())
    missing = sum(not row.exists for rows in found.values() for row in rows)
    differing = sum(row.exists and not (row.signature and row.docstring) for rows in found.values() for row in rows)
    functions = count - total[OBJECT]
    lines = [
        "# Coverage of NumPy's interface",
        "",
        "Written by `scripts/coverage_page.py` from the code and a server's table of operations; "
        "a test writes it again and compares. Do not edit.",
        "",
        f"NumPy {numpy.__version__} has {count} public names in the modules and classes below: "
        "what a module lists in `__all__` (for `numpy` itself also what `dir` shows and NumPy "
        "made), and the members of `ndarray`, `ufunc` and the two classes of random numbers without "
        "a leading underscore. A name in "
        f"two modules counts twice. {count - missing} of them exist in Maniple, "
        f"{differing} with another signature or docstring than NumPy's.",
        "",
        f"Of the {functions} names that compute, {total[DEFERRED]} are deferred and "
        f"{total[COMPOSED]} composed; the rest run as NumPy's code on the same memory.",
        "",
        "- **deferred**: recorded by a function of Maniple's, an operation of the server, or "
        "answered without looking at the elements",
        "- **composed**: NumPy's own Python code, every operation in it recorded (`_rebound`); "
        "what it calls in C and nobody records runs on the same memory",
        "- **host, into shared memory**: NumPy's random numbers, written where the server reads them "
        "(`docs/random.md`)",
        "- **host**: NumPy on the same memory",
        "- **NumPy's object**: constants, classes, types, exceptions, modules",
        "",
        "How a name runs is what happens to large arrays of the usual types; unusual arguments go to NumPy everywhere. "
        f"The deferred methods of `Generator` are those of the generators {drawing()}; `default_rng` makes a PCG64.",
        "",
        "| | names | " + " | ".join(KINDS) + " |",
        "|---|---:|" + "---:|" * len(KINDS),
    ]
    for title, rows in found.items():
        own = Counter(row.runs for row in rows)
        counts = " | ".join(str(own[kind]) for kind in KINDS)
        lines.append(f"| `{title}` | {len(rows)} | {counts} |")
    lines.append(f"| **all** | **{count}** | " + " | ".join(f"**{total[kind]}**" for kind in KINDS) + " |")
    for title, rows in found.items():
        lines += ["", f"## {title}"]
        for kind in KINDS:
            chosen = [row for row in rows if row.runs == kind]
            if chosen:
                listed = " ".join(f"`{row.name}`" for row in chosen)
                lines += ["", f"**{kind}** ({len(chosen)}): {listed}"]
        wrong = [row.name for row in rows if not (row.exists and row.signature and row.docstring)]
        if wrong:
            lines += ["", "Missing, or with another signature or docstring: " + ", ".join(wrong)]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    # The server's table, not the one that the reference backend would announce.
    maniple.flush()
    if not stream.operations:
        print("no server: its table of operations is needed", file=sys.stderr)
        return 2
    text = page(sections())
    if not check:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print("docs/coverage.md is out of date: run scripts/coverage_page.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
