"""What a hostile client of a daemon tries: too much of everything, what is packed small, other people's arrays.

It is refused at once and costs nobody anything. MANIPLE_LONG=1 tries more of it.
"""

import os
import random
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pytest
from daemon_clients import FLOAT64, Client, address_of
from daemons import Daemon, daemon
from maniple import _program_pb2 as pb
from maniple._backend import BackendError, BackendLost, Batch
from maniple._bulk import BulkConnection
from maniple._errors import ServerError
from maniple._remote import call_options, client_of, connect

LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")
MIB = 1 << 20
SECONDS = 1.0
REFUSALS = (BackendError, BackendLost, pa.ArrowException, OSError, KeyError, ValueError)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    data = tmp_path_factory.mktemp("data")
    packed_files(data)
    directory = tmp_path_factory.mktemp("hostile") / "trial"
    options = ("--memory", "4g", "--session-memory", "96m", "--spill", "off", "--reconnect", "2s", "--data", data)
    with daemon(directory, *options) as running:
        warm_up(running)
        yield running
        assert "ERROR" not in running.log(), running.log()


def warm_up(running: Daemon) -> None:
    """What the Java runtime takes for classes and compiled code is no matter here."""
    for _ in range(2):
        client = Client(address_of(running))
        for k in range(200):
            client.add(np.arange(1000.0), float(k))
        client.add(np.arange(1e6), 1.0)
        client.close()


def resident(running: Daemon) -> int:
    """Memory of the daemon's process outside of its heap's garbage: what it has touched so far."""
    assert running.process is not None
    text = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


# -- too much --------------------------------------------------------------------------------------------------------


