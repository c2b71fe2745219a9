"""Writes maniple/_program_pb2.py from the program format; with --check only says whether it is
fresh.

Needs grpcio-tools. Run it after every change of program.proto and commit what it wrote.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "arrow-bridge/src/main/proto/maniple/program.proto"
TARGET = REPOSITORY / "python-shim/src/maniple"
HEADER = "# Written by scripts/generate_protocol.py.\n# ruff: noqa\n# fmt: off\n"


def generate(folder: Path) -> dict[str, str]:
    """The generated files by name. The proto is copied first, since its name becomes the
    module's.
    """
    from grpc_tools import protoc

    (folder / "_program.proto").write_text(SOURCE.read_text())
    arguments = [
        "protoc",
        f"-I{folder}",
        f"--python_out={folder}",
        f"--pyi_out={folder}",
        "_program.proto",
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed")
    return {
        name: HEADER + (folder / name).read_text()
        for name in ("_program_pb2.py", "_program_pb2.pyi")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a file is stale"
    )
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        files = generate(Path(folder))
    stale = [
        name
        for name, text in files.items()
        if not (TARGET / name).exists() or (TARGET / name).read_text() != text
    ]
    if check:
        for name in stale:
            print(f"{name} is stale: run python-shim/scripts/generate_protocol.py", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (TARGET / name).write_text(files[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
