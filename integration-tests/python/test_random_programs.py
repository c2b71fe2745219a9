"""Random programs against NumPy, in every world: fused, one kernel an instruction, portable engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WORLDS = {
    "fused": {},
    "unfused": {"MANIPLE_FUSION": "off"},
    "portable": {"MANIPLE_ENGINE": "portable"},
    "cascade": {"MANIPLE_FUSION": "cascade"},
    "one-thread": {"MANIPLE_THREADS": "1"},
}


@pytest.mark.parametrize("world", WORLDS)
def test_random_programs_agree_with_numpy(world: str) -> None:
    programs = 2000 if world != "one-thread" else 300
    command = [sys.executable, str(HERE / "random_programs.py"), "--programs", str(programs), "--seed", "1000"]
    done = subprocess.run(
        command,
        env={**os.environ, **WORLDS[world]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{programs} of {programs} programs agree" in done.stdout
