#!/usr/bin/env python3
"""Writes python-shim/src/maniple/_program_pb2.py and .pyi from program.proto.

Uses the protoc that the build has put under arrow-bridge/target, or the one given as argument.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "arrow-bridge/src/main/proto/maniple/program.proto"
TARGET = ROOT / "python-shim/src/maniple"
HEADER = "# Written by scripts/generate_protocol.py.\n# ruff: noqa\n# fmt: off\n"


def compiler() -> str:
    if len(sys.argv) > 1:
        return sys.argv[1]
    found = sorted((ROOT / "arrow-bridge/target").glob("**/artifacts/protoc-*.exe"))
    if not found:
        raise SystemExit("no protoc under arrow-bridge/target: build first, or name one")
    return str(found[0])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(PROTO, Path(folder) / "_program.proto")
        command = [compiler(), "-I", folder, "--python_out", folder, "--pyi_out", folder]
        subprocess.run([*command, "_program.proto"], check=True)
        for name in ("_program_pb2.py", "_program_pb2.pyi"):
            text = (Path(folder) / name).read_text()
            (TARGET / name).write_text(HEADER + text)


if __name__ == "__main__":
    main()
