"""What goes wrong between a daemon and its clients: deaths, bad networks, work that is given up.

Nothing is wrong silently, nothing stays behind. MANIPLE_LONG=1 does all of it many times.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from daemon_clients import FLOAT64, Client, address_of
from daemons import Daemon, Network, daemon
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import BackendError, Batch

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
MIB = 1 << 20
RECONNECT_SECONDS = 2


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("faults") / "trial"
    options = ("--memory", "4g", "--session-memory", "1g", "--reconnect", f"{RECONNECT_SECONDS}s")
    with daemon(directory, *options) as running:
        yield running


# -- deaths ----------------------------------------------------------------------------------------------------------

WORKING = """
import numpy as np
print("begun", flush=True)
a = np.random.default_rng(7).random((1500, 1000))
while True:
    a = np.sqrt(a * a + 1.0) - a.mean(axis=0)
    float(a[3, 7])
"""


def children(process: int) -> list[int]:
    """The processes below one."""
    below = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):
            below += [int(word) for word in (task / "children").read_text().split()]
    return below + [deeper for child in below for deeper in children(child)]


def files_of(process: int, outside: Path) -> set[str]:
    """The files that a process has open or mapped, but for programs, libraries and what lies in the given folder."""
    found = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            if int(entry.name) > 2:  # the test's own output
                found.add(os.readlink(entry))
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        words = line.split(maxsplit=5)
        if len(words) == 6:
            found.add(words[5])
    temporary = ("/tmp/", "/dev/shm/", "/var/tmp/", "/run/")
    return {name for name in found if name.startswith(temporary) and not name.startswith(str(outside))}


def test_a_killed_daemon(tmp_path: Path) -> None:
    """One error within seconds; no process and no file is left; a new one is ready at once on the same port."""
    running = Daemon(tmp_path / "trial", "--reconnect", "2s").start()
    jars = Path(os.environ["MANIPLE_JARS"]).resolve().parent
    try:
        for _ in range(200 if LONG else 3):
            assert running.process is not None
            client = running.begin(WORKING)
            assert client.stdout is not None
            assert client.stdout.readline() == "begun\n"
            time.sleep(random.Random(running.port).random() / 2)
            process = running.process.pid
            below = children(process)
            files = {name for name in files_of(process, tmp_path) if not name.startswith(str(jars))}
            running.stop(signal.SIGKILL)
            start = time.monotonic()
            _, error = client.communicate(timeout=60)
            assert time.monotonic() - start < RECONNECT_SECONDS + 3
            assert client.returncode == 1
            assert error.count("Traceback") == 1, error
            assert error.count("ServerError") == 1, error
            assert "cannot be reached" in error or "the session was lost" in error
            assert not [child for child in below if Path(f"/proc/{child}").exists()]
            assert not [name for name in files if Path(name).is_file()]
            running.start()
            shown = Client(address_of(running))
            x = np.arange(1000.0)
            assert np.array_equal(shown.add(x, 1.0), x + 1)
            shown.close()
    finally:
        running.stop()


DYING = """
import sys
import numpy as np
from daemon_clients import Client, address_of
from daemons import Daemon
from pathlib import Path
running = Daemon(Path(sys.argv[1]), init=False)
running.port = int(sys.argv[2])
client = Client(address_of(running))
x = np.arange(5e6)
print("begun", flush=True)
while True:
    client.add(x, 1.0)
"""


def test_killed_clients(shared: Daemon) -> None:
    """While they send, compute, fetch: all of theirs is free within seconds, to the mebibyte."""
    shared.await_sessions(0, 30)
    before = shared.status()["memory_used"]
    generator = random.Random(5)
    for _ in range(50 if LONG else 1):
        clients = [
            subprocess.Popen(
                [sys.executable, "-c", DYING, shared.directory, str(shared.port)],
                cwd=Path(__file__).parent,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(10)
        ]
        for client in clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "begun\n"
        assert len(shared.status()["sessions"]) == len(clients)
        for client in clients:
            time.sleep(generator.random() / 5)
            client.kill()
        for client in clients:
            client.wait()
        assert shared.await_sessions(0, 30) < 30
        assert abs(shared.status()["memory_used"] - before) < MIB


# -- bad networks ----------------------------------------------------------------------------------------------------


class Lossy(Network):
    """Holds single pieces back, as if they had to be sent again."""

    def __init__(self, target: int, part: float) -> None:
        super().__init__(target)
        self.part = part
        self.generator = random.Random(target)

    def changed(self, data: bytes, outwards: bool) -> bytes:
        if self.generator.random() < self.part:
            time.sleep(0.2)
        return data


def through(running: Daemon, network: Network, bulk: Network) -> Client:
    client = Client(address_of(running, network.port))
    client.backend.channel.bulk_port = bulk.port
    return client


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that waits for its clients as long as it does where nothing else is said."""
    with daemon(tmp_path_factory.mktemp("patient") / "trial", "--memory", "2g") as running:
        yield running


