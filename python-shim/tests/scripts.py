"""Scripts that are run with NumPy and with Maniple."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def printed(
    program: str,
    folder: Path,
    *,
    stderr: int | None = None,
    timeout: float = 120,
    **environment: str,
) -> list[str]:
    """Return what a program prints with plain Python, and as a script of Maniple's.

    `stderr` is what `subprocess.run` takes; the backend is the reference.
    """
    script = folder / "script.py"
    script.write_text(program)
    return [
        subprocess.run(
            [sys.executable, *launcher, str(script)],
            env={**os.environ, "MANIPLE_BACKEND": "reference", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=True,
            text=True,
            timeout=timeout,
        ).stdout
        for launcher in ([], ["-m", "maniple"])
    ]
