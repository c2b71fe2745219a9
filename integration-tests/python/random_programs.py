"""Random NumPy programs, run with NumPy and with Maniple; a difference is shrunk to a script.

    python integration-tests/python/random_programs.py --programs 2000 --seed 1
    MANIPLE_BACKEND=reference python integration-tests/python/random_programs.py

A program is a list of statements (`random_rows`) on variables a0, a1, …: small arrays mostly, in one
program of five such as fill several blocks of the server's loops. Every array is deferred, however
small, unless MANIPLE_DEFER_ALL=0. After the last statement all variables are compared: types, dtypes,
shapes and memory order exactly; values exactly, or to --ulp units in the last place of the largest
element where NumPy's value is one of several right ones (`random_rows` says where). So are the
exceptions of statements, with their messages, and with --warnings the warnings other than those of
floating-point errors, which come later by design.

The smallest failing program is printed as a script that runs by itself, and as an entry for
`random_kept.json`, whose programs the tests replay.
"""

from __future__ import annotations

import json
import os
import sys

if "maniple" in sys.modules:  # run by `maniple`: numpy would be Maniple
    os.execv(sys.executable, [sys.executable, *sys.argv])

import argparse
import random
import re
import textwrap
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from random_statements import Generator, compiled

_ASSIGNMENT = re.compile(r"a\d+\[.*\] = a\d+$")
KEPT = Path(__file__).with_name("random_kept.json")


class Program(NamedTuple):
    statements: list[str]
    open: Mapping[str, float] = {}
    """Variables whose value is near NumPy's only, each with the size of what was added up for it."""


class Run(NamedTuple):
    values: dict[str, Any]
    failures: list[str]
    warnings: list[str]


def execute(statements: list[str], np: Any) -> Run:
    """Return what the variables are after the last statement, and what went wrong on the way."""
    scope: dict[str, Any] = {"np": np, "numpy": numpy}
    failures = []
    noted = []
    values = {}
    with warnings.catch_warnings(record=True) as caught, numpy.errstate(all="ignore"):
        warnings.simplefilter("always")
        for statement in statements:
            failed = False
            try:
                exec(compiled(statement), scope)
            except Exception as error:
                failed = True
                failures.append(f"{statement}: {_assignment(statement, _described(error))}")
            # Where an assignment fails anyway, NumPy's C code has cast an array of ours before it looks at shapes: a
            # known limit (docs/python-shim.md).
            unseen = "ComplexWarning" if failed and _ASSIGNMENT.match(statement) else ""
            seen = [w for w in caught if _comparable(w) and w.category.__name__ != unseen]
            noted += [f"{statement}: {w.category.__name__}: {w.message}" for w in seen]
            caught.clear()
        for name, value in list(scope.items()):
            if re.fullmatch(r"a\d+", name):
                try:
                    values[name] = _settled(value)
                except Exception as error:
                    failures.append(f"{name}: {_described(error)}")
    return Run(values, failures, noted)


def _described(error: Exception) -> str:
    kind = type(error).__name__
    # The addresses of objects.
    return f"{kind.lstrip('_')}: {re.sub('0x[0-9a-f]+', '0x', str(error))}"


def _assignment(statement: str, description: str) -> str:
    """Say what NumPy does where its C code asks an array of ours for a number: a known limit (docs/python-shim.md)."""
    if _ASSIGNMENT.match(statement) and description.endswith("can be converted to Python scalars"):
        return "ValueError: setting an array element with a sequence."
    return description


def _comparable(warning: warnings.WarningMessage) -> bool:
    text = str(warning.message)
    # Of floating-point errors, and of writing to what `np.broadcast_arrays` gives, which Maniple lets pass.
    return " encountered in " not in text and "np.broadcast_arrays" not in text


def _settled(value: Any) -> Any:
    """Return a value without Maniple's arrays in it."""
    if isinstance(value, numpy.ndarray) and not isinstance(value, numpy.ma.MaskedArray):
        return numpy.asarray(value)
    if isinstance(value, tuple):
        return tuple(_settled(v) for v in value)
    return [_settled(v) for v in value] if isinstance(value, list) else value


def difference(program: Program, ulp: float = 64.0, with_warnings: bool = False) -> str:
    """Return what differs between NumPy and Maniple, or an empty string."""
    import maniple

    expected = execute(program.statements, numpy)
    actual = execute(program.statements, maniple)
    found = _of_lists("exceptions", expected.failures, actual.failures)
    if not found and with_warnings:
        found = _of_lists("warnings", expected.warnings, actual.warnings)
    if found:
        return found
    if expected.values.keys() != actual.values.keys():
        return f"names differ: {sorted(expected.values.keys() ^ actual.values.keys())}"
    for name, want in expected.values.items():
        size = program.open.get(name)
        found = _of_values(want, actual.values[name], 0.0 if size is None else ulp, size or 0.0)
        if found:
            return f"{name}: {found}"
    return ""


def _of_lists(what: str, want: list[str], got: list[str]) -> str:
    if want == got:
        return ""
    lines = [f"only Maniple: {line}" for line in (Counter(got) - Counter(want)).elements()]
    lines += [f"only NumPy: {line}" for line in (Counter(want) - Counter(got)).elements()]
    return f"{what} differ:\n" + "\n".join(lines[:3])


