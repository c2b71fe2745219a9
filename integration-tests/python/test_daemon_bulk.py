"""Large arrays to and from a daemon, beside Flight: bit for bit, whatever happens to the connection, and nobody else's.

MANIPLE_LONG=1 takes 4 GB instead of a little more than 2 GiB, and cuts more often.
"""

import os
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from daemon_clients import Client, address_of
from daemons import Daemon, Network, daemon, maniple
from maniple import _bulk
from maniple import _program_pb2 as pb
from maniple._backend import BackendError
from maniple._bulk import BulkConnection, tls_context

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("bulk") / "trial"
    with daemon(directory, "--memory", "12g", "--session-memory", "12g", "--reconnect", "8s") as running:
        yield running


@pytest.fixture
def network(shared: Daemon) -> Iterator[Network]:
    """In front of the port for contents."""
    made = Network(shared.status()["bulk_port"])
    yield made
    made.close()


ROUND_TRIP = """
import hashlib, sys
import numpy as np
real = sys.modules["numpy"]
x = real.random.default_rng(3).random(%d)
a = np.array(x)
print(float((np.ones(1000) + np.ones((1000, 1000))).sum()), flush=True)
b = a[::-1] + 1.0
print(real.array_equal(real.asarray(b), x[::-1] + 1.0))
"""


def test_sizes_and_types(shared: Daemon, network: Network) -> None:
    """Around the least size and around the records and pieces that contents travel in."""
    out = shared.run(
        """
import numpy as np, sys
real = sys.modules["numpy"]
for n in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 22) + 16383, 5_000_003):
    for t in ("u1", "f8", "c16"):
        x = (real.arange(n // np.dtype(t).itemsize) % 251).astype(t)
        a = np.array(x)
        b = a[::-1] + a
        assert real.array_equal(real.asarray(b), x[::-1] + x), (n, t)
print("equal")
""",
        shared.port,
        network.port,
    )
    assert out == "equal\n"
    assert network.bytes > 20 << 20, "they went through this port"


@pytest.mark.parametrize("limit", [1, 2_000, 3_000_000, 15_000_000, 40_000_000])
def test_transfers_go_on_where_they_stopped(shared: Daemon, network: Network, limit: int) -> None:
    network.limit = limit
    assert shared.run(ROUND_TRIP % 3_000_000, shared.port, network.port) == "2000000.0\nTrue\n"
    assert network.limit == 0, "it was cut"
    assert network.bytes < 60_000_000, "nothing was sent twice but what was on its way"


def test_both_connections_break_again_and_again(shared: Daemon, network: Network) -> None:
    outer = Network(shared.port)
    program = ROUND_TRIP % (20_000_000 if LONG else 8_000_000)
    try:
        running = shared.begin(program, outer.port, network.port)
        assert running.stdout is not None
        assert running.stdout.readline() == "2000000.0\n"
        cuts = 0
        while running.poll() is None:
            time.sleep(0.25)
            (outer if cuts % 2 else network).cut()
            cuts += 1
        out, error = running.communicate()
        assert (running.returncode, out) == (0, "True\n"), error
        assert cuts > 1
    finally:
        outer.close()


