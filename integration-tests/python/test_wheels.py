"""The wheels, built and installed into an empty environment, run a program on a machine without Java."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheels, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys

import numpy as np

x = np.linspace(0.0, 1.0, 1_000_000)
y = np.sqrt(x * x + 3.0) - np.sin(x)
print(round(float(y.sum()), 6), hasattr(x, "_buf"), *sys.argv[1:])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment in which the wheels, and nothing else, were asked for."""
    wheels = tmp_path_factory.mktemp("wheels")
    subprocess.run([ROOT / "dist", wheels], check=True)
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True, symlinks=True)
    subprocess.run(
        [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--find-links", wheels, "maniple"],
        check=True,
    )
    return home / "bin"


@pytest.fixture
def bare(installed: Path, tmp_path: Path) -> dict[str, str]:
    """An environment that names the installed programs, a few of the system's, and no Java."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env", "cat", "ls", "uname"):
        (tools / name).symlink_to(shutil.which(name) or pytest.fail(f"{name} is missing here"))
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": f"{installed}{os.pathsep}{tools}", "HOME": str(home), "TMPDIR": str(tmp_path)}


def run(command: list[str | Path], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("command", [["maniple"], ["python", "-m", "maniple"]], ids=" ".join)
def test_script_runs_without_java(installed: Path, bare: dict[str, str], tmp_path: Path, command: list[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    plain = run([installed / "python", script, "one"], bare, tmp_path).split()
    try:
        fast = run([installed / command[0], *command[1:], script, "one"], bare, tmp_path).split()
    finally:
        subprocess.run([installed / "maniple", "server", "stop"], env=bare, cwd=tmp_path, check=False, timeout=60)
    assert fast[0] == plain[0]
    assert (plain[1], fast[1]) == ("False", "True")
    assert fast[2:] == ["one"]


def test_runtime_has_the_vector_mathematics(installed: Path, bare: dict[str, str], tmp_path: Path) -> None:
    program = "from maniple_runtime import path; print((path / 'lib' / 'libjsvml.so').exists(), path)"
    present, home = run([installed / "python", "-c", program], bare, tmp_path).split()
    assert present == "True" or sys.platform != "linux"
    run([Path(home) / "bin" / "java", "-Xshare:on", "-version"], bare, tmp_path)


def test_runtime_has_every_module_the_jars_need() -> None:
    jdk, jars = os.environ.get("MANIPLE_JDK"), os.environ.get("MANIPLE_JARS")
    if not jdk or not jars:
        pytest.skip("run by ./test, which names the JDK and the jars")
    needed = subprocess.run(
        [
            Path(jdk) / "bin" / "jdeps",
            "--ignore-missing-deps",
            "--print-module-deps",
            "--multi-release=25",
            *Path(jars).glob("*.jar"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    java = Path(os.environ["MANIPLE_JAVA_HOME"]) / "bin" / "java"
    listed = subprocess.run([java, "--list-modules"], check=True, capture_output=True, text=True).stdout
    present = {line.split("@")[0] for line in listed.splitlines()}
    assert set(needed.split(",")) <= present