def packed_files(folder: Path) -> None:
    """Files of some kilobytes that say they hold gigabytes."""
    import pyarrow.parquet as parquet

    zeros = pa.table({"x": np.zeros(110_000_000, "u1")})
    parquet.write_table(
        zeros, folder / "gzip.parquet", compression="gzip", use_dictionary=False, data_page_size=1 << 30
    )
    parquet.write_table(zeros, folder / "snappy.parquet", compression="snappy", use_dictionary=False)
    for codec in ("zstd", "lz4"):
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with pa.OSFile(str(folder / f"{codec}.arrow"), "wb") as out, pa.ipc.new_file(
            out, zeros.schema, options=options
        ) as writer:  # fmt: skip
            writer.write_table(zeros)
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    (folder / "promise.npy").write_bytes(data + bytes(1000))
    (folder / "packed.npy").write_bytes(data + zlib.compress(bytes(10_000_000)))
    header = "{" + "(" * 60_000 + "}"
    (folder / "deep.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())


class Hostile(Client):
    """Sends what the shim never would."""

    def sync(self, change: Callable[[Batch], None]) -> None:
        batch = self.batch()
        change(batch)
        batch.sync = True
        self.backend.submit(batch)

    def shape(self, shape: tuple[int, ...], strides: tuple[int, ...], nbytes: int) -> None:
        def change(batch: Batch) -> None:
            self.handle += 1
            batch.layouts = [(FLOAT64, shape, strides)]
            batch.scalars = [(FLOAT64, 0, 0)]
            batch.buffers = [(self.handle, nbytes, None, None)]
            self.instruction(batch, self.operations["add:dd->d"], (self.handle, 0), (self.handle, 0), (0, 0))
            batch.observations = [(self.handle, 0, 8)]

        self.sync(change)

    def chain(self, instructions: int) -> None:
        def change(batch: Batch) -> None:
            self.handle += 1
            batch.layouts = [(FLOAT64, (10,), (8,))]
            batch.buffers = [(self.handle, 80, bytes(80), None)]
            batch.operation = [self.operations["add:dd->d"]] * instructions
            batch.operand_count = [3] * instructions
            batch.source = [0] * instructions
            batch.operand_buffer = [self.handle] * 3 * instructions
            batch.operand_layout = [0] * 3 * instructions
            batch.operand_offset = [0] * 3 * instructions

        self.sync(change)

    def wrong(self, operation: int, operands: tuple[tuple[int, int], ...]) -> None:
        def change(batch: Batch) -> None:
            batch.layouts = [(FLOAT64, (1,), (8,))]
            self.instruction(batch, operation, *operands)

        self.sync(change)

    def place(self, number: int) -> None:
        def change(batch: Batch) -> None:
            batch.buffers = [(self.handle + 1, MIB, None, (0, number, MIB))]

        self.sync(change)

    def observe(self, times: int, length: int) -> None:
        def change(batch: Batch) -> None:
            self.handle += 1
            batch.buffers = [(self.handle, length, bytes(length), None)]
            batch.observations = [(self.handle, 0, length)] * times

        self.sync(change)

    def buffers(self, count: int, nbytes: int) -> None:
        def change(batch: Batch) -> None:
            batch.buffers = [(1000 + k, nbytes, bytes(nbytes), None) for k in range(count)]

        self.sync(change)

    def upload(self, nbytes: int) -> None:
        channel = self.backend.channel
        connection = BulkConnection(channel.address, channel.bulk_port)
        try:
            transfer = pb.Transfer(session=channel.session, upload="large", bytes=nbytes)
            reply = connection._ask(pb.BulkRequest(token=channel.address.token, upload=transfer))
            if reply.status != pb.OK:
                raise BackendError(reply.status, reply.message)
        finally:
            connection.close()

    def load(self, name: str) -> None:
        reply = self.backend.load(name)
        if reply.status != pb.OK:
            raise BackendError(reply.status, reply.message)

    def act(self, nbytes: int, *options: tuple[str, int]) -> None:
        address = self.backend.channel.address
        client = flight.FlightClient(address.location, tls_root_certs=address.ca, generic_options=list(options))
        with client:
            list(client.do_action(flight.Action("interrupt", bytes(nbytes)), call_options(address, 20)))

    def put(self, rows: int, compression: str | None, *options: tuple[str, int]) -> None:
        """Zeros as one record batch."""
        channel = self.backend.channel
        address = channel.address
        headers = [(b"authorization", b"Bearer " + address.token.encode())]
        written = pa.ipc.IpcWriteOptions(compression=compression)
        call = flight.FlightCallOptions(headers=headers, timeout=20, write_options=written)
        transfer = pb.Transfer(session=channel.session, upload="zeros", bytes=rows)
        descriptor = flight.FlightDescriptor.for_command(transfer.SerializeToString())
        client = flight.FlightClient(address.location, tls_root_certs=address.ca, generic_options=list(options))
        table = pa.record_batch({"data": np.zeros(rows, "u1")})
        with client:
            writer, reader = client.do_put(descriptor, table.schema, call)
            writer.write_batch(table)
            writer.done_writing()
            metadata = reader.read()
            reply = pb.Uploaded.FromString(metadata.to_pybytes() if metadata else b"")
            writer.close()
        if reply.status != pb.OK or reply.received != rows:
            raise BackendError(reply.status, reply.message)

    def metadata(self, nbytes: int) -> None:
        """Headers that are too long."""
        address = self.backend.channel.address
        headers = [(b"authorization", b"Bearer " + address.token.encode()), (b"x-padding", b"x" * nbytes)]
        with client_of(address) as client:
            list(client.do_action(flight.Action("version", b""), flight.FlightCallOptions(headers=headers, timeout=20)))

    def nested(self, depth: int) -> None:
        """Groups in groups, of which protobuf makes a call each."""
        address = self.backend.channel.address
        with client_of(address) as client:
            body = b"\x83\x7d" * depth
            list(client.do_action(flight.Action("interrupt", body), call_options(address, 20)))


TOO_MUCH: dict[str, Callable[[Hostile], None]] = {
    "a vector of 8 TiB": lambda c: c.shape((1 << 40,), (8,), 1 << 43),
    "a matrix of 2^64 elements": lambda c: c.shape((1 << 62, 4), (32, 8), 1 << 62),
    "strides beyond everything": lambda c: c.shape((3,), (1 << 62,), 24),
    "strides before the beginning": lambda c: c.shape((3,), (-8,), 24),
    "65 dimensions": lambda c: c.shape((1,) * 65, (8,) * 65, 8),
    "a buffer too short": lambda c: c.shape((10,), (8,), 79),
    "more than the session's memory": lambda c: c.shape((13_000_000,), (8,), 104_000_000),
    "an operation that is not there": lambda c: c.wrong(1 << 30, ((1, 0),)),
    "an operation without operands": lambda c: c.wrong(c.operations["add:dd->d"], ()),
    "too few operands": lambda c: c.wrong(c.operations["add:dd->d"], ((1, 0),)),
    "a buffer that is not there": lambda c: c.wrong(c.operations["add:dd->d"], ((99, 0), (99, 0), (99, 0))),
    "an upload that is not there": lambda c: c.place(999),
    "100,001 instructions": lambda c: c.chain(100_001),
    "a graph of a million nodes": lambda c: c.chain(1_000_000),
    "6.5 GB of observations": lambda c: c.observe(100_000, 1 << 16),
    "a batch of 40 MB": lambda c: c.buffers(640, 1 << 16),
    "an upload of 1 PB": lambda c: c.upload(1 << 50),
    "an upload of 100 MiB": lambda c: c.upload(100 * MIB),
    "an action of 300 MiB": lambda c: c.act(300 * MIB),
    "a compressed action of 300 MiB": lambda c: c.act(300 * MIB, ("grpc.default_compression_algorithm", 2)),
    "a deflated action of 60 MiB": lambda c: c.act(60 * MIB, ("grpc.default_compression_algorithm", 1)),
    "zeros by LZ4": lambda c: c.put(80 * MIB, "lz4"),
    "zeros by Zstandard": lambda c: c.put(80 * MIB, "zstd"),
    "a record batch of 80 MiB": lambda c: c.put(80 * MIB, None),
    "a compressed record batch": lambda c: c.put(50 * MIB, None, ("grpc.default_compression_algorithm", 2)),
    "headers of 32 KiB": lambda c: c.metadata(32 << 10),
    "messages in messages": lambda c: c.nested(1_000_000),
    "zeros in Parquet by gzip": lambda c: c.load("gzip.parquet"),
    "zeros in Parquet by Snappy": lambda c: c.load("snappy.parquet"),
    "zeros in Arrow by Zstandard": lambda c: c.load("zstd.arrow"),
    "zeros in Arrow by LZ4": lambda c: c.load("lz4.arrow"),
    "a .npy file of 8 TB": lambda c: c.load("promise.npy"),
    "a .npy file that is packed": lambda c: c.load("packed.npy"),
    "a .npy file of brackets": lambda c: c.load("deep.npy"),
}


ENDING = ("a graph of a million nodes", "a batch of 40 MB")
"""What no client of ours could send ends the session, too."""


@pytest.mark.parametrize("attempt", TOO_MUCH)
def test_too_much_is_refused_at_once(shared: Daemon, attempt: str) -> None:
    client = Hostile(address_of(shared))
    x = np.arange(1000.0)
    assert np.array_equal(client.add(x, 1.0), x + 1)
    held, before = shared.status()["memory_used"], resident(shared)
    start = time.monotonic()
    with pytest.raises(REFUSALS) as refused:
        TOO_MUCH[attempt](client)
    took = time.monotonic() - start
    grown = resident(shared) - before
    print(f"\n{attempt}: {took:.2f} s, {grown / MIB:.1f} MiB, {str(refused.value)[:150]}")
    assert len(str(refused.value)) < 5000
    # The client's own part of it, such as packing 300 MiB, may take a while.
    assert took < SECONDS + (2 if "M" in attempt or "million" in attempt else 0)
    assert grown < 64 * MIB
    # An upload that was announced has its memory until it is given up.
    channel = client.backend.channel
    if channel.lost is None:
        channel.act("discard", pb.Transfer(session=channel.session, upload="zeros"))
        assert abs(shared.status()["memory_used"] - held) < MIB
        assert np.array_equal(client.add(x, 2.0), x + 2), "the session goes on"
    else:
        assert attempt in ENDING, "the session goes on"
    client.close()
    shared.await_sessions(0, 10)


def test_more_threads_than_there_are(shared: Daemon) -> None:
    """A client may ask for fewer only."""
    assert shared.process is not None
    tasks = Path(f"/proc/{shared.process.pid}/task")
    before = len(list(tasks.iterdir()))
    x = np.arange(1e6)
    for threads in (1, 5000, (1 << 32) - 1):
        client = Client.__new__(Client)
        client.backend = connect(address_of(shared), pb.SessionOptions(threads=threads))
        client.operations = client.backend.operations()
        client.handle = client.number = 0
        assert np.array_equal(client.add(x, 1.0), x + 1)
        client.close()
    assert len(list(tasks.iterdir())) < before + 20


def test_answers_that_nobody_acknowledges(shared: Daemon) -> None:
    """They are kept, but not without end."""
    address = address_of(shared)
    opening = pb.Opening(hello=pb.HelloRequest(formats=[2], client_version="x"))
    batch = pb.Batch(format=2, sync=True)
    batch.buffers.add(handle=1, bytes=1 << 16, content=bytes(1 << 16))
    with client_of(address) as client:
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"x"), call_options(address, 60))
        writer.write_metadata(opening.SerializeToString())
        reader.read_chunk()
        answered = 0

        def call(number: int) -> None:
            batch.number = number
            writer.write_metadata(pb.Call(number=number, batch=batch).SerializeToString())
            assert pb.Answer.FromString(reader.read_chunk().app_metadata.to_pybytes()).reply.status == pb.OK

        call(1)
        del batch.buffers[:]
        batch.observations.extend([pb.Observation(handle=1, length=1 << 16)] * 30)

        def until_refused() -> None:
            nonlocal answered
            for number in range(2, 100):
                call(number)
                answered = number

        with pytest.raises(REFUSALS, match="not acknowledged"):
            until_refused()
        assert 3 < answered < 10, "8 MiB of them"
        with pytest.raises(REFUSALS):
            writer.close()