def test_a_connection_that_falls_silent(shared: Daemon, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not closed, but nothing comes through it any more: another one takes its place."""
    monkeypatch.setattr(_bulk, "_SILENT_SECONDS", 2.0)
    client = Client(address_of(shared))
    client.backend.channel.bulk_port = network.port
    x = np.arange(5_000_000.0)
    for swallow in (15_000_000, 70_000_000):
        network.swallow = swallow
        assert np.array_equal(client.add(x, 1.0), x + 1)
        assert network.swallow == 0
        assert client.backend.channel.bulk_port == network.port
    client.close()


@pytest.mark.timeout(300)
def test_more_than_two_gibibytes(shared: Daemon, network: Network) -> None:
    """Both ways, with a cut in the middle of each."""
    size = 4_000_000_000 if LONG else (1 << 31) + 24_000_008
    network.limit = size // 2
    client = Client(address_of(shared))
    try:
        client.backend.channel.bulk_port = network.port
        x = np.arange(size // 8, dtype=np.float64)
        batch = client.batch()
        batch.buffers = [(1, x.nbytes, None, client.backend.upload(x))]
        batch.sync = True
        client.backend.submit(batch)
        assert network.limit == 0
        network.limit = network.bytes + size // 2
        back = client.backend.channel.download(1, x.nbytes).view(np.float64)
        assert network.limit == 0
        assert np.array_equal(x, back)
    finally:
        client.close()


@pytest.mark.parametrize("port", ["refused", "off"])
def test_without_the_port_contents_go_through_flight(shared: Daemon, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        taken = free.getsockname()[1]
    outer = Network(shared.port)
    try:
        out = shared.run(ROUND_TRIP % 1_000_000, outer.port, taken if port == "refused" else 0)
        assert out == "2000000.0\nTrue\n"
        assert outer.bytes > 16_000_000
    finally:
        outer.close()


def test_a_daemon_without_the_port(tmp_path: Path) -> None:
    with daemon(tmp_path / "trial", "--bulk", "off") as running:
        assert running.status()["bulk_port"] == 0
        assert running.run(ROUND_TRIP % 1_000_000) == "2000000.0\nTrue\n"


def test_without_tls(tmp_path: Path) -> None:
    trial = tmp_path / "trial"
    running = Daemon(trial)
    (trial / "maniple.toml").write_text('token_file = "token"\n')
    running.start()
    url = f"maniple+insecure://localhost:{running.port}"
    try:
        assert running.run(ROUND_TRIP % 3_000_000, MANIPLE_URL=url) == "2000000.0\nTrue\n"
    finally:
        running.stop()


# -- what clients cannot do ------------------------------------------------------------------------------------------


def test_no_token_no_transfer(shared: Daemon) -> None:
    mine = Client(address_of(shared))
    session = mine.backend.channel.session
    address = address_of(shared)
    port = shared.status()["bulk_port"]
    for token in ("", "f" * 64, address.token[:-1], address.token + "0"):
        for request in (
            pb.BulkRequest(token=token, download=pb.Transfer(session=session, handle=1)),
            pb.BulkRequest(token=token, upload=pb.Transfer(session=session, upload="x", bytes=10)),
            pb.BulkRequest(token=token),
        ):
            connection = BulkConnection(address, port)
            reply = connection._ask(request)
            assert reply.status == pb.UNAUTHENTICATED, reply
            with pytest.raises(ConnectionError):
                connection._ask(request)
            connection.close()
    mine.close()


def test_wrong_requests_are_answered(shared: Daemon) -> None:
    address = address_of(shared)
    mine = Client(address)
    session = mine.backend.channel.session
    connection = BulkConnection(address, shared.status()["bulk_port"])
    for status, request in (
        (pb.UNKNOWN_SESSION, {"download": pb.Transfer(session="0" * 48, handle=1)}),
        (pb.UNKNOWN_SESSION, {"upload": pb.Transfer(session="", upload="x", bytes=1)}),
        (pb.UNKNOWN_BUFFER, {"download": pb.Transfer(session=session, handle=99)}),
        (pb.OUT_OF_MEMORY, {"upload": pb.Transfer(session=session, upload="large", bytes=1 << 50)}),
        (pb.INVALID_PROGRAM, {}),
    ):
        reply = connection._ask(pb.BulkRequest(token=address.token, **request))  # type: ignore[arg-type]
        assert reply.status == status, reply
        assert 0 < len(reply.message) < 4096
    connection.close()
    x = np.arange(500_000.0)
    assert np.array_equal(mine.add(x, 1.0), x + 1)
    mine.close()


def send_on(connection: BulkConnection) -> None:
    for _ in range(100):
        connection.socket.sendall(bytes(1 << 20))
        time.sleep(0.05)


def test_an_upload_under_way_is_no_buffer(shared: Daemon) -> None:
    """Its memory is written to, and must not be freed and be another session's meanwhile."""
    address = address_of(shared)
    mine = Client(address)
    connection = BulkConnection(address, shared.status()["bulk_port"])
    transfer = pb.Transfer(session=mine.backend.channel.session, upload="half", bytes=1 << 21)
    reply = connection._ask(pb.BulkRequest(token=address.token, upload=transfer))
    assert reply.status == pb.OK
    connection.socket.sendall(bytes(1 << 20))
    for number in range(5):
        batch = mine.batch()
        batch.buffers = [(7, 1 << 21, None, (0, number, 1 << 21))]
        batch.sync = True
        with pytest.raises(BackendError, match="no complete upload"):
            mine.backend.submit(batch)
    # Given up, its memory is free again, and what comes for it is not taken.
    before = shared.status()["memory_used"]
    mine.backend.channel.act("discard", transfer)
    assert shared.status()["memory_used"] == before - (1 << 21)
    with pytest.raises(ConnectionError):
        send_on(connection)
    mine.close()


def hostile_bytes(generator: random.Random) -> bytes:
    valid = pb.BulkRequest(
        token="x" * 64, upload=pb.Transfer(session="y" * 48, upload="z", bytes=99)
    ).SerializeToString()
    match generator.randrange(5):
        case 0:
            return generator.randbytes(generator.randrange(200))
        case 1:
            return struct.pack(">I", generator.choice([1 << 31, (1 << 32) - 1, 8193, 1 << 20])) + bytes(50)
        case 2:
            mutable = bytearray(valid)
            mutable[generator.randrange(len(mutable))] ^= 1 << generator.randrange(8)
            return struct.pack(">I", len(mutable)) + bytes(mutable)
        case 3:
            return struct.pack(">I", len(valid) + 10) + valid
        case _:
            return struct.pack(">I", 0)


def test_random_requests(shared: Daemon) -> None:
    address = address_of(shared)
    generator = random.Random(9)
    context = tls_context(address)
    port = shared.status()["bulk_port"]
    for turn in range(3000 if LONG else 80):
        with socket.create_connection(("localhost", port), 10) as plain:
            plain.settimeout(1)
            try:
                if turn % 4 == 0:
                    plain.sendall(generator.randbytes(300))
                    plain.recv(100)
                    continue
                with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
                    encrypted.sendall(hostile_bytes(generator))
                    if turn % 3 == 0:
                        encrypted.recv(100)
            except (OSError, ssl.SSLError):
                pass
    mine = Client(address)
    x = np.arange(500_000.0)
    assert np.array_equal(mine.add(x, 1.0), x + 1)
    mine.close()
    assert "ERROR" not in shared.log()


def test_who_says_nothing_is_sent_away(shared: Daemon) -> None:
    with socket.create_connection(("localhost", shared.status()["bulk_port"]), 10) as plain:
        plain.settimeout(20)
        start = time.monotonic()
        assert plain.recv(10) == b""
        assert 8 < time.monotonic() - start < 15


def test_a_reader_that_stops(shared: Daemon) -> None:
    """It holds up nobody else, and its session can be ended."""
    address = address_of(shared)
    slow, other = Client(address), Client(address)
    x = np.arange(10_000_000.0)
    batch = slow.batch()
    batch.buffers = [(1, x.nbytes, None, slow.backend.upload(x))]
    batch.sync = True
    slow.backend.submit(batch)
    connection = BulkConnection(address, shared.status()["bulk_port"])
    transfer = pb.Transfer(session=slow.backend.channel.session, handle=1)
    reply = connection._ask(pb.BulkRequest(token=address.token, download=transfer))
    assert reply.bytes == x.nbytes
    small = np.arange(1000.0)
    for k in range(20):
        assert np.array_equal(other.add(small, float(k)), small + k)
    held = shared.status()["memory_used"]
    start = time.monotonic()
    slow.backend.channel.act("close", pb.Transfer(session=slow.backend.channel.session))
    assert time.monotonic() - start < 5
    assert shared.status()["memory_used"] <= held - x.nbytes
    connection.close()
    other.close()


def test_many_transfers_at_once(shared: Daemon) -> None:
    """Sixteen sessions send and fetch at a time; each gets its own."""
    address = address_of(shared)
    wrong: list[object] = []

    def work(which: int) -> None:
        try:
            client = Client(address)
            x = np.random.default_rng(which).random(400_000 + which)
            for k in range(20 if LONG else 4):
                if not np.array_equal(client.add(x, float(k)), x + k):
                    wrong.append((which, k))
            client.close()
        except Exception as error:
            wrong.append((which, error))

    works: list[Callable[[], None]] = [lambda which=which: work(which) for which in range(16)]  # type: ignore[misc]
    threads = [threading.Thread(target=one) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert not wrong, wrong[:3]


def test_the_check_says_what_is_wrong_with_the_port(shared: Daemon) -> None:
    """Nobody there, silent, somebody else's: each with what to do; without the port all is well."""

    def checked(port: object, status: int, words: str) -> None:
        done = maniple("server", "check", shared.url, **(shared.environment() | {"MANIPLE_BULK_PORT": str(port)}))
        assert done.returncode == status, done
        last = done.stdout.splitlines()[-1]
        assert last.startswith("large arrays"), done.stdout
        assert words in last
        assert ("FAILED" in last) == bool(status)
        if status:
            assert "MANIPLE_BULK_PORT" in last

    checked(1, 1, "nobody listens on port 1: open it in the firewall")
    checked("off", 0, f"through port {shared.port}, too")
    checked(shared.port, 1, f"port {shared.port} is not the daemon's")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_hang_up, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        checked(port, 1, f"port {port} is not the daemon's")
    # A firewall that lets nothing through looks like this: no answer.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        with filled(port):
            checked(port, 1, f"port {port} does not answer")
    assert len(shared.status()["sessions"]) == 0, "its sessions are closed"


def _hang_up(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            listener.accept()[0].close()


@contextmanager
def filled(port: int) -> Iterator[None]:
    """Fill the queue of a listener, so that whoever comes next gets no answer."""
    waiting = []
    try:
        for _ in range(8):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            waiting.append(connection)
        time.sleep(0.2)
        yield
    finally:
        for connection in waiting:
            connection.close()
