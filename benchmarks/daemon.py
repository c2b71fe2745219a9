"""What a daemon's transport reaches: uploads, downloads, round trips, beside plain Arrow Flight over the same TLS.

Plain Flight is a server of pyarrow's own (C++ on both sides) that keeps one array; both get record batches of 8 MiB of
one column of bytes, and take turns. A round trip is a batch of one addition of 1,000 numbers with its result inline.

examples:
  .venv/bin/python benchmarks/daemon.py
  .venv/bin/python benchmarks/daemon.py --gigabytes 4 --repeats 3 --json result.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import Batch
from maniple._remote import RemoteBackend, call_options, client_of, connect

CHUNK = 8 << 20
SCHEMA = pa.schema([pa.field("data", pa.uint8(), nullable=False)])

PLAIN = """
import sys
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight

CHUNK = 8 << 20
SCHEMA = pa.schema([pa.field("data", pa.uint8(), nullable=False)])


def batch(piece):
    return pa.record_batch([pa.Array.from_buffers(pa.uint8(), len(piece), [None, pa.py_buffer(piece)])], schema=SCHEMA)


class Plain(flight.FlightServerBase):
    kept = np.empty(0, np.uint8)

    def do_put(self, context, descriptor, reader, writer):
        nbytes = int(descriptor.command)
        if len(self.kept) != nbytes:
            self.kept = np.empty(nbytes, np.uint8)
        done = 0
        for chunk in reader:
            column = chunk.data.column(0)
            self.kept[done : done + len(column)] = np.frombuffer(column.buffers()[1], np.uint8, len(column))
            done += len(column)

    def do_get(self, context, ticket):
        pieces = (batch(self.kept[at : at + CHUNK]) for at in range(0, len(self.kept), CHUNK))
        return flight.GeneratorStream(SCHEMA, pieces)


folder = sys.argv[1]
certificate = (open(folder + "/server.pem", "rb").read(), open(folder + "/server-key.pem", "rb").read())
server = Plain("grpc+tls://127.0.0.1:0", tls_certificates=[certificate])
print(server.port, flush=True)
server.serve()
"""


def start_daemon(folder: Path, memory: int) -> tuple[subprocess.Popen[str], DaemonAddress]:
    command = [sys.executable, "-m", "maniple", "server"]
    subprocess.run([*command, "init", str(folder)], check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(
        [*command, "--config", str(folder), "--listen", "127.0.0.1:0", "--log", str(folder / "log"),
         "--memory", str(memory), "--session-memory", str(memory)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    port = int(process.stdout.readline().rpartition(":")[2])
    token = (folder / "token").read_text().strip()
    return process, DaemonAddress("localhost", port, True, token, (folder / "ca.pem").read_bytes())


class Maniple:
    """One session, used without the shim."""

    def __init__(self, address: DaemonAddress) -> None:
        self.backend: RemoteBackend = connect(address, pb.SessionOptions())
        self.add = self.backend.operations()["add:dd->d"]
        self.handle = 0
        self.number = 0

    def _batch(self) -> Batch:
        self.number += 1
        batch = Batch()
        batch.number = self.number
        return batch

    @staticmethod
    def _instruction(batch: Batch, operation: int, *operands: int) -> None:
        """Append one; all views have the batch's one layout, 0 is its one scalar."""
        batch.operation.append(operation)
        batch.operand_count.append(len(operands))
        batch.source.append(0)
        for operand in operands:
            batch.operand_buffer.append(operand)
            batch.operand_layout.append(0)
            batch.operand_offset.append(0)

    def _free(self, *handles: int) -> None:
        batch = self._batch()
        for handle in handles:
            self._instruction(batch, 0, handle)
        batch.sync = True
        self.backend.submit(batch)

    def upload(self, array: np.ndarray) -> None:
        if self.handle:
            self._free(self.handle)
        placement = self.backend.upload(array)
        batch = self._batch()
        self.handle += 1
        batch.buffers = [(self.handle, array.nbytes, None, placement)]
        batch.sync = True
        self.backend.submit(batch)

    def download(self, nbytes: int) -> np.ndarray:
        return self.backend.channel.download(self.handle, nbytes)

    def round_trip(self, x: np.ndarray) -> None:
        batch = self._batch()
        source, target = self.handle + 1, self.handle + 2
        self.handle += 2
        batch.layouts = [(pb.FLOAT64, x.shape, x.strides)]
        batch.scalars = [(pb.FLOAT64, 0, 0)]
        batch.buffers = [(source, x.nbytes, x.tobytes(), None), (target, x.nbytes, None, None)]
        self._instruction(batch, self.add, target, source, 0)
        self._instruction(batch, 0, source)
        batch.observations = [(target, 0, x.nbytes)]
        (result,) = self.backend.submit(batch)
        assert result == x.tobytes()