def _of_values(want: Any, got: Any, ulp: float, size: float) -> str:
    if type(want) is not type(got):
        return f"{type(got)}, not {type(want)}"
    if isinstance(want, (tuple, list)):
        if len(want) != len(got):
            return f"{len(got)} values, not {len(want)}"
        pairs = enumerate(zip(want, got, strict=True))
        return next((f"[{i}]: {found}" for i, (w, g) in pairs if (found := _of_values(w, g, ulp, size))), "")
    if not isinstance(want, (numpy.ndarray, numpy.generic)) or want.dtype.kind in "OV":
        return "" if repr(want) == repr(got) else f"{got!r}\nnot\n{want!r}"
    if want.dtype != got.dtype or want.shape != got.shape:
        return f"{got.dtype} {got.shape}, not {want.dtype} {want.shape}"
    if _order(want) != _order(got):
        return f"strides {got.strides}, not {want.strides} of shape {want.shape}"
    return "" if _equal(want, got, ulp, size) else f"\n{got!r}\nnot\n{want!r}{_where(want, got)}"


def _order(a: Any) -> Any:
    """Return what can be seen of an array's memory: strides where there is more than one element."""
    seen = tuple([s for n, s in zip(a.shape, a.strides, strict=True) if n > 1]) if a.size > 1 else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of np.broadcast_arrays
        return seen, a.flags.writeable


def _where(want: Any, got: Any) -> str:
    if want.size < 20:
        return ""
    places = numpy.flatnonzero(~((want == got) | ((want != want) & (got != got))))
    some = places[:5]
    return f"\nat {some} of {places.size}: {got.ravel()[some]}, not {want.ravel()[some]}"


def _equal(want: Any, got: Any, ulp: float, size: float) -> bool:
    if numpy.array_equal(want, got, equal_nan=want.dtype.kind in "fcmM"):
        return True
    if want.dtype.kind not in "fc" or not ulp:
        return False
    scale = numpy.max(numpy.abs(want[numpy.isfinite(want)]), initial=0.0)
    kind = numpy.finfo(want.dtype)
    tolerance = ulp * (kind.eps * max(float(scale), size) + float(kind.smallest_subnormal))
    # Part by part: the other part of an infinite complex number may be near only, too.
    parts = [(want.real, got.real), (want.imag, got.imag)] if want.dtype.kind == "c" else [(want, got)]
    return all(numpy.allclose(w, g, rtol=0, atol=tolerance, equal_nan=True) for w, g in parts)


def shrink(program: Program, ulp: float, with_warnings: bool) -> Program:
    """Remove statements, in ever smaller groups, as long as a difference remains."""
    statements = program.statements
    size = max(1, len(statements) // 2)
    while True:
        removed = False
        start = 0
        while start < len(statements):
            shorter = statements[:start] + statements[start + size :]
            if shorter and difference(Program(shorter, program.open), ulp, with_warnings):
                statements, removed = shorter, True
            else:
                start += size
        if not removed:
            if size == 1:
                return Program(statements, program.open)
            size //= 2


def script(program: Program, message: str) -> str:
    lines = ["import numpy", "import maniple as np", "", *program.statements, ""]
    text = " ".join(program.statements)
    entry = {"program": program.statements, "open": {n: s for n, s in program.open.items() if n in text}}
    return "\n".join(lines) + textwrap.indent(message, "# ") + f"\n{json.dumps(entry)}\n"


def replay(entries: list[dict[str, Any]]) -> list[str]:
    """Run kept programs; return what differs."""
    failed = []
    for entry in entries:
        program = Program(entry["program"], entry.get("open", {}))
        message = difference(program, with_warnings=True)
        if message:
            failed.append(script(program, message))
    return failed


def avoid_wrong_sort() -> None:
    """Start anew without NumPy's AVX-512 sort of float16 where that one leaves elements out of order.

    NumPy 2.4's does with many equal negative elements on processors that have AVX512_ICL but not AVX512_SPR.
    """
    halves = (numpy.arange(8193) * 7 % 15 - 7).astype("float16")
    if (numpy.diff(numpy.sort(halves)) >= 0).all():
        return
    if "NPY_DISABLE_CPU_FEATURES" in os.environ:
        raise SystemExit("NumPy does not sort float16 rightly on this processor: nothing to compare with")
    print("NumPy's AVX-512 sort of float16 is wrong on this processor; compared with NumPy without AVX512_ICL")
    sys.stdout.flush()
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512_ICL"
    os.execv(sys.executable, [sys.executable, *sys.argv])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--ulp", type=float, default=64.0)
    parser.add_argument("--warnings", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--kept", action="store_true", help="run the programs of random_kept.json instead")
    arguments = parser.parse_args()
    avoid_wrong_sort()
    os.environ.setdefault("MANIPLE_DEFER_ALL", "1")
    if arguments.kept:
        entries = json.loads(KEPT.read_text())
        failures = replay(entries)
        print(*failures, f"{len(entries) - len(failures)} of {len(entries)} kept programs agree with NumPy", sep="\n")
        return 1 if failures else 0
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.programs):
        generator = Generator(seed)
        program = Program(generator.program(), generator.open)
        if difference(program, arguments.ulp, arguments.warnings):
            failed += 1
            smallest = shrink(program, arguments.ulp, arguments.warnings)
            message = difference(smallest, arguments.ulp, arguments.warnings)
            print(f"seed {seed} fails; smallest program:\n\n{script(smallest, message)}", flush=True)
            if not arguments.keep_going:
                return 1
        if (seed - arguments.seed) % 100 == 99:
            print(f"{seed - arguments.seed + 1} done", flush=True)
    print(f"{arguments.programs - failed} of {arguments.programs} programs agree with NumPy "
          f"(seeds from {arguments.seed})")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
