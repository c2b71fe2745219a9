"""Transforms of rows of any length and number: NumPy's results, and the same bits for any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import programs
import pytest

PROGRAM = """
import numpy
import maniple as np

random = numpy.random.default_rng(1)
LENGTHS = (1, 2, 3, 4, 6, 14, 511, 512, 513, 514, 576, 1024, 1100, 2187, 4097, 15625, 16384, 40320, 99225)
FORMS = {
    "fft": lambda m, n, x, c: m.fft.fft(c),
    "ifft": lambda m, n, x, c: m.fft.ifft(c),
    "rfft": lambda m, n, x, c: m.fft.rfft(x),
    "irfft": lambda m, n, x, c: m.fft.irfft(c, n),
    "short spectrum": lambda m, n, x, c: m.fft.irfft(c, 2 * n + 2),
    "filled": lambda m, n, x, c: m.fft.rfft(x, n + 6),
    "cut": lambda m, n, x, c: m.fft.rfft(x, max(1, n - 3)),
    "hfft": lambda m, n, x, c: m.fft.hfft(c, n),
    "backwards": lambda m, n, x, c: m.fft.fft(c[:, ::-1], norm="ortho"),
    "reversed rows": lambda m, n, x, c: m.fft.rfft(x[::-1, ::-1]),
    "columns": lambda m, n, x, c: m.fft.rfft(x.T, axis=0),
}
for n in LENGTHS:
    for rows in (1, 3, 4, 9):
        if n * rows > 300_000:
            continue
        for dtype, wide, allowed in (("f8", "c16", 4e-15), ("f4", "c8", 3e-6)):
            x = random.standard_normal((rows, n)).astype(dtype)
            c = (x + 1j * random.standard_normal((rows, n))).astype(wide)
            there = np.array(x), np.array(c)
            for name, form in FORMS.items():
                want, got = form(numpy, n, x, c), numpy.asarray(form(np, n, *there))
                assert want.dtype == got.dtype and want.shape == got.shape, (name, n, rows, dtype)
                error = abs(want - got).max() / max(abs(want).max(), 1e-300)
                assert error < allowed, (name, n, rows, dtype, error)
"""

BITS = """
import hashlib
import numpy
import maniple as np

random = numpy.random.default_rng(2)
digest = hashlib.sha256()
for shape in ((4096,), (100_000,), (65_536,), (3, 40_320), (9, 2048), (8, 65_536), (2, 16_807)):
    x = random.standard_normal(shape)
    y = np.array(x)
    for result in (np.fft.fft(y), np.fft.rfft(y), np.fft.irfft(np.fft.fft(y), shape[-1])):
        digest.update(numpy.asarray(result).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("engine", programs.ENGINES)
def test_transforms_are_numpys(tmp_path: Path, engine: str) -> None:
    programs.check(tmp_path, PROGRAM, MANIPLE_DEFER_ALL="1", MANIPLE_ENGINE=engine)


def test_threads_do_not_matter() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", BITS],
            env={**os.environ, "MANIPLE_DEFER_ALL": "1", "MANIPLE_THREADS": threads, "MANIPLE_ENGINE": engine},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        ).stdout
        for threads, engine in (("1", "auto"), ("2", "auto"), ("7", "auto"), ("2", "avx2"))
    }
    assert len(digests) == 1
