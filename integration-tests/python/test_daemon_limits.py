"""A daemon among many and hostile clients: right answers for all who ask rightly, the same process afterwards.

MANIPLE_LONG=1 runs the long form: as many calls as docs/daemon.md's figures are of.
"""

import os
import random
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
from maniple._backend import BackendError
from maniple._errors import ServerError
from maniple._remote import call_options, client_of
from sharing import measure, percentile

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
CLIENTS = 64


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("limits") / "trial"
    with daemon(directory, "--memory", "8g", "--session-memory", "1g", "--reconnect", "2s") as running:
        yield running


def test_many_clients_at_once(shared: Daemon) -> None:
    """Right answers for all of 64 sessions in one process, 8 of them with arrays of 100 MB."""
    calls = 5000 if LONG else 50
    address = address_of(shared)
    wrong: list[object] = []
    large = np.arange(100e6 / 8)

    def work(which: int) -> None:
        try:
            client = Client(address)
            mine = large if which < 8 else np.arange(1000.0) * which
            for k in range(calls // 50 if which < 8 else calls):
                if not np.array_equal(client.add(mine, float(k)), mine + k):
                    wrong.append((which, k))
            client.close()
        except Exception as error:
            wrong.append((which, error))

    threads = [threading.Thread(target=work, args=(which,)) for which in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3000)
    assert not wrong, wrong[:5]
    shared.await_sessions(0, 30)


def test_small_calls_beside_large_ones(tmp_path: Path) -> None:
    """Nobody waits for long for others, and equal clients get equal parts; each client has its own interpreter, or a
    part of one that is idle most of the time."""
    seconds = 60.0 if LONG else 3.0
    with daemon(tmp_path / "trial", "--memory", "8g", "--sessions", "80") as running:
        alone, many, beside, loaded = measure(running, seconds, 0.2)
    print(f"\none small client: {alone}\n56 small clients: {many}\nbeside 8 with 100 MB: {beside}\nthose 8: {loaded}")
    print(f"shares: small {beside.share():.2f}, large {loaded.share():.2f}")
    assert alone.wrong + many.wrong + beside.wrong + loaded.wrong == 0
    assert beside.share() <= 3
    assert loaded.share() <= 3
    # What is compared with has as many processes, too: on two cores they wait for one another.
    assert percentile(beside.all, 0.99) < 20 * percentile(many.all, 0.99)


SUMS = """
import hashlib, sys
import numpy as np
real = sys.modules["numpy"]
digest = hashlib.sha256()
a = np.random.default_rng(11).random(1_000_000)
for k in range(4):
    for b in (
        np.sin(a * k) + 0.1, a.cumsum(), np.sort(a * -k), np.fft.rfft(a), a.reshape(500, 2000) @ a[:4000].reshape(2000, 2),
        a.reshape(1000, 1000).var(axis=k % 2), a[a > 0.1 * k].sum(), a.reshape(10, 100, 1000).sum(axis=1), np.median(a[k:]),
        np.linalg.solve(a[:90_000].reshape(100, 30, 30), a[:3000].reshape(100, 30, 1)), np.histogram(a, 50)[0],
    ):
        digest.update(real.ascontiguousarray(real.asarray(b)).tobytes())
print(digest.hexdigest())
"""


def test_results_are_the_same_beside_others(shared: Daemon) -> None:
    """To the bit: steps are left for those of others, and taken up again."""
    alone = shared.run(SUMS)
    beside = [shared.begin(SUMS) for _ in range(2)]
    for process in beside:
        out, error = process.communicate(timeout=240)
        assert process.returncode == 0, error
        assert out == alone


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
