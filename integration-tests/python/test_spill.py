"""Arrays beyond memory: jobs of four times the memory finish, within it, and leave nothing behind."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemons import Daemon, daemon

LONG = os.environ.get("MANIPLE_LONG") == "1"
MEMORY = (2048 if LONG else 192) << 20
"""Of which a job has four times as much."""

FIRST = f"import numpy as np\nn = {4 * MEMORY // 8}\n"
JOBS = {
    "chain": """
a = np.arange(n // 4) * 0.5
b = np.sqrt(a + 1.0)
c = a * b - a
d = c / (b + 1.0)
print(float(d.sum()), float(d[12345]), float((a + b + c + d).sum()))
""",
    "jacobi": """
k = int((n / 2) ** 0.5)
x = np.zeros((k, k))
x[0] = 1.0
y = x * 2.0
for _ in range(3):
    x[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
print(float(x.sum()), float(y.sum()), float(x[2, 77]))
""",
    "sums": """
k = int(n ** 0.5)
a = (np.arange(k * k) % 1000).astype(float).reshape(k, k)
print(float(a.sum(axis=0)[k // 3]), float(a.sum(axis=1)[k // 2]), float(a.sum()))
""",
    "cumsum": """
a = (np.arange(n // 2) % 7).astype(float)
c = np.cumsum(a)
print(float(c[-1]), float(c[n // 5]), float(c.sum()))
""",
    "sort": """
a = ((np.arange(n // 4) * 7919) % 1000003).astype(float)
s = np.sort(a)
print(bool((s[1:] >= s[:-1]).all()), float(s.sum() - a.sum()), float(s[0]), float(s[-1]), float(s[n // 8]))
""",
    "matmul": """
k = int((n / (3 if n > 1 << 28 else 12)) ** 0.5)
a = (np.arange(k * k) % 13).astype(float).reshape(k, k)
b = (np.arange(k * k) % 11).astype(float).reshape(k, k)
c = a @ b
print(float(c.sum()), float(c[k // 2, k // 3]))
""",
}


def resident(process: int) -> tuple[int, int]:
    """What is the process's own of memory, and what it has mapped of files."""
    sizes = {}
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.startswith("Rss"):
            sizes[name] = int(value.split()[0]) << 10
    return sizes["RssAnon"] + sizes["RssShmem"], sizes["RssFile"]


class Watch:
    """The most that processes have of memory, beyond what they began with."""

    def __init__(self, processes: list[int]) -> None:
        self.first = {process: resident(process) for process in processes}
        self.own = dict.fromkeys(processes, 0)
        self.all = dict.fromkeys(processes, 0)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self) -> None:
        while not self.over.wait(0.003):
            for process, (own, mapped) in self.first.items():
                now, there = resident(process)
                self.own[process] = max(self.own[process], now - own)
                self.all[process] = max(self.all[process], now + there - own - mapped)

    def end(self) -> None:
        self.over.set()
        self.thread.join()


def local(tmp: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "maniple", "-c", program],
        env={**os.environ, "MANIPLE_BACKEND": "server", "MANIPLE_RUNTIME_DIR": str(tmp), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def server(tmp: Path) -> int:
    import json

    (found,) = tmp.glob("server-*.json")
    return int(json.loads(found.read_text())["pid"])


@contextmanager
def place(tmp: Path, **environment: str) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """A local server with settings of its own."""
    os.chmod(tmp, 0o700)
    try:
        yield lambda program, **more: local(tmp, program, **environment, **more)
    finally:
        subprocess.run(
            [sys.executable, "-m", "maniple", "server", "stop"],
            env={**os.environ, "MANIPLE_RUNTIME_DIR": str(tmp)},
            capture_output=True,
            check=True,
        )


def expected(program: str) -> str:
    """What NumPy prints."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST + program], capture_output=True, text=True, check=True, timeout=1800
    )
    return done.stdout


def same(one: str, other: str) -> bool:
    """Equal, but for the order in which sums were added."""
    left, right = one.split(), other.split()
    return len(left) == len(right) and all(
        a == b or float(a) == pytest.approx(float(b), rel=1e-10) for a, b in zip(left, right, strict=True)
    )


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    return {name: expected(program) for name, program in JOBS.items()}


def test_a_local_server_finishes_jobs_beyond_its_memory(tmp_path: Path, answers: dict[str, str]) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    settings = {"MANIPLE_MEMORY": str(MEMORY), "MANIPLE_SPILL": str(10 * MEMORY), "MANIPLE_SPILL_DIR": str(spill)}
    with place(tmp_path, **settings) as run:
        # The engine's own code is loaded and compiled before anything is measured.
        assert (
            run("import numpy as np\nx = np.ones(1_000_000) + 1\nprint(np.sort(x).sum(), np.cumsum(x)[5])").returncode
            == 0
        )
        process = server(tmp_path)
        for name, program in JOBS.items():
            watch = Watch([process])
            done = run(FIRST + program)
            watch.end()
            assert done.returncode == 0, (name, done.stderr)
            assert same(done.stdout, answers[name]), (name, done.stdout, answers[name])
            print(
                f"{name}: own {watch.own[process] >> 20} MiB, with mapped {watch.all[process] >> 20} of {MEMORY >> 20}"
            )
            assert watch.own[process] <= 1.1 * MEMORY, name
            # Sorting stores to hundreds of places at once, and each maps a large page.
            assert watch.all[process] <= 1.1 * MEMORY + ((256 << 20) if name == "sort" else 0), name
        assert not list(spill.iterdir()), "the file has no name"


def test_it_is_told_of_in_the_profile(tmp_path: Path) -> None:
    with place(tmp_path, MANIPLE_MEMORY="64m") as run:
        program = "import numpy as np\na = np.arange(20_000_000) * 2.0\nb = a + 1\nprint(float(b.sum() - a.sum()))"
        script = tmp_path / "program.py"
        script.write_text(program)
        done = subprocess.run(
            [sys.executable, "-m", "maniple", "--profile", str(script)],
            env={
                **os.environ,
                "MANIPLE_BACKEND": "server",
                "MANIPLE_RUNTIME_DIR": str(tmp_path),
                "MANIPLE_MEMORY": "64m",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "20000000.0\n"
        assert "bytes of arrays were on disk" in done.stderr, done.stderr
        assert run(program).stdout == "20000000.0\n"


def test_off_refuses_as_before(tmp_path: Path) -> None:
    with place(tmp_path, MANIPLE_MEMORY="64m", MANIPLE_SPILL="off") as run:
        done = run(
            "import numpy as np\na = np.arange(20_000_000) * 2.0\nb = a + 1\nprint(float(b.sum()), float(a.sum()))"
        )
        assert done.returncode != 0
        assert "does not fit" in done.stderr
        assert "MANIPLE_MEMORY" in done.stderr


FULL = """
import numpy as np
try:
    a = np.arange(30_000_000) * 2.0
    b = a + 1
    c = a * b
    print(float(c.sum()), float(b.sum()))
except MemoryError as error:
    print("refused:", error)
a = b = c = None
small = np.arange(1_000_000) * 2.0
print(float(small.sum()))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_an_error_and_the_session_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", disk], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        with place(tmp_path, MANIPLE_MEMORY="64m", MANIPLE_SPILL="4g", MANIPLE_SPILL_DIR=str(disk)) as run:
            done = run(FULL)
            assert done.returncode == 0, done.stderr
            assert "refused:" in done.stdout, done.stdout
            assert "no space left" in done.stdout
            assert done.stdout.endswith("999999000000.0\n")
            assert not list(disk.iterdir())
            time.sleep(0.5)
            assert os.statvfs(disk).f_bfree * os.statvfs(disk).f_bsize > 95 << 20, "its blocks are free again"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_limit_of_file_sizes_is_an_error(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 20, before[1]))
    try:
        with place(tmp_path, MANIPLE_MEMORY="64m", MANIPLE_SPILL="4g", MANIPLE_SHARED_MEMORY="memfd") as run:
            done = run(FULL)
            assert done.returncode == 0, done.stderr
            assert "file size limit" in done.stdout, done.stdout
            assert done.stdout.endswith("999999000000.0\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_comes_back_damaged_is_an_error(tmp_path: Path) -> None:
    program = """
import numpy as np, os, glob, json
a = np.arange(30_000_000) * 2.0
b = np.arange(30_000_000) * 3.0
print(float(a[5]), float(b.sum()))
pid = json.load(open(glob.glob(os.environ["MANIPLE_RUNTIME_DIR"] + "/server-*.json")[0]))["pid"]
for descriptor in os.listdir(f"/proc/{pid}/fd"):
    path = f"/proc/{pid}/fd/{descriptor}"
    if "maniple-spill" in os.readlink(path):
        with open(path, "r+b") as file:
            for megabyte in range(0, 400, 3):
                file.seek((megabyte << 20) + 77)
                file.write(b"x")
            print("damaged")
try:
    print("wrong:", float(a.sum()), float(b.sum()))
except Exception as error:
    print(type(error).__name__, error)
c = np.arange(1_000_000) * 2.0
print(float(c.sum()))
"""
    with place(tmp_path, MANIPLE_MEMORY="64m") as run:
        done = run(program)
        assert done.returncode == 0, done.stderr
        assert "damaged\n" in done.stdout, done.stdout
        assert "wrong:" not in done.stdout
        assert "checksum" in done.stdout
        assert done.stdout.endswith("999999000000.0\n")


def test_a_killed_server_leaves_no_file(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    program = """
import numpy as np, sys, time
a = np.arange(30_000_000) * 2.0
b = a + 1
print(float(b[5]) + float(a[7]), flush=True)
time.sleep(60)
"""
    free = os.statvfs(spill).f_bavail * os.statvfs(spill).f_frsize
    with place(tmp_path, MANIPLE_MEMORY="64m", MANIPLE_SPILL_DIR=str(spill)):
        environment = {"MANIPLE_BACKEND": "server", "MANIPLE_RUNTIME_DIR": str(tmp_path)}
        environment |= {"MANIPLE_MEMORY": "64m", "MANIPLE_SPILL_DIR": str(spill)}
        running = subprocess.Popen(
            [sys.executable, "-m", "maniple", "-c", program],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        assert running.stdout.readline() == "25.0\n"
        os.kill(server(tmp_path), signal.SIGKILL)
        running.kill()
        running.wait()
    assert not list(spill.iterdir())
    assert free - os.statvfs(spill).f_bavail * os.statvfs(spill).f_frsize < 4 << 30


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("daemon") / "trial"
    options = ("--memory", 2 * MEMORY, "--session-memory", MEMORY, "--spill", 20 * MEMORY)
    with daemon(directory, *options) as running:
        yield running


def test_a_daemon_does_so_and_neighbours_notice_nothing(shared: Daemon, answers: dict[str, str]) -> None:
    assert shared.process is not None
    neighbour = """
import numpy as np, time
x = np.arange(1_000_000) * 1.0
slowest = 0.0
for round in range(40):
    begin = time.perf_counter()
    y = x * round
    assert float(y.sum()) == round * 499999500000.0
    slowest = max(slowest, time.perf_counter() - begin)
    time.sleep(0.05)
print(slowest)
"""
    names = list(JOBS) if LONG else ["chain", "jacobi", "sums", "cumsum"]
    shared.run(neighbour)
    beside = shared.begin(neighbour)
    for name in names:
        out = shared.run(FIRST + JOBS[name])
        assert same(out, answers[name]), (name, out, answers[name])
    out, error = beside.communicate(timeout=600)
    assert beside.returncode == 0, error
    assert float(out) < 20, "the neighbour is not left waiting"
    shared.await_sessions(0, 10)
    assert shared.status()["spilled"] == 0


def test_a_session_has_its_part_of_the_disk(tmp_path: Path) -> None:
    options = ("--memory", "256m", "--session-memory", "64m", "--spill", "512m")
    with daemon(tmp_path / "trial", *options) as running:
        out = running.run(FULL)
        assert "refused:" in out, out
        assert "on disk of 134217728" in out
        assert out.endswith("999999000000.0\n")


def test_two_workers_do_so(tmp_path: Path, answers: dict[str, str]) -> None:
    half = MEMORY // 2
    options = ("--master", "local[2]", "--worker-threads", 1, "--worker-memory", half, "--memory", MEMORY)
    options += ("--session-memory", MEMORY, "--spill", 20 * MEMORY)
    with daemon(tmp_path / "trial", *options) as running:
        names = list(JOBS) if LONG else ["chain", "jacobi", "sums", "cumsum", "sort"]
        for name in names:
            out = running.run(FIRST + JOBS[name])
            assert same(out, answers[name]), (name, out, answers[name])
