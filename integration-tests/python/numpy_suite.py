"""Runs NumPy's own tests with every array deferred, and compares with plain NumPy.

    python integration-tests/python/numpy_suite.py [--backend reference] [file or folder …]

Without files: all tests of the installed NumPy but those in `LEFT_OUT`, some 45,000; with one core
that takes more than an hour (--jobs). Each file runs twice in a process of its own: with NumPy, and with Maniple installed for NumPy's
test modules (MANIPLE_DEFER_ALL=1). What passes with NumPy must pass with Maniple, but for the
tests in `numpy_suite_known.json`, each of which has a category and a reason; that list may only
shrink. The exit status is 1 if a test that is not in the list differs, if the share of passes is
below --minimum, or if a test in the list passes (remove it then, or use --update).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KNOWN = HERE / "numpy_suite_known.json"

FILES = ["numpy"]

LEFT_OUT = {
    "numpy/f2py/": "compiles Fortran, and is a tool beside the arrays",
    "numpy/distutils/": "builds extensions; gone from Python 3.12 on",
    "numpy/typing/": "runs a type checker over NumPy's own stubs",
    "numpy/_pyinstaller/": "packs an application",
}
"""Folders whose tests have nothing to do with arrays, with the reason."""

CATEGORIES = (
    "not an ndarray",  # C code or a test asks for the very type, a subclass, or a C-level flag
    "warning",  # a deferred operation gives no floating-point warning
    "memory",  # the test looks at addresses, reference counts or sizes of objects
    "accuracy",  # another order of additions, within the documented bound
    "unclassified",
)


def expand(names: list[str]) -> list[str]:
    """Return test files relative to the directory that holds the numpy package."""
    import numpy

    root = Path(numpy.__file__).resolve().parent.parent
    files: list[str] = []
    for name in names:
        path = root / name
        found = sorted(path.rglob("tests/test_*.py")) if path.is_dir() else [path]
        files += [str(f.relative_to(root)) for f in found]
    return [f for f in files if not f.startswith(tuple(LEFT_OUT))]


def part(test: str) -> str:
    """Return the part of NumPy that a test belongs to: "_core", "lib", …"""
    folder = test.split("/")[1]
    return "(top)" if folder == "tests" else folder


def run(file: str, maniple: bool, backend: str, timeout: float) -> dict[str, str]:
    """Return test id to outcome of one file."""
    module = file.removesuffix(".py").replace("/", ".")
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report.json")
        environment = {
            **os.environ,
            "MANIPLE_SUITE_REPORT": report,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent.parent / "python-shim" / "src")]),
            "OPENBLAS_NUM_THREADS": "1",
        }
        if maniple:
            environment.update(
                MANIPLE_SUITE_INSTALL="1",
                MANIPLE_DEFER_ALL="1",
                MANIPLE_BACKEND=backend,
                # Some of the directories are no packages: their modules have plain names.
                MANIPLE_INCLUDE="numpy.*.tests.*,test_*",
            )
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "numpy_suite_plugin", "-p",
            "no:cacheprovider", "-p", "no:xdist", "--pyargs", module, "--tb=short",
            "-m", "not slow",
        ]  # fmt: skip
        log = Path(tempfile.gettempdir()) / f"numpy-suite-{'maniple' if maniple else 'numpy'}"
        log.mkdir(exist_ok=True)
        with open(log / f"{module}.txt", "w") as output:
            try:
                subprocess.run(command, env=environment, cwd=directory, timeout=timeout,
                               stdout=output, stderr=subprocess.STDOUT, check=False)  # fmt: skip
            except subprocess.TimeoutExpired:
                print(f"{file}: stopped after {timeout:.0f} s", file=sys.stderr)
        try:
            lines = Path(report).read_text().splitlines()
        except FileNotFoundError:
            return {}
    return {f"{file}::{test}": outcome for test, outcome in map(json.loads, lines)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES)
    parser.add_argument("--backend", default="reference", help="MANIPLE_BACKEND (reference)")
    parser.add_argument("--minimum", type=float, default=97.0, help="least share in per cent")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a file (1800)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--update", action="store_true", help="rewrite the list of differences")
    arguments = parser.parse_args()

    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    files = expand(arguments.files)
    differing: dict[str, str] = {}
    passing: set[str] = set()

    def both(file: str) -> tuple[dict[str, str], dict[str, str]]:
        return (
            run(file, False, arguments.backend, arguments.timeout),
            run(file, True, arguments.backend, arguments.timeout),
        )

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for file, (plain, ours) in zip(files, pool.map(both, files), strict=True):
            expected = {test for test, outcome in plain.items() if outcome == "passed"}
            wrong = {t: ours.get(t, "not run") for t in expected if ours.get(t) != "passed"}
            differing.update(wrong)
            passing |= expected - wrong.keys()
            total = len(expected)
            share = 100 * (total - len(wrong)) / total if total else 100.0
            print(f"{file}: {total - len(wrong)} of {total} ({share:.1f} %)", flush=True)
    print("\npart         passes  of those that pass with NumPy")
    for name in sorted({part(t) for t in passing | differing.keys()}):
        good = sum(part(t) == name for t in passing)
        count = good + sum(part(t) == name for t in differing)
        print(f"{name:<12} {good:6} of {count:6}  {100 * good / count:6.2f} %")
    total = len(passing) + len(differing)
    share = 100 * len(passing) / total if total else 0.0
    print(f"all: {len(passing)} of {total} ({share:.2f} %)")
    new = sorted(differing.keys() - known.keys())
    gone = sorted(passing & known.keys())
    if arguments.update:
        kept = {t: k for t, k in known.items() if t not in passing}
        for test in new:
            kept[test] = {"category": "unclassified", "reason": differing[test]}
        KNOWN.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")
        return 0
    for test in new:
        print(f"differs: {test}: {differing[test]}")
    for test in gone:
        print(f"passes, remove it from {KNOWN.name}: {test}")
    return 1 if new or gone or share < arguments.minimum else 0


if __name__ == "__main__":
    sys.exit(main())
