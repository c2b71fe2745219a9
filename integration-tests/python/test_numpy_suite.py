"""A part of NumPy's own tests, every array deferred; the whole is numpy_suite.py, by hand."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = [
    "numpy/_core/tests/test_shape_base.py",
    "numpy/_core/tests/test_einsum.py",
    "numpy/_core/tests/test_numeric.py",
    "numpy/fft/tests/test_helper.py",
    "numpy/lib/tests/test_index_tricks.py",
    "numpy/lib/tests/test_twodim_base.py",
]


def test_nothing_differs_that_is_not_listed() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "numpy_suite.py"), "--backend", "server", *FILES],
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
