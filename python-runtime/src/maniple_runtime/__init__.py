"""The Java runtime that Maniple's server runs on: `path` is its folder. Not meant to be used by anything else."""

import contextlib
import stat
from pathlib import Path

__version__ = "0.1.0"


def restore_execute_bits(home: Path) -> None:
    """Makes the programs executable where an installer dropped the bits that the wheel carries (pip keeps them).

    Only for those who may read them, and only in files that are the caller's own; others find a clear error when
    they start Java.
    """
    for program in (home / "bin" / "java", home / "lib" / "jspawnhelper"):
        with contextlib.suppress(OSError):
            mode = program.stat().st_mode
            if not mode & stat.S_IXUSR:
                program.chmod(mode | (mode & 0o444) >> 2)


path = Path(__file__).parent / "java"
restore_execute_bits(path)
