"""Spans of a real daemon, sent to a collector of the test's own; collectors that are slow, dead or absent hold nothing up."""

import gzip
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemons import Daemon, daemon

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

PROGRAM = """
import numpy as np
a = np.ones(200_000) + 1
print(float(np.sqrt(a * 2).sum()))
"""


def fields(message: bytes) -> list[tuple[int, Any]]:
    """A protobuf message's fields: numbers of varints and fixed ones, bytes of the others."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        match key & 7:
            case 0:
                found.append((key >> 3, varint()))
            case 1 | 5 as kind:
                size = 8 if kind == 1 else 4
                found.append((key >> 3, int.from_bytes(message[at : at + size], "little")))
                at += size
            case 2:
                size = varint()
                found.append((key >> 3, message[at : at + size]))
                at += size
    return found


def only(message: bytes, number: int) -> list[Any]:
    return [value for field, value in fields(message) if field == number]


def attributes(message: bytes, number: int) -> dict[str, Any]:
    pairs = {}
    for pair in only(message, number):
        ((_, value),) = fields(only(pair, 2)[0])
        pairs[only(pair, 1)[0].decode()] = value.decode() if isinstance(value, bytes) else value
    return pairs


class Collector:
    """Takes spans (opentelemetry-proto's trace.proto), or takes connections and never answers."""

    def __init__(self, stuck: bool = False) -> None:
        self.spans: list[dict[str, Any]] = []
        self.requests = 0
        self.open = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.requests += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if stuck:
                    outer.open.wait(60)
                    return
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                outer.take(body, self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, body: bytes, path: str) -> None:
        assert path == "/v1/traces"
        for resource in only(body, 1):
            about = attributes(only(resource, 1)[0], 1)
            for scope in only(resource, 2):
                for span in only(scope, 2):
                    found = dict(fields(span))
                    self.spans.append(
                        {
                            "trace": found[1].hex(),
                            "id": found[2].hex(),
                            "parent": found.get(4, b"").hex(),
                            "name": found[5].decode(),
                            "begin": found[7],
                            "end": found[8],
                            "attributes": attributes(span, 9),
                            "service": about["service.name"],
                        }
                    )

    def named(self, beginning: str) -> list[dict[str, Any]]:
        return [span for span in list(self.spans) if span["name"].startswith(beginning)]

    def close(self) -> None:
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def collector(stuck: bool = False) -> Iterator[Collector]:
    made = Collector(stuck)
    try:
        yield made
    finally:
        made.close()


def test_a_programs_trace_goes_on_in_the_daemon(tmp_path: Path) -> None:
    with collector() as taken:
        with daemon(tmp_path / "trial", "--otlp-endpoint", taken.url, "--otlp-sampling", "0") as running:
            program = tmp_path / "program.py"
            program.write_text(PROGRAM)
            begin = time.time_ns()
            running.run(
                f"exec(compile(open({str(program)!r}).read(), {str(program)!r}, 'exec'))",
                TRACEPARENT=f"00-{TRACE}-{PARENT}-01",
            )
            running.run(PROGRAM, TRACEPARENT="")
            running.run(PROGRAM, TRACEPARENT="nonsense")
            end = time.time_ns()
        # It sends what waits before it ends. Of the others none was sampled.
        (session,) = taken.named("maniple.session")
        assert (session["trace"], session["parent"]) == (TRACE, PARENT)
        assert {span["trace"] for span in taken.spans} == {TRACE}
        assert {span["service"] for span in taken.spans} == {"maniple"}
        assert session["attributes"]["user.name"] == "default"
        batches = {span["id"]: span for span in taken.named("maniple.batch")}
        assert batches
        assert all(batch["parent"] == session["id"] for batch in batches.values())
        plans = taken.named("maniple.plan")
        kernels = taken.named("maniple.kernel ")
        assert len(plans) == len(batches)
        assert any("sqrt" in kernel["name"] for kernel in kernels)
        for span in plans + kernels:
            batch = batches[span["parent"]]
            assert batch["begin"] <= span["begin"] <= span["end"] <= batch["end"]
        for kernel in kernels:
            assert kernel["attributes"]["code.file.path"] == str(program)
            assert kernel["attributes"]["code.line.number"] in (3, 4)
            assert kernel["attributes"]["maniple.kernel.bytes_read"] >= 0
        assert all(begin <= span["begin"] <= span["end"] <= end for span in taken.spans)


TIMED = """
import numpy as np, time
a = np.ones(100_000)
float((a + 1).sum())
times = []
for k in range(200):
    start = time.perf_counter()
    float((a * k).sum())
    times.append(time.perf_counter() - start)
print(sorted(times)[100])
"""


def test_a_dead_collector_holds_nothing_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    with collector(stuck=True) as stuck:
        for number, url in enumerate((f"http://127.0.0.1:{nobody}", stuck.url)):
            running = Daemon(tmp_path / f"trial{number}", "--otlp-endpoint", url).start()
            try:
                assert float(running.run(TIMED)) < 0.1
                assert "No spans" not in running.log()
            finally:
                begin = time.monotonic()
                running.stop()
            assert time.monotonic() - begin < 15
        assert stuck.requests > 0
