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


LARGE = """
import numpy as np
rng = np.random.default_rng(1)
n = 3000
a, b = rng.random((n, n)), rng.random((n, 2))
assert np.allclose(a @ np.linalg.solve(a, b), b)
assert np.isfinite(np.linalg.slogdet(a)[1])
p = a @ a.T + np.eye(n)
c = np.linalg.cholesky(p)
assert np.allclose(c @ c.T, p)
assert np.allclose(a @ np.linalg.inv(a), np.eye(n), atol=1e-6)
q, r = np.linalg.qr(a[:, :500])
assert np.allclose(q @ r, a[:, :500])
"""


def test_large_matrices(tmp_path: Path) -> None:
    """LAPACK's recursion needs several megabytes of stack then."""
    program = tmp_path / "program.py"
    program.write_text(LARGE)
    done = subprocess.run(
        [sys.executable, "-m", "maniple", str(program)],
        env={**os.environ, "MANIPLE_BACKEND": "server"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
