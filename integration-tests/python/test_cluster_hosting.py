"""`maniple cluster`: a Spark on this machine comes, says what it does, and leaves nothing behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from maniple import _cluster
from maniple._cluster_processes import ClusterDirectory
from maniple._errors import ServerError


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A runtime directory of these tests' own."""
    directory = tmp_path_factory.mktemp("runtime")
    directory.chmod(0o700)
    yield directory
    for state in directory.glob("*/lock"):
        left = ClusterDirectory(state.parent).processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"processes of {state.parent} were left: {left}"


@pytest.fixture(scope="module")
def cluster(runtime: Path) -> Iterator[str]:
    """The URL of a cluster with two workers."""
    started = command(runtime, "start", "--workers", 2, "--threads-per-worker", 1, "--memory-per-worker", "512m")
    assert started.returncode == 0, started.stderr
    yield started.stdout.strip()
    command(runtime, "stop")


def command(runtime: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "maniple", "cluster", *map(str, arguments)],
        env={**os.environ, "MANIPLE_RUNTIME_DIR": str(runtime), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def wait_until_gone(directory: Path, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while left := ClusterDirectory(directory).processes():
        assert time.monotonic() < end, f"left after {seconds} s: {left}"
        time.sleep(0.1)


def test_it_prints_one_line_and_says_what_it_does(cluster: str, runtime: Path) -> None:
    assert cluster.startswith("spark://127.0.0.1:")
    assert "\n" not in cluster
    said = command(runtime, "status")
    assert said.returncode == 0, said.stderr
    assert "workers: 2 of 2, of 1 core each; 0 of 2 cores in use" in said.stdout
    found = json.loads(command(runtime, "status", "--json").stdout)
    assert found["running"]
    assert found["url"] == cluster
    assert (found["workers_alive"], found["cores"], found["applications"], found["ended"]) == (2, 2, [], [])


def test_its_files_are_its_users_alone(cluster: str, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIPLE_RUNTIME_DIR", str(runtime))
    secret = _cluster.secret_file_of(cluster)
    assert secret == runtime / "cluster" / "secret"
    for path in (secret, _cluster.registration(cluster), runtime / "cluster" / "spark.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((runtime / "cluster").stat().st_mode) == 0o700
    text = secret.read_text().strip()
    assert len(text) == 64
    # In nobody's command line, in no log.
    for pid in ClusterDirectory(runtime / "cluster").processes():
        assert text not in Path(f"/proc/{pid}/cmdline").read_text()
    for log in (runtime / "cluster" / "logs").iterdir():
        assert text not in log.read_text()


def test_its_processes_have_addresses_and_sessions_of_their_own(cluster: str, runtime: Path) -> None:
    found = json.loads((runtime / "cluster" / "cluster.json").read_text())
    assert [process["name"] for process in found["processes"]] == ["master", "worker-1", "worker-2"]
    for process, address in zip(found["processes"], ("127.0.0.1", "127.0.0.2", "127.0.0.3"), strict=True):
        arguments = Path(f"/proc/{process['pid']}/cmdline").read_text().split("\0")
        assert arguments[arguments.index("--host") + 1] == address
        assert "-Xmx256m" in arguments
        assert os.getsid(process["pid"]) == process["pid"]


def test_a_daemon_needs_nothing_but_its_url(cluster: str, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIPLE_RUNTIME_DIR", str(runtime))
    options = _cluster.daemon_options(["--config", "d", f"--master={cluster}", "--worker-threads", "3"])
    secret = str(runtime / "cluster" / "secret")
    assert options == ["--cluster-secret-file", secret, "--workers", "2", "--worker-memory", "512m"]
    (runtime / "maniple.toml").write_text(f'master = "{cluster}"\nworkers = 1\nworker_memory = "1g"\n')
    options = _cluster.daemon_options(["--config", str(runtime)])
    assert options == ["--cluster-secret-file", secret, "--worker-threads", "1"]
    assert _cluster.daemon_options(["--config", str(runtime / "maniple.toml"), "--master", "local[2]"]) == []
    assert _cluster.daemon_options(["--master", "spark://127.0.0.1:1"]) == []
    assert _cluster.daemon_options(["--master", "yarn"]) == []
    assert _cluster.daemon_options(["--listen", "127.0.0.1:0"]) == []


def test_a_registration_that_others_can_read_is_refused(
    cluster: str, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MANIPLE_RUNTIME_DIR", str(runtime))
    _cluster.registration(cluster).chmod(0o644)
    try:
        with pytest.raises(ServerError, match="open to other users"):
            _cluster.secret_file_of(cluster)
    finally:
        _cluster.registration(cluster).chmod(0o600)


def test_there_is_one_in_a_directory(cluster: str, runtime: Path) -> None:
    again = command(runtime, "start")
    assert again.returncode == 1
    assert f"a cluster runs already at {cluster}" in again.stderr
    assert command(runtime, "status").returncode == 0


def test_a_worker_that_has_ended_is_named(runtime: Path, tmp_path: Path) -> None:
    directory = tmp_path / "other"
    started = command(runtime, "start", "--workers", 1, "--dir", directory)
    assert started.returncode == 0, started.stderr
    pid = json.loads((directory / "cluster.json").read_text())["processes"][1]["pid"]
    os.kill(pid, signal.SIGKILL)
    said = command(runtime, "status", "--dir", directory)
    assert "worker-1 has ended; see " in said.stdout
    stopped = command(runtime, "stop", "--dir", directory, "--json")
    assert json.loads(stopped.stdout) == {"stopped": True}
    wait_until_gone(directory)
    assert not (directory / "secret").exists()
    assert not (directory / "work").exists()
    assert (directory / "logs" / "master.log").exists()
    url = started.stdout.strip().replace("://", "___").replace(":", "_")
    assert not (runtime / "clusters" / f"{url}.json").exists()


def test_none_runs(runtime: Path, tmp_path: Path) -> None:
    for arguments in (("status",), ("stop",)):
        said = command(runtime, *arguments, "--dir", tmp_path / "nowhere")
        assert (said.returncode, said.stdout) == (3, "not running\n")
    said = command(runtime, "status", "--json", "--dir", tmp_path / "nowhere")
    assert json.loads(said.stdout) == {"running": False}


def test_a_taken_port_is_named(runtime: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = command(runtime, "start", "--dir", tmp_path / "c", "--port", port)
    assert said.returncode == 1
    assert f"port {port} is taken" in said.stderr
    wait_until_gone(tmp_path / "c")


def test_what_is_missing_is_named(runtime: Path, tmp_path: Path) -> None:
    said = command(runtime, "start", "--dir", tmp_path / "c", SPARK_HOME=str(tmp_path))
    assert said.returncode == 1
    assert f"SPARK_HOME is {tmp_path}" in said.stderr
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "spark-core_2.12-3.5.1.jar").touch()
    said = command(runtime, "start", "--dir", tmp_path / "c", SPARK_HOME=str(tmp_path))
    assert "it takes Spark 4.2 or newer with Scala 2.13" in said.stderr


def test_a_process_that_ends_at_once_shows_its_log(runtime: Path, tmp_path: Path) -> None:
    """A Spark without classes: the Java that is to run its master ends."""
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "spark-core_2.13-4.2.0.jar").touch()
    said = command(runtime, "start", "--dir", tmp_path / "c", SPARK_HOME=str(tmp_path))
    assert said.returncode == 1
    assert "Spark's master ended at its start, with exit status 1; the end of its log:" in said.stderr
    assert "ClassNotFoundException" in said.stderr
    wait_until_gone(tmp_path / "c")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["start", "--workers", "0"], "'0' is not a positive number"),
        (["start", "--workers", "65"], "at most 64 workers"),
        (["start", "--memory-per-worker", "much"], "is not a size such as 512m or 8g"),
        (["start", "--port", "70000"], "is not a port"),
        ([], "required: COMMAND"),
    ],
)
def test_wrong_arguments(runtime: Path, arguments: list[str], message: str) -> None:
    said = command(runtime, *arguments)
    assert said.returncode == 2
    assert message in said.stderr


def test_a_java_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch(0o755)
    (tmp_path / "release").write_text('JAVA_VERSION="11.0.2"\n')
    monkeypatch.setattr(_cluster, "checkout", lambda: None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("MANIPLE_SPARK_JAVA_HOME", raising=False)
    with pytest.raises(ServerError, match=r"is version 11.*install a Java 17 or newer"):
        _cluster.find_spark_java()


@pytest.mark.skipif(os.environ.get("MANIPLE_LONG") != "1", reason="MANIPLE_LONG=1 runs it")
def test_kill_minus_nine_of_everything_leaves_nothing(runtime: Path, tmp_path: Path) -> None:
    directory = tmp_path / "c"
    assert command(runtime, "start", "--workers", 3, "--dir", directory).returncode == 0
    for pid in ClusterDirectory(directory).processes():
        os.kill(pid, signal.SIGKILL)
    assert command(runtime, "status", "--dir", directory).returncode == 3
    again = command(runtime, "start", "--workers", 1, "--dir", directory)
    assert again.returncode == 0, again.stderr
    assert command(runtime, "stop", "--dir", directory).returncode == 0
    wait_until_gone(directory)


def test_the_batch_script_brings_everything_up_and_down(runtime: Path, tmp_path: Path) -> None:
    """Inside an allocation of one node, with a stand-in for srun, which runs its command here."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {
        "srun": 'while [[ $1 == --* ]]; do [[ $1 == --overlap ]] || shift; shift; done\nexec "$@"',
        "hostname": "echo 127.0.0.1",
        "maniple": f'exec {sys.executable} -m maniple "$@"',
    }.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (tools / name).chmod(0o755)
    script = tmp_path / "program.py"
    script.write_text("import sys\nimport numpy as np\nprint(np.arange(2_000_000.0).sum(), sys.argv[1])\n")
    mark = f"MANIPLE_BATCH_TEST={tmp_path}"
    batch = Path(__file__).parents[2] / "deploy" / "slurm" / "maniple.sbatch"
    done = subprocess.run(
        ["bash", str(batch), str(script), "argument"],
        env={
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(_cluster.__file__).parents[1]),
            "MANIPLE_BACKEND": "server",
            "MANIPLE_RUNTIME_DIR": str(runtime),
            "MANIPLE_SCRATCH": str(tmp_path),
            "MANIPLE_BATCH_TEST": str(tmp_path),
            "SLURM_JOB_ID": str(10_000 + os.getpid() % 9_000),
            "SLURM_JOB_NODELIST": "here",
            "SLURM_JOB_NUM_NODES": "1",
            "SLURM_CPUS_ON_NODE": "1",
            "SLURM_SUBMIT_DIR": str(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, (done.stderr, [log.read_text()[-2000:] for log in tmp_path.glob("maniple-*/logs/*")])
    assert done.stdout == "1999999000000.0 argument\n"
    left = [path for path in tmp_path.glob("maniple-*/*") if path.name != "logs"]
    assert left == []
    end = time.monotonic() + 20
    while pids := [pid for pid in _pids() if mark in _environment(pid)]:
        assert time.monotonic() < end, f"left: {pids}"
        time.sleep(0.1)


def test_the_batch_script_says_what_it_wants(tmp_path: Path) -> None:
    batch = Path(__file__).parents[2] / "deploy" / "slurm" / "maniple.sbatch"
    for arguments, message in (([], "usage: sbatch"), (["script.py"], "not inside an allocation")):
        said = subprocess.run(
            ["bash", str(batch), *arguments],
            env={name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert said.returncode == 1
        assert message in said.stderr


def _pids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _environment(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
