"""Kernels that run by blocks of rows: NumPy's results, whatever the block, and the same bits for any threads."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent / "cascade_program.py"
SOURCE = PROGRAM.parent.parent.parent / "python-shim" / "src"
SIZES = [(2, 7), (3, 64), (17, 129), (250, 1000), (1000, 513)]


def run(*options: str, rows: int, columns: int, **environment: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, *options, str(PROGRAM), str(rows), str(columns)],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_results_are_numpys(rows: int, columns: int) -> None:
    expected = run(rows=rows, columns=columns)
    everything = {"MANIPLE_DEFER_ALL": "1"}
    for world in (everything, {**everything, "MANIPLE_FUSION": "cascade"}):
        got = run("-m", "maniple", rows=rows, columns=columns, **world)
        for want, have in zip(expected, got, strict=True):
            assert want[:4] == have[:4]
            tolerance = 2e-4 if want[0] == "float32" else 1e-11
            assert ast.literal_eval(have[5]) == pytest.approx(
                ast.literal_eval(want[5]), rel=tolerance, abs=tolerance
            ), want[:2]


@pytest.mark.parametrize("fusion", ["on", "cascade"])
def test_threads_do_not_matter(fusion: str) -> None:
    results = [
        [line[:5] for line in run("-m", "maniple", rows=777, columns=600, MANIPLE_THREADS=threads,
                                  MANIPLE_FUSION=fusion, MANIPLE_DEFER_ALL="1")]
        for threads in ("1", "2", "7")
    ]  # fmt: skip
    assert results[0] == results[1] == results[2]


def test_what_pays_runs_as_a_cascade() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maniple", "--explain", str(PROGRAM), "1000", "513"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "cascade of" in done.stdout + done.stderr
