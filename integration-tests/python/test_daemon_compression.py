"""Large arrays that travel compressed: bit for bit, resumed where they stopped, and no piece unpacks to more than it may."""

import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from daemons import Daemon, Network, daemon, maniple
from maniple import _program_pb2 as pb
from maniple._bulk import LEAST_BYTES, BulkConnection
from maniple._progress import Progress
from test_daemon_limits import Client, address_of

CODECS = ("lz4", "zstd")
ARROW = {"lz4": "lz4_raw", "zstd": "zstd"}
PIECE = 1 << 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("compression") / "trial"
    with daemon(directory, "--compression", "on", "--memory", "4g", "--session-memory", "2g") as running:
        yield running


@pytest.fixture
def network(shared: Daemon) -> Iterator[Network]:
    made = Network(shared.status()["bulk_port"])
    yield made
    made.close()


PROGRAM = """
import sys
import numpy as np
real = sys.modules["numpy"]
generator = real.random.default_rng(1)
for n in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 22) + 16383, 5_000_003):
    for x in ((real.arange(n) % 251).astype("u1"), real.arange(n // 8).astype("f8"),
              generator.integers(0, 256, n).astype("u1")):
        a = np.array(x)
        b = a[::-1] + a
        assert real.array_equal(real.asarray(b), x[::-1] + x), (n, x.dtype)
print("equal")
"""


@pytest.mark.parametrize("codec", CODECS)
def test_sizes_and_contents(shared: Daemon, network: Network, codec: str) -> None:
    """Around a piece's size; what compresses well, and what does not at all."""
    out = shared.run(PROGRAM, shared.port, network.port, MANIPLE_COMPRESSION=codec)
    assert out == "equal\n"
    compressed = network.bytes
    assert compressed > 20 << 20, "random bytes are sent as they are"
    shared.run(PROGRAM, shared.port, network.port)
    assert compressed < 0.75 * (network.bytes - compressed)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("limit", [1, 100_000, 700_000, 9_000_000])
def test_transfers_go_on_where_they_stopped(shared: Daemon, network: Network, codec: str, limit: int) -> None:
    program = """
import sys
import numpy as np
real = sys.modules["numpy"]
x = real.round(real.random.default_rng(3).random(2_000_000), 2)
a = np.array(x)
print(real.array_equal(real.asarray(a[::-1] + 1.0), x[::-1] + 1.0))
"""
    network.limit = limit
    assert shared.run(program, shared.port, network.port, MANIPLE_COMPRESSION=codec) == "True\n"
    assert network.limit == 0, "it was cut"
    assert network.bytes < 29_000_000, "less than the 32 MB of the arrays, though some pieces went twice"


@pytest.fixture
def client(shared: Daemon) -> Iterator[Client]:
    made = Client(address_of(shared))
    yield made
    made.close()


def connection(client: Client) -> BulkConnection:
    return BulkConnection(client.backend.channel.address, client.backend.channel.bulk_port)


def hostile_pieces(codec: str, size: int) -> list[bytes]:
    """Each begins the content of an upload of that size."""
    packing = pa.Codec(ARROW[codec])
    header = struct.Struct(">II")
    good = packing.compress(bytes(PIECE), asbytes=True)
    large = packing.compress(bytes(64 << 20), asbytes=True)
    generator = random.Random(5)
    flipped = bytearray(packing.compress(bytes(i * i % 251 for i in range(PIECE)), asbytes=True))
    for _ in range(20):
        flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
    return [
        header.pack(0, 0),
        header.pack(PIECE, 0),
        header.pack(0, 1) + b"x",
        header.pack(PIECE + 1, len(good)) + good,
        header.pack((1 << 32) - 1, (1 << 32) - 1) + bytes(100),
        header.pack(PIECE, PIECE + 1) + bytes(PIECE + 1),
        # Bombs: they unpack to more, or less, than they say.
        header.pack(PIECE, len(large)) + large,
        header.pack(PIECE - 1, len(good)) + good,
        header.pack(PIECE, len(packing.compress(bytes(1000), asbytes=True)))
        + packing.compress(bytes(1000), asbytes=True),
        header.pack(PIECE, 5000) + generator.randbytes(5000),
        header.pack(PIECE, len(flipped)) + bytes(flipped),
        # More than the upload has.
        b"".join(header.pack(PIECE, len(good)) + good for _ in range(size // PIECE)) + header.pack(1, 1) + b"x",
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_no_piece_unpacks_to_more_than_it_may(shared: Daemon, client: Client, codec: str) -> None:
    """The connection ends; the session, its memory and its other uploads are as they were."""
    size = 4 * PIECE
    pid = shared.status()["pid"]
    before = resident(pid)
    pieces = hostile_pieces(codec, size)
    start = time.monotonic()
    for number, piece in enumerate(pieces):
        transfer = pb.Transfer(session=client.backend.channel.session, upload=f"{codec}-{number}", bytes=size)
        hostile = connection(client)
        reply = hostile._ask(pb.BulkRequest(token=hostile.token, upload=transfer, codec=getattr(pb, codec.upper())))
        assert reply.status == pb.OK
        last = number == len(pieces) - 1
        try:
            hostile.socket.sendall(piece)
            answer = hostile._reply()
            # All of the last one's arrives before the byte too many, which is no request.
            assert last, number
            assert answer.offset == size
            hostile._reply()
            pytest.fail("what came after the content was answered")
        except OSError:
            hostile.close()
        client.backend.channel._discard(transfer)
    assert time.monotonic() - start < 30
    assert resident(pid) - before < 200 << 20
    x = np.arange(300_000.0)
    client.backend.channel.codec = codec
    assert np.array_equal(client.add(x, 1.0), x + 1)
    assert shared.status()["pid"] == pid


def resident(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) << 10


def test_a_codec_that_nobody_knows(shared: Daemon, client: Client) -> None:
    transfer = pb.Transfer(session=client.backend.channel.session, upload="unknown", bytes=LEAST_BYTES)
    asking = connection(client)
    reply = asking._ask(pb.BulkRequest(token=asking.token, upload=transfer, codec=99))  # type: ignore[arg-type]
    assert reply.status == pb.INVALID_PROGRAM
    asking.close()


def test_a_daemon_that_does_not_compress(tmp_path: Path) -> None:
    """It says so at once, and takes no compressed content from who asks for it all the same."""
    with daemon(tmp_path / "trial") as running:
        program = "import numpy as np; print((np.ones(100_000) + 1).sum())"
        refused = maniple("-c", program, **(running.environment() | {"MANIPLE_COMPRESSION": "zstd"}))
        assert refused.returncode == 1, refused
        assert "--compression on" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        refused = maniple("-c", program, **(running.environment() | {"MANIPLE_COMPRESSION": "gzip"}))
        assert "it is lz4, zstd or off" in refused.stderr
        running.await_sessions(0, 10)
        assert running.run(program, MANIPLE_COMPRESSION="off") == "200000.0\n"
        client = Client(address_of(running))
        asking = BulkConnection(client.backend.channel.address, client.backend.channel.bulk_port, "lz4")
        content = np.zeros(LEAST_BYTES, np.uint8)
        transfer = pb.Transfer(session=client.backend.channel.session, upload="u", bytes=len(content))
        reply = asking.upload(content, transfer, Progress("sending"))
        assert reply.status == pb.INVALID_PROGRAM
        assert "--compression" in reply.message
        asking.close()
        client.close()