# -- other people's arrays -------------------------------------------------------------------------------------------


def test_guessed_and_replayed_handles(shared: Daemon) -> None:
    """Sixteen sessions look for the arrays of others, by handles, uploads and ids that are guessed or were overheard."""
    sessions = 16
    tries = 62_500 if LONG else 625
    clients = [Client(address_of(shared)) for _ in range(sessions)]
    secret = [np.full(200_000, 1.0 + which) for which in range(sessions)]
    for which, client in enumerate(clients):
        batch = client.batch()
        client.handle = 1000 * (which + 1)
        batch.buffers = [(client.handle, secret[which].nbytes, None, client.backend.upload(secret[which]))]
        batch.sync = True
        client.backend.submit(batch)

    def pry(which: int) -> int:
        client = clients[which]
        generator = random.Random(which)
        channel = client.backend.channel
        connection = BulkConnection(channel.address, channel.bulk_port)
        refused = 0
        with client_of(channel.address) as other:
            for turn in range(tries):
                # What another session really has, or a guess near it.
                handle = 1000 * (1 + (which + generator.randrange(1, sessions)) % sessions)
                handle = generator.choice([handle, handle, handle + 1, generator.getrandbits(62) | 1])
                match turn % 10:
                    case 0 if turn % 50 == 0:
                        # An id that was overheard and changed, as a download.
                        session = list(clients[(which + 1) % sessions].backend.channel.session)
                        session[generator.randrange(48)] = "g"
                        request = pb.Transfer(session="".join(session), handle=handle)
                        with pytest.raises(REFUSALS):
                            other.do_get(
                                flight.Ticket(request.SerializeToString()), call_options(channel.address, 20)
                            ).read_all()
                    case 1 | 2 | 3:
                        transfer = pb.Transfer(session=channel.session, handle=handle)
                        reply = connection._ask(pb.BulkRequest(token=channel.address.token, download=transfer))
                        assert reply.status == pb.UNKNOWN_BUFFER
                    case 4:
                        batch = client.batch()
                        batch.buffers = [(handle + 7, 1_600_000, None, (0, generator.randrange(1, 5), 1_600_000))]
                        batch.sync = True
                        with pytest.raises(BackendError):
                            client.backend.submit(batch)
                    case 5:
                        transfer = pb.Transfer(session=channel.session, upload=f"{handle}", bytes=8)
                        answer = pb.Uploaded.FromString(channel.act("uploaded", transfer))
                        assert answer.received == 0
                    case _:
                        batch = client.batch()
                        batch.observations = [(handle, 0, 8)]
                        with pytest.raises(BackendError):
                            client.backend.submit(batch)
                refused += 1
        connection.close()
        return refused

    with ThreadPoolExecutor(sessions) as pool:
        assert sum(pool.map(pry, range(sessions))) == sessions * tries
    for which, client in enumerate(clients):
        seen = client.backend.channel.download(1000 * (which + 1), secret[which].nbytes).view(np.float64)
        assert np.array_equal(seen, secret[which]), "nobody has written there either"
        client.close()
    shared.await_sessions(0, 10)


