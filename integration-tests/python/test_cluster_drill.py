"""Executors are killed at random moments of five programs: the answers are those of a run that nobody has disturbed.

Three kills of workers as plain processes; with MANIPLE_LONG=1 twenty of Spark's executors, whose recovery is timed.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemons import Daemon, daemon
from test_cluster import workers

LONG = os.environ.get("MANIPLE_LONG") == "1"
KILLS = 20 if LONG else 3
SHARE = 1 if LONG else 3
"""The short form does that part of each program's rounds."""
ROUNDS = 3 if LONG else 1
OPTIONS = ("--worker-memory", "2g", "--worker-threads", "1", "--memory", "2g", "--session-memory", "2g")

# Each says when it has begun, goes on for some seconds, and ends with the SHA-256 of its arrays.
BEGIN = """
import hashlib
import numpy as np

def digest(*arrays):
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.asarray(array).tobytes())
    print(sha.hexdigest())

generator = np.random.default_rng(11)
"""
PROGRAMS = {
    "jacobi": """
x = generator.random((1200, 1200))
for k in range(500 // share):
    x[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
    if k % 50 == 20:
        print("sum", float(x.sum()), flush=True)
digest(x)
""",
    "kmeans": """
points = generator.random((400_000, 4))
centres = points[:6].copy()
for k in range(30 // share):
    distances = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest = distances.argmin(axis=1)
    centres = np.stack([points[nearest == c].mean(axis=0) for c in range(6)])
    print("first", float(centres[0, 0]), flush=True)
digest(centres, nearest)
""",
    "sort": """
x = generator.random(1_500_000)
for k in range(12 // share):
    y = np.sort(x)
    x = (x * 17.0 + y[::-1]) % 1.0
    print("sum", float(x.sum()), flush=True)
digest(x, y)
""",
    "matmul": """
a = generator.random((700, 700))
b = np.eye(700) + 0.001
for k in range(25 // share):
    b = a @ b
    b = b / np.abs(b).max()
    print("max", float(b[3, 5]), flush=True)
digest(b)
""",
    "montecarlo": """
inside = 0
for k in range(25 // share):
    x = generator.random(2_000_000)
    y = generator.random(2_000_000)
    inside += int((x * x + y * y < 1.0).sum())
    print("inside", inside, flush=True)
digest(x, y)
""",
}


class Drill:
    """A daemon on workers, and who of them may be killed."""

    def __init__(self, running: Daemon, victims: Callable[[], list[int]]) -> None:
        self.running = running
        self.victims = victims
        self.recoveries: list[float] = []

    def gangs(self) -> int:
        """How often all workers were there."""
        return (self.running.directory / "log").read_text().count("All 2 workers are there")

    def kill(self, chance: random.Random) -> None:
        victims = self.victims()
        assert victims, "there is nobody to kill"
        before = self.gangs()
        os.kill(chance.choice(victims), signal.SIGKILL)
        begin = time.monotonic()
        while self.gangs() == before:
            assert time.monotonic() - begin < 60, "nobody comes in the place of who was killed\n" + self.running.log()
            time.sleep(0.02)
        self.recoveries.append(time.monotonic() - begin)

    def run(self, program: str, kills: int, chance: random.Random) -> str:
        """What a program prints while workers are killed."""
        process = self.running.begin(f"share = {SHARE}\n" + BEGIN + program)
        assert process.stdout is not None
        first = process.stdout.readline()
        for _ in range(kills):
            time.sleep(chance.random())
            if process.poll() is not None:
                break
            self.kill(chance)
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error + self.running.log()
        return first + out


@contextmanager
def spark(directory: Path) -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """A Spark on this machine, and its executors."""
    directory.chmod(0o700)
    environment = {**os.environ, "MANIPLE_RUNTIME_DIR": str(directory)}
    command = [sys.executable, "-m", "maniple", "cluster"]
    started = subprocess.run(
        [*command, "start", "--workers", "2", "--threads-per-worker", "1"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found = json.loads((directory / "cluster" / "cluster.json").read_text())
    parents = {str(process["pid"]) for process in found["processes"]}

    def executors() -> list[int]:
        alive = subprocess.run(
            ["pgrep", "-P", ",".join(parents), "-f", "CoarseGrainedExecutorBackend"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in alive.stdout.split()]

    try:
        yield started.stdout.strip(), executors
    finally:
        subprocess.run([*command, "stop"], env=environment, capture_output=True, check=True, timeout=60)


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    directory = tmp_path_factory.mktemp("drill")
    options = ["--checkpoint-interval", "2s", *OPTIONS]
    if LONG:
        with spark(directory) as (url, executors):
            os.environ["MANIPLE_RUNTIME_DIR"], before = str(directory), os.environ.get("MANIPLE_RUNTIME_DIR", "")
            try:
                with daemon(directory / "trial", "--master", url, *options) as running:
                    yield Drill(running, executors)
            finally:
                os.environ["MANIPLE_RUNTIME_DIR"] = before
    else:
        with daemon(directory / "trial", "--master", "local[2]", *options) as running:
            yield Drill(running, lambda: workers(running))


def test_whoever_is_killed_the_answers_are_the_same(drill: Drill) -> None:
    seed = int(os.environ.get("MANIPLE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    print(f"MANIPLE_SEED={seed}")
    chance = random.Random(seed)
    undisturbed = {name: drill.run(program, 0, chance) for name, program in PROGRAMS.items()}
    names = list(PROGRAMS)
    chance.shuffle(names)
    while len(drill.recoveries) < KILLS:
        name = names[len(drill.recoveries) % len(names)]
        kills = min(ROUNDS, KILLS - len(drill.recoveries))
        assert drill.run(PROGRAMS[name], kills, chance) == undisturbed[name], name
    print(
        f"{len(drill.recoveries)} kills, all workers there again after {statistics.median(drill.recoveries):.1f} s"
        f" in the median, {max(drill.recoveries):.1f} s at most"
    )
