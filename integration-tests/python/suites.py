"""Runs test files of installed packages twice, with NumPy and with Maniple, and compares outcomes.

Shared by `numpy_suite.py` and `library_suites.py`. Each file runs in a process of its own, in an
empty directory, so that a crash or a hang costs the results of that file only.
"""

from __future__ import annotations

import concurrent.futures
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent

Outcomes = dict[str, str]


@dataclass(frozen=True)
class How:
    """How the files run with Maniple."""

    backend: str
    """MANIPLE_BACKEND: "server" or "reference"."""
    timeout: float
    """Seconds for a file."""
    include: str
    """MANIPLE_INCLUDE: the modules whose `numpy` is Maniple."""
    options: tuple[str, ...] = ()
    """More options of pytest."""


@dataclass
class Comparison:
    """What became of the tests that pass with NumPy."""

    passing: set[str] = field(default_factory=set)
    differing: dict[str, str] = field(default_factory=dict)

    def add(self, plain: Outcomes, ours: Outcomes) -> tuple[int, int]:
        """Add a file's outcomes; return how many of its tests pass with Maniple, and with NumPy."""
        expected = {test for test, outcome in plain.items() if outcome == "passed"}
        wrong = {t: ours.get(t, "not run") for t in expected if ours.get(t) != "passed"}
        self.differing.update(wrong)
        self.passing |= expected - wrong.keys()
        return len(expected) - len(wrong), len(expected)

    def summary(self, part: Callable[[str], str]) -> str:
        """Return a table of the share that passes, by the part that a test belongs to."""
        lines = [f"{'part':<20} passes  of those that pass with NumPy"]
        for name in sorted({part(t) for t in self.passing | self.differing.keys()}):
            good = sum(part(t) == name for t in self.passing)
            count = good + sum(part(t) == name for t in self.differing)
            lines.append(f"{name:<20} {good:6} of {count:6}  {100 * good / count:6.2f} %")
        lines.append(f"all: {len(self.passing)} of {self.total} ({self.share:.2f} %)")
        return "\n".join(lines)

    @property
    def total(self) -> int:
        return len(self.passing) + len(self.differing)

    @property
    def share(self) -> float:
        return 100 * len(self.passing) / self.total if self.total else 0.0


def expand(names: list[str]) -> list[str]:
    """Return the test files of packages, folders and files, relative to the installed packages."""
    files: list[str] = []
    for name in names:
        root = _site(name)
        path = root / name
        if not path.exists():
            raise SystemExit(f"{name}: no such file or folder under {root}")
        found = sorted(path.rglob("tests/**/test_*.py")) if path.is_dir() else [path]
        files += [str(f.relative_to(root)) for f in found]
    return files


def _site(name: str) -> Path:
    package = name.split("/")[0]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed: pip install -r requirements/world.txt")
    return Path(found.origin).parent.parent


def run(file: str, how: How, *, maniple: bool) -> Outcomes:
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
                MANIPLE_BACKEND=how.backend,
                MANIPLE_INCLUDE=how.include,
            )
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "numpy_suite_plugin", "-p",
            "no:cacheprovider", "-p", "no:xdist", "--pyargs", module, "--tb=short",
            *how.options,
        ]  # fmt: skip
        log = Path(tempfile.gettempdir()) / f"numpy-suite-{'maniple' if maniple else 'numpy'}"
        log.mkdir(exist_ok=True)
        with open(log / f"{module}.txt", "w") as output:
            try:
                subprocess.run(command, env=environment, cwd=directory, timeout=how.timeout,
                               stdout=output, stderr=subprocess.STDOUT, check=False)  # fmt: skip
            except subprocess.TimeoutExpired:
                print(f"{file}: stopped after {how.timeout:.0f} s", file=sys.stderr)
        try:
            lines = Path(report).read_text().splitlines()
        except FileNotFoundError:
            return {}
    return {f"{file}::{test}": outcome for test, outcome in map(json.loads, lines)}


def compare(files: list[str], how: How, jobs: int) -> Comparison:
    """Run the files with NumPy and with Maniple; print a line for each as it ends."""
    comparison = Comparison()
    for file, plain, ours in _both(files, how, jobs):
        good, count = comparison.add(plain, ours)
        share = 100 * good / count if count else 100.0
        print(f"{file}: {good} of {count} ({share:.1f} %)", flush=True)
    return comparison


def _both(files: list[str], how: How, jobs: int) -> Iterator[tuple[str, Outcomes, Outcomes]]:
    def both(file: str) -> tuple[Outcomes, Outcomes]:
        return run(file, how, maniple=False), run(file, how, maniple=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for file, (plain, ours) in zip(files, pool.map(both, files), strict=True):
            yield file, plain, ours


PROCESSOR = "accuracy on some processors"
"""The category of tests that differ, or pass, with the instructions that the processor has."""


def judge(comparison: Comparison, known_file: Path, *, update: bool, minimum: float) -> int:
    """Compare with the committed list of differences; return the exit status, or rewrite the list."""
    known = json.loads(known_file.read_text()) if known_file.exists() else {}
    new = sorted(comparison.differing.keys() - known.keys())
    gone = {t for t in comparison.passing & known.keys() if known[t]["category"] != PROCESSOR}
    if update:
        kept = {t: k for t, k in known.items() if t not in gone}
        for test in new:
            kept[test] = {"category": "unclassified", "reason": comparison.differing[test]}
        known_file.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n")
        return 0
    for test in new:
        print(f"differs: {test}: {comparison.differing[test]}")
    for test in sorted(gone):
        print(f"passes, remove it from {known_file.name}: {test}")
    return 1 if new or gone or comparison.share < minimum else 0