def test_another_users_session(tmp_path: Path) -> None:
    """With its id, which only it knows: it is not there for others."""
    from daemons import maniple

    users = tmp_path / "users"
    tokens = [maniple("server", "new-user", users, name).stdout.strip() for name in ("ann", "bob")]
    running = Daemon(tmp_path / "trial")
    (tmp_path / "trial/maniple.toml").write_text(
        'tls_cert = "server.pem"\ntls_key = "server-key.pem"\nusers = "../users"\nreconnect = "3s"\n'
    )
    running.start()
    try:
        first = address_of(running)
        ann = Client(type(first)(first.host, first.port, True, tokens[0], first.ca))
        bob = type(first)(first.host, first.port, True, tokens[1], first.ca)
        x = np.arange(200_000.0)
        batch = ann.batch()
        batch.buffers = [(1, x.nbytes, None, ann.backend.upload(x))]
        batch.sync = True
        ann.backend.submit(batch)
        ann.handle = 1
        transfer = pb.Transfer(session=ann.backend.channel.session, handle=1)
        with client_of(bob) as client:
            options = call_options(bob, 20)
            for name in ("interrupt", "uploaded", "discard", "close"):
                with pytest.raises(REFUSALS, match="not known"):
                    list(client.do_action(flight.Action(name, transfer.SerializeToString()), options))
            with pytest.raises(REFUSALS, match="not known"):
                client.do_get(flight.Ticket(transfer.SerializeToString()), options).read_all()
            writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"x"), options)
            writer.write_metadata(pb.Opening(session=transfer.session).SerializeToString())
            opened = pb.Opened.FromString(reader.read_chunk().app_metadata.to_pybytes())
            assert opened.hello.status == pb.UNKNOWN_SESSION
            writer.close()
        connection = BulkConnection(bob, ann.backend.channel.bulk_port)
        reply = connection._ask(pb.BulkRequest(token=bob.token, download=transfer))
        assert reply.status == pb.UNKNOWN_SESSION
        connection.close()
        assert np.array_equal(ann.add(x, 1.0), x + 1)
        ann.close()
    finally:
        running.stop()


