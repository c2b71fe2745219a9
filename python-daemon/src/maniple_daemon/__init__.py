"""What Maniple's daemon needs beside the server: `jars` is the folder. Not meant to be used by anything else."""

from pathlib import Path

__version__ = "0.1.0"

jars = Path(__file__).parent / "jars"
