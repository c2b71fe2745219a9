"""A daemon among many and hostile clients: right answers for all who ask rightly, the same process afterwards.

MANIPLE_LONG=1 runs the long form: as many calls as docs/daemon.md's figures are of.
"""

import os
import random
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.flight as flight
import pytest
from daemon_clients import FLOAT64, Client, address_of
from daemons import Daemon, Network, daemon
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import BackendError, Batch
from maniple._errors import ServerError
from maniple._remote import call_options, client_of

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
CLIENTS = 64


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("limits") / "trial"
    with daemon(directory, "--memory", "8g", "--session-memory", "1g", "--reconnect", "2s") as running:
        yield running


def percentile(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(part * len(times)))]


def test_many_clients_at_once(shared: Daemon) -> None:
    calls = 500 if LONG else 30
    address = address_of(shared)
    alone: list[float] = []
    first = Client(address)
    x = np.arange(1000.0)
    for k in range(100):
        start = time.perf_counter()
        assert np.array_equal(first.add(x, k), x + k)
        alone.append(time.perf_counter() - start)
    first.close()
    wrong: list[object] = []
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    large = np.arange(100e6 / 8)

    def work(which: int) -> None:
        try:
            client = Client(address)
            mine = large if which < 8 else np.arange(1000.0) * which
            for k in range(max(1, calls // 15) if which < 8 else calls):
                start = time.perf_counter()
                if not np.array_equal(client.add(mine, float(k)), mine + k):
                    wrong.append((which, k))
                times[which].append(time.perf_counter() - start)
            client.close()
        except Exception as error:
            wrong.append((which, error))

    threads = [threading.Thread(target=work, args=(which,)) for which in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert not wrong, wrong[:5]
    small = [t for own in times[8:] for t in own]
    print(
        f"\n{CLIENTS} clients: {len(small)} small calls, median {1e3 * statistics.median(small):.1f} ms, p99 "
        f"{1e3 * percentile(small, 0.99):.0f} ms; alone {1e3 * statistics.median(alone):.1f} ms"
    )
    shared.await_sessions(0, 30)


def test_more_sessions_than_allowed_are_told_to_come_back(tmp_path: Path) -> None:
    with daemon(tmp_path / "trial", "--sessions", "3", "--reconnect", "1s") as running:
        address = address_of(running)
        clients = [Client(address) for _ in range(3)]
        with pytest.raises(ServerError, match="try again"):
            Client(address)
        clients.pop().close()
        running.await_sessions(2, 10)
        clients.append(Client(address))
        x = np.arange(10.0)
        for client in clients:
            assert np.array_equal(client.add(x, 1.0), x + 1)
            client.close()


# -- what a session cannot do ----------------------------------------------------------------------------------------


def test_refused_before_anything_is_taken(shared: Daemon) -> None:
    """Huge shapes, long programs, wrong numbers: refused within a second, at no cost in memory."""
    client = Client(address_of(shared))
    x = np.arange(1000.0)
    before = shared.status()["memory_used"]
    add = client.operations["add:dd->d"]

    def refused(batch: Batch) -> None:
        batch.sync = True
        start = time.monotonic()
        with pytest.raises(BackendError) as caught:
            client.backend.submit(batch)
        assert time.monotonic() - start < 2
        assert len(caught.value.message) <= 4096
        assert "/" not in caught.value.message or "byte" in caught.value.message

    for shape, strides, nbytes in (
        ((1 << 40,), (8,), 1 << 43),
        ((1 << 62, 4), (32, 8), 1 << 62),
        ((3,), (1 << 62,), 24),
        ((3,), (-8,), 24),
        ((1,) * 65, (8,) * 65, 8),
        ((10,), (8,), 79),
    ):
        batch = client.batch()
        batch.layouts = [(FLOAT64, shape, strides)]
        batch.scalars = [(FLOAT64, 0, 0)]
        handle = client.handle = client.handle + 1
        batch.buffers = [(handle, nbytes, None, None)]
        client.instruction(batch, add, (handle, 0), (handle, 0), (0, 0))
        batch.observations = [(handle, 0, 8)]
        refused(batch)
    for operation, operands in ((1 << 30, ((1, 0),)), (add, ((1, 0),)), (add, ((99, 0), (99, 0), (99, 0))), (add, ())):
        batch = client.batch()
        batch.layouts = [(FLOAT64, (1,), (8,))]
        client.instruction(batch, operation, *operands)
        refused(batch)
    batch = client.batch()
    batch.layouts = [(FLOAT64, (1,), (8,))]
    handle = client.handle = client.handle + 1
    batch.buffers = [(handle, 8, bytes(8), None)]
    for _ in range(100_001):
        client.instruction(batch, add, (handle, 0), (handle, 0), (handle, 0))
    refused(batch)
    batch = client.batch()
    batch.buffers = [(client.handle + 1, 1 << 20, None, (0, 999, 1 << 20))]
    refused(batch)
    assert np.array_equal(client.add(x, 1.0), x + 1), "the session goes on"
    assert shared.status()["memory_used"] - before < 64 << 20
    client.close()


def test_sessions_cannot_reach_one_another(shared: Daemon) -> None:
    mine, other = Client(address_of(shared)), Client(address_of(shared))
    x = np.arange(200_000.0)
    batch = mine.batch()
    batch.buffers = [(7, x.nbytes, None, mine.backend.upload(x))]
    batch.sync = True
    mine.backend.submit(batch)
    assert np.array_equal(mine.backend.channel.download(7, x.nbytes).view(np.float64), x)
    generator = random.Random(3)
    for handle in (7, 1, 2, *[generator.getrandbits(40) for _ in range(300 if LONG else 30)]):
        stolen = other.batch()
        stolen.observations = [(handle, 0, 8)]
        with pytest.raises(BackendError):
            other.backend.submit(stolen)
    # Another session's uploads are not there either, and ids that are guessed lead nowhere.
    for number in range(20):
        stolen = other.batch()
        stolen.buffers = [(other.handle + 1, x.nbytes, None, (0, number, x.nbytes))]
        stolen.sync = True
        with pytest.raises(BackendError):
            other.backend.submit(stolen)
    with client_of(address_of(shared)) as client:
        for guess in ("", "0" * 48, mine.backend.channel.session[:-1] + "x"):
            ticket = flight.Ticket(pb.Transfer(session=guess, handle=7).SerializeToString())
            with pytest.raises((flight.FlightError, KeyError, OSError)):
                client.do_get(ticket, call_options(address_of(shared))).read_all()
    mine.close()
    other.close()


def test_memory_of_another_session_is_never_seen(shared: Daemon) -> None:
    first = Client(address_of(shared))
    x = np.full(1_000_000, 1.2345)
    first.add(x, 1.0)
    first.close()
    shared.await_sessions(0, 20)
    second = Client(address_of(shared))
    batch = second.batch()
    batch.layouts = [(FLOAT64, (1_000_000,), (8,))]
    batch.buffers = [(1, 8_000_000, None, None), (2, 8_000_000, None, None)]
    second.instruction(batch, second.operations["positive:d->d"], (2, 0), (1, 0))
    batch.observations = [(2, 0, 0)]
    (seen,) = second.backend.submit(batch)
    assert not np.asarray(seen).any()
    second.close()


# -- broken and hostile messages -------------------------------------------------------------------------------------


class Mangling(Network):
    """Flips a byte or two of what clients send, now and then."""

    def __init__(self, target: int, seed: int) -> None:
        super().__init__(target)
        self.generator = random.Random(seed)
        self.flipped = 0

    def changed(self, data: bytes, outwards: bool) -> bytes:
        if outwards and self.generator.random() < 0.3:
            mutable = bytearray(data)
            for _ in range(self.generator.randint(1, 2)):
                mutable[self.generator.randrange(len(mutable))] ^= 1 << self.generator.randrange(8)
            self.flipped += 1
            return bytes(mutable)
        return data


def test_flipped_bytes_on_the_wire(tmp_path: Path) -> None:
    """Without TLS, which would notice: the daemon's own decoders see what was flipped."""
    trial = tmp_path / "trial"
    running = Daemon(trial, "--reconnect", "1s", "--memory", "2g")
    (trial / "maniple.toml").write_text('token_file = "token"\n')
    running.start()
    plain = DaemonAddress("localhost", running.port, False, running.token)
    assert running.process is not None
    process = running.process.pid
    try:
        network = Mangling(running.port, 11)
        address = DaemonAddress("localhost", network.port, False, running.token)
        x = np.arange(5000.0)
        start = time.monotonic()
        answered = failed = 0
        # A frame that seems longer than it is keeps both waiting until their keep-alive notices.
        while time.monotonic() < start + (600 if LONG else 10) or (
            network.flipped <= 20 and time.monotonic() < start + 90
        ):
            try:
                client = Client(address)
                client.backend.channel.patience = 0.0
                for k in range(5):
                    client.add(x, float(k))
                    answered += 1
                client.close()
            except (BackendError, ServerError, Exception):
                failed += 1
        network.close()
        assert network.flipped > 20
        assert failed > 0
        good = Client(plain)
        for k in range(20):
            assert np.array_equal(good.add(x, float(k)), x + k)
        good.close()
        assert running.process.pid == process
        assert running.process.poll() is None
        print(f"\n{network.flipped} messages changed, {answered} calls answered, {failed} clients failed")
    finally:
        running.stop()


def test_random_messages(shared: Daemon) -> None:
    """Bytes that are no messages, and messages whose parts were changed, where the daemon decodes them."""
    generator = random.Random(5)
    address = address_of(shared)
    options = call_options(address, 20)
    start = time.monotonic()
    opening = pb.Opening(hello=pb.HelloRequest(formats=[2], client_version="x")).SerializeToString()
    count = 3000 if LONG else 60

    def mutated(message: bytes) -> bytes:
        data = bytearray(message or b"\0")
        for _ in range(generator.randint(1, 8)):
            place = generator.randrange(len(data))
            match generator.randrange(3):
                case 0:
                    data[place] = generator.randrange(256)
                case 1:
                    del data[place : place + generator.randint(1, 9)]
                    data = data or bytearray(b"\0")
                case _:
                    data[place:place] = generator.randbytes(generator.randint(1, 9))
        return bytes(data)

    batch = pb.Batch(format=2, number=1, operation=[5, 6], operand_count=[3, 3], source=[0, 0], sync=True)
    batch.layouts.add(type=FLOAT64, shape=[10], strides=[8])
    batch.buffers.add(handle=1, bytes=80, content=bytes(80))
    batch.operand_buffer.extend([1] * 6)
    batch.operand_layout.extend([0] * 6)
    batch.operand_offset.extend([0] * 6)
    with client_of(address) as client:
        for _ in range(count):
            writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"x"), options)
            try:
                writer.write_metadata(opening if generator.random() < 0.8 else mutated(opening))
                reader.read_chunk()
                call = pb.Call(number=1, batch=batch).SerializeToString()
                for number in range(1, 4):
                    writer.write_metadata(mutated(pb.Call(number=number, batch=batch).SerializeToString()))
                    reader.read_chunk()
                writer.write_metadata(call)
            except (flight.FlightError, OSError, StopIteration, ValueError, KeyError):
                pass
            finally:
                try:
                    writer.close()
                except (flight.FlightError, OSError, ValueError, KeyError):
                    pass
            ticket = mutated(pb.Transfer(session="x" * 48, handle=1).SerializeToString())
            with pytest.raises((flight.FlightError, OSError, ValueError, KeyError)):
                client.do_get(flight.Ticket(ticket), options).read_all()
            for name in ("interrupt", "uploaded", "close"):
                with pytest.raises((flight.FlightError, OSError, ValueError, KeyError)):
                    list(client.do_action(flight.Action(name, mutated(ticket)), options))
    assert time.monotonic() - start < 600
    good = Client(address)
    x = np.arange(100.0)
    assert np.array_equal(good.add(x, 2.0), x + 2)
    good.close()
    assert "OutOfMemory" not in shared.log()
    assert "NullPointer" not in shared.log()
