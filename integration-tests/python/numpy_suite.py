"""Runs NumPy's own tests with every array deferred, and compares with plain NumPy.

    python integration-tests/python/numpy_suite.py [--backend reference] [file or folder …]

Without files: all tests of the installed NumPy but those in `LEFT_OUT`, some 45,000; with one core
that takes more than an hour (--jobs). Each file runs twice in a process of its own: with NumPy, and
with Maniple installed for NumPy's test modules (MANIPLE_DEFER_ALL=1). What passes with NumPy must pass with Maniple, but for the
tests in `numpy_suite_known.json`, each of which has a category and a reason; that list may only
shrink. The exit status is 1 if a test that is not in the list differs, if the share of passes is
below --minimum, or if a test in the list passes (remove it then, or use --update).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import suites

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


def part(test: str) -> str:
    """Return the part of NumPy that a test belongs to: "_core", "lib", …"""
    folder = test.split("/")[1]
    return "(top)" if folder == "tests" else folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES)
    parser.add_argument("--backend", default="server", help="MANIPLE_BACKEND (server)")
    parser.add_argument("--minimum", type=float, default=97.0, help="least share in per cent")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a file (1800)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--update", action="store_true", help="rewrite the list of differences")
    arguments = parser.parse_args()

    how = suites.How(
        backend=arguments.backend,
        timeout=arguments.timeout,
        # Some of the directories are no packages: their modules have plain names.
        include="numpy.*.tests.*,test_*",
        options=("-m", "not slow"),
    )
    files = [f for f in suites.expand(arguments.files) if not f.startswith(tuple(LEFT_OUT))]
    comparison = suites.compare(files, how, arguments.jobs)
    print("\n" + comparison.summary(part))
    return suites.judge(comparison, KNOWN, update=arguments.update, minimum=arguments.minimum)


if __name__ == "__main__":
    sys.exit(main())
