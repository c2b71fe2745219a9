"""A Spark whose machines are network namespaces on one switch: its master beside the daemon, two workers, a client.

MANIPLE_LONG=1 runs every example, and loses the network of a machine as well as its processes.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Daemon, maniple
from hosts import Machines, unavailable
from maniple._cluster import find_spark, find_spark_java
from maniple._cluster_processes import _FLAGS, _PROPERTIES
from test_cluster import PROGRAM
from test_examples import EXAMPLES, SIZES

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
WORKERS = ("one", "two")
PORT = 7077
# It looks at its sums all the time, while a machine is missing, too.
JACOBI = """
import hashlib, sys
import numpy as np
x = np.random.default_rng(3).random((1500, 1500))
for k in range(400):
    x[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
    if k % 40 == 0:
        print(float(x.sum()), flush=True)
print(hashlib.sha256(np.asarray(x).tobytes()).hexdigest())
"""


class Spread(Daemon):
    """A daemon, its cluster and its clients, each on a machine of its own."""

    def __init__(self, machines: Machines, directory: Path) -> None:
        self.machines = machines
        self.scratch = directory
        self.address = machines.addresses["daemon"]
        made = maniple("server", "init", directory / "trial", "--host", self.address)
        assert made.returncode == 0, made.stderr
        super().__init__(directory / "trial", init=False)
        secret = secrets.token_hex(32)
        self.settings = self._private("spark.conf", f"{_PROPERTIES}spark.authenticate.secret {secret}\n")
        self.secret = self._private("secret", secret)
        self.spark: dict[str, subprocess.Popen[bytes]] = {}

    def _private(self, name: str, text: str) -> Path:
        path = self.scratch / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def begin_spark(self, machine: str, role: str, *arguments: object) -> None:
        """Run Spark's master or worker on a machine; what was there of it is over."""
        java, spark = find_spark_java(), find_spark()
        command: list[object] = [java, *_FLAGS]
        command += ["-cp", spark / "jars" / "*", f"org.apache.spark.deploy.{role.lower()}.{role}"]
        command += ["--host", self.machines.addresses[machine], "--properties-file", self.settings, *arguments]
        with (self.scratch / f"{machine}-{role}.log").open("ab") as log:
            self.spark[machine] = subprocess.Popen(
                self.machines.on(machine, *command),
                env={
                    **os.environ,
                    "SPARK_HOME": str(spark),
                    "SPARK_SCALA_VERSION": "2.13",
                    "JAVA_HOME": str(java.parent.parent),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def begin_worker(self, machine: str) -> None:
        work = self.scratch / machine
        options = ("--cores", 1, "--memory", "600m", "--webui-port", 0, "--work-dir", work)
        self.begin_spark(machine, "Worker", *options, f"spark://{self.address}:{PORT}")

    def start(self) -> "Spread":
        self.begin_spark("daemon", "Master", "--port", PORT, "--webui-port", 8080)
        for machine in WORKERS:
            self.begin_worker(machine)
        self._await_log("daemon-Master", "Registering worker", len(WORKERS))
        command = self.machines.on("daemon", sys.executable, "-m", "maniple", "server", "--config", self.directory)
        command += ["--listen", f"{self.address}:0", "--log", str(self.directory / "log"), "--workers", "2"]
        command += ["--master", f"spark://{self.address}:{PORT}", "--cluster-secret-file", str(self.secret)]
        command += ["--cluster-listen", self.address, "--worker-memory", "1g", "--checkpoint-interval", "2s"]
        (self.scratch / "checkpoints").mkdir(exist_ok=True)
        command += ["--checkpoint-dir", str(self.scratch / "checkpoints")]
        self.await_ready([*command])
        return self

    def _await_log(self, name: str, words: str, count: int) -> None:
        end = time.monotonic() + 60
        while (text := (self.scratch / f"{name}.log").read_text()).count(words) < count:
            assert time.monotonic() < end, text
            time.sleep(0.1)

    def begin_there(self, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
        """Begin a command of Python's on the client's machine."""
        return subprocess.Popen(
            self.machines.on("client", sys.executable, *arguments),
            env={
                **os.environ,
                **self.environment(),
                "MANIPLE_URL": f"maniple://{self.address}:{self.port}",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_there(self, *arguments: object, **environment: str) -> str:
        """Run a command to its good end; what it printed."""
        running = self.begin_there(*arguments, **environment)
        out, error = running.communicate(timeout=280)
        assert running.returncode == 0, out + error + self.log()
        return out

    def executors(self, machine: str) -> list[int]:
        """The processes of Spark's executors on a machine."""
        address = self.machines.addresses[machine]
        found = subprocess.run(
            ["pgrep", "-f", f"CoarseGrainedExecutorBackend.*--hostname {re.escape(address)} "],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in found.stdout.split()]

    def gangs(self) -> int:
        return (self.directory / "log").read_text().count("All 2 workers are there")

    def close(self) -> None:
        self.stop()
        for process in self.spark.values():
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("spread")
    with Machines("daemon", "client", *WORKERS) as machines:
        running = Spread(machines, directory)
        try:
            yield running.start()
        finally:
            running.close()
        left = [pid for machine in WORKERS for pid in running.executors(machine)]
        assert not left, "executors have outlived the daemon"


@pytest.fixture(scope="module")
def undisturbed() -> str:
    done = maniple("-c", JACOBI, MANIPLE_DEFER_ALL="1")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted(SIZES) if LONG else ["jacobi2d", "heat3d"])
def test_examples_print_what_numpy_prints(spread: Spread, name: str) -> None:
    command = [EXAMPLES / f"{name}.py", *SIZES[name]]
    plain = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=True, timeout=240
    )
    assert spread.run_there("-m", "maniple", *command) == plain.stdout


def test_their_bits_are_those_of_one_machine(spread: Spread) -> None:
    here = maniple(PROGRAM, MANIPLE_DEFER_ALL="1")
    assert here.returncode == 0, here.stderr
    assert spread.run_there("-m", "maniple", PROGRAM, MANIPLE_DEFER_ALL="1") == here.stdout
    if LONG:
        again = spread.run_there("-m", "maniple", PROGRAM, MANIPLE_DEFER_ALL="1", MANIPLE_SPREAD="all")
        assert again == here.stdout


@pytest.mark.parametrize("how", ["executor", "machine", "cable"] if LONG else ["machine"])
def test_a_lost_machine_costs_time_and_nothing_else(spread: Spread, undisturbed: str, how: str) -> None:
    before = spread.gangs()
    program = spread.begin_there("-m", "maniple", "-c", JACOBI, MANIPLE_DEFER_ALL="1")
    assert program.stdout is not None
    first = program.stdout.readline()
    victims = spread.executors("two")
    assert victims, spread.log()
    if how == "cable":
        spread.machines.plug("two", connected=False)
    else:
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
    if how != "executor":
        if how == "machine":
            os.killpg(spread.spark["two"].pid, signal.SIGKILL)
        # Somebody notices, and then the machine is there again.
        time.sleep(5 if how == "machine" else 20)
        spread.machines.plug("two", connected=True)
    if how == "machine":
        spread.begin_worker("two")
    out, error = program.communicate(timeout=280)
    assert program.returncode == 0, error + spread.log()
    assert first + out == undisturbed
    assert spread.gangs() > before, spread.log()


def test_a_wrong_secret_is_refused(spread: Spread, tmp_path: Path) -> None:
    wrong = tmp_path / "secret"
    wrong.touch(mode=0o600)
    wrong.write_text(secrets.token_hex(32))
    begin = time.monotonic()
    made = subprocess.run(
        spread.machines.on("daemon", sys.executable, "-m", "maniple", "server", "--config", spread.directory)
        + ["--listen", f"{spread.address}:0", "--master", f"spark://{spread.address}:{PORT}", "--workers", "1"]
        + ["--cluster-secret-file", str(wrong), "--cluster-listen", spread.address],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode != 0
    assert "secret" in made.stderr, made.stderr
    assert time.monotonic() - begin < 20


def test_each_machine_has_its_worker(spread: Spread) -> None:
    for machine in WORKERS:
        assert len(spread.executors(machine)) == 1
