"""The shim's tests of linear algebra and Fourier transforms, with the server's LAPACK and transforms."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_values_are_numpys() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_linear_fourier.py"],
        cwd=ROOT / "python-shim",
        env={**os.environ, "MANIPLE_BACKEND": "server"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
