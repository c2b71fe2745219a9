"""What a file in Chrome's trace event format has to be, for Perfetto and Chrome's tracing page to show it."""

import json
from pathlib import Path
from typing import Any

_ROUNDING = 0.002
"""Microseconds that an event may stick out of the one around it: times have three digits."""


def read(file: Path) -> list[dict[str, Any]]:
    """Return the events of a file after checking its form."""
    return checked(json.loads(file.read_text()))


def checked(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events after checking fields, names of processes, and that events nest."""
    events: list[dict[str, Any]] = trace["traceEvents"]
    assert trace["displayTimeUnit"] in ("ms", "ns")
    lanes: dict[tuple[int, int], list[dict[str, Any]]] = {}
    named = set()
    for event in events:
        assert {"ph", "name", "pid", "tid"} <= event.keys(), event
        assert isinstance(event["pid"], int), event
        assert isinstance(event["tid"], int), event
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name"), event
            assert event["args"]["name"], event
            named.add((event["name"], event["pid"]))
            continue
        assert event["ph"] == "X", event
        assert event["name"], event
        assert event["cat"], event
        assert isinstance(event["ts"], (int, float)), event
        assert event["dur"] >= 0, event
        lanes.setdefault((event["pid"], event["tid"]), []).append(event)
    for (pid, _), lane in lanes.items():
        assert ("process_name", pid) in named
        _nest(lane)
    return events


def _nest(lane: list[dict[str, Any]]) -> None:
    """Of two events that meet, one lies within the other: the format draws them on each other."""
    around: list[float] = []
    for event in sorted(lane, key=lambda e: (e["ts"], -e["dur"])):
        end = event["ts"] + event["dur"]
        while around and around[-1] <= event["ts"] + _ROUNDING:
            around.pop()
        assert not around or end <= around[-1] + _ROUNDING, event
        around.append(end)


def of(events: list[dict[str, Any]], *categories: str) -> list[dict[str, Any]]:
    return [event for event in events if event.get("cat") in categories]
