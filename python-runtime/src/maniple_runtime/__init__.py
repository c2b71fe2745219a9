"""The Java runtime that Maniple's server runs on. Not meant to be used by anything else."""

import stat
from pathlib import Path

__version__ = "0.1.0"


def java_home() -> Path:
    """The folder of the runtime, with programs that can be executed.

    Installers set the execute bits that the wheel carries, but not all do: what is missing is set here, once, for
    those who may read the file. Where that is not allowed (a folder of another user's), the error says so.
    """
    home = Path(__file__).parent / "java"
    for program in (home / "bin" / "java", home / "lib" / "jspawnhelper"):
        mode = program.stat().st_mode
        if not mode & stat.S_IXUSR:
            program.chmod(mode | (mode & 0o444) >> 2)
    return home
