"""Programs of tests, run in processes of their own with the server."""

import os
import subprocess
import sys
from pathlib import Path

ENGINES = ("auto", "avx2", "portable")


def check(folder: Path, text: str, *launcher: str, **environment: str) -> None:
    """Write a program to `folder` and run it, after `launcher`; it fails by an exit status."""
    program = folder / "program.py"
    program.write_text(text)
    done = subprocess.run(
        [sys.executable, *launcher, str(program)],
        env={**os.environ, "MANIPLE_BACKEND": "server", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{environment}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
