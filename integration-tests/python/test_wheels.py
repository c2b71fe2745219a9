"""The wheels, built and installed into empty environments, run programs, a daemon and a cluster where there is no Java.

MANIPLE_LONG=1 installs all of 'maniple[cluster]', with PySpark's 450 MB; otherwise Spark is the working tree's.
"""

import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
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


EXAMPLE = ROOT / "examples" / "black_scholes.py"
LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
TOOLS = ("sh", "env", "cat", "ls", "uname")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([ROOT / "dist", folder], check=True)
    return folder


def install(home: Path, wheels: Path, *arguments: str) -> Path:
    """Make an empty environment and install into it; its programs' folder."""
    venv.create(home, with_pip=True, symlinks=True)
    pip = [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--find-links", wheels]
    subprocess.run([*pip, *arguments], check=True)
    return home / "bin"


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment in which the local server's wheels, and nothing else, were asked for."""
    return install(tmp_path_factory.mktemp("environment"), wheels, "maniple")


@pytest.fixture(scope="module")
def with_daemon(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("environment"), wheels, "maniple[daemon]")


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment that names a few of the system's programs, and no Java."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or pytest.fail(f"{name} is missing here"))
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": str(tools), "HOME": str(home), "TMPDIR": str(tmp_path)}


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
        # Without one the program would have run, too.
        assert run([installed / "maniple", "server", "status"], bare, tmp_path).startswith("running")
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


def test_what_is_not_installed_names_its_extra(installed: Path, bare: dict[str, str], tmp_path: Path) -> None:
    for arguments, extra in (
        (["server", "init", "d"], "daemon"),
        (["server", "--config", "d"], "daemon"),
        (["cluster", "start"], "cluster"),
        (["--connect", "maniple://localhost:1", "-c", "import numpy as np; print(np.ones(10**6).sum())"], "remote"),
    ):
        refused = subprocess.run(
            [installed / "maniple", *arguments],
            env=bare | {"MANIPLE_TOKEN": "f" * 64},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode == 1, (arguments, refused)
        assert f"pip install 'maniple[{extra}]'" in refused.stderr, refused.stderr
    said = run([installed / "maniple", "server", "--help"], bare, tmp_path)
    assert "Looks after the local server" in said
    assert "pip install 'maniple[daemon]'" in said


@contextmanager
def serving(programs: Path, environment: dict[str, str], folder: Path, *options: str) -> Iterator[str]:
    """A daemon in that folder; its URL."""
    command = [programs / "maniple", "server", "--config", "trial", "--listen", "127.0.0.1:0", *options]
    with (
        open(folder / "daemon.log", "w") as log,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True) as daemon,
    ):
        assert daemon.stdout is not None
        try:
            line = daemon.stdout.readline()
            assert "ready at" in line, (line, (folder / "daemon.log").read_text())
            yield line.split()[-1].replace("127.0.0.1", "localhost")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)


def test_a_daemon_without_java(with_daemon: Path, bare: dict[str, str], tmp_path: Path) -> None:
    """Made, started, checked, used over TLS."""
    said = run([with_daemon / "maniple", "server", "init", "trial"], bare, tmp_path)
    assert "written to trial" in said
    client = bare | {"MANIPLE_CA": "trial/ca.pem", "MANIPLE_TOKEN_FILE": "trial/token"}
    plain = run([with_daemon / "python", EXAMPLE], bare, tmp_path)
    with serving(with_daemon, bare, tmp_path) as url:
        checked = run([with_daemon / "maniple", "server", "check", url], client, tmp_path)
        assert checked.splitlines()[-1].startswith("large arrays")
        assert "FAILED" not in checked
        assert run([with_daemon / "maniple", "--connect", url, EXAMPLE], client, tmp_path) == plain
    assert "opened (version 0.1.0" in (tmp_path / "daemon.log").read_text()


def test_a_cluster_without_java(
    wheels: Path, bare: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("environment")
    if LONG:
        programs = install(home, wheels, "maniple[cluster]")
    else:
        programs = install(home, wheels, "maniple[daemon]", "maniple-cluster")
        bare["SPARK_HOME"] = str(ROOT / ".build" / "spark")
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    bare["MANIPLE_RUNTIME_DIR"] = str(runtime)
    spark, java = run([programs / "maniple", "cluster", "where"], bare, tmp_path).splitlines()
    assert spark.startswith(str(home)) or not LONG
    assert Path(java).is_relative_to(home)
    run([programs / "maniple", "server", "init", "trial"], bare, tmp_path)
    client = bare | {"MANIPLE_CA": "trial/ca.pem", "MANIPLE_TOKEN_FILE": "trial/token"}
    plain = run([programs / "python", EXAMPLE], bare, tmp_path)
    try:
        start = [programs / "maniple", "cluster", "start", "--workers", "2", "--threads-per-worker", "1"]
        master = run(start, bare, tmp_path).strip()
        with serving(programs, bare, tmp_path, "--master", master) as url:
            assert run([programs / "maniple", "--connect", url, EXAMPLE], client, tmp_path) == plain
            assert "2 of 2 cores in use" in run([programs / "maniple", "cluster", "status"], bare, tmp_path)
    finally:
        subprocess.run([programs / "maniple", "cluster", "stop"], env=bare, cwd=tmp_path, check=False, timeout=60)


def test_a_daemon_of_another_version_is_refused(with_daemon: Path, bare: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "maniple_daemon.py").write_text('__version__ = "0.0.9"\n')
    refused = subprocess.run(
        [with_daemon / "maniple", "server", "init", "trial"],
        env=bare | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert "maniple-daemon has version 0.0.9, maniple 0.1.0: pip install 'maniple[daemon]==0.1.0'" in refused.stderr


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