class Plain:
    def __init__(self, address: DaemonAddress) -> None:
        self.client = client_of(address)
        self.options = call_options(address)

    def upload(self, array: np.ndarray) -> None:
        content = array.view(np.uint8)
        descriptor = flight.FlightDescriptor.for_command(str(len(content)).encode())
        writer, _ = self.client.do_put(descriptor, SCHEMA, self.options)
        for at in range(0, len(content), CHUNK):
            piece = content[at : at + CHUNK]
            column = pa.Array.from_buffers(pa.uint8(), len(piece), [None, pa.py_buffer(piece)])
            writer.write_batch(pa.record_batch([column], schema=SCHEMA))
        writer.close()

    def download(self, nbytes: int) -> np.ndarray:
        target = np.empty(nbytes, np.uint8)
        done = 0
        for chunk in self.client.do_get(flight.Ticket(b""), self.options):
            column = chunk.data.column(0)
            target[done : done + len(column)] = np.frombuffer(column.buffers()[1], np.uint8, len(column))
            done += len(column)
        return target


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=1.0, metavar="N", help="size of the array (default: 1)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each, in turn (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    arguments = parser.parse_args()
    os.environ.pop("MANIPLE_URL", None)
    array = np.arange(int(arguments.gigabytes * 1e9 / 8), dtype=np.float64)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "trial"
        daemon, address = start_daemon(folder, 3 * array.nbytes + (1 << 30))
        plain = subprocess.Popen([sys.executable, "-c", PLAIN, str(folder)], stdout=subprocess.PIPE, text=True)
        try:
            assert plain.stdout is not None
            port = int(plain.stdout.readline())
            ours = Maniple(address)
            peer = Plain(DaemonAddress("localhost", port, True, address.token, address.ca))
            times: dict[str, list[float]] = {}
            for repeat in range(arguments.repeats + 1):
                for engine, what in (("maniple", ours), ("plain Flight", peer)):
                    for action, call in (
                        ("upload", lambda what=what: what.upload(array)),
                        ("download", lambda what=what: check(what.download(array.nbytes), array)),
                    ):
                        taken = seconds(call)
                        if repeat:
                            times.setdefault(f"{action} {engine}", []).append(taken)
            small = np.arange(1000.0)
            trips = [seconds(lambda: ours.round_trip(small)) for _ in range(300)][100:]
            ours.backend.close()
        finally:
            plain.kill()
            plain.wait()
            daemon.terminate()
            daemon.wait(20)
    figures = {name: array.nbytes / statistics.median(own) / 1e9 for name, own in times.items()}
    print(f"{arguments.gigabytes:g} GB of float64 over TLS, {arguments.repeats} times in turn, medians")
    for action in ("upload", "download"):
        own, other = figures[f"{action} maniple"], figures[f"{action} plain Flight"]
        print(f"{action:9} Maniple {own:.2f} GB/s, plain Flight {other:.2f} GB/s, ratio {own / other:.2f}")
    figures["round trip ms"] = 1e3 * statistics.median(trips)
    print(f"round trip of a small batch: {figures['round trip ms']:.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


def check(received: np.ndarray, sent: np.ndarray) -> None:
    assert received[-8:].view(np.float64)[0] == sent[-1]


if __name__ == "__main__":
    main()
