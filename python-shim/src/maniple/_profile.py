"""What ran where: counters by function and by line of the user's program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from maniple import _timeline

active = False
"""Whether anything is counted. Callers look before they call."""

reporting = False
"""Whether a daemon is told what NumPy computes in its place. Callers look before they call."""

_REPORT_SECONDS = 0.5
_MOST_UNREPORTED = 1_000


class Row:
    """Counts of one (function, source line, place, reason)."""

    __slots__ = ("calls", "elements", "seconds")

    def __init__(self) -> None:
        self.calls = 0
        self.elements = 0
        self.seconds = 0.0


_rows: dict[tuple[str, str, str, str], Row] = {}
_unreported: dict[tuple[str, str], tuple[str, Row]] = {}
_reported = 0.0
_started = 0.0


def start() -> None:
    global active, _started
    _rows.clear()
    _started = time.perf_counter()
    active = True


def stop() -> None:
    global active
    active = False


def begin_reporting() -> None:
    """From now on keep what is to be told to a daemon."""
    global reporting
    _unreported.clear()
    reporting = True


def take_unreported(*, all_of_them: bool) -> list[tuple[tuple[str, str, str, str], Row]]:
    """Return calls that NumPy computed since the last time; nothing too soon after that."""
    global _reported
    if not _unreported:
        return []
    now = time.monotonic()
    if not all_of_them and now - _reported < _REPORT_SECONDS:
        return []
    _reported = now
    taken = dict(_unreported)
    _unreported.clear()
    return [
        ((function, source, "fallback", reason), row)
        for (function, reason), (source, row) in taken.items()
    ]


def fallback(function: Any, reason: str, elements: int, seconds: float) -> None:
    """Keep one call that NumPy computed, for the daemon."""
    key = (function if isinstance(function, str) else _name(function), reason)
    entry = _unreported.get(key)
    if entry is None:
        if len(_unreported) >= _MOST_UNREPORTED:
            return
        from maniple._recorder import caller

        entry = _unreported[key] = (caller(), Row())
    row = entry[1]
    row.calls += 1
    row.elements += elements
    row.seconds += seconds


def count(function: Any, place: str, reason: str, elements: int, seconds: float = 0.0) -> None:
    """Add one call; `place` is "deferred", "host" or "fallback"."""
    from maniple._recorder import caller

    name = function if isinstance(function, str) else _name(function)
    key = (name, caller(), place, reason)
    row = _rows.get(key)
    if row is None:
        row = _rows[key] = Row()
    row.calls += 1
    row.elements += elements
    row.seconds += seconds


def _name(function: Any) -> str:
    name = str(getattr(function, "__qualname__", None) or getattr(function, "__name__", "?"))
    module: str = getattr(function, "__module__", None) or ""
    if module.startswith("numpy.") and "_" not in module and "." not in name:
        return f"{module.removeprefix('numpy.')}.{name}"
    return str(name).removeprefix("_")


class timed:
    """Context in which NumPy computes: counted with its time."""

    def __init__(self, function: Any, place: str, reason: str, arrays: Iterable[Any]) -> None:
        self._key = function, place, reason, max((a._size for a in arrays), default=0)

    def __enter__(self) -> None:
        self._begin = time.time_ns() if _timeline.active else time.perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        function, place, reason, elements = self._key
        end = time.time_ns() if _timeline.active else time.perf_counter_ns()
        seconds = max(0, end - self._begin) / 1e9
        if _timeline.active:
            self._note(end)
        if active:
            count(function, place, reason, elements, seconds)
        if reporting and place == "fallback":
            fallback(function, reason, elements, seconds)

    def _note(self, end: int) -> None:
        from maniple._recorder import caller

        function, place, reason, elements = self._key
        name = function if isinstance(function, str) else _name(function)
        _timeline.add(
            name, place, self._begin, end, source=caller(), elements=elements, reason=reason
        )


def rows() -> list[dict[str, Any]]:
    return [
        {
            "function": function,
            "source": source,
            "where": place,
            "reason": reason,
            "calls": row.calls,
            "elements": row.elements,
            "seconds": row.seconds,
        }
        for (function, source, place, reason), row in _rows.items()
    ]


def report() -> str:
    """Return a readable table."""
    total = time.perf_counter() - _started
    table = rows()
    lines = ["", "Maniple profile", ""]
    lines += _section("function", _grouped(table, ("function", "where", "reason")))
    lines += [""]
    lines += _section("line", _grouped(table, ("source", "where", "reason")))
    lines += _server_section()
    places = {p: [r for r in table if r["where"] == p] for p in ("deferred", "host", "fallback")}
    elements = sum(r["elements"] for r in table)
    lines += [""]
    for place, group in places.items():
        share = 100 * sum(r["elements"] for r in group) / elements if elements else 0.0
        lines.append(
            f"{place:<9}{sum(r['calls'] for r in group):>10,} operations"
            f"{sum(r['elements'] for r in group):>20,} elements{share:>8.1f} %"
            f"{sum(r['seconds'] for r in group):>10.3f} s"
        )
    lines.append(f"total time {total:.3f} s")
    return "\n".join(lines) + "\n"


def server_rows() -> list[dict[str, Any]]:
    """What the server measured: calls, elements and time by source line and operation."""
    from maniple._recorder import stream

    profile = getattr(stream.started_backend, "profile", None)
    if profile is None:
        return []
    return [
        {
            "source": row.source,
            "operation": row.operation,
            "device": row.device or "cpu",
            "calls": row.calls,
            "elements": row.elements,
            "seconds": row.nanoseconds / 1e9,
        }
        for row in profile().rows
    ]


def device() -> dict[str, Any]:
    """What the server has done on a GPU; empty where none is used and none was asked for."""
    from maniple._recorder import stream

    profile = getattr(stream.started_backend, "profile", None)
    reply = None if profile is None else profile()
    if reply is None or not reply.HasField("device"):
        return {}
    use = reply.device
    return {
        "name": use.name,
        "kernels": use.kernels,
        "steps": use.steps,
        "host_steps": use.host_steps,
        "bytes_to_device": use.bytes_to_device,
        "bytes_to_host": use.bytes_to_host,
        "evictions": use.evictions,
        "failure": use.failure,
    }


def spilled() -> int:
    """Most bytes that the session had on disk for want of memory."""
    from maniple._recorder import stream

    profile = getattr(stream.started_backend, "profile", None)
    return 0 if profile is None else int(profile().peak_spilled_bytes)


def _server_section() -> list[str]:
    used = device()
    header = f"{'server time by line':<40} {'operation':<20}{'calls':>9}{'elements':>18}{'s':>9}"
    lines = ["", header + ("  on" if used else ""), "-" * len(header)]
    for row in sorted(server_rows(), key=lambda r: -r["seconds"]):
        lines.append(
            f"{_shorten(row['source']):<40} {row['operation']:<20}{row['calls']:>9,}"
            f"{row['elements']:>18,}{row['seconds']:>9.3f}" + (f"  {row['device']}" if used else "")
        )
    lines = lines if len(lines) > 3 else []
    if most := spilled():
        lines += ["", f"memory was too small: up to {most:,} bytes of arrays were on disk"]
    if used.get("failure"):
        lines += ["", f"no GPU: {used['failure']}"]
    if used.get("name"):
        lines += [
            "",
            f"{used['name']}: {used['steps']:,} steps in {used['kernels']:,} kernels, "
            f"{used['host_steps']:,} steps on the processor; "
            f"{used['bytes_to_device']:,} bytes there, {used['bytes_to_host']:,} bytes back, "
            f"{used['evictions']:,} arrays evicted",
        ]
    return lines


def _grouped(table: list[dict[str, Any]], keys: tuple[str, ...]) -> list[tuple[Any, ...]]:
    groups: dict[tuple[str, ...], list[float]] = {}
    for row in table:
        sums = groups.setdefault(tuple(row[k] for k in keys), [0, 0, 0.0])
        sums[0] += row["calls"]
        sums[1] += row["elements"]
        sums[2] += row["seconds"]
    return sorted(((k, *v) for k, v in groups.items()), key=lambda r: -r[2])


def _section(title: str, groups: list[tuple[Any, ...]]) -> list[str]:
    header = f"{title:<40} {'where':<9}{'calls':>9}{'elements':>18}{'host s':>9}  reason"
    lines = [header, "-" * len(header)]
    for (name, place, reason), calls, elements, seconds in groups:
        text = _shorten(name)
        lines.append(
            f"{text:<40} {place:<9}{calls:>9,}{elements:>18,}{seconds:>9.3f}  {reason}".rstrip()
        )
    return lines


def _shorten(name: str) -> str:
    if os.sep in name:
        name = os.path.relpath(name) if name.startswith(os.getcwd() + os.sep) else name
    return name if len(name) <= 40 else "…" + name[-39:]


def write_json(path: str) -> None:
    import json

    with open(path, "w", encoding="utf-8") as file:
        json.dump(
            {
                "seconds": time.perf_counter() - _started,
                "rows": rows(),
                "server": server_rows(),
                "device": device(),
                "spilled_bytes": spilled(),
            },
            file,
            indent=1,
        )


def print_report() -> None:
    print(report(), file=sys.stderr, end="")
