"""Libraries that keep NumPy work on Maniple's arrays: the same output with and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "python-shim" / "src"


def run(*arguments: str) -> str:
    environment = {"MANIPLE_BACKEND": "reference", **os.environ, "PYTHONPATH": str(SOURCE)}
    result = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_output_is_the_same_with_and_without_maniple() -> None:
    for module in ("scipy", "pandas", "sklearn", "matplotlib"):
        pytest.importorskip(module)
    program = str(HERE / "library_program.py")
    assert run("-m", "maniple", program) == run(program)
