"""The shim's tests of linear algebra and Fourier transforms, with the server's LAPACK and transforms."""

import os
import subprocess
import sys
from pathlib import Path

import programs
import pytest

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
    programs.check(tmp_path, LARGE, "-m", "maniple")


PRODUCTS = """
import numpy
import maniple as np

random = numpy.random.default_rng(5)


def matrix(dtype, *shape):
    x = random.normal(size=shape)
    return (x + 1j * random.normal(size=shape) if dtype[0] == "c" else x).astype(dtype)


FORMS = (
    lambda z: z @ z.T,
    lambda z: z.T @ z,
    lambda z: z.T.dot(z),
    lambda z: z[1:] @ z[1:].T,
    lambda z: z[:, ::2].T @ z[:, ::2],
    lambda z: z[::2] @ z[::2].T,
    lambda z: z[::2].T @ z[::2],
    lambda z: z @ z.conj().T,
    lambda z: z.T.copy("F") @ z.T.copy("F").T,
)
for dtype in ("f8", "f4", "c16", "c8"):
    for n, k in ((5, 7), (64, 64), (65, 300), (300, 65), (257, 129)):
        x = matrix(dtype, n, k)
        for number, form in enumerate(FORMS):
            assert form(x).tobytes() == numpy.asarray(form(np.asarray(x))).tobytes(), (dtype, n, k, number)
    for n, m, k in ((10, 7, 5), (64, 64, 64), (100, 131, 100), (257, 64, 300)):
        a, b = matrix(dtype, 9, n, k), matrix(dtype, 9, k, m)
        assert (a @ b).tobytes() == numpy.asarray(np.asarray(a) @ np.asarray(b)).tobytes(), (dtype, n, m, k)
a = matrix("f8", 300, 300)
for value in (numpy.inf, numpy.nan):
    b = a.copy()
    b[5, 7] = value
    numpy.testing.assert_array_equal(numpy.asarray(np.asarray(a) @ np.asarray(b)), a @ b)
"""


def test_products_are_numpys_to_the_bit(tmp_path: Path) -> None:
    """Also of a matrix and its transpose, half of which is computed, and of stacks, which are shared out."""
    programs.check(tmp_path, PRODUCTS, MANIPLE_DEFER_ALL="1")


TRANSFORMS = """
import numpy
import maniple as np

random = numpy.random.default_rng(5)
FORMS = {
    "fft": lambda m, x: m.fft.fft(x),
    "ifft": lambda m, x: m.fft.ifft(x),
    "rfft": lambda m, x: m.fft.rfft(x.real),
    "irfft": lambda m, x: m.fft.irfft(x),
    "hfft": lambda m, x: m.fft.hfft(x),
    "longer": lambda m, x: m.fft.fft(x, x.shape[-1] + 3),
    "shorter": lambda m, x: m.fft.fft(x, x.shape[-1] - 1),
    "single": lambda m, x: m.fft.fft(x.astype("c8")),
    "first axis": lambda m, x: m.fft.fft(x, axis=0),
    "backwards": lambda m, x: m.fft.ifft(x[::-1, ::-1]),
    "both": lambda m, x: m.fft.fft2(x),
}
for n in (*range(2, 17), 30, 49, 64, 97, 100, 125, 210, 1155, 2000):
    for rows in (1, 3, 4, 7, 8, 9, 17):
        c = random.normal(size=(rows, n)) + 1j * random.normal(size=(rows, n))
        for name, form in FORMS.items():
            want = form(numpy, c)
            got = numpy.asarray(form(np, np.asarray(c)))
            assert want.dtype == got.dtype
            assert want.strides == got.strides, (name, n, rows)
            tolerance = (1e-5 if name == "single" else 1e-13) * abs(want).max()
            assert abs(want - got).max() <= tolerance, (name, n, rows)
            if name in ("fft", "ifft", "rfft"):
                alone = numpy.asarray(form(np, np.asarray(c[:1])))
                assert alone.tobytes() == got[:1].tobytes(), (name, n, rows)
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_transforms_of_rows_side_by_side(tmp_path: Path, engine: str) -> None:
    """A row's transform is the same to the bit, whatever stands beside it."""
    programs.check(tmp_path, TRANSFORMS, MANIPLE_DEFER_ALL="1", MANIPLE_ENGINE=engine)
