"""A cluster's workers: programs run on all of them unmodified, with the bits of one machine, and lose nothing."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from daemons import ROOT, Daemon, daemon, maniple
from test_examples import EXAMPLES, SIZES

HERE = Path(__file__).resolve().parent
LONG = os.environ.get("MANIPLE_LONG") == "1"
PROGRAM = HERE / "cluster_program.py"
SMALL = ("--worker-memory", "2g", "--worker-threads", "1", "--memory", "2g", "--session-memory", "2g")
QUICK = ("heat3d", "jacobi2d", "nbody", "pca", "life")
EXPLAINED = "import numpy as np\nx = np.arange(1_000_000.0)\nprint(float((x * 2 + 1).sum()))\n"
JACOBI = """
import numpy as np, hashlib, sys
x = np.random.default_rng(3).random((1500, 1500))
for k in range(600):
    x[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
    if k == 40:
        print(x.sum(), flush=True)
print(hashlib.sha256(np.asarray(x).tobytes()).hexdigest())
"""


def workers(running: Daemon) -> list[int]:
    """The processes of the workers."""
    assert running.process is not None
    children = subprocess.run(
        ["pgrep", "-P", str(running.process.pid), "-f", "WorkerMain"], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in children.stdout.split()]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("cluster") / "trial"
    data = tmp_path_factory.mktemp("data")
    np.save(data / "grid.npy", np.arange(3_000_000.0).reshape(3000, 1000))
    np.save(data / "small.npy", np.arange(100.0))
    cut = (data / "grid.npy").read_bytes()[:-100]
    (data / "cut.npy").write_bytes(cut)
    options = ["--master", "local[2]", "--checkpoint-interval", "2s", "--data", data, *SMALL]
    with daemon(directory, *options) as running:
        yield running


@pytest.fixture(scope="module")
def here() -> str:
    """What one machine prints."""
    return checksums()


def checksums(**environment: str) -> str:
    done = maniple(PROGRAM, MANIPLE_DEFER_ALL="1", **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted(SIZES) if LONG else QUICK)
def test_examples_print_what_numpy_prints(two: Daemon, name: str) -> None:
    command = [str(EXAMPLES / f"{name}.py"), *map(str, SIZES[name])]
    plain = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, timeout=240)
    there = maniple(*command, **two.environment())
    assert there.returncode == 0, there.stderr + two.log()
    assert there.stdout == plain.stdout


def test_two_workers_have_the_bits_of_one_machine(two: Daemon, here: str) -> None:
    assert checksums(**two.environment()) == here
    assert checksums(MANIPLE_SPREAD="all", **two.environment()) == here


@pytest.mark.parametrize("count", [1, 4] if LONG else [4])
def test_any_number_of_workers_has_the_same_bits(tmp_path: Path, here: str, count: int) -> None:
    with daemon(tmp_path / "trial", "--master", f"local[{count}]", *SMALL) as running:
        assert checksums(**running.environment()) == here


def test_random_programs_agree_with_numpy(two: Daemon) -> None:
    programs = 2000 if LONG else 60
    for options in (["--programs", str(programs), "--seed", "5000"], ["--kept"]):
        done = subprocess.run(
            [sys.executable, str(HERE / "random_programs.py"), "--warnings", *options],
            env={**os.environ, **two.environment(), "MANIPLE_SPREAD": "all"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3600 if LONG else 600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def jacobi(tmp_path_factory: pytest.TempPathFactory) -> str:
    program = tmp_path_factory.mktemp("program") / "jacobi.py"
    program.write_text(JACOBI)
    done = maniple(program)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_worker_costs_time_and_nothing_else(two: Daemon, jacobi: str, how: signal.Signals) -> None:
    program = two.begin(JACOBI)
    assert program.stdout is not None
    first = program.stdout.readline()
    victim = workers(two)[0]
    os.kill(victim, how)
    out, err = program.communicate(timeout=200)
    assert program.returncode == 0, err + two.log()
    assert first + out == jacobi
    assert not Path(f"/proc/{victim}").exists(), "a worker that hangs is ended"


def gangs(running: Daemon) -> int:
    """How often all workers were there."""
    return (running.directory / "log").read_text().count("All 2 workers are there")


def test_what_always_kills_its_worker_is_given_up(two: Daemon) -> None:
    program = two.begin(JACOBI.replace("range(600)", "range(100000)"))
    assert program.stdout is not None
    program.stdout.readline()
    deadline = time.monotonic() + 200
    killed = gangs(two) - 1
    while program.poll() is None and time.monotonic() < deadline:
        if gangs(two) > killed:
            killed = gangs(two)
            # Long enough for the batch to have begun, not for it to end.
            time.sleep(0.3)
            os.kill(workers(two)[0], signal.SIGKILL)
        time.sleep(0.1)
    _, err = program.communicate(timeout=30)
    assert program.returncode != 0
    assert "workers were lost 4 times at the same batch" in err
    assert "<string>:" in err, "the user's line is named"
    # Others are served as before, when the workers are back.
    assert two.run("import numpy as np; print(np.arange(3_000_000).sum())") == "4499998500000\n"


def test_strangers_do_not_join(two: Daemon) -> None:
    """Without the certificate of this run no connection inside the cluster comes about."""
    assert two.process is not None
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False).stdout
    pids = {str(two.process.pid), *map(str, workers(two))}
    ports = {
        int(match.group(1))
        for line in listening.splitlines()
        for match in [re.search(r"127\.0\.0\.1\]?:(\d+) .*pid=(\d+)", line)]
        if match and match.group(2) in pids and int(match.group(1)) != two.port
    }
    if not ports:
        pytest.skip("ss does not tell who listens here")
    for port in ports:
        start = time.monotonic()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _speak(port)
        assert time.monotonic() - start < 5


def _speak(port: int) -> None:
    """Begin to speak HTTP/2 without a certificate; raises when the other side ends that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as secure:
        secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while secure.recv(1000):
            pass
        raise ConnectionResetError("it was ended")


def test_no_worker_outlives_its_server(tmp_path: Path) -> None:
    running = Daemon(tmp_path / "trial", "--master", "local[2]", *SMALL).start()
    left = workers(running)
    assert len(left) == 2
    running.stop(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in left):
        assert time.monotonic() < deadline, "workers are left"
        time.sleep(0.1)


def test_what_the_client_has_sent_survives(two: Daemon) -> None:
    program = two.begin(
        """
import numpy as np, sys
real = sys.modules["numpy"]
x = np.array(real.arange(4_000_000.0))
y = x * 2
print(y.sum(), flush=True)
sys.stdin.readline() if not sys.stdin.closed else None
import time; time.sleep(2)
print((x + y).sum(), real.asarray(x)[-1])
"""
    )
    assert program.stdout is not None
    assert program.stdout.readline().startswith("1599999")
    os.kill(workers(two)[1], signal.SIGKILL)
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    assert out == "23999994000000.0 3999999.0\n"


def test_the_workers_read_files_themselves(two: Daemon) -> None:
    out = two.run(
        """
import maniple, numpy as np
grid = maniple.load("grid.npy")
print(grid.sum(), grid[-1, -1], (grid + maniple.load("small.npy")[5]).mean())
"""
    )
    whole = np.arange(3_000_000.0)
    assert out == f"{whole.sum()} {whole[-1]} {(whole + 5).mean()}\n"
    failing = two.begin("import maniple; print(maniple.load('cut.npy').sum())")
    _, err = failing.communicate(timeout=60)
    assert failing.returncode != 0
    assert "it ends before its data do" in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--master", "mesos://x"], "it is spark://HOST:PORT, yarn, k8s://… or local[N]"),
        (["--master", "local[0]"], "1 to 64 workers are possible"),
        (["--master", "spark://host:7077", "--workers", "2"], "--cluster-listen"),
        (["--master", "local[2]", "--checkpoint-dir", "/nowhere"], "is no directory that can be written to"),
        (["--master", "local[2]", "--mapping", "mine"], "there is no mapping 'mine', but even, weighted"),
        (["--master", "local[2]", "--mapping", "weighted:x"], "such as weighted:2,1"),
        (["--master", "local[2]", "--mapping-jar", "/nowhere.jar"], "the mappings' jar /nowhere.jar cannot be read"),
    ],
)
def test_wrong_settings_say_what_is_right(tmp_path: Path, options: list[str], told: str) -> None:
    made = maniple("server", "init", tmp_path / "trial")
    assert made.returncode == 0
    done = maniple("server", "--config", tmp_path / "trial", "--listen", "127.0.0.1:0", *options)
    assert done.returncode == 2
    assert told in done.stderr