@pytest.mark.parametrize("stage", ["calls", "contents"])
@pytest.mark.parametrize("fault", ["latency", "reset", "half-open", "loss", "away", "slow reader"])
def test_a_bad_network(patient: Daemon, fault: str, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same result, in time; 12 faults and places."""
    monkeypatch.setattr("maniple._bulk._SILENT_SECONDS", 3.0)
    part = 0.05 if fault == "loss" else 0.0
    network, bulk = Lossy(patient.port, part), Lossy(patient.status()["bulk_port"], part)
    client = through(patient, network, bulk)
    at = network if stage == "calls" else bulk
    x = np.arange(1000.0 if stage == "calls" else 200_000.0)
    calls = (500 if LONG else 10) if stage == "calls" else (50 if LONG else 3)
    stop = threading.Event()

    def disturb() -> None:
        match fault:
            case "latency":
                at.delay = 0.02
            case "half-open":
                at.swallow = at.bytes + 1
            case "slow reader":
                at.delay = 0.01
            case "reset":
                while not stop.wait(0.3):
                    at.cut()
            case "away":
                at.refusing = True
                at.cut()
                stop.wait(RECONNECT_SECONDS / 2)
                at.refusing = False
            case _:
                pass

    disturbing = threading.Thread(target=disturb)
    start = time.monotonic()
    done = 0
    try:
        assert np.array_equal(client.add(x, -1.0), x - 1)
        disturbing.start()
        while done < calls or time.monotonic() < start + 1:
            assert np.array_equal(client.add(x, float(done)), x + done)
            done += 1
    finally:
        stop.set()
        disturbing.join()
        client.close()
        network.close()
        bulk.close()
    assert time.monotonic() - start < 60
    patient.await_sessions(0, 30)


def digest_of_calls(client: Client, calls: int, at: Callable[[int], None]) -> str:
    """What a session with small and large contents says, after `at` has been called before each call."""
    digest = hashlib.sha256()
    small, large = np.arange(300.0), np.arange(200_000.0)
    for k in range(calls):
        at(k)
        digest.update(client.add(large if k % 10 == 9 else small, float(k)).tobytes())
    return digest.hexdigest()


def test_the_stream_breaks_after_every_batch(shared: Daemon) -> None:
    """After k = 0, 1, … 50 batches: the answers are those of an undisturbed session, to the bit."""

    def wanted(calls: int) -> str:
        digest = hashlib.sha256()
        for k in range(calls):
            digest.update((np.arange(200_000.0 if k % 10 == 9 else 300.0) + k).tobytes())
        return digest.hexdigest()

    for turn in range(40 if LONG else 1):
        with ThreadPoolExecutor(4) as pool:

            def broken_after(k: int, turn: int = turn) -> bool:
                calls = 60 if LONG else k + 3
                network, bulk = Network(shared.port), Network(shared.status()["bulk_port"])
                client = through(shared, network, bulk)
                generator = random.Random(1000 * turn + k)

                def at(call: int) -> None:
                    if call == k:
                        # At once, in the midst of the next call, or of what follows on it.
                        threading.Timer(generator.choice([0, 0.0005, 0.002, 0.01]), network.cut).start()
                        if k % 10 == 9:
                            bulk.limit = bulk.bytes + generator.randrange(1_600_000)

                digest = digest_of_calls(client, calls, at)
                client.close()
                network.close()
                bulk.close()
                return digest == wanted(calls)

            assert list(pool.map(broken_after, range(51))) == [True] * 51
    shared.await_sessions(0, 30)


def test_a_slow_reader(shared: Daemon) -> None:
    """It gets what it asked for, however long it takes, and holds up nobody else."""
    network, bulk = Network(shared.port), Network(shared.status()["bulk_port"])
    slow = through(shared, network, bulk)
    bulk.delay = 0.05
    x = np.arange(500_000.0)
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(slow.add, x, 3.0)
        quick = Client(address_of(shared))
        small = np.arange(1000.0)
        times = []
        while not fetched.done():
            start = time.monotonic()
            assert np.array_equal(quick.add(small, 1.0), small + 1)
            times.append(time.monotonic() - start)
        assert np.array_equal(fetched.result(), x + 3)
    assert len(times) > 20
    assert sorted(times)[len(times) // 2] < 0.05
    quick.close()
    slow.close()
    network.close()
    bulk.close()


def test_another_stream_takes_the_place(shared: Daemon) -> None:
    """As when a client comes back before its old connection is known to be dead."""
    client = Client(address_of(shared))
    for k in range(200 if LONG else 20):
        if k % 2:
            client.backend.channel._reconnect()
        x = np.arange(500.0)
        assert np.array_equal(client.add(x, float(k)), x + k)
    client.close()
    shared.await_sessions(0, 10)


# -- work that is given up -------------------------------------------------------------------------------------------


class Long(Client):
    """A session with work that takes seconds, in steps of some milliseconds."""

    def __init__(self, address: DaemonAddress) -> None:
        super().__init__(address)
        self.left: list[int] = []

    def prepared(self, instructions: int) -> tuple[Batch, tuple[int, int]]:
        """Work, and what it leaves. Python takes longer to write it down than the daemon to begin."""
        batch = self.batch()
        batch.layouts = [(FLOAT64, (1_000_000,), (8,))]
        batch.scalars = [(pb.INT64, 0, 0)]
        pair = self.handle + 1, self.handle + 2
        self.handle += 2
        batch.buffers = [(handle, 8_000_000, None, None) for handle in pair]
        # To and fro between two arrays, so that nothing can be left out or fused with the next.
        for k in range(instructions):
            to, fro = pair[k % 2], pair[1 - k % 2]
            self.instruction(batch, self.operations["add.accumulate:d->d"], (to, 0), (fro, 0), (0, 0))
        batch.observations = [(pair[0], 0, 8)]
        return batch, pair

    def work(self, batch: Batch, pair: tuple[int, int]) -> None:
        try:
            self.backend.submit(batch)
        except BackendError as error:
            if not error.failed_batch:  # else the arrays were never there
                self.left += pair
            raise
        self.left += pair

    def free(self) -> None:
        """Free what work has left: not within it, for this would be given up with it, and the next call be told."""
        batch = self.batch()
        for handle in self.left:
            self.instruction(batch, 0, (handle, 0))
        self.left.clear()
        self.backend.submit(batch)


def test_work_is_given_up_at_any_moment(shared: Daemon) -> None:
    """At 0 to 500 ms: it stops within a second, nothing is left, and the next answer is right."""
    shared.await_sessions(0, 30)
    first = Long(address_of(shared))
    first.work(*first.prepared(3000))  # the runtime compiles what it meets for the first time
    first.close()
    shared.await_sessions(0, 30)
    before = shared.status()["memory_used"]
    turns = 1250 if LONG else 25
    stopped: list[float] = []
    finished: list[int] = []
    failed: list[BackendError] = []

    def give_up(which: int) -> None:
        generator = random.Random(which)
        client = Long(address_of(shared))
        x = np.arange(1000.0)
        for turn in range(turns):
            ended: list[float] = []
            work_of_turn = client.prepared(3000)

            def work(ended: list[float] = ended, prepared: tuple[Batch, tuple[int, int]] = work_of_turn) -> None:
                try:
                    client.work(*prepared)
                    finished.append(which)
                except BackendError as error:
                    failed.append(error)
                ended.append(time.monotonic())

            working = threading.Thread(target=work)
            working.start()
            time.sleep(generator.random() * (0.5 if LONG or turn % 5 == 0 else 0.05))
            asked = time.monotonic()
            while working.is_alive():
                client.backend.interrupt()
                working.join(0.1)
            stopped.append(ended[0] - asked)
            client.free()
            assert np.array_equal(client.add(x, float(turn)), x + turn)
        client.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give_up, range(8)))
    assert len(stopped) == 8 * turns
    assert {error.status for error in failed} == {pb.CANCELLED}
    assert len(finished) < len(stopped) / 10, "there was something to give up"
    print(f"\n{len(stopped)} times: stopped after {max(stopped):.2f} s at most; {len(finished)} were done before")
    assert max(stopped) < 1
    shared.await_sessions(0, 30)
    assert abs(shared.status()["memory_used"] - before) < MIB


CONTROL_C = """
import os, random, signal, sys, threading, time
import numpy as np
generator = random.Random(int(sys.argv[1]))
real = sys.modules["numpy"]
a = np.random.default_rng(1).random(1_000_000)
float(a[0])
total = float(a.sum())
slowest, interrupted = 0.0, 0
for turn in range(int(sys.argv[2])):
    pressed = []
    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    timer = threading.Timer(generator.random() * (0.5 if turn % 4 == 0 else 0.05), press)
    try:
        timer.start()
        b = a
        for k in range(300):
            b = np.sin(b) + 0.25
            if k % 50 == 49:
                float(b[turn])
        # Whatever was done: the signal is still to come.
        while not pressed:
            time.sleep(0.001)
        time.sleep(0.05)
    except KeyboardInterrupt:
        interrupted += 1
        slowest = max(slowest, time.monotonic() - pressed[0])
    timer.join()
    b = None
    assert float(a.sum()) == total, turn
    x = np.arange(50_000.0) + turn
    assert float(x[turn]) == 2.0 * turn, turn
print(interrupted, slowest)
"""


def test_control_c_at_any_moment(shared: Daemon) -> None:
    turns = 500 if LONG else 30
    command = [sys.executable, "-m", "maniple", "-c", CONTROL_C]
    running = [
        subprocess.Popen(
            [*command, str(seed), str(turns)],
            env={**os.environ, **shared.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(2)
    ]
    for process in running:
        out, error = process.communicate(timeout=1800)
        assert process.returncode == 0, error + shared.log()
        interrupted, slowest = out.split()
        print(f"\n{interrupted} of {turns} interrupted, {float(slowest):.2f} s at most")
        assert int(interrupted) == turns
        assert float(slowest) < 1.5
    shared.await_sessions(0, 30)
