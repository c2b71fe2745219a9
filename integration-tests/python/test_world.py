"""The programs in `world/`, each with plain Python and with Maniple: the same output.

They hand arrays to the libraries of requirements/world.txt, and use what NumPy has beyond arrays of
numbers. A library that is missing is a failure: its program does not run.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "python-shim" / "src"
PROGRAMS = sorted((HERE / "world").glob("*_program.py"))
SIZES = {"mid": 6_000, "large": 600_000}
# These have what takes minutes at the large size whoever does it (skeletons, clusters, hulls).
LARGE = {"learning_program": 60_000, "scipy_program": 60_000, "tables_program": 60_000}


def run(program: Path, size: int, *options: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, *options, str(program)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "WORLD_SIZE": str(size), "OPENBLAS_NUM_THREADS": "1", **environment},
        stdin=subprocess.DEVNULL,
        timeout=280,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-4000:]
    return result.stdout


@functools.cache
def plain(program: Path, size: int) -> str:
    return run(program, size)


@pytest.mark.parametrize("world", ["mid", "large", "mid-all", "large-all"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_output_is_the_same(program: Path, world: str) -> None:
    name, _, everything = world.partition("-")
    size = SIZES[name]
    if name == "large":
        size = LARGE.get(program.stem, size)
    options = {"MANIPLE_DEFER_ALL": "1"} if everything else {}
    assert run(program, size, "-m", "maniple", **options) == plain(program, size)