def test_memory_is_zeroed_before_another_session_has_it(shared: Daemon) -> None:
    """Of every size, large and small, whatever was done with it before."""
    marked = 0x5EC2E7
    sizes = [64, 1000, 40_000, 300_000, 3_000_000] + ([100, 5_000, 70_000, 1_000_000] if LONG else [])
    for turn in range(20 if LONG else 3):
        first = Client(address_of(shared))
        for nbytes in sizes:
            x = np.full(nbytes // 8, marked, np.int64).view(np.float64)
            first.add(x, 0.0)
        batch = first.batch()
        batch.buffers = [(90_000 + k, n, b"\xee" * n, None) for k, n in enumerate(sizes) if n <= 1 << 16]
        batch.sync = True
        first.backend.submit(batch)
        first.close()
        shared.await_sessions(0, 10)
        second = Client(address_of(shared))
        for k, nbytes in enumerate(sizes):
            batch = second.batch()
            count = nbytes // 8
            batch.layouts = [(FLOAT64, (count,), (8,))]
            handles = [100 * turn + 10 * k + 1 + j for j in range(4)]
            batch.buffers = [(handle, nbytes, None, None) for handle in handles]
            for source, target in ((handles[0], handles[1]), (handles[2], handles[3])):
                second.instruction(batch, second.operations["positive:d->d"], (target, 0), (source, 0))
            batch.observations = [(handle, 0, 0) for handle in handles]
            for seen in second.backend.submit(batch):
                assert not np.asarray(seen).any(), (turn, nbytes)
        second.close()


def test_sessions_beyond_what_there_may_be(tmp_path: Path) -> None:
    """And names that are too long, formats that nobody knows, engines that are not there."""
    with daemon(tmp_path / "trial", "--sessions", "2", "--reconnect", "1s") as running:
        address = address_of(running)
        with pytest.raises(ServerError, match="engine must be one of"):
            connect(address, pb.SessionOptions(engine="steam"))
        with client_of(address) as client:
            for opening, words in (
                (pb.Opening(hello=pb.HelloRequest(formats=[99])), "speaks format"),
                (pb.Opening(hello=pb.HelloRequest(formats=[2]), name="x" * 65), "at most 64"),
                (pb.Opening(session="x" * 48), "not known"),
            ):
                writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"x"), call_options(address, 9))
                writer.write_metadata(opening.SerializeToString())
                opened = pb.Opened.FromString(reader.read_chunk().app_metadata.to_pybytes())
                assert words in opened.hello.message
                writer.close()
        assert running.status()["sessions"] == []