def jar_of_the_documentation(directory: Path) -> Path:
    """The policy that docs/cluster.md shows, compiled and packed as it says."""
    jdk = os.environ.get("MANIPLE_JDK") or next(map(str, Path("/usr/lib/jvm").glob("*25*")), "")
    if not (Path(jdk) / "bin" / "javac").is_file():
        pytest.skip("needs a JDK 25 (MANIPLE_JDK)")
    text = (ROOT / "docs" / "cluster.md").read_text()
    (source,) = re.findall(r"```java\n(package org\.example;.*?)```", text, re.DOTALL)
    (directory / "PageMapping.java").write_text(source)
    services = directory / "out" / "META-INF" / "services"
    services.mkdir(parents=True)
    (services / "io.maniple.server.distribution.MappingPolicy").write_text("org.example.PageMapping\n")
    jars = f"{os.environ['MANIPLE_JARS']}/*"
    out, jar = str(directory / "out"), directory / "pages.jar"
    for command in (
        ["javac", "--release", "25", "-cp", jars, "-d", out, str(directory / "PageMapping.java")],
        ["jar", "--create", "--file", str(jar), "-C", out, "."],
    ):
        subprocess.run([f"{jdk}/bin/{command[0]}", *command[1:]], check=True, capture_output=True, timeout=120)
    return jar


def test_a_mapping_of_ones_own_has_the_same_bits(tmp_path: Path, here: str) -> None:
    jar = jar_of_the_documentation(tmp_path)
    with daemon(
        tmp_path / "trial", "--master", "local[2]", "--mapping", "pages", "--mapping-jar", jar, *SMALL
    ) as running:
        assert checksums(MANIPLE_SPREAD="all", **running.environment()) == here
        told = maniple("--explain", "-c", EXPLAINED, **running.environment())
        assert "by the mapping pages" in told.stderr, told.stderr
        shown = maniple("server", "--config", running.directory, "--mapping-jar", jar, "--print-config")
        assert f'mapping_jar = "{jar}"' in shown.stdout


def test_a_lopsided_mapping_has_the_same_bits(tmp_path: Path, here: str) -> None:
    with daemon(tmp_path / "trial", "--master", "local[3]", "--mapping", "weighted:5,0,1", *SMALL) as running:
        assert checksums(MANIPLE_SPREAD="all", **running.environment()) == here
