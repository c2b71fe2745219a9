"""When what ran: a file for Perfetto and Chrome's tracing page, with the user's file and line.

The format is Chrome's trace event format: complete events, in microseconds from the program's
start. Process 1 is the program itself (what NumPy computed, what it waited for, what it sent and
fetched), process 2 the server (batches, and in them their plans and kernels).
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

active = False
"""Whether anything is noted. Callers look before they call."""

_CLIENT = 1
_MOST_EVENTS = 200_000

_events: list[dict[str, Any]] = []
_left_out = 0
_started = 0
_servers: list[dict[str, Any]] = []
"""Events of servers that the program has left, in its own time."""

_watched: list[tuple[Any, int]] = []
"""The backend whose session keeps a timeline, and the last of its events before this beginning."""


def start() -> None:
    """Begin to note what happens."""
    global active, _started, _left_out
    _events.clear()
    _servers.clear()
    _left_out = 0
    _started = time.time_ns()
    active = True


def begin_at(backend: Any) -> bool:
    """Leave out what has been noted of a backend so far; False where its session notes nothing."""
    for watched, after in _watched:
        if watched is backend:
            _watched[:] = [(backend, _last(backend, after))]
            return True
    return False


def _last(backend: Any, after: int) -> int:
    while True:
        reply = backend.timeline(after)
        after = max(after, reply.last)
        if reply.status != 0 or not reply.more:
            return after


def add(name: str, category: str, begin: int, end: int, **arguments: Any) -> None:
    """Note something of this thread's between two moments (`time.time_ns()`)."""
    global _left_out
    if len(_events) >= _MOST_EVENTS:
        _left_out += 1
        return
    _events.append(
        {
            "ph": "X",
            "name": name,
            "cat": category,
            "pid": _CLIENT,
            "tid": threading.get_native_id(),
            "ts": (begin - _started) / 1e3,
            "dur": (end - begin) / 1e3,
            "args": arguments,
        }
    )


def watch(backend: Any) -> Any:
    """Note what the program waits for at a backend, and what ran there before it is closed."""
    if active and backend is not None and hasattr(backend, "timeline"):
        for name, category, text in (
            ("submit", "wait", _batch_text),
            ("upload", "transfer", lambda memory: f"send {memory.nbytes:,} bytes"),
        ):
            setattr(backend, name, _noted(getattr(backend, name), category, text))
        backend.close = _collected(backend, backend.close)
        _watched[:] = [(backend, 0)]
    return backend


def _batch_text(batch: Any) -> str:
    if batch.observations:
        return f"wait for batch {batch.number}"
    return (
        f"wait until batch {batch.number} is done" if batch.sync else f"send batch {batch.number}"
    )


def _noted(
    function: Callable[..., Any], category: str, text: Callable[[Any], str]
) -> Callable[..., Any]:
    from maniple._recorder import caller

    @functools.wraps(function)
    def noted(argument: Any) -> Any:
        if not active:
            return function(argument)
        name = text(argument)
        begin = time.time_ns()
        try:
            return function(argument)
        finally:
            add(name, category, begin, time.time_ns(), source=caller())

    return noted


def _collected(backend: Any, close: Callable[[], None]) -> Callable[[], None]:
    @functools.wraps(close)
    def collected() -> None:
        if active:
            _servers.extend(_fetch(backend))
        close()

    return collected


def _fetch(backend: Any) -> list[dict[str, Any]]:
    """Return what the backend has noted, in the program's time; nothing where it is lost."""
    from maniple._backend import BackendError, BackendLost
    from maniple._errors import ServerError

    global _left_out
    events: list[dict[str, Any]] = []
    first = after = next((after for watched, after in _watched if watched is backend), 0)
    while True:
        begin = time.time_ns()
        try:
            reply = backend.timeline(after)
        except (BackendError, BackendLost, ServerError):
            return events
        end = time.time_ns()
        if reply.status != 0 or not reply.events:
            return events
        # Clocks of two machines differ; of one that differs by less than the answer took nothing
        # is known.
        difference = reply.now - (begin + end) // 2
        if 2 * abs(difference) <= end - begin:
            difference = 0
        shift = (reply.origin - difference - _started) / 1e3
        for event in json.loads(reply.events):
            if event["ph"] == "M":
                if after == first:
                    events.append(event)
            else:
                event["ts"] = round(event["ts"] + shift, 3)
                events.append(event)
        _left_out += reply.left_out if after == first == 0 else 0
        after = reply.last
        if not reply.more:
            return events


def writable(path: str) -> str:
    """Return why a file cannot be written there, or an empty string."""
    try:
        with open(path, "a", encoding="utf-8"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def write(path: str) -> None:
    """Fetch what the server has noted, and write all of it."""
    global active
    from maniple import __maniple_version__
    from maniple._recorder import stream

    backend = stream.started_backend
    if backend is not None and hasattr(backend, "timeline"):
        _servers.extend(_fetch(backend))
    active = False
    metadata = [
        _metadata("process_name", "program " + " ".join(sys.argv)[:200], 0),
        *(
            _metadata("thread_name", "main" if tid == os.getpid() else f"thread {tid}", tid)
            for tid in sorted({event["tid"] for event in _events})
        ),
    ]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(
            {
                "displayTimeUnit": "ms",
                "otherData": {
                    "version": __maniple_version__,
                    "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_started / 1e9)),
                    "left_out": _left_out,
                },
                "traceEvents": [*metadata, *_events, *_servers],
            },
            file,
        )
    if _left_out:
        print(
            f"maniple: the timeline in {path} is not complete: {_left_out:,} entries, the first of "
            "the server's or the last of the program's, were more than are kept",
            file=sys.stderr,
        )


def _metadata(what: str, name: str, thread: int) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": _CLIENT, "tid": thread, "args": {"name": name}}
