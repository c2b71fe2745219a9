"""Client and daemon on two hosts (network namespaces), over TLS, with a good network between them and with a bad one.

Bad is 50 ms each way, 5 % of the chunks lost, and a connection that breaks now and then. MANIPLE_LONG=1 runs the
examples over both networks; without it the good one sees a few.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from daemons import Daemon, maniple
from hosts import SERVER, BadNetwork, Hosts, unavailable
from test_examples import EXAMPLES, SIZES
from test_notebooks import CELLS, notebook, shown

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
DELAY = 0.05
NOTEBOOK = """
import sys
import nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
NotebookClient(book, timeout=200, kernel_name="python3").execute()
nbformat.write(book, sys.argv[2])
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    with Hosts() as made:
        yield made


class Distant(Daemon):
    """A daemon on the server's host; programs run on the client's."""

    def __init__(self, hosts: Hosts, directory: Path) -> None:
        made = maniple("server", "init", directory, "--host", SERVER, "--host", "10.231.1.1")
        assert made.returncode == 0, made.stderr
        super().__init__(directory, init=False)
        self.hosts = hosts

    def start(self) -> "Distant":
        command = self.hosts.on("server", sys.executable, "-m", "maniple", "server", "--config", self.directory)
        command += ["--listen", f"{SERVER}:0", "--log", str(self.directory / "log")]
        self.await_ready([*command])
        return self

    def begin_there(
        self, *arguments: object, via: BadNetwork | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """Begin a command of Python's on the client's host."""
        host, port = (SERVER, self.port) if via is None else (via.host, via.port)
        own = self.environment() | {"MANIPLE_URL": f"maniple://{host}:{port}"}
        return subprocess.Popen(
            self.hosts.on("client", sys.executable, *arguments),
            env={**os.environ, **own, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_there(self, *arguments: object, via: BadNetwork | None = None, **environment: str) -> str:
        """Run a command to its good end; what it printed."""
        running = self.begin_there(*arguments, via=via, **environment)
        out, error = running.communicate(timeout=280)
        assert running.returncode == 0, f"{out}{error}\n{self.log()}"
        return out


@pytest.fixture(scope="module")
def distant(hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distant]:
    running = Distant(hosts, tmp_path_factory.mktemp("hosts") / "trial").start()
    yield running
    running.stop()


@pytest.fixture
def bad(hosts: Hosts, distant: Distant) -> Iterator[BadNetwork]:
    network = BadNetwork(hosts, distant.port, "--delay", DELAY, "--loss", 0.05, "--cuts", 0.004)
    yield network
    network.close()


def test_the_hosts_are_apart(hosts: Hosts, distant: Distant) -> None:
    """Nothing of the server can be reached but through the network between."""
    reach = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    for role, host, reached in (
        ("client", SERVER, True),
        ("client", "127.0.0.1", False),
        ("server", SERVER, True),
        ("server", "127.0.0.1", False),
    ):
        command = hosts.on(role, sys.executable, "-c", reach, host, distant.port)
        assert (subprocess.run(command, capture_output=True, check=False).returncode == 0) == reached, (role, host)


def with_numpy(name: str) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, SIZES[name])]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout


def differing(distant: Distant, names: list[str], via: BadNetwork | None) -> list[str]:
    """The examples that print something else there than with NumPy; several at a time, since they wait a lot."""

    def differs(name: str) -> bool:
        there = distant.run_there("-m", "maniple", EXAMPLES / f"{name}.py", *SIZES[name], via=via)
        return there != with_numpy(name)

    with ThreadPoolExecutor(4) as pool:
        return [name for name, wrong in zip(names, pool.map(differs, names), strict=True) if wrong]


def test_examples_over_a_good_network(distant: Distant) -> None:
    names = sorted(SIZES)
    assert differing(distant, names if LONG else names[::5], None) == []


def test_examples_over_a_bad_network(distant: Distant, bad: BadNetwork) -> None:
    """All of them: what is lost, held back and cut changes no digit."""
    assert differing(distant, sorted(SIZES), bad) == []
    counts = bad.counts()
    assert counts["stalls"] > 10, counts
    print(f"\n{len(SIZES)} examples: {counts}")


def test_a_notebook_over_both_networks(distant: Distant, bad: BadNetwork, tmp_path: Path) -> None:
    source = tmp_path / "source.ipynb"
    results = []
    for via, cells in (
        ("", CELLS),
        ("good", ("%load_ext maniple", *CELLS, "%maniple status")),
        ("bad", ("%load_ext maniple", *CELLS, "%maniple status")),
    ):
        nbformat.write(notebook(*cells), source)
        target = tmp_path / f"{via}.ipynb"
        distant.run_there(
            "-c", NOTEBOOK, source, target,
            via=bad if via == "bad" else None,
            IPYTHONDIR=str(tmp_path / "ipython"), JUPYTER_RUNTIME_DIR=str(tmp_path / "runtime"),
        )  # fmt: skip
        results.append([shown(cell) for cell in nbformat.read(target, 4).cells])
    plain, good, over_bad = results
    assert good[1:-1] == plain
    assert over_bad[1:-1] == plain
    assert SERVER in good[-1]
    assert bad.host in over_bad[-1]


OPERATIONS = """
import sys, time
import numpy as np
print(float((np.ones(100_000) + 1).sum()), flush=True)
sys.stdin.readline()
a = np.ones(100_000)
start = time.perf_counter()
for _ in range(500):
    a = a * 1.001 + 0.5
result = float(a.sum())
print(result, time.perf_counter() - start, flush=True)
sys.stdin.readline()
"""


def test_a_thousand_operations_take_few_round_trips(hosts: Hosts, distant: Distant) -> None:
    """Counted at the proxy: between the opening of the session and the observed number, and for all of the program."""
    network = BadNetwork(hosts, distant.port, "--delay", DELAY)
    try:
        running = distant.begin_there("-m", "maniple", "-c", OPERATIONS, via=network)
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "200000.0\n"
        before = network.counts()["round_trips"]
        running.stdin.write("\n")
        running.stdin.flush()
        result, seconds = running.stdout.readline().split()
        operations = network.counts()["round_trips"] - before
        _, error = running.communicate("\n", timeout=60)
        assert running.returncode == 0, error
        a = np.ones(100_000)
        for _ in range(500):
            a = a * 1.001 + 0.5
        assert abs(float(result) - a.sum()) <= 1e-12 * abs(a.sum())
        whole = network.counts()["round_trips"]
        print(
            f"\n1,000 operations and one observation: {operations} round trips, {float(seconds):.2f} s; {whole} in all"
        )
        assert 1 <= operations <= 3
        assert whole <= 12
    finally:
        network.close()
