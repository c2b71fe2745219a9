"""Random programs against NumPy, in every world: fused, one kernel an instruction, other engines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WORLDS = {
    "fused": {},
    "unfused": {"MANIPLE_FUSION": "off"},
    "portable": {"MANIPLE_ENGINE": "portable"},
    "avx2": {"MANIPLE_ENGINE": "avx2"},
    "cascade": {"MANIPLE_FUSION": "cascade"},
    "one-thread": {"MANIPLE_THREADS": "1"},
    "sizes-decide": {"MANIPLE_DEFER_ALL": "0"},
    # Long form: MANIPLE_DEVICE=gpu MANIPLE_GPU_EMULATE=1 …/random_programs.py --programs 2000
    "gpu": {"MANIPLE_DEVICE": "gpu", "MANIPLE_GPU_EMULATE": "1"},
}
PROGRAMS = {"fused": 1000, "unfused": 500, "portable": 500, "gpu": 120}


def _run(world: str, *options: str) -> str:
    if world == "gpu" and shutil.which("g++") is None:
        pytest.skip("the emulated GPU needs g++")
    done = subprocess.run(
        [sys.executable, str(HERE / "random_programs.py"), "--warnings", *options],
        env={**os.environ, **WORLDS[world]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("world", WORLDS)
def test_random_programs_agree_with_numpy(world: str) -> None:
    programs = PROGRAMS.get(world, 200)
    assert f"{programs} of {programs} programs agree" in _run(world, "--programs", str(programs), "--seed", "1000")


@pytest.mark.parametrize("world", WORLDS)
def test_programs_that_once_differed_agree_with_numpy(world: str) -> None:
    assert "kept programs agree" in _run(world, "--kept")


def test_the_command_of_the_readme_compares_with_numpy_itself() -> None:
    """Run by Maniple, where `numpy` would be Maniple."""
    program = str(HERE / "random_programs.py")
    done = subprocess.run(
        [sys.executable, "-m", "maniple", program, "--programs", "3", "--seed", "5"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "3 of 3 programs agree with NumPy" in done.stdout, done.stdout + done.stderr
